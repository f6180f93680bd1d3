"""Where a workload goes: one table from the kind of compute to everything that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eks_constructs.compute.fargate.spec import FargateSelectorSpec, FargateSpec, globs_meet
from eks_constructs.compute.mix import NODE_SELECTORS, ComputeKind
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.problems import did_you_mean
from stacks.environment.workload_spec import WorkloadSpec
from stacks.placement.node_offers import Nodes, Toleration, auto_mode_pools, karpenter_pools, node_groups

_INGRESS, _SERVICE = "alb.ingress.kubernetes.io", "service.beta.kubernetes.io"


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
    ingress_annotations: Mapping[str, str] = field(default_factory=dict)
    service_annotations: Mapping[str, str] = field(default_factory=dict)


# With the AWS Load Balancer Controller pods are targets by their addresses: it is what Fargate needs, spares a hop on
# nodes, and needs no node port. Auto Mode's own default is not relied on either.
_BY_ADDRESS = {f"{_INGRESS}/target-type": "ip"}
_NLB_BY_ADDRESS = {f"{_SERVICE}/aws-load-balancer-nlb-target-type": "ip"}
# Each controller has a webhook of its own, and reads its own label.
# https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
_GATE, _GATE_OF_AUTO_MODE = (f"{group}/pod-readiness-gate-inject" for group in ("elbv2.k8s.aws", "eks.amazonaws.com"))
_DRIVERS = load("compute_kinds")["block_storage_drivers"]

RULES: Mapping[ComputeKind, Rule] = {
    # https://docs.aws.amazon.com/eks/latest/userguide/associate-workload.html, auto-configure-alb.html, auto-configure-nlb.html
    "auto_mode": Rule(
        namespace="{name}-auto-mode",
        node_selector=NODE_SELECTORS["auto_mode"],
        identity="pod_identity",
        storage_class="auto-gp3",
        storage_driver=_DRIVERS["auto_mode"],
        ingress_class="auto-alb",
        ingress_controller="eks.amazonaws.com/alb",
        load_balancer_class="eks.amazonaws.com/nlb",
        gateway_controller="eks.amazonaws.com/gateway-alb",
        readiness_gate=_GATE_OF_AUTO_MODE,
        needs_controller=False,
        ingress_annotations=_BY_ADDRESS,
        service_annotations=_NLB_BY_ADDRESS,
    ),
    "managed_nodes": Rule(
        namespace="{name}-managed-nodes",
        node_selector=NODE_SELECTORS["managed_nodes"],
        identity="pod_identity",
        storage_class="gp3",
        storage_driver=_DRIVERS["managed_nodes"],
        ingress_class="alb",
        ingress_controller="ingress.k8s.aws/alb",
        load_balancer_class="service.k8s.aws/nlb",
        gateway_controller=None,
        readiness_gate=_GATE,
        needs_controller=True,
        ingress_annotations=_BY_ADDRESS,
        service_annotations=_NLB_BY_ADDRESS,
    ),
    # No selector: the profile decides, by namespace and labels, before any scheduler sees the pod.
    "fargate": Rule(
        namespace=None,
        node_selector=NODE_SELECTORS["fargate"],
        identity="irsa",
        storage_class=None,
        storage_driver=None,
        ingress_class="alb",
        ingress_controller="ingress.k8s.aws/alb",
        load_balancer_class="service.k8s.aws/nlb",
        gateway_controller=None,
        readiness_gate=_GATE,
        needs_controller=True,
        ingress_annotations=_BY_ADDRESS,
        service_annotations=_NLB_BY_ADDRESS,
    ),
}


@dataclass(frozen=True)
class Placement:
    """Where one workload of a cluster goes."""

    spec: WorkloadSpec
    rule: Rule
    namespace: str
    node_selector: Mapping[str, str]
    nodes: Mapping[str, Nodes]
    """The nodes that its pods may land on, by name, as far as taints and what they ask for let them."""
    what: str
    """What those are: node group, node pool, Fargate profile."""
    tolerations: tuple[Toleration, ...] = ()
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """What a Fargate profile selects its pods by."""


def place(spec: WorkloadSpec, cluster: ClusterSpec) -> Placement:
    """Returns where a workload of ``cluster`` goes. Raises Misplaced, with the way from the workload's spec."""
    compute = cluster.compute
    if spec.compute == "fargate" and compute.fargate:
        return _on_fargate(spec, compute.fargate)
    if spec.compute == "auto_mode" and compute.active_auto_mode:
        return _on_nodes(spec, dict(auto_mode_pools(compute.active_auto_mode)), "node pool")
    if spec.compute == "managed_nodes" and compute.managed_nodes:
        added = dict(karpenter_pools(compute.karpenter)) if compute.karpenter else {}
        return _on_nodes(spec, dict(node_groups(compute.managed_nodes)), "node group", added)
    raise Misplaced(
        f"the cluster has no {spec.compute}; it has: {', '.join(compute.mix.kinds)}."
        " Add it to the cluster's compute, or choose another kind",
        "compute",
    )


def drawn_by(namespace: str, labels: Mapping[str, Any], cluster: ClusterSpec) -> str | None:
    """Returns the Fargate profile that takes a pod of ``namespace`` with ``labels``, wherever else it wants to run."""
    for profile in cluster.compute.fargate.profiles if cluster.compute.fargate else []:
        for selector in profile.selectors:
            if globs_meet(selector.namespace, namespace) and selector.labels.items() <= labels.items():
                return profile.name
    return None


def _on_nodes(
    spec: WorkloadSpec, nodes: Mapping[str, Nodes], what: str, by_name: Mapping[str, Nodes] | None = None
) -> Placement:
    """Chooses among ``nodes``, or by name among those of ``by_name`` too."""
    rule = RULES[spec.compute]
    namespace = spec.namespace or str(rule.namespace).format(name=spec.name)
    if not spec.nodes:
        return Placement(spec, rule, namespace, rule.node_selector, nodes, what)
    named = {**nodes, **(by_name or {})}
    if spec.nodes not in named:
        raise Misplaced(
            f"there is no {what} {spec.nodes}.{did_you_mean(spec.nodes, list(named))} There is: {', '.join(named)}",
            "nodes",
        )
    chosen = named[spec.nodes]
    if what == "node group":
        _check_distinct(spec.nodes, named)
    selector = {**rule.node_selector, **chosen.selector}
    return Placement(spec, rule, namespace, selector, {spec.nodes: chosen}, what, chosen.tolerations)


def _check_distinct(name: str, nodes: Mapping[str, Nodes]) -> None:
    """EKS makes up the names of node groups, so pods find one by labels that it alone has."""
    mine = nodes[name].selector.items()
    if others := [other for other, group in nodes.items() if other != name and mine <= group.selector.items()]:
        raise Misplaced(
            f"node group {name} has no labels that {others[0]} lacks, so pods cannot choose it; give it some,"
            f" such as labels: {{nodes: {name}}}",
            "nodes",
        )


def _on_fargate(spec: WorkloadSpec, fargate: FargateSpec) -> Placement:
    selectors = [selector for profile in fargate.profiles for selector in profile.selectors]
    # One that gives the workload a namespace of its own comes before one that names a namespace.
    for selector in sorted(selectors, key=lambda one: "*" not in one.namespace):
        namespace = spec.namespace or _namespace(selector, spec.name)
        if namespace and globs_meet(selector.namespace, namespace):
            nodes = {"Fargate": Nodes({}, ("amd64",))}
            return Placement(
                spec, RULES["fargate"], namespace, {}, nodes, "Fargate profile", pod_labels=selector.labels
            )
    known = ", ".join(dict.fromkeys(selector.namespace for selector in selectors))
    if spec.namespace:
        raise Misplaced(f"no Fargate profile selects the namespace {spec.namespace}; they select: {known}", "namespace")
    raise Misplaced(
        f"no Fargate profile has a namespace to take (they select: {known}); name one with `namespace`", "compute"
    )


def _namespace(selector: FargateSelectorSpec, name: str) -> str | None:
    """Returns a namespace for workload ``name`` out of what a selector matches, or None if it has none to give."""
    found = selector.namespace.replace("*", name, 1).replace("*", "")
    return None if "?" in found or len(found) > 63 or reserved(found) else found


def reserved(namespace: str) -> bool:
    """Tells whether a namespace is Kubernetes' or EKS' own, and no workload's to make and delete."""
    return namespace in ("default", "aws-observability") or namespace.startswith("kube-")
