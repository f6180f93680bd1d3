"""Charts that the environment file adds: where their pods run, and what that writes into their values."""

from collections.abc import Iterator, Mapping
from typing import Any

from delivery.placeholders import fill, placeholders, places
from eks_constructs.addon_plan import merge
from eks_constructs.compute.fargate.spec import globs_meet
from eks_constructs.compute.placement import Nodes, Toleration, reserved
from eks_constructs.compute.registry import KINDS
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.spec import Misplaced
from eks_facts.addons import namespace_of
from eks_facts.node_selection import ARCHITECTURE
from stacks.environment.chart_spec import ChartSpec
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.workload_spec import WorkloadSpec
from stacks.placement.fitting import check_not_empty
from stacks.placement.kinds import place
from stacks.placement.roles import not_filled, role_outputs

NAMESPACES, ORDER = 51, 52
"""Order among the files of a cluster: after controllers and their nodes, before manifests and workloads."""
FILLED = ("AWS_ACCOUNT_ID", "AWS_PARTITION", "AWS_REGION", "VPC_ID")
"""Placeholders that have a value when a chart is installed."""


def namespace_for(chart: ChartSpec) -> str:
    """Returns the namespace of a chart."""
    return str(chart.said("namespace", chart.name))


def helm_chart(chart: ChartSpec, cluster: ClusterSpec) -> HelmChart:
    """Returns a chart, placed. Raises Misplaced, with the way from the chart's spec: it cannot be where it would go."""
    values = _placed_values(chart, cluster)
    for way, name in places(chart.values):
        if wrong := not_filled(name, cluster, (*FILLED, "CLUSTER_NAME")):
            raise Misplaced(wrong, *("values", *way))
    filled = fill(merge(values, chart.values), {"CLUSTER_NAME": cluster.name})
    used = placeholders(filled)
    return HelmChart(
        order=ORDER,
        name=chart.name,
        namespace=namespace_for(chart),
        repository=str(chart.said("repository")).rstrip("/"),
        chart=str(chart.said("chart", chart.name)),
        version=str(chart.said("version")),
        values=filled,
        note="Named by the environment file (charts). Yours to run and to upgrade.",
        outputs={**({"VPC_ID": "VpcId"} if "VPC_ID" in used else {}), **role_outputs(used, cluster)},
        images=chart.said("images"),
    )


def namespaces(cluster: ClusterSpec) -> Iterator[ManifestFile]:
    """Yields the namespaces of charts, each as a file: one that leaves must not take another's objects with it."""
    others = {namespace_of(addon.name) for addon in cluster.planned_addons()}
    for name in dict.fromkeys(namespace_for(chart) for chart in cluster.charts):
        if not reserved(name) and name not in others:
            metadata = {"name": name}
            item = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            yield ManifestFile(NAMESPACES, f"namespace-{name}", [item], "Namespace of charts.", keep=True)


def pods_for_fargate(cluster: ClusterSpec) -> list[Mapping[str, Any]]:
    """Returns selectors for the pods of charts that go to Fargate, and that no profile of the file draws."""
    section = cluster.compute.fargate
    drawn = [
        selector.namespace
        for profile in (section.profiles if section else [])
        for selector in profile.selectors
        if not selector.labels
    ]
    wanted = dict.fromkeys(namespace_for(chart) for chart in cluster.charts if _kind(chart, cluster) == "fargate")
    return [{"namespace": name} for name in wanted if not any(globs_meet(one, name) for one in drawn)]


def _kind(chart: ChartSpec, cluster: ClusterSpec) -> str | None:
    return chart.compute or cluster.compute.mix.deployments_run_on


def _placed_values(chart: ChartSpec, cluster: ClusterSpec) -> dict[str, Any]:
    """Returns the values by which the pods of a chart run where they should. Raises Misplaced."""
    selector, tolerations, nodes = _place(chart, cluster)
    reached = {key: one for key, one in nodes.items() if chart.nodes or not one.closing} or nodes
    check_not_empty(
        reached, cluster, "its pods", next((key for key in ("nodes", "compute") if getattr(chart, key)), "name")
    )
    processors = {processor for one in reached.values() for processor in one.architectures}
    images = chart.said("architectures", ["amd64"])
    fitting = processors & set(images)
    if processors and not fitting:
        raise Misplaced(
            f"its images are for {', '.join(images)}, and its nodes have {', '.join(sorted(processors))}: say architectures, if the"
            " images are for those, too",
            "architectures" if chart.architectures else "name",
        )
    if len(fitting) == 1 < len(processors):
        selector = {**selector, ARCHITECTURE: fitting.pop()}
    settings: dict[str, Any] = {
        **({"nodeSelector": dict(selector)} if selector else {}),
        **({"tolerations": [dict(one) for one in tolerations]} if tolerations else {}),
    }
    values: dict[str, Any] = {}
    for path in chart.said("node_settings", [""]) if settings else []:
        nested: dict[str, Any] = settings
        for key in reversed(path.split(".") if path else []):
            nested = {key: nested}
        values = merge(values, nested)
    return values


def _place(
    chart: ChartSpec, cluster: ClusterSpec
) -> tuple[Mapping[str, str], tuple[Toleration, ...], Mapping[str, Nodes]]:
    """Returns the node selector and the tolerations of a chart's pods, and the nodes that they may land on. Raises Misplaced."""
    name = _kind(chart, cluster)
    if name is None:
        raise Misplaced("nothing here has room for pods without tolerations: say compute and nodes", "name")
    if name not in cluster.compute.sections:
        raise Misplaced(f"the cluster has no {name}; it has: {', '.join(cluster.compute.mix.kinds)}", "compute")
    nodes = dict(KINDS[name].nodes(cluster.compute.sections[name]))
    if name == "fargate":
        if chart.nodes:
            raise Misplaced("Fargate has no nodes to choose; remove it", "nodes")
        if namespace_for(chart) == "kube-system":
            raise Misplaced(
                "a profile for all of kube-system would draw every system pod to Fargate; choose another", "namespace"
            )
        return {}, (), nodes
    if not chart.compute:
        mix = cluster.compute.mix
        return mix.deployments_selector, tuple(dict(one) for one in mix.deployments_tolerations), nodes
    spec = WorkloadSpec(name=chart.name, compute=chart.compute, nodes=chart.nodes, namespace=namespace_for(chart))
    placement = place(spec, cluster)
    return placement.node_selector, placement.tolerations, placement.nodes
