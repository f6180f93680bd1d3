"""What a service does with a change that CloudFormation's schemas call an update without interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.network import subnets_at
from responsibility.reading.resource import Resource, UnknownValue
from responsibility.reading.values import has_gap
from responsibility.review.difference import is_unknown, same
from responsibility.review.replacement import PropertyPath, value_at


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that is on both sides and is not replaced, and its evidence."""

    before: Resource
    after: Resource
    facts_before: Facts
    facts_after: Facts

    def values(self, *path: str) -> tuple[Any, Any]:
        """Returns a property on both sides; None = it is not there."""
        where: PropertyPath = path
        return value_at(self.before.properties, where), value_at(self.after.properties, where)

    def differs(self, *path: str) -> bool:
        """Whether a property is another one, and known on both sides."""
        old, new = self.values(*path)
        return not (is_unknown(old) or is_unknown(new) or same(old, new))


def notes(change: Change) -> Iterator[str]:
    """Yields what the service makes of the change, each with the property that it is about."""
    for find in _OF_TYPE.get(change.after.type, ()):
        yield from find(change)


def _zones(change: Change) -> Iterator[str]:
    """A cluster keeps the AZs that it was made with.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html.
    EKS's words: "they should belong to the exact set of AZs".
    """
    path = "ResourcesVpcConfig.SubnetIds"
    old, new = change.values("ResourcesVpcConfig", "SubnetIds")
    if same(old, new, ordered=False):
        return
    try:
        was, is_now = _zones_of(change.before, change.facts_before), _zones_of(change.after, change.facts_after)
    except UnknownValue:
        yield f"{path} (EKS refuses subnets of other AZs than the cluster was made with; here their AZs are not known)"
        return
    if was != is_now:
        yield (
            f"{path} (in {', '.join(sorted(is_now))}, and the cluster was made with {', '.join(sorted(was))}:"
            " EKS refuses any other set of AZs, the deploy fails)"
        )


def _zones_of(resource: Resource, facts: Facts) -> set[str]:
    """Returns the AZs of a cluster's subnets. Raises UnknownValue."""
    cluster = facts.get(Cluster, resource.key)
    if not isinstance(cluster, Cluster):
        raise UnknownValue(resource.evidence(""), "it is not read as a cluster")
    zones = {subnet.zone for subnet in subnets_at(cluster, "ResourcesVpcConfig.SubnetIds")}
    if not all(zones) or any(has_gap(zone) for zone in zones):
        raise UnknownValue(cluster.at("ResourcesVpcConfig.SubnetIds"), "the AZs of its subnets are not known here")
    return zones


def _version(change: Change) -> Iterator[str]:
    """Source: https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html."""
    if not change.differs("Version"):
        return
    try:
        old, new = (int(str(value).split(".")[1]) for value in change.values("Version"))
    except (IndexError, ValueError):
        return
    if new - old > 1:
        yield f"Version (skips {new - old - 1} minor version(s): EKS goes up one at a time, the deploy fails)"
    elif new < old:
        yield "Version (goes back: EKS takes one version back within 7 days of an upgrade and by its own API, not in a deploy)"


_NO_WAY_BACK: dict[PropertyPath, tuple[str, tuple[Any, ...], str]] = {
    ("AccessConfig", "AuthenticationMode"): (
        "API",
        ("API_AND_CONFIG_MAP", "CONFIG_MAP"),
        "https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html",
    ),
    ("ResourcesVpcConfig", "ControlPlaneEgressMode"): (
        "CUSTOMER_ROUTED",
        ("AWS_MANAGED",),
        "https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html",
    ),
}
"""Settings of a cluster that EKS never takes back: the value, and those that cannot follow it."""


def _no_way_back(change: Change) -> Iterator[str]:
    for path, (value, refused, _source) in _NO_WAY_BACK.items():
        old, new = change.values(*path)
        if old == value and new in refused:
            yield f"{'.'.join(path)} (EKS never takes {value} back: the deploy fails)"


def _desired_size(change: Change) -> Iterator[str]:
    """CloudFormation hands all three sizes over when one changes, and EKS sets the number of nodes to the desired one.

    Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
    """
    old, new = change.values("ScalingConfig", "DesiredSize")
    if new is None or not any(change.differs("ScalingConfig", size) for size in ("MinSize", "MaxSize", "DesiredSize")):
        return
    again = " again" if same(old, new) else ""
    yield (
        f"ScalingConfig.DesiredSize (sets the desired size to {new}{again}: nodes that an autoscaler added since go,"
        " past PodDisruptionBudgets)"
    )


_OF_TYPE: dict[str, tuple[Callable[[Change], Iterator[str]], ...]] = {
    "AWS::EKS::Cluster": (_zones, _version, _no_way_back),
    "AWS::EKS::Nodegroup": (_desired_size,),
}
