"""What the objects of a cluster's workloads may refer to: API groups that are served, classes that somebody makes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eks_constructs.catalog import load
from eks_constructs.manifests import KubernetesObject
from stacks.cluster_spec import ClusterSpec

_CLASSES = (
    *("DeviceClass", "GatewayClass", "IngressClass", "PriorityClass", "RuntimeClass", "StorageClass"),
    *("VolumeAttributesClass", "VolumeSnapshotClass"),
)


@dataclass(frozen=True)
class KnownNames:
    """What is there in a cluster, besides what a placement fills in."""

    groups: frozenset[str]
    """API groups that are served."""
    kinds: frozenset[tuple[str, str]]
    """Groups and kinds that resource definitions of workloads bring."""
    classes: Mapping[tuple[str, str], KubernetesObject]
    """Classes that workloads bring, by kind and name."""
    provided: frozenset[str]
    """What the environment file says that something else brings."""

    def serves(self, group: str, kind: str) -> bool:
        """Tells whether the API server takes objects of a kind."""
        return group in self.groups or (group, kind) in self.kinds or self.is_provided(group)

    def is_provided(self, name: str) -> bool:
        """Tells whether something else brings a class, a driver or an API group; istio.io is networking.istio.io, too."""
        return name in self.provided or any(name.endswith(f".{one}") for one in self.provided)

    def has(self, kind: str, name: str, own: Collection[str] = ()) -> bool:
        """Tells whether there is a class: ``own`` of the placement, of a workload, or of something else."""
        built_in = load("cluster_apis")["kubernetes"]["names"].get(kind, [])
        return name in own or name in built_in or (kind, name) in self.classes or self.is_provided(name)


def known_names(cluster: ClusterSpec, objects: Iterable[KubernetesObject], brought: Collection[str]) -> KnownNames:
    """Returns what there is in a cluster.

    Args:
        cluster: its spec.
        objects: of all its workloads, as their authors wrote them.
        brought: controllers that its workloads need and this project installs: names of catalog/cluster_apis.yaml.
    """
    apis = load("cluster_apis")
    auto = cluster.compute.active_auto_mode
    there = {addon.name for addon in cluster.planned_addons()} | set(brought)
    there |= {name for name, on in (("auto_mode", auto), ("karpenter", cluster.compute.karpenter)) if on}
    there |= {"gateway_api"} if auto and auto.gateway_api else set()
    groups = {*apis["kubernetes"]["groups"], *apis["eks"]["groups"]}
    groups |= {group for name in there & set(apis["by"]) for group in apis["by"][name]["groups"]}
    kinds: set[tuple[str, str]] = set()
    classes: dict[tuple[str, str], KubernetesObject] = {}
    for item in objects:
        if item["kind"] == "CustomResourceDefinition":
            spec: Any = item.get("spec") or {}
            kinds.add((str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))
        if item["kind"] == "APIService":  # another server's groups, such as custom.metrics.k8s.io
            groups.add(str((item.get("spec") or {}).get("group")))
        if item["kind"] in _CLASSES:
            classes[item["kind"], item["metadata"]["name"]] = item
    return KnownNames(frozenset(groups), frozenset(kinds), classes, frozenset(cluster.provided_elsewhere))
