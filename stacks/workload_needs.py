"""What workloads need of their cluster, held against what the environment file gives it."""

from collections.abc import Iterable, Set

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
    _check_certificate(spec, set(needs), environment)
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


_TLS: dict[Need, tuple[str, str]] = {
    "certificate": ("certificate_arn", "name a certificate of AWS Certificate Manager for TLS"),
    "hostname": ("hostname", "name the host that AWS Certificate Manager has a certificate for"),
}
"""What a load balancer gets its certificate by: the key of the environment file, and what to write there."""


def _check_certificate(spec: WorkloadSpec, needs: Set[Need], environment: Environment) -> None:
    arn = spec.certificate_arn
    for need, (key, advice) in _TLS.items():
        given = getattr(spec, key)
        if need in needs and not given and not spec.plain_http:
            raise Misplaced(f"is missing; {advice}, or say plain_http: true for a trial", key)
        if need not in needs and given:
            what = "finds its certificate otherwise" if needs & _TLS.keys() else "has no load balancer"
            raise Misplaced(f"{spec.name} {what}, so it has nothing to do; take it out", key)
    if spec.plain_http and not needs & _TLS.keys():
        raise Misplaced(f"{spec.name} has no load balancer, so it has nothing to do; take it out", "plain_http")
    if arn and environment.region and arn.split(":")[3] != environment.region:
        raise Misplaced(
            f"is a certificate of region {arn.split(':')[3]}; load balancers in {environment.region} take those of their own",
            "certificate_arn",
        )
