"""What the nodes of a cluster offer to pods: labels, processors, devices, disk; and what their taints keep off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eks_constructs.compute.auto_mode.spec import AutoModeSpec
from eks_constructs.compute.devices import count, devices_of_pool
from eks_constructs.compute.karpenter import objects as karpenter_manifests
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec, device_of_group
from eks_constructs.compute.mix import NODE_SELECTORS
from eks_facts.files import load

Toleration = dict[str, str]


@dataclass(frozen=True)
class Nodes:
    """A node group or node pool, as far as placement is concerned."""

    selector: Mapping[str, str]
    """Labels of its nodes, and of no others."""
    architectures: tuple[str, ...]
    """Processors of its nodes: amd64, arm64."""
    taints: tuple[Mapping[str, str], ...] = ()
    devices: Mapping[str, int | None] = field(default_factory=dict)
    """Resources of devices, and how many the largest of its nodes has; None: some, nobody knows how many."""
    disk_gib: float | None = None
    """What pods may use of a node's disk; None: that depends on the instance."""

    @property
    def closing(self) -> list[Mapping[str, str]]:
        """The taints that keep pods off which do not tolerate them."""
        return [taint for taint in self.taints if taint["effect"] != "PreferNoSchedule"]

    @property
    def tolerations(self) -> tuple[Toleration, ...]:
        """What lets a pod in."""
        return tuple(toleration(taint) for taint in self.taints)


def toleration(taint: Mapping[str, str]) -> Toleration:
    """Returns what a pod says to be let in beside a taint."""
    if value := taint.get("value"):
        return {"key": taint["key"], "operator": "Equal", "value": value, "effect": taint["effect"]}
    return {"key": taint["key"], "operator": "Exists", "effect": taint["effect"]}


def auto_mode_pools(auto: AutoModeSpec) -> Iterator[tuple[str, Nodes]]:
    """Yields the node pools of Auto Mode: its own ones, and those of the environment file."""
    built_in = load("compute_kinds")["built_in_node_pools"]
    for name in auto.built_in_node_pools:
        architectures, taints = tuple(built_in[name]["architectures"]), tuple(built_in[name]["taints"])
        yield name, Nodes({"karpenter.sh/nodepool": name}, architectures, taints)
    for pool in auto.node_pools:
        taints = tuple(taint.model_dump() for taint in pool.taints)
        devices = _unnumbered(devices_of_pool(pool, "auto_mode"))
        yield pool.name, Nodes({"karpenter.sh/nodepool": pool.name}, tuple(pool.architectures), taints, devices)


def node_groups(managed: ManagedNodesSpec) -> Iterator[tuple[str, Nodes]]:
    """Yields the managed node groups."""
    families = load("instance_families")["ami_types"]
    for group in managed.groups:
        architecture = "arm64" if families[group.ami_type]["architecture"] == "arm64" else "amd64"
        # EKS spells effects NO_SCHEDULE, Kubernetes NoSchedule.
        taints = tuple(
            {**taint.model_dump(), "effect": taint.effect.title().replace("_", "")} for taint in group.taints
        )
        selector = {**NODE_SELECTORS["managed_nodes"], **group.labels}
        device = device_of_group(group)
        names = load("devices")["resources"][device] if device else []
        devices = {name: count(name, group.instance_types) for name in names}
        yield group.name, Nodes(selector, (architecture,), taints, devices, _disk(group.volume_gib))


def karpenter_pools(karpenter: KarpenterSpec) -> Iterator[tuple[str, Nodes]]:
    """Yields the node pools of Karpenter."""
    for pool in karpenter.node_pools:
        taints = tuple(taint.model_dump() for taint in pool.taints)
        selector = {**karpenter_manifests.NODES, "karpenter.sh/nodepool": pool.name}
        devices = _unnumbered(devices_of_pool(pool, karpenter.ami.partition("@")[0]))
        yield pool.name, Nodes(selector, tuple(pool.architectures), taints, devices, _disk(karpenter.volume_gib))


def _unnumbered(devices: set[str]) -> dict[str, int | None]:
    return {name: None for device in sorted(devices) for name in load("devices")["resources"][device]}


def _disk(volume_gib: int) -> float:
    kept = load("devices")["disk"]
    return float(volume_gib * (1 - kept["evicted_below"]) - kept["reserved_gib"])
