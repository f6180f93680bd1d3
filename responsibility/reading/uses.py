"""What each IAM role is for, as far as that has to do with a cluster: found from everything that names the role, and from its trust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from eks_facts import iam_words
from responsibility.reading.access import AwsAuth
from responsibility.reading.eks import AccessEntry, Addon, Cluster, FargateProfile, NodeGroup, PodIdentity
from responsibility.reading.eks import SelfManagedNodes as OwnNodes
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.handlers import handlers_of, maker_of
from responsibility.reading.iam import Purpose, Role, Use
from responsibility.reading.kubernetes import objects
from responsibility.reading.partly_known import fits, says, surely
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import references

Found = tuple[Any, Use]
"""A role's name, ARN or reference, and a use of it."""

_ENTRY_TYPES: dict[str, Purpose] = {
    "EC2_LINUX": "node",
    "EC2_WINDOWS": "node",
    "EC2": "auto_node",
    "FARGATE_LINUX": "fargate",
    "HYBRID_LINUX": "hybrid_node",
}
_SERVICES: dict[str, tuple[Purpose, str]] = {
    "eks.amazonaws.com": ("cluster", "a cluster"),
    "eks-fargate-pods.amazonaws.com": ("fargate", "pods on Fargate"),
    "pods.eks.amazonaws.com": ("pod_identity", "pods through Pod Identity"),
    "capabilities.eks.amazonaws.com": ("capability", "an EKS capability"),
}
"""Services that assume a role for EKS alone: such a role has to do with EKS even if nothing in the templates names it."""
_OF_NODES: dict[str, Purpose] = {"AmazonEKSWorkerNodePolicy": "node", "AmazonEKSWorkerNodeMinimalPolicy": "auto_node"}
"""AWS has the minimal one for Auto Mode alone: https://docs.aws.amazon.com/eks/latest/userguide/auto-create-node-role.html"""
CREDENTIALS = ("ssm.amazonaws.com", "rolesanywhere.amazonaws.com")
"""Services that give a machine outside of AWS the credentials of a role: hybrid nodes have them from one of the two."""
_OIDC_PROVIDERS = ("AWS::IAM::OIDCProvider", "Custom::AWSCDKOpenIdConnectProvider")
SERVICE_ACCOUNT = "system:serviceaccount:"


class UsedRole(Role):
    """An IAM role, and what names it."""

    @property
    def uses(self) -> Sequence[Use]:
        """Its purposes that have to do with a cluster."""
        return self.facts.view(uses_of).get(self.resource.key, [])


def uses_of(facts: Facts) -> dict[str, list[Use]]:
    """Returns the uses of each role, by the role's key."""
    found: dict[str, dict[Use, None]] = defaultdict(dict)
    for finder in (
        _clusters,
        _nodes,
        _node_classes,
        _fargate,
        _pods,
        _annotations,
        _entries,
        _aws_auth,
        _lambdas,
        _backups,
    ):
        for value, use in finder(facts):
            if role := facts.find(Role, value):
                found[role.resource.key][use] = None
    for role in facts.all(Role):
        have = {use.purpose for use in found[role.resource.key]}
        if have & {"auto_node", "node"}:
            have |= {"auto_node", "node"}
        found[role.resource.key] |= {use: None for use in _of_itself(role) if use.purpose not in have}
    return {key: list(uses) for key, uses in found.items()}


def _use(purpose: Purpose, fact: Fact, words: str = "") -> Use:
    return Use(purpose, fact.cluster_key, words or fact.words, fact)


def _clusters(facts: Facts) -> Iterator[Found]:
    for cluster in facts.all(Cluster):
        yield cluster.resource.maybe("RoleArn"), _use("cluster", cluster)
        yield cluster.resource.maybe("ComputeConfig.NodeRoleArn"), _use("auto_node", cluster, "Auto Mode nodes")
        # The older custom resource: whoever makes the cluster stays its administrator.
        yield cluster.resource.maybe("AssumeRoleArn"), _use("deploy", cluster, f"the creator of {cluster.words}")
    for capability in facts.of_type("AWS::EKS::Capability"):
        name = capability.resource.maybe("CapabilityName", capability.resource.id)
        yield capability.resource.maybe("RoleArn"), _use("capability", capability, f"EKS capability {name}")


def _nodes(facts: Facts) -> Iterator[Found]:
    for group in facts.all(NodeGroup):
        yield group.resource.maybe("NodeRole"), _use("node", group)
    for nodes in facts.all(OwnNodes):
        try:
            instance = nodes.instance
            profile = instance.get("IamInstanceProfile") if instance else None
        except UnknownValue:
            continue
        yield from _in_profile(facts, profile, _use("node", nodes))


def _in_profile(facts: Facts, profile: Any, use: Use) -> Iterator[Found]:
    if isinstance(profile, dict):
        profile = profile.get("Arn") or profile.get("Name")
    found = facts.find(Fact, profile)
    for role in (found.resource.maybe("Roles", []) or []) if found else []:
        yield role, use


def _node_classes(facts: Facts) -> Iterator[Found]:
    """Classes of nodes that Auto Mode or Karpenter starts."""
    kinds: tuple[tuple[str, Purpose], ...] = (("NodeClass", "auto_node"), ("EC2NodeClass", "node"))
    for kind, purpose in kinds:
        for item in objects(facts, kind):
            yield item.resource.maybe("spec.role"), _use(purpose, item, f"nodes of {item.words}")


def _fargate(facts: Facts) -> Iterator[Found]:
    for profile in facts.all(FargateProfile):
        yield profile.resource.maybe("PodExecutionRoleArn"), _use("fargate", profile)


def _pods(facts: Facts) -> Iterator[Found]:
    for pods in facts.all(PodIdentity):
        names = f"{pods.resource.maybe('Namespace', '?')}/{pods.resource.maybe('ServiceAccount', '?')}"
        yield pods.resource.maybe("RoleArn"), _use("pod_identity", pods, f"pods of service account {names}")
    for addon in facts.all(Addon):
        yield addon.resource.maybe("ServiceAccountRoleArn"), _use("irsa", addon, f"pods of {addon.words}")
        for item in addon.resource.maybe("PodIdentityAssociations", []) or []:
            if isinstance(item, dict):
                words = f"pods of service account {item.get('ServiceAccount')} ({addon.words})"
                yield item.get("RoleArn"), _use("pod_identity", addon, words)


def _annotations(facts: Facts) -> Iterator[Found]:
    """Service accounts that say which role their pods assume (IRSA)."""
    for account in objects(facts, "ServiceAccount"):
        annotations = account.resource.maybe("metadata.annotations", {}) or {}
        if isinstance(annotations, dict) and (arn := annotations.get("eks.amazonaws.com/role-arn")):
            yield arn, _use("irsa", account, f"pods of service account {account.name}")


def _entries(facts: Facts) -> Iterator[Found]:
    for entry in facts.all(AccessEntry):
        purpose = _ENTRY_TYPES.get(str(entry.resource.maybe("Type", "STANDARD")), "people")
        yield entry.resource.maybe("PrincipalArn"), _use(purpose, entry, "access to the Kubernetes API")


def _aws_auth(facts: Facts) -> Iterator[Found]:
    for config in facts.all(AwsAuth):
        try:
            mappings = config.mappings
        except UnknownValue:
            continue
        for mapping in mappings:
            if mapping.is_node:
                fargate = facts.find(Role, mapping.principal)
                is_fargate = fargate is not None and _trusts(fargate, "eks-fargate-pods.amazonaws.com")
                purpose: Purpose = "fargate" if is_fargate else "node"
                yield mapping.principal, _use(purpose, config, "nodes that aws-auth lets in")
            else:
                yield mapping.principal, _use("people", config, "access to the Kubernetes API (aws-auth)")


def _lambdas(facts: Facts) -> Iterator[Found]:
    """The Lambda functions by which CDK makes what CloudFormation cannot."""
    for handlers in facts.view(handlers_of).values():
        for handler in handlers:
            yield handler.role, Use("kubectl", handler.cluster, "the one that runs kubectl", handler.by)
            if handler.assumes:
                yield handler.assumes, Use("kubectl", handler.cluster, "the role that runs kubectl", handler.by)
    makers: list[tuple[Fact, str]] = [(cluster, cluster.words) for cluster in facts.all(Cluster)]
    makers += [(fact, "the OIDC provider") for fact in facts.of_type("Custom::AWSCDKOpenIdConnectProvider")]
    for fact, what in makers:
        function = maker_of(fact)
        if function:
            yield function.resource.maybe("Role"), _use("deploy", fact, f"the one that makes {what}")


def _backups(facts: Facts) -> Iterator[Found]:
    """AWS Backup takes a role for what it saves; only selections that name a cluster have to do with one."""
    for selection in facts.of_type("AWS::Backup::BackupSelection"):
        said = selection.resource.maybe("BackupSelection.Resources", []) or []
        cluster = next((found for arn in said if (found := facts.find(Cluster, arn))), None)
        if cluster or any(says(str(arn), ":eks:") for arn in said):
            words = f"backups of {cluster.words}" if cluster else "backups of clusters"
            key = cluster.resource.key if cluster else selection.cluster_key
            yield selection.resource.maybe("BackupSelection.IamRoleArn"), Use("backup", key, words, selection)


def _of_itself(role: Role) -> Iterator[Use]:
    """What a role's trust and policies say about it."""
    for service, (purpose, words) in _SERVICES.items():
        if _trusts(role, service):
            yield Use(purpose, _only_cluster(role), words, role)
    attached = {name for name, _ in role.attached[0]}
    if _trusts(role, "ec2.amazonaws.com") and (of := next((name for name in _OF_NODES if name in attached), None)):
        # Karpenter, Spot Ocean, or another stack starts them: nothing here names the role.
        yield Use(_OF_NODES[of], _only_cluster(role), "nodes that something else starts", role)
    if any(_trusts(role, service) for service in CREDENTIALS) and _describes_clusters(role):
        # nodeadm asks EKS for the cluster that it joins
        yield Use("hybrid_node", _only_cluster(role), "hybrid nodes", role)
    if _trusts_pods_by_oidc(role):
        yield Use("irsa", _only_cluster(role), "pods of a service account", role)
    if _may_administer(role):
        yield Use("admin", "", "EKS administration", role)


def _describes_clusters(role: Role) -> bool:
    return any(
        statement.allow and any(surely(partial(fits, "eks:describecluster", one.lower())) for one in statement.actions)
        for statement in role.allowances[0]
    )


def _only_cluster(role: Role) -> str:
    return role.facts.cluster_of(role.resource)


def _trusts(role: Role, service: str) -> bool:
    try:
        return role.assumed_by(service)
    except UnknownValue:
        return False


def _trusts_pods_by_oidc(role: Role) -> bool:
    """Whether a service account of a cluster may assume it (IRSA)."""
    try:
        trust = role.trust
    except UnknownValue:
        return False
    for statement in trust:
        for kind, value in statement.principals:
            if kind != "Federated":
                continue
            provider = role.facts.find(Fact, value)
            issuer = str(provider.resource.maybe("Url", "")) if provider else value
            given = [attribute for _, attribute in references(issuer)]
            if provider and provider.resource.type in _OIDC_PROVIDERS and any("Issuer" in one for one in given):
                return True
            if says(issuer, "oidc.eks.") or SERVICE_ACCOUNT in str(statement.conditions):
                return True
    return False


def _may_administer(role: Role) -> bool:
    """Whether it can change EKS clusters, or everything."""
    if any(iam_words.is_administrator(name) for name, _ in role.attached[0]):
        return True
    return any(
        statement.allow
        and (statement.not_actions or any(surely(partial(_changes_eks, action)) for action in statement.actions))
        for statement in role.allowances[0]
    )


def _changes_eks(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    return (
        action == "*"
        or (service in ("eks", "iam") and name == "*")
        or (service == "eks" and not iam_words.only_reads(action))
    )
