"""What workloads need of their cluster, held against what the environment file gives it."""

from collections.abc import Iterable

from eks_constructs.network_spec import NetworkSpec
from eks_constructs.spec import Misplaced
from stacks.cluster_spec import ClusterSpec
from stacks.environment import Environment
from stacks.workload_spec import Need, WorkloadSpec

_ADDONS: dict[Need, tuple[str, tuple[str, ...]]] = {
    "metrics_server": ("metrics-server", ("auto_mode", "managed_nodes", "fargate")),
    "snapshot_controller": ("snapshot-controller", ("auto_mode", "managed_nodes")),
    # Auto Mode has the agent, and an engine for network policies, built in.
    "bucket": ("eks-pod-identity-agent", ("managed_nodes",)),
    "network_policy": ("vpc-cni", ("managed_nodes",)),
}
"""The add-on that serves a need, and the kinds of compute on which it is the one that does."""


def check_needs(spec: WorkloadSpec, needs: Iterable[Need], cluster: ClusterSpec, environment: Environment) -> None:
    """Raises Misplaced, with the way from the workload's spec, for what a workload needs and does not get."""
    addons = {addon.name for addon in cluster.planned_addons()}
    for need in sorted(needs):
        name, kinds = _ADDONS.get(need, ("", ()))
        if spec.compute in kinds and name not in addons:
            raise Misplaced(
                f"{spec.name} needs the add-on {name}; add {name}: {{enabled: true}} to the cluster's addons", "name"
            )
    auto = cluster.compute.active_auto_mode
    if "gateway_api" in needs and not (auto and auto.gateway_api):
        raise Misplaced(
            f"{spec.name} needs the Gateway API, whose resource definitions EKS installs when it is told to: do that"
            " (docs/workloads.md), then say compute.auto_mode.gateway_api: true",
            "variant",
        )
    _check_certificate(spec, "certificate" in needs, environment)
    if "karpenter" in needs and not cluster.compute.karpenter:
        raise Misplaced(
            f"{spec.name} needs Karpenter, which adds nodes beside managed nodes; add karpenter to the cluster's compute",
            "compute",
        )
    if spec.load_balancer_scheme and spec.compute == "auto_mode" and auto:
        raise Misplaced(
            "on Auto Mode the cluster's auto_mode.load_balancer_scheme decides;"
            f" it is {auto.load_balancer_scheme}: take this one out, or change that one",
            "load_balancer_scheme",
        )
    network = environment.network_of(cluster)
    if (
        spec.load_balancer_scheme == "internet-facing"
        and isinstance(network, NetworkSpec)
        and not network.public_subnets
    ):
        raise Misplaced(
            "internet-facing needs public subnets; set network.public_subnets: true", "load_balancer_scheme"
        )


def _check_certificate(spec: WorkloadSpec, needed: bool, environment: Environment) -> None:
    arn = spec.certificate_arn
    if needed and not arn and not spec.plain_http:
        raise Misplaced(
            "is missing; name a certificate of AWS Certificate Manager for TLS, or say plain_http: true for a trial",
            "certificate_arn",
        )
    if not needed and (arn or spec.plain_http):
        key = "certificate_arn" if arn else "plain_http"
        raise Misplaced(f"{spec.name} has no load balancer, so it has nothing to do; take it out", key)
    if arn and environment.region and arn.split(":")[3] != environment.region:
        raise Misplaced(
            f"is a certificate of region {arn.split(':')[3]}; load balancers in {environment.region} take those of their own",
            "certificate_arn",
        )
