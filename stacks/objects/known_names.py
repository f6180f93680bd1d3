"""What a cluster's workloads may refer to: API groups that are served, and classes that exist."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.manifests import KubernetesObject
from eks_facts.addons import drivers_of
from eks_facts.cluster_apis import group_of
from eks_facts.files import load
from stacks.environment.cluster_spec import ClusterSpec

_CLASSES = (
    *("DeviceClass", "GatewayClass", "IngressClass", "PriorityClass", "RuntimeClass", "StorageClass"),
    *("VolumeAttributesClass", "VolumeSnapshotClass"),
)


@dataclass(frozen=True)
class KnownNames:
    """The kinds and classes in a cluster, besides what a placement fills in."""

    served: frozenset[str]
    """API groups that Kubernetes, EKS and what this project installs serve."""
    groups: frozenset[str]
    """Those, and the ones of workloads' own API servers."""
    kinds: Mapping[tuple[str, str], str]
    """Scopes (Cluster, Namespaced) of custom kinds that workloads define, by group and kind."""
    classes: Mapping[tuple[str, str], KubernetesObject]
    """Classes that workloads define, by kind and name."""
    taken: frozenset[tuple[str, str]]
    """Kinds and names of what this project makes for the cluster as a whole."""
    provided: frozenset[str]
    """`provided_elsewhere` of the environment file, and the CSI drivers of add-ons."""

    def serves(self, group: str, kind: str) -> bool:
        """Returns whether the API server takes objects of a kind."""
        return group in self.groups or (group, kind) in self.kinds or self.is_provided(group)

    def is_provided(self, name: str) -> bool:
        """Returns whether something else provides a class, a driver or an API group; istio.io is networking.istio.io, too."""
        return name in self.provided or any(name.endswith(f".{one}") for one in self.provided)

    def has(self, kind: str, name: str, own: Collection[str] = ()) -> bool:
        """Returns whether there is a class: ``own`` of the placement, of a workload, or of something else."""
        built_in = load("cluster_apis")["kubernetes"]["names"].get(kind, [])
        return name in own or name in built_in or (kind, name) in self.classes or self.is_provided(name)


def known_names(cluster: ClusterSpec, objects: Iterable[KubernetesObject], brought: Collection[str]) -> KnownNames:
    """Returns the known names of a cluster.

    Args:
        cluster: its spec.
        objects: of all its workloads, as their authors wrote them.
        brought: controllers that its workloads need and this project installs: names of eks_facts/data/cluster_apis.yaml.
    """
    apis = load("cluster_apis")
    own = [addon.name for addon in cluster.planned_addons()]
    there = set(own) | set(brought)
    there |= {name for kind, section in cluster.compute.active() for name in kind.api_groups(section)}
    groups = {*apis["kubernetes"]["groups"], *apis["eks"]["groups"]}
    groups |= {group for name in there & set(apis["by"]) for group in apis["by"][name]["groups"]}
    found = _brought(objects)
    return KnownNames(
        frozenset(groups),
        frozenset(groups | found.groups),
        found.kinds,
        found.classes,
        frozenset(_taken(cluster, brought)),
        cluster.provided | {driver for name in own for driver in drivers_of(name)} | set(_device_classes(cluster)),
    )


def _device_classes(cluster: ClusterSpec) -> Iterator[str]:
    """Yields the classes of devices that the drivers of some nodes make."""
    minor = int(cluster.control_plane.kubernetes_version.split(".")[1])
    for kind, section in cluster.compute.active():
        for _, nodes in kind.nodes(section):
            yield from (name for name, since in nodes.device_classes.items() if since <= minor)


def _taken(cluster: ClusterSpec, brought: Collection[str]) -> Iterator[tuple[str, str]]:
    """Where they are made: the folders of the kinds of compute, stacks/controllers.py."""
    context = ClusterContext(
        cluster.name,
        cluster.control_plane.kubernetes_version,
        addons=frozenset(addon.name for addon in cluster.planned_addons()),
    )
    for kind, section in cluster.compute.active():
        yield from kind.names(section, context)
    if "load_balancer_controller" in brought:
        yield from (("IngressClass", "alb"), ("IngressClassParams", "alb"))


def uses(objects: Collection[KubernetesObject], others: Iterable[KubernetesObject]) -> bool:
    """Returns whether ``objects`` use kinds or classes that ``others`` define, which must be applied first."""
    found = _brought(others)
    if any(group_of(one) in found.groups or (group_of(one), one["kind"]) in found.kinds for one in objects):
        return True
    return not {name for _, name in found.classes}.isdisjoint(_texts(list(objects)))


@dataclass
class _Brought:
    groups: set[str] = field(default_factory=set)
    kinds: dict[tuple[str, str], str] = field(default_factory=dict)
    classes: dict[tuple[str, str], KubernetesObject] = field(default_factory=dict)


def _brought(objects: Iterable[KubernetesObject]) -> _Brought:
    found = _Brought()
    for item in objects:
        kind, spec = kind_of(item), item.get("spec") or {}
        if kind == "CustomResourceDefinition":
            key = str(spec.get("group")), str((spec.get("names") or {}).get("kind"))
            found.kinds[key] = str(spec.get("scope"))
        if kind == "APIService":  # another server's groups, such as custom.metrics.k8s.io
            found.groups.add(str(spec.get("group")))
        if kind in _CLASSES:
            found.classes[kind, item["metadata"]["name"]] = item
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
