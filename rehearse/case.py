"""What is rehearsed: a cluster's version, its compute and its objects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local_kubernetes.nodes.compute import Compute

Object = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """An object, and where it comes from.

    Attributes:
        item: the object.
        where: file and line, or the cluster.
    """

    item: Object
    where: str

    @property
    def name(self) -> str:
        """Kind, namespace and name: ``Deployment shop/web``."""
        metadata = self.item.get("metadata") or {}
        place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        return f"{self.item.get('kind', 'object')} {place}{metadata.get('name', '?')}"


def owner_of(item: Object) -> Object | None:
    """Returns the reference to what an object is made from; None: it is made from nothing."""
    owners: list[Object] = item.get("metadata", {}).get("ownerReferences") or []
    return next((one for one in owners if one.get("controller")), owners[0] if owners else None)


def is_made(item: Object) -> bool:
    """Returns whether Kubernetes' own controllers make an object from another one, as they do in a rehearsal; a Node makes static pods."""
    owner = owner_of(item)
    return owner is not None and (owner["apiVersion"].partition("/")[0] in ("apps", "batch") or owner["kind"] == "Node")


@dataclass(frozen=True)
class Case:
    """One cluster.

    Attributes:
        name: of the cluster.
        source: what was read, in words.
        compute: what EKS was asked for.
        objects: in any order.
        nodes: Node objects of a running cluster: they are taken as they are. Empty: they are made from ``compute``.
        unknown: what was not read, in sentences.
    """

    name: str
    source: str
    compute: Compute
    objects: Sequence[Given]
    nodes: Sequence[Object] = ()
    unknown: Sequence[str] = field(default_factory=tuple)

    @property
    def version(self) -> str:
        """The version that runs today."""
        return self.compute.version
