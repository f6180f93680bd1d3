"""The controllers that compute and workloads need and EKS does not include, with their settings."""

from dataclasses import replace

from eks_constructs.addon_plan import merge
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.load_balancer_controller import chart as load_balancer_controller
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.spec import Misplaced
from safe_io.where import Where
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.objects.plain import plain_manifests
from stacks.objects.rendering import placed_workloads
from stacks.placement.charts import helm_chart, namespaces


def needs_load_balancer_controller(cluster: ClusterSpec, environment: Environment) -> bool:
    """Returns whether the file says so, or a workload asks for a load balancer on compute that has no controller of its own."""
    switch = cluster.load_balancer_controller.enabled
    if switch is not None:
        return switch
    return any(
        "load_balancer_controller" in workload.needs and workload.placement.rule.needs_controller
        for workload in placed_workloads(cluster, environment)
    )


def controllers(
    cluster: ClusterSpec, environment: Environment, network: ClusterNetwork
) -> list[HelmChart | ManifestFile]:
    """Returns what comes between a cluster's own objects and its workloads, in the order in which it is applied: the charts of controllers
    with their values, and the charts and manifests of the file."""
    context = environment.context_of(cluster)
    found: list[HelmChart | ManifestFile] = [
        environment.registry_rules.chart(chart) for chart, _ in charts_of(cluster, environment)
    ]
    for kind, section in cluster.compute.active():
        found += kind.files_of_controller(section, context, network)
    found += namespaces(cluster)
    found += [one.file for one in plain_manifests(cluster, environment)]
    return sorted(found, key=lambda item: item.order)


def charts_of(cluster: ClusterSpec, environment: Environment) -> list[tuple[HelmChart, Where]]:
    """Returns the charts of a cluster's controllers, as published, with the way to the key that needs each."""
    context, compute = environment.context_of(cluster), cluster.compute
    found: list[tuple[HelmChart, Where]] = []
    for kind, section in compute.active():
        found += [(chart, ("compute", kind.name)) for chart in kind.charts(section, context)]
    lacking = [one for kind, section in compute.active() for one in kind.device_software(section)]
    found += [(chart, ("compute",)) for chart in plugin_charts(lacking, cluster.provided)]
    if needs_load_balancer_controller(cluster, environment):
        found.append((_load_balancer_controller(cluster, environment, context.isolated), ("load_balancer_controller",)))
    taken = {chart.name for chart, _ in found}
    for index, spec in enumerate(cluster.charts):
        way: Where = ("charts", index)
        try:
            if spec.name in taken:
                raise Misplaced(f"{spec.name} is the name of a release of this project; choose another", "name")
            found.append((helm_chart(spec, cluster), way))
        except Misplaced as problem:
            raise Misplaced(str(problem), *environment.where(cluster, *way, *problem.where)) from None
    return found


def _load_balancer_controller(cluster: ClusterSpec, environment: Environment, isolated: bool) -> HelmChart:
    spec, mix = cluster.load_balancer_controller, cluster.compute.mix
    if mix.host is None:
        raise Misplaced(
            "nothing in this cluster has room for its pods: give a node group a desired_size above 0 and no taints",
            *environment.where(cluster, "load_balancer_controller"),
        )
    ours = load_balancer_controller(
        cluster.name, mix, tags=environment.tags_of_what_is_made, isolated=isolated, version=spec.version
    )
    return replace(ours, values=merge(ours.values, spec.values))
