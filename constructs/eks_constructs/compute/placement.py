"""What a kind of compute offers to pods: labels, processors, devices, disk, load balancers; and its taints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eks_facts.files import load

Toleration = dict[str, str]


@dataclass(frozen=True)
class Rule:
    """What follows from a kind of compute for every workload on it."""

    namespace: str | None
    """Of a workload NAME, unless it names one; None: what a Fargate profile selects."""
    node_selector: Mapping[str, str]
    """Labels of the nodes of this kind, and of no others."""
    identity: Literal["pod_identity", "irsa"]
    """How pods get an IAM role."""
    storage_class: str | None
    storage_driver: str | None
    """CSI driver of EBS volumes."""
    ingress_class: str
    ingress_controller: str
    """controller of an IngressClass for Application Load Balancers."""
    load_balancer_class: str
    gateway_controller: str | None
    """controllerName of a GatewayClass for Application Load Balancers."""
    readiness_gate: str
    """Label of a namespace by which the kind's load balancer controller makes pods wait until they are healthy targets."""
    needs_controller: bool
    """Whether load balancers need the AWS Load Balancer Controller, which is yours to run."""
    policies_reach_the_node: bool = True
    """Whether an ipBlock of a NetworkPolicy matches addresses of the pod's own node, such as the Pod Identity agent's."""
    # Pods are targets by their addresses: Fargate needs it, it spares a hop on nodes, and needs no node port.
    ingress_annotations: Mapping[str, str] = field(
        default_factory=lambda: {"alb.ingress.kubernetes.io/target-type": "ip"}
    )
    service_annotations: Mapping[str, str] = field(
        default_factory=lambda: {"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"}
    )


def rule_with_controller(
    *,
    namespace: str | None,
    node_selector: Mapping[str, str],
    identity: Literal["pod_identity", "irsa"] = "pod_identity",
    storage_class: str | None = None,
    storage_driver: str | None = None,
    policies_reach_the_node: bool = True,
) -> Rule:
    """Returns the rule of a kind whose load balancers the AWS Load Balancer Controller makes."""
    return Rule(
        namespace=namespace,
        node_selector=node_selector,
        identity=identity,
        storage_class=storage_class,
        storage_driver=storage_driver,
        ingress_class="alb",
        ingress_controller="ingress.k8s.aws/alb",
        load_balancer_class="service.k8s.aws/nlb",
        gateway_controller=None,
        # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
        readiness_gate="elbv2.k8s.aws/pod-readiness-gate-inject",
        needs_controller=True,
        policies_reach_the_node=policies_reach_the_node,
    )


@dataclass(frozen=True)
class Nodes:
    """A node group or node pool, as far as placement is concerned."""

    selector: Mapping[str, str]
    """Labels of its nodes, and of no others."""
    architectures: tuple[str, ...]
    """Processors of its nodes: amd64, arm64."""
    taints: tuple[Mapping[str, str], ...] = ()
    devices: Mapping[str, int | None] = field(default_factory=dict)
    """Device resources, and how many the largest of its nodes has; None: an unknown number."""
    disk_gib: float | None = None
    """What pods may use of a node's disk; None: that depends on the instance."""
    device_classes: Mapping[str, int] = field(default_factory=dict)
    """Devices that pods may claim, by DeviceClass, and the minor version of Kubernetes from which on."""
    one_each: frozenset[str] = frozenset()
    """Resources of which a container gets one at most: turns on a GPU."""
    system: Literal["linux", "windows"] = "linux"
    """Operating system, as Kubernetes calls it."""
    empty: bool = False
    """Whether it begins with no node: pods wait until something changes its size."""
    instance_types: tuple[str, ...] = ()
    """Types of its nodes; none: they depend on more than the file says."""

    @property
    def closing(self) -> list[Mapping[str, str]]:
        """The taints that keep pods off which do not tolerate them."""
        return [taint for taint in self.taints if taint["effect"] != "PreferNoSchedule"]

    @property
    def tolerations(self) -> tuple[Toleration, ...]:
        """The tolerations that a pod needs."""
        return tuple(toleration(taint) for taint in self.taints)


def toleration(taint: Mapping[str, str]) -> Toleration:
    """Returns the toleration for a taint."""
    if value := taint.get("value"):
        return {"key": taint["key"], "operator": "Equal", "value": value, "effect": taint["effect"]}
    return {"key": taint["key"], "operator": "Exists", "effect": taint["effect"]}


def unnumbered(devices: set[str]) -> dict[str, int | None]:
    """Returns the resources of some devices, in any number."""
    return {name: None for device in sorted(devices) for name in load("devices")["resources"][device]}


def claimable(devices: set[str], driver: Literal["own", "auto_mode"]) -> dict[str, int]:
    """Returns the device classes by which pods may claim some devices, from which minor version of Kubernetes on.

    Args:
        devices: of the nodes.
        driver: of Dynamic Resource Allocation: that of Auto Mode's nodes, or one of this project's charts.
    """
    facts = load("devices")
    found = facts["dra"][driver]
    return {
        name: found["since"]
        for device in sorted(devices & set(found["devices"]))
        for name in facts["device_classes"][device]
    }


def disk_for_pods(volume_gib: int) -> float:
    """Returns what pods may use of a node's volume, in GiB."""
    kept = load("devices")["disk"]
    return float(volume_gib * (1 - kept["evicted_below"]) - kept["reserved_gib"])


def reserved(namespace: str) -> bool:
    """Returns whether a namespace belongs to Kubernetes or EKS, so that no workload may make or delete it."""
    return namespace in ("default", "aws-observability") or namespace.startswith("kube-")
