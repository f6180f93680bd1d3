"""The controllers that a cluster's compute and workloads ask for and EKS does not bring: which, and with which settings."""

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import plugin_charts
from eks_constructs.compute.karpenter import construct as karpenter
from eks_constructs.compute.karpenter import objects as karpenter_manifests
from eks_constructs.load_balancer_controller import chart as load_balancer_controller
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.network_spec import NetworkSpec
from safe_io.where import Where
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.objects.rendering import placed_workloads


def needs_load_balancer_controller(cluster: ClusterSpec, environment: Environment) -> bool:
    """Tells whether a workload asks for a load balancer on compute that has no controller of its own."""
    return any(
        "load_balancer_controller" in workload.needs and workload.placement.rule.needs_controller
        for workload in placed_workloads(cluster, environment)
    )


def controllers(
    cluster: ClusterSpec, environment: Environment, network: ClusterNetwork
) -> list[HelmChart | ManifestFile]:
    """Returns the charts of a cluster's controllers, and what these are told, in the order in which they are applied."""
    rules = environment.registry_rules
    found: list[HelmChart | ManifestFile] = [rules.chart(chart) for chart, _ in charts_of(cluster, environment)]
    if cluster.compute.karpenter:
        nodes = karpenter_manifests.nodes(
            cluster.compute.karpenter,
            cluster=cluster.name,
            profile=karpenter.node_role_name(environment.iam, environment.name, cluster.name),
            network=network,
            tags=environment.all_tags,
            prefixes=cluster.prefixes,
        )
        last = max(index for index, item in enumerate(found) if item.name in karpenter_manifests.CHARTS)
        found.insert(last + 1, nodes)
    return found


def charts_of(cluster: ClusterSpec, environment: Environment) -> list[tuple[HelmChart, Where]]:
    """Returns the charts of a cluster's controllers, as their makers publish them, with the way to the key that asks for each."""
    network = environment.network_of(cluster)
    own_pod_subnets = bool(network.pod_cidr if isinstance(network, NetworkSpec) else network.pod_subnets)
    isolated = not network.reaches_internet
    compute = cluster.compute
    found: list[tuple[HelmChart, Where]] = []
    if compute.karpenter:
        made = karpenter_manifests.charts(
            cluster.name, replicas=_replicas(cluster), own_pod_subnets=own_pod_subnets, isolated=isolated
        )
        found += [(chart, ("compute", "karpenter")) for chart in made]
    plugins = plugin_charts(compute.managed_nodes, compute.karpenter, cluster.provided_elsewhere)
    found += [(chart, ("compute",)) for chart in plugins]
    if needs_load_balancer_controller(cluster, environment):
        balancers = load_balancer_controller(
            cluster.name, compute.mix, tags=environment.tags_of_what_is_made, isolated=isolated
        )
        found.append((balancers, ("workloads",)))
    return found


def _replicas(cluster: ClusterSpec) -> int:
    """Returns how many replicas of Karpenter, which do not share a node, the managed nodes have place for: two at most."""
    managed = cluster.compute.managed_nodes
    return min(2, sum(group.desired for group in managed.groups if group.hosts_addons)) if managed else 0
