"""The controllers that workloads need and a cluster does not bring: which, and with which settings."""

from eks_constructs.load_balancer_controller import chart as load_balancer_controller
from eks_constructs.manifests import HelmChart
from stacks.cluster_spec import ClusterSpec
from stacks.environment import Environment
from stacks.workload_objects import placed_workloads


def needs_load_balancer_controller(cluster: ClusterSpec, environment: Environment) -> bool:
    """Tells whether a workload asks for a load balancer on compute that has no controller of its own."""
    return any(
        "load_balancer_controller" in workload.needs and workload.placement.rule.needs_controller
        for workload in placed_workloads(cluster, environment)
    )


def controller_charts(cluster: ClusterSpec, environment: Environment) -> list[HelmChart]:
    """Returns the charts of a cluster's controllers, in the order in which they are installed."""
    if not needs_load_balancer_controller(cluster, environment):
        return []
    return [load_balancer_controller(cluster.name, cluster.compute.mix)]
