"""Where a workload goes: which nodes of its kind of compute, in which namespace."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from eks_constructs.compute.kind import ComputeKind
from eks_constructs.compute.placement import Nodes, Rule, Toleration
from eks_constructs.compute.registry import KINDS
from eks_constructs.spec import Misplaced
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.problems import did_you_mean
from stacks.environment.workload_spec import WorkloadSpec


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
    compute, kind = cluster.compute, KINDS[spec.compute]
    section = compute.sections.get(spec.compute)
    if section is None or kind.rule is None:
        raise Misplaced(
            f"the cluster has no {spec.compute}; it has: {', '.join(compute.mix.kinds)}."
            " Add it to the cluster's compute, or choose another kind",
            "compute",
        )
    nodes = dict(kind.nodes(section))
    if drawn := kind.draw(section, spec.name, spec.namespace):
        return Placement(spec, kind.rule, drawn.namespace, {}, nodes, kind.nodes_are, pod_labels=drawn.labels)
    namespace = spec.namespace or str(kind.rule.namespace).format(name=spec.name)
    if not spec.nodes:
        return Placement(spec, kind.rule, namespace, kind.rule.node_selector, nodes, kind.nodes_are)
    for other, its in compute.active():
        if kind.name in other.joins:
            nodes |= other.nodes(its)
    return _on_named(spec, kind, kind.rule, namespace, nodes)


def _on_named(
    spec: WorkloadSpec, kind: ComputeKind[Any], rule: Rule, namespace: str, nodes: Mapping[str, Nodes]
) -> Placement:
    name = str(spec.nodes)
    if name not in nodes:
        raise Misplaced(
            f"there is no {kind.nodes_are} {name}.{did_you_mean(name, list(nodes))} There is: {', '.join(nodes)}",
            "nodes",
        )
    chosen = nodes[name]
    # EKS makes up the names of node groups, so pods find one by labels that it alone has.
    mine = chosen.selector.items()
    if others := [other for other, group in nodes.items() if other != name and mine <= group.selector.items()]:
        raise Misplaced(
            f"{kind.nodes_are} {name} has no labels that {others[0]} lacks, so pods cannot choose it; give it some,"
            f" such as labels: {{nodes: {name}}}",
            "nodes",
        )
    selector = {**rule.node_selector, **chosen.selector}
    if chosen.system == "windows":
        # No agent of EKS Pod Identity runs there: https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
        rule = replace(rule, identity="irsa")
    return Placement(spec, rule, namespace, selector, {name: chosen}, kind.nodes_are, chosen.tolerations)


def drawn_by(namespace: str, labels: Mapping[str, Any], cluster: ClusterSpec) -> tuple[ComputeKind[Any], str] | None:
    """Returns what takes a pod of ``namespace`` with ``labels``, wherever else it wants to run: its kind and its name."""
    for kind, section in cluster.compute.active():
        if name := kind.drawn_by(section, namespace, labels):
            return kind, name
    return None
