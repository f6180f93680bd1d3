"""What the objects of a workload are checked against."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eks_constructs.manifests import KubernetesObject
from safe_io.where import Where
from stacks.objects.known_names import KnownNames
from stacks.placement.kinds import Placement

Found = Iterator[tuple[Where, str]]
"""Ways to keys of an object, and what is wrong there."""

ANNOTATIONS: Where = ("metadata", "annotations")


@dataclass(frozen=True)
class Setting:
    """What surrounds the objects of one workload."""

    placement: Placement
    known: KnownNames
    scheme: str
    """Of its load balancers."""
    scheme_key: str
    """Its key in the environment file."""
    service_account: str | None
    """The one whose role this project makes."""
    irsa: bool
    """Whether IAM trusts the cluster's tokens."""
    ipv6: bool
    """Whether pods have IPv6 addresses."""
    isolated: bool
    """Whether the network has no way to the internet."""
    tags: Mapping[str, str]
    """Of what controllers make."""
    objects: Sequence[KubernetesObject] = ()
    """All of the workload."""

    @property
    def elsewhere(self) -> str:
        """Advice for a name that something else provides."""
        return "If something else provides it, add it to the cluster's provided_elsewhere"
