"""Assumptions that AWS's APIs show: see operations/assumptions.py."""

from operations.assumptions import Seen, assumption, has_auto_mode, has_managed_nodes, not_active
from stacks.environment.stack_names import protection_stack

CONCURRENCY = 10
"""Lambda functions at once: four manifests side by side keep eight busy (eks_constructs.kubectl.SIDE_BY_SIDE)."""


def _made_here(seen: Seen) -> bool:
    """Whether the environment makes the control plane; another one it only joins."""
    return seen.cluster.existing is None


@assumption(
    "The cluster has the version, endpoint and authentication that the file says, or its look-up",
    "aws eks describe-cluster --name CLUSTER",
)
def _cluster_as_declared(seen: Seen) -> str | None:
    found, spec = seen.described(), seen.cluster.control_plane
    network = found.get("resourcesVpcConfig") or {}
    public = bool(spec.endpoint.public_access_cidrs)
    existing = seen.cluster.existing
    mode = existing.authentication_mode if existing else "API"
    pairs = [
        ("status", found.get("status"), "ACTIVE"),
        ("version", found.get("version"), spec.kubernetes_version),
        ("authentication mode", (found.get("accessConfig") or {}).get("authenticationMode"), mode),
        *([] if existing else [("public endpoint", network.get("endpointPublicAccess"), public)]),
    ]
    wrong = [f"{what} is {is_}, not {should}" for what, is_, should in pairs if is_ != should]
    again = f": python -m operations look-up {seen.cluster.name}" if existing else ""
    return "; ".join(wrong) + again if wrong else None


@assumption(
    "Deletion protection of the cluster and termination protection of its last stack are on, where the file says so",
    "aws eks describe-cluster --name CLUSTER --query cluster.deletionProtection",
    applies=_made_here,
)
def _protected_as_declared(seen: Seen) -> str | None:
    should = seen.cluster.control_plane.deletion_protection
    stack = seen.deployed.find(protection_stack(seen.environment.name, seen.cluster.name))
    found = {
        "deletion protection": bool(seen.described().get("deletionProtection")),
        "termination protection": bool(stack and stack.EnableTerminationProtection),
    }
    wrong = [f"{what} is {'on' if on else 'off'}" for what, on in found.items() if on != should]
    return "; ".join(wrong) or None


@assumption(
    "Each add-on becomes ACTIVE with the role, the configuration and the nodes that it gets here",
    "aws eks list-addons --cluster-name CLUSTER; aws eks describe-addon --cluster-name CLUSTER --addon-name NAME",
)
def _addons_active(seen: Seen) -> str | None:
    wrong = []
    for addon, found in seen.each("list_addons", "addons", "describe_addon", "addon", "addonName"):
        if found.get("status") != "ACTIVE":
            issues = (found.get("health") or {}).get("issues") or []
            wrong.append(
                f"{addon} is {found.get('status')} ({', '.join(str(one.get('code')) for one in issues) or 'no issue named'})"
            )
    return "; ".join(wrong) or None


@assumption(
    "Managed node groups launch, join, and stay without a health issue",
    "aws eks describe-nodegroup --cluster-name CLUSTER --nodegroup-name NAME --query nodegroup.[status,health]",
    applies=has_managed_nodes,
)
def _node_groups_active(seen: Seen) -> str | None:
    wrong = []
    for group, found in seen.each("list_nodegroups", "nodegroups", "describe_nodegroup", "nodegroup", "nodegroupName"):
        issues = [str(one.get("code")) for one in (found.get("health") or {}).get("issues") or []]
        if found.get("status") != "ACTIVE" or issues:
            wrong.append(f"{group} is {found.get('status')} {', '.join(issues)}".strip())
    return "; ".join(wrong) or None


@assumption(
    "Fargate profiles become ACTIVE, one after the other",
    "aws eks describe-fargate-profile --cluster-name CLUSTER --fargate-profile-name NAME --query fargateProfile.status",
    applies=lambda seen: seen.cluster.compute.fargate is not None,
)
def _fargate_profiles_active(seen: Seen) -> str | None:
    profiles = seen.each(
        "list_fargate_profiles",
        "fargateProfileNames",
        "describe_fargate_profile",
        "fargateProfile",
        "fargateProfileName",
    )
    return not_active(profiles)


@assumption(
    "EKS tags the security group that it makes with aws:eks:cluster-name: custom node classes select it by that (no AWS page says so)",
    "aws ec2 describe-security-groups --filters Name=tag:aws:eks:cluster-name,Values=CLUSTER",
    applies=lambda seen: bool(has_auto_mode(seen) and seen.cluster.compute.active_auto_mode.node_classes),  # type: ignore[union-attr]
)
def _cluster_security_group_tagged(seen: Seen) -> str | None:
    filters = [{"Name": "tag:aws:eks:cluster-name", "Values": [seen.cluster.name]}]
    groups = seen.account.items("ec2", "describe_security_groups", "SecurityGroups", Filters=filters)
    own = (seen.described().get("resourcesVpcConfig") or {}).get("clusterSecurityGroupId")
    if own not in [one.get("GroupId") for one in groups]:
        return f"the tag is not on {own}: name the group in the node classes by its id"
    return None


@assumption(
    "Control plane logs arrive in the log group of the foundation, with its retention",
    "aws logs describe-log-groups --log-group-name-prefix /aws/eks/CLUSTER/cluster",
    applies=_made_here,
)
def _logs_arrive(seen: Seen) -> str | None:
    name = f"/aws/eks/{seen.cluster.name}/cluster"
    groups = seen.account.items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    found = next((one for one in groups if one.get("logGroupName") == name), None)
    if found is None:
        return f"there is no log group {name}"
    days = seen.environment.foundation.log_retention_days
    return (
        None
        if found.get("retentionInDays") == days
        else f"it keeps logs {found.get('retentionInDays')} days, not {days}"
    )


@assumption(
    "The account runs enough Lambda functions at once for the manifests of delivery: kubectl",
    "aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions",
    applies=lambda seen: seen.cluster.delivered_by_stack,
)
def _lambda_concurrency(seen: Seen) -> str | None:
    limit = (seen.account.one("lambda", "get_account_settings", "AccountLimit") or {}).get("ConcurrentExecutions")
    return (
        None
        if isinstance(limit, int) and limit >= CONCURRENCY
        else f"it runs {limit} at once; {CONCURRENCY} are needed (L-B99A9384)"
    )
