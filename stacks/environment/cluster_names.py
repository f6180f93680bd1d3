"""Names of AWS in a cluster that EC2, EKS or IAM Identity Center does not have."""

from eks_constructs.compute.node_pool_object import node_pool
from eks_constructs.compute.node_pools import NodePoolSpec
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from eks_facts.instances import label_problem
from eks_facts.labels import meets
from kubernetes_lint.schedules import cron_problem
from stacks.environment.aws_names import category_problem, instance_type_problem, pool_problem, region_problem
from stacks.environment.cluster_spec import ClusterSpec


def check_names_of_aws(cluster: ClusterSpec, region: str | None) -> None:
    """Raises Misplaced, at a key of the cluster, for an instance type, a region or an AMI that AWS does not have there."""
    _check_instances(cluster)
    _check_pools(cluster)
    _check_identity_center(cluster)
    _check_fips(cluster, region)


def _check_instances(cluster: ClusterSpec) -> None:
    for kind, section in cluster.compute.present():
        named = [(where, instance_type_problem(name)) for where, name in kind.instance_types(section)]
        named += [(where, category_problem(name)) for where, name in kind.instance_categories(section)]
        for where, problem in named:
            if problem:
                raise Misplaced(problem, "compute", kind.name, *where)


def _check_pools(cluster: ClusterSpec) -> None:
    for kind, section in cluster.compute.present():
        for index, pool in enumerate(getattr(section, "node_pools", ())):
            try:
                _check_pool(pool, auto_mode=kind.name == "auto_mode", ipv6=cluster.control_plane.ip_family == "ipv6")
            except Misplaced as problem:
                raise Misplaced(str(problem), "compute", kind.name, "node_pools", index, *problem.where) from None


def _check_pool(pool: NodePoolSpec, *, auto_mode: bool, ipv6: bool) -> None:
    """Raises Misplaced, from the pool, for one that never gets a node, or whose budgets cannot be read."""
    for place, one in enumerate(pool.requirements):
        if problem := label_problem(one.key, auto_mode=auto_mode):
            raise Misplaced(problem, "requirements", place, "key")
    domain = "eks.amazonaws.com" if auto_mode else "karpenter.k8s.aws"
    made = node_pool(pool, node_class={}, label_domain=domain, labels={}, nitro=ipv6)
    asked = made["spec"]["template"]["spec"]["requirements"]
    if pool.requirements and (problem := pool_problem(asked, auto_mode=auto_mode)):
        raise Misplaced(problem, "requirements")
    for key, value in pool.labels.items():
        # Karpenter reads the labels of a pool as requirements, too.
        if any(one["key"] == key and not meets(one, value) for one in asked):
            raise Misplaced(
                f"{value} contradicts what the pool requires of {key}, so it never gets a node; remove it",
                "labels",
                key,
            )
    for place, budget in enumerate(pool.disruption_budgets):
        if budget.schedule and (told := cron_problem(budget.schedule)):
            raise Misplaced(f"found {budget.schedule}: {told}", "disruption_budgets", place, "schedule")


def _check_identity_center(cluster: ClusterSpec) -> None:
    argo_cd = cluster.capabilities and cluster.capabilities.argo_cd
    region = argo_cd and argo_cd.identity_center_region
    if region and (problem := region_problem(region)):
        raise Misplaced(problem, "capabilities", "argo_cd", "identity_center_region")


def _check_fips(cluster: ClusterSpec, region: str | None) -> None:
    auto = cluster.compute.auto_mode
    regions = tuple(load("availability_zones")["fips_of_auto_mode"])
    for index, one in enumerate(auto.node_classes if auto else []):
        if one.fips and region and not region.startswith(regions):
            raise Misplaced(
                f"Auto Mode has FIPS AMIs in regions of the US and Canada alone, not in {region}; remove it",
                "compute",
                "auto_mode",
                "node_classes",
                index,
                "fips",
            )
