"""The controllers that compute and workloads need and EKS does not include, with their settings."""

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.load_balancer_controller import chart as load_balancer_controller
from eks_constructs.manifests import HelmChart, ManifestFile
from safe_io.where import Where
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.objects.rendering import placed_workloads


def needs_load_balancer_controller(cluster: ClusterSpec, environment: Environment) -> bool:
    """Returns whether a workload asks for a load balancer on compute that has no controller of its own."""
    return any(
        "load_balancer_controller" in workload.needs and workload.placement.rule.needs_controller
        for workload in placed_workloads(cluster, environment)
    )


def controllers(
    cluster: ClusterSpec, environment: Environment, network: ClusterNetwork
) -> list[HelmChart | ManifestFile]:
    """Returns the charts of a cluster's controllers with their values, in the order in which they are applied."""
    context = environment.context_of(cluster)
    found: list[HelmChart | ManifestFile] = [
        environment.registry_rules.chart(chart) for chart, _ in charts_of(cluster, environment)
    ]
    for kind, section in cluster.compute.active():
        found += kind.files_of_controller(section, context, network)
    return sorted(found, key=lambda item: item.order)


def charts_of(cluster: ClusterSpec, environment: Environment) -> list[tuple[HelmChart, Where]]:
    """Returns the charts of a cluster's controllers, as published, with the way to the key that needs each."""
    context, compute = environment.context_of(cluster), cluster.compute
    found: list[tuple[HelmChart, Where]] = []
    for kind, section in compute.active():
        found += [(chart, ("compute", kind.name)) for chart in kind.charts(section, context)]
    lacking = [one for kind, section in compute.active() for one in kind.devices_without_plugin(section)]
    found += [(chart, ("compute",)) for chart in plugin_charts(lacking, cluster.provided)]
    if needs_load_balancer_controller(cluster, environment):
        balancers = load_balancer_controller(
            cluster.name, compute.mix, tags=environment.tags_of_what_is_made, isolated=context.isolated
        )
        found.append((balancers, ("workloads",)))
    return found
