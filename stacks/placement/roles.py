"""Placeholders of charts and manifests for the roles of `pod_identities` that pods get by IRSA."""

from collections.abc import Iterable, Sequence

from delivery.placeholders import is_role, role_placeholder_in
from eks_constructs.construct_ids import pascal_case
from stacks.environment.cluster_spec import ClusterSpec


def role_outputs(names: Iterable[str], cluster: ClusterSpec) -> dict[str, str]:
    """Returns the outputs of the workloads' stack with the values of those placeholders that are roles."""
    known = {
        role_placeholder_in(one.namespace, one.service_account): f"RoleOf{pascal_case(one.construct_id)}"
        for _, one in cluster.all_pod_identities
        if "irsa" in cluster.ways_of(one)
    }
    return {name: known[name] for name in sorted(set(names)) if name in known}


def not_filled(name: str, cluster: ClusterSpec, filled: Sequence[str]) -> str | None:
    """Returns what is wrong with a placeholder that is none of ``filled``; None: nothing."""
    if name in filled or role_outputs([name], cluster):
        return None
    own = [
        one for _, one in cluster.all_pod_identities if role_placeholder_in(one.namespace, one.service_account) == name
    ]
    if own:
        return (
            f"${{{name}}} is not filled in: the pods of {own[0].service_account} get their role by EKS Pod Identity, without an"
            " annotation; remove it, or say irsa: true in pod_identities for pods on Fargate"
        )
    if is_role(name):
        roles = [role_placeholder_in(one.namespace, one.service_account) for _, one in cluster.all_pod_identities]
        return (
            f"${{{name}}} is the role of no entry of pod_identities, which would be {role_placeholder_in('NAMESPACE', 'NAME')}."
            f" There is: {', '.join(sorted(roles)) or 'none'}"
        )
    return f"${{{name}}} is not filled in; these are: {', '.join(filled)}. $${{{name}}} means itself"
