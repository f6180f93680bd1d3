"""Checks of node roles: every pod that reaches the node's metadata service can use them."""

import re

from eks_facts import iam_words, role_policies
from responsibility.checks.check import Answer, check, met, open_
from responsibility.findings import Evidence
from responsibility.reading.iam import Purpose, Role
from responsibility.reading.partly_known import fits_one, found_in
from responsibility.reading.policy_statements import Statement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_CNI = "AmazonEKS_CNI_Policy"
_NODE_POLICIES = role_policies.accepted("ec2_nodes", "auto_mode_nodes") | frozenset(
    (
        "AmazonElasticContainerRegistryPublicReadOnly",
        "AmazonSSMManagedInstanceCore",
        "AmazonSSMManagedEC2InstanceDefaultPolicy",
        _CNI,  # EKR027
    )
)
"""What a node itself needs: the kubelet, image pulls, Systems Manager in the place of SSH."""
_NODE_SERVICES = frozenset(("ec2messages", "eks-auth", "ssm", "ssmmessages"))
"""Services that the node's own software calls, also to write."""
_SERVICES: dict[str, str] = {
    "cluster": "eks.amazonaws.com",
    "node": "ec2.amazonaws.com",
    "auto_node": "ec2.amazonaws.com",
    "fargate": "eks-fargate-pods.amazonaws.com",
    "capability": "capabilities.eks.amazonaws.com",
}
"""Who assumes a role, by what it is for."""
_NAMED_BY = frozenset(
    (
        "AWS::EKS::Cluster",
        "AWS::EKS::Nodegroup",
        "AWS::EKS::FargateProfile",
        "AWS::EKS::Capability",
        "AWS::AutoScaling::AutoScalingGroup",
        "NodeClass",
        "EC2NodeClass",
    )
)
"""What names a role for just that; aws-auth and access entries serve every kind of node."""
_GIVEN_BY = frozenset(("AWS::EKS::Addon", "ServiceAccount"))
"""What gives a role to pods by IRSA."""
_IMPORT, _MAKE = "ecr:batchimportupstreamimage", "ecr:createrepository"
_PREFIX = re.compile(r"repository/[a-z0-9][a-z0-9._/-]*/\*")
_READ_SERVICES = frozenset(("autoscaling", "ec2", "ecr", "ecr-public", "eks"))


@check("EKR027", Role)
def no_cni_policy(role: Role) -> Answer | None:
    """The CNI plugin takes a role of its own by Pod Identity or IRSA."""
    if not role.is_for("node", "auto_node"):
        return None
    named, unsaid = role.attached
    found = [evidence for name, evidence in named if name == _CNI]
    if found:
        return open_(f"has {_CNI}", *found)
    if unsaid:
        raise unsaid[0]
    return met(f"does not have {_CNI}")


@check("EKR028", Role)
def node_policies_only(role: Role) -> Answer | None:
    """AWS managed policies by name; statements by what a node's own software calls."""
    if not role.is_for("node", "auto_node"):
        return None
    named, unsaid = role.attached
    said, gaps = role.allowances[0], [*role.allowances[1]]
    found: list[tuple[str, Evidence]] = [(name, at) for name, at in named if name not in _NODE_POLICIES]
    for statement in said:
        gaps += unsaid_of_a_node(statement)
        actions = [one for one in statement.actions if statement.allow and not allowed_to_a_node(one, statement, said)]
        if actions or (statement.allow and statement.not_actions):
            found.append((actions[0] if actions else "NotAction", statement.evidence))
    if found:
        names = list(dict.fromkeys(name for name, _ in found))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return open_(f"allows what a node does not need: {', '.join(names[:3])}{more}", *(at for _, at in found))
    if unsaid or gaps:
        raise [*unsaid, *gaps][0]
    return met("has what nodes need, and no more")


@check("EKR220", Role)
def has_what_it_needs(role: Role) -> Answer | None:
    """By AWS managed policies, wider ones, or statements of its own that allow the same."""
    kinds: list[tuple[Purpose, role_policies.RoleOf]] = [
        ("node", "ec2_nodes"),
        ("auto_node", "auto_mode_nodes"),
        ("fargate", "fargate_pods"),
    ]
    roles = [of for purpose, of in kinds if role.is_for(purpose)]
    if not roles:
        return None
    named, unsaid = role.attached
    said, gaps = role.allowances
    names = [name for name, _ in named]
    missing = [
        policy
        for of in roles
        for policy in role_policies.missing(of, names)
        if not role_policies.includes(policy, names) and not allows(said, role_policies.instead(policy))
    ]
    if not missing:
        return met("has what it needs to start")
    if unsaid or gaps:
        raise [*unsaid, *gaps][0]
    return open_(f"lacks {' and '.join(dict.fromkeys(missing))}, or statements like it", role.at("ManagedPolicyArns"))


@check("EKR420", Role)
def is_trusted_by_what_uses_it(role: Role) -> Answer | None:
    """Applies to roles that a cluster, a group of nodes, a Fargate profile or a capability of the templates names."""
    services = {
        _SERVICES[use.purpose]: use
        for use in role.uses
        if use.purpose in _SERVICES and use.by.resource.type in _NAMED_BY
    }
    pods = [use for use in role.uses if use.purpose == "irsa" and use.by.resource.type in _GIVEN_BY]
    if not services and not pods:
        return None
    kinds = {kind if value != "*" else value for one in role.trust for kind, value in one.principals if one.allow}
    for service, use in services.items():
        if role.assumed_by(service):
            continue
        gap = next((one for one in role.trust for _, value in one.principals if has_gap(value)), None)
        if gap or "*" in kinds:
            raise UnknownValue((gap or role.trust[0]).evidence, f"whether it trusts {service} is not known here")
        return open_(
            f"does not let {service} assume it: {use.words} cannot use it", role.at("AssumeRolePolicyDocument")
        )
    if pods and not any(kind == "Federated" for one in role.trust for kind, _ in one.principals if one.allow):
        words = "does not let the tokens of an OIDC provider assume it"
        return open_(f"{words}: {pods[0].words} cannot use it", role.at("AssumeRolePolicyDocument"))
    who = [*services, *(["the tokens of an OIDC provider"] if pods else [])]
    return met(f"lets {' and '.join(who)} assume it", role.at("AssumeRolePolicyDocument"))


def allows(said: list[Statement], actions: tuple[str, ...]) -> bool:
    """Whether statements allow each of some actions; that a condition or a resource limits them is for people to see."""
    granted = [pattern for statement in said if statement.allow for pattern in statement.actions]
    return all(fits_one(action.lower(), (pattern.lower() for pattern in granted)) for action in actions)


def allowed_to_a_node(action: str, statement: Statement, said: list[Statement]) -> bool:
    """Whether a node may be allowed an action of a statement; ``said`` is everything that its role allows.

    A kubelet fills a pull through cache with what it pulls, and Amazon ECR makes the image's repository with its rights. Below one
    prefix that gives pods nothing: without `ecr:PutImage`, only the upstream registry decides what is in such a repository.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
    """
    if of_a_node(action):
        return True
    lowered = action.lower()
    if lowered not in (_IMPORT, _MAKE) or statement.not_resources:
        return False
    if not all(has_gap(one) or _is_cache(one) for one in statement.resources):
        return False
    # To make repositories without a right to import into them is no need of a cache.
    imported = {
        one for other in said if other.allow and _IMPORT in map(str.lower, other.actions) for one in other.resources
    }
    return lowered == _IMPORT or imported >= {*statement.resources}


def _is_cache(resource: str) -> bool:
    """Whether it is the repositories below one prefix, which is spelled out."""
    arn, *fields = resource.split(":")
    try:
        return (
            len(fields) == 5
            and (arn, fields[1]) == ("arn", "ecr")
            and bool(fields[0])
            and not {*"*?"} & {*fields[0]}
            and bool(found_in(_PREFIX, fields[4]))
        )
    except UnknownValue:
        return False


def unsaid_of_a_node(statement: Statement) -> list[UnknownValue]:
    """Returns what the template does not say of a statement, where ``allowed_to_a_node`` would have to know it."""
    found = ["an action is not in the template"] if any(map(has_gap, statement.actions)) else []
    if statement.allow and {_IMPORT, _MAKE} & {*map(str.lower, statement.actions)}:
        unknown = any(has_gap(one) and not _is_cache(one) for one in statement.resources)
        found += ["the repositories that it may make are not in the template"] if unknown else []
    return [UnknownValue(statement.evidence, why) for why in found]


def of_a_node(action: str) -> bool:
    """Whether the software of a node itself calls an action; one that is not known may be."""
    service, _, name = action.lower().partition(":")
    if has_gap(action):
        return True
    if service in ("logs", "cloudwatch", "xray"):
        # An agent on the node writes them.
        return name.startswith(("put", "create")) or iam_words.only_reads(action)
    return service in _NODE_SERVICES or (service in _READ_SERVICES and iam_words.only_reads(action))


@check("EKR029", Role)
def narrow_policies(role: Role) -> Answer | None:
    """Auto Mode needs less than nodes whose kubelet describes the VPC."""
    if not role.is_for("node", "auto_node"):
        return None
    wide = role_policies.wider("ec2_nodes" if role.is_for("node") else "auto_mode_nodes")
    named, unsaid = role.attached
    found = [(name, evidence) for name, evidence in named if name in wide]
    if found:
        words = "; ".join(f"has {name} where {wide[name]} is enough" for name, _ in found)
        return open_(words, *(evidence for _, evidence in found))
    if unsaid:
        raise unsaid[0]
    return met("has none of the wider policies")
