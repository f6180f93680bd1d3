"""The Node objects of simulated nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_network
from typing import Any

from eks_facts.capacity import InstanceType, Runs, addresses_of_an_interface, allocatable
from eks_facts.node_selection import ARCHITECTURE
from local_kubernetes.nodes.compute import Group, Row, Runner, region_of

COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
GROUP = "eks.amazonaws.com/nodegroup"
POOL = "karpenter.sh/nodepool"
KIND = "local-kubernetes/compute"
"""Label of every simulated node: its kind of compute. A real node has none of this name."""
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
HOST, TYPE = "kubernetes.io/hostname", "node.kubernetes.io/instance-type"
CAPACITY = "karpenter.sh/capacity-type"
_GO = {"x86_64": "amd64", "arm64": "arm64"}
_BUILDS = {"2019": "10.0.17763", "2022": "10.0.20348", "2025": "10.0.26100"}
"""https://kubernetes.io/docs/reference/labels-annotations-taints/#nodekubernetesiowindows-build"""


@dataclass
class Node:
    """A simulated node.

    Attributes:
        name: of the Node object.
        runner: its kind of compute.
        group: name of its managed group, its pool or its Fargate profile.
        zone: where it is.
        version: minor version of its kubelet.
        capacity: what pods may have, as quantities.
        labels: all of them.
        taints: at its start.
        started: when, on the clock.
        system: operating system: ``linux`` or ``windows``.
        networks: ranges that it has its address of; none: it is made up.
        pod_networks: ranges that its pods have their addresses of; none: those are made up.
        dead: whether its machine has failed, so that its kubelet answers no more.
        draining: whether its pods are being moved.
    """

    name: str
    runner: Runner
    group: str
    zone: str
    version: str
    capacity: Mapping[str, str]
    labels: dict[str, str]
    taints: Sequence[Row] = ()
    started: float = 0.0
    dead: bool = False
    draining: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    system: str = "linux"
    networks: Sequence[str] = ()
    pod_networks: Sequence[str] = ()

    def manifest(self, now: str) -> dict[str, Any]:
        """Returns the Node object, ready; ``now`` is the time of its conditions."""
        number = digits_of(self.name)
        address = (
            address_in(self.networks, number)
            or f"10.{number % 200 + 16}.{number // 200 % 250}.{number // 50_000 % 250 + 4}"
        )
        conditions = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
        where = f"aws:///{self.zone}/{instance_id(self.name)}"
        if self.runner == "hybrid_nodes":
            where = f"eks-hybrid:///{self.zone}/{self.name}"
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": self.labels, "annotations": dict(self.annotations)},
            "spec": {
                "providerID": where,
                "taints": [
                    {key: one[key] for key in ("key", "value", "effect") if one.get(key)} for one in self.taints
                ],
            },
            "status": {
                "capacity": dict(self.capacity),
                "allocatable": dict(self.capacity),
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": self.name}],
                "conditions": [
                    {
                        "type": kind,
                        "status": status,
                        "reason": "KubeletReady" if kind == "Ready" else f"KubeletHasNo{kind}",
                        "message": "simulated",
                        "lastHeartbeatTime": now,
                        "lastTransitionTime": now,
                    }
                    for kind, status in conditions.items()
                ],
                "nodeInfo": {
                    "kubeletVersion": f"v{self.version}.0-eks-simulated",
                    "kubeProxyVersion": "",
                    "architecture": self.labels.get(ARCHITECTURE, "amd64"),
                    "operatingSystem": self.system,
                    "osImage": "simulated",
                    "kernelVersion": "simulated",
                    "containerRuntimeVersion": "containerd://2",
                    "machineID": self.name,
                    "systemUUID": self.name,
                    "bootID": self.name,
                },
            },
        }


def digits_of(text: str) -> int:
    """Returns a number that is always the same for a text."""
    return int(sha256(text.encode()).hexdigest(), 16)


def address_in(networks: Sequence[str], number: int) -> str:
    """Returns one of the addresses of ranges, neither their first nor their last; empty where there is no range."""
    if not networks:
        return ""
    network = ip_network(networks[number % len(networks)])
    return str(network[1 + number // len(networks) % max(network.num_addresses - 2, 1)])


def instance_id(name: str) -> str:
    """Returns the id of the instance behind a node: always the same for a name."""
    return name if name.startswith("i-") else f"i-{sha256(name.encode()).hexdigest()[:17]}"


def name_of(runner: Runner, number: int, zone: str) -> str:
    """Returns the name of the node with a number, in the form that its kind of compute gives."""
    digits = f"10-{number // 62_500 % 250}-{number // 250 % 250}-{number % 250 + 4}"
    match runner:
        case "auto_mode":
            return f"i-{sha256(f'node {number}'.encode()).hexdigest()[:17]}"
        case "hybrid_nodes":
            return f"mi-{sha256(f'node {number}'.encode()).hexdigest()[:17]}"
        case "fargate":
            return f"fargate-ip-{digits}.{region_of(zone)}.compute.internal"
    return f"ip-{digits}.{region_of(zone)}.compute.internal"


def common_labels(name: str, runner: Runner, zone: str, kind: InstanceType | None) -> dict[str, str]:
    """Returns the labels that every node of a kind of compute has. https://kubernetes.io/docs/reference/labels-annotations-taints/"""
    machine = {TYPE: kind.name, ARCHITECTURE: _GO[kind.architecture]} if kind else {ARCHITECTURE: "amd64"}
    place = {} if runner == "hybrid_nodes" else {ZONE: zone, REGION: region_of(zone)}
    return {HOST: name, "kubernetes.io/os": "linux", KIND: runner, **place, **machine}


def group_node(group: Group, kind: InstanceType, name: str, zone: str, version: str) -> Node:
    """Returns a node of a group."""
    labels = {**common_labels(name, group.runner, zone, kind), "kubernetes.io/os": group.system, **group.labels}
    if group.runner == "managed_nodes":
        labels |= {
            GROUP: group.name,
            "eks.amazonaws.com/nodegroup-image": f"ami-{sha256(f'{group.image} {version}'.encode()).hexdigest()[:17]}",
            "eks.amazonaws.com/capacityType": "SPOT" if group.spot else "ON_DEMAND",
        }
    if group.runner == "hybrid_nodes":
        labels[COMPUTE_TYPE] = "hybrid"
    runs: Runs = "managed_nodes" if group.runner == "managed_nodes" and group.image != "custom" else "other"
    most_pods = group.max_pods
    if group.system == "windows":
        labels["node.kubernetes.io/windows-build"] = _BUILDS.get(group.release, _BUILDS["2022"])
        # One network interface: https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html
        most_pods = most_pods or addresses_of_an_interface(kind.name)
    capacity = allocatable(kind, runs, group.disk_gib, most_pods)
    return Node(
        name, group.runner, group.name, zone, version, capacity, labels, group.taints,
        system=group.system, networks=group.networks, pod_networks=group.pod_networks,
    )  # fmt: skip
