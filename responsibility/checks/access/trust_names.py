"""Whether the names in a trust policy match what uses the role. With a typo in one, nobody can assume it."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Addon, Cluster, PodIdentity
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.iam import Role, Use
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.partly_known import fits, joined, says
from responsibility.reading.policy_statements import Statement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.uses import SERVICE_ACCOUNT
from responsibility.reading.values import has_gap, references

_SERVICES = {
    "cluster": "eks.amazonaws.com",
    "fargate": "eks-fargate-pods.amazonaws.com",
    "pod_identity": "pods.eks.amazonaws.com",
}
"""Who takes a role of a purpose; of IRSA, the holder of a token of the cluster."""
_CLUSTER_ARN = ("aws:sourcearn", "aws:requesttag/eks-cluster-arn")
_NAMED_IN = ("cluster", "fargateprofile", "podidentityassociation")
"""Kinds of resources with the name of the cluster in their ARN."""
_EXACT = ("stringequals", "arnequals", "arnlike", "stringequalsignorecase")
_TESTS = (*_EXACT, "stringlike")


@check("EKR179", PodIdentity)
def association_can_work(association: PodIdentity) -> Answer | None:
    """Applies to associations with one of the two. What the target role trusts is mostly in another account."""
    policy, target = association.get("Policy"), association.get("TargetRoleArn")
    if not policy and not target:
        return None
    if policy and association.get("DisableSessionTags", False) not in (True, "true"):
        return open_(
            "has a session policy together with session tags: EKS refuses it", association.at("DisableSessionTags")
        )
    if target:
        role = association.role
        if role is None:
            raise UnknownValue(association.at("RoleArn"), "the role was not read")
        said, unsaid = role.allowances
        takes = [one for one in said if one.allow and _allows(one, "sts:AssumeRole") and _is_on(one, str(target))]
        if not takes and (unsaid or role.attached[0] or role.attached[1]):
            raise UnknownValue(association.at("TargetRoleArn"), f"whether {role.words} may assume it was not read")
        if not takes:
            return open_(f"has a target role that {role.words} may not assume", association.at("TargetRoleArn"))
    return met("is valid for EKS", association.at("TargetRoleArn" if target else "Policy"))


def _allows(statement: Statement, action: str) -> bool:
    return any(fits(action.lower(), pattern.lower()) for pattern in statement.actions)


def _is_on(statement: Statement, resource: str) -> bool:
    return any(one == resource or fits(resource, one) for one in statement.resources)


@check("EKR170", Role)
def names_who_uses_it(role: Role) -> Answer | None:
    """Applies to roles of clusters, Fargate profiles and pods: each use must fit one of the statements that let it in."""
    unknown: UnknownValue | None = None
    asked = False
    misfits: dict[tuple[str, Evidence], None] = {}
    for use in role.uses:
        statements = [item for item in role.trust if item.allow and _lets_in(item, use)]
        if not statements:
            continue
        asked = True
        found: list[tuple[str, Evidence]] = []
        for statement in statements:
            try:
                if words := _misfit(role, statement, use):
                    found.append((words, statement.evidence))
            except UnknownValue as error:
                unknown = unknown or error
        if len(found) == len(statements):
            misfits |= dict.fromkeys(found)
    if misfits:
        return open_("; ".join(dict.fromkeys(words for words, _ in misfits)), *dict.fromkeys(at for _, at in misfits))
    if unknown:
        raise unknown
    return met("matches what uses it, or does not restrict it") if asked else None


def _lets_in(statement: Statement, use: Use) -> bool:
    if use.purpose == "irsa":
        return any(kind == "Federated" for kind, _ in statement.principals)
    return ("Service", _SERVICES.get(use.purpose, "")) in statement.principals


def _misfit(role: Role, statement: Statement, use: Use) -> str:
    """Says which name of a statement is not that of a use; empty = all fit. Raises UnknownValue."""
    unknown: UnknownValue | None = None
    for operator, key, values in statement.known_conditions:
        if key.startswith("aws:requesttag/") and _untagged(use) and not operator.lower().endswith("ifexists"):
            return f"requires the session tag {key.removeprefix('aws:requesttag/')}, which the association turns off"
        test = operator.split(":")[-1].lower().removesuffix("ifexists")
        if test not in _TESTS:
            continue
        try:
            for what, expected, named in _named(role, statement, use, key, values):
                if not any(_fits(test, expected, value, statement) for value in named):
                    return f"asks for {what} {' or '.join(named)}, and {expected} uses it"
        except UnknownValue as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return ""


def _named(
    role: Role, statement: Statement, use: Use, key: str, values: tuple[str, ...]
) -> Iterator[tuple[str, str, list[str]]]:
    """Yields what a condition names: the kind of thing, the one that uses the role, those that are let in. Raises UnknownValue."""
    if key in _CLUSTER_ARN:
        clusters = [_cluster(role, value) for value in values]
        yield "cluster", _expected_cluster(role, use, statement, clusters), clusters
    elif key.startswith("aws:requesttag/"):
        tag = key.removeprefix("aws:requesttag/")
        if tag == "eks-cluster-name":
            yield "cluster", _expected_cluster(role, use, statement, list(values)), list(values)
        namespace, account = _pods(use)
        expected = {"kubernetes-namespace": namespace, "kubernetes-service-account": account}.get(tag)
        if expected:
            yield tag.replace("-", " ").removeprefix("kubernetes "), expected, list(values)
    elif key.endswith(":sub") and use.purpose == "irsa":
        issuer, known = key.removesuffix(":sub"), _issuers(role, statement)
        if known and not has_gap(issuer) and _short(issuer) not in known:
            if _short(issuer).startswith("ref:") != known[-1].startswith("ref:"):
                raise UnknownValue(
                    statement.evidence, "whether its tokens are those of the provider is not in the template"
                )
            yield "tokens of", known[-1].removeprefix("ref:"), [_short(issuer).removeprefix("ref:")]
        namespace, account = _pods(use)
        if namespace and account:
            yield "service account", joined(SERVICE_ACCOUNT, namespace, ":", account), list(values)


def _untagged(use: Use) -> bool:
    """Whether EKS sends no tags of its own. Raises UnknownValue."""
    return isinstance(use.by, PodIdentity) and use.by.get("DisableSessionTags", False) in (True, "true")


def _fits(test: str, expected: str, value: str, statement: Statement) -> bool:
    if has_gap(value) or has_gap(expected):
        raise UnknownValue(statement.evidence, "whom it lets in is not in the template")
    if test == "stringequals" or not any(letter in value for letter in "*?"):
        return expected.lower() == value.lower() if test == "stringequalsignorecase" else expected == value
    return fits(expected, value)


def _cluster(role: Role, value: str) -> str:
    """Returns the name of the cluster in the ARN of one, or of something of it; of a wider pattern, ``*``."""
    if cluster := role.facts.get(Cluster, key_of(value)):
        return cluster.name
    fields = value.split(":", 5)
    kind, _, rest = fields[-1].partition("/")
    if kind not in _NAMED_IN or not rest or (len(fields) > 1 and (fields[0], fields[2:3]) != ("arn", ["eks"])):
        return "*" if says(value, "*") else value
    name = rest.partition("/")[0]
    cluster = role.facts.get(Cluster, key_of(name))
    return cluster.name if cluster else name


def _expected_cluster(role: Role, use: Use, statement: Statement, named: list[str]) -> str:
    """Returns the name of the cluster that uses a role. Raises UnknownValue where the templates do not say which one does."""
    if use.by is role:
        known = [cluster.name for cluster in role.facts.all(Cluster) if any(fits(cluster.name, one) for one in named)]
        if known:
            return known[0]
        raise UnknownValue(statement.evidence, f"cluster {' or '.join(named)} was not read")
    cluster = role.facts.get(Cluster, use.cluster)
    if cluster is None or not (cluster.given_name or cluster.resource.answer):
        # CloudFormation makes up the name of a cluster that has none: only a reference can name it.
        if cluster and cluster.name in named:
            return cluster.name
        raise UnknownValue(statement.evidence, "the name of the cluster that uses it was not read")
    return cluster.name


def _pods(use: Use) -> tuple[str, str]:
    """Returns namespace and service account of the pods that use a role; empty = not known."""
    by = use.by
    if isinstance(by, PodIdentity):
        return str(by.namespace), str(by.service_account)
    if isinstance(by, Addon):
        for item in by.resource.maybe("PodIdentityAssociations", []) or []:
            account = str(item.get("ServiceAccount", "")) if isinstance(item, dict) else ""
            if account and f"service account {account} " in use.words:
                return "", account
    if isinstance(by, KubernetesObject):
        return by.namespace, by.bare_name
    return "", ""


def _issuers(role: Role, statement: Statement) -> list[str]:
    """Returns the names of the issuer whose tokens a statement trusts, as _short gives them; none = not known.

    Of a provider in the templates: itself, and the cluster or the address that its Url says.
    """
    for kind, value in statement.principals:
        if kind == "Federated":
            provider = role.facts.find(Fact, value)
            if provider is None:
                url = value.partition(":oidc-provider/")[2]
                return [] if has_gap(value) or not url else [_short(url)]
            url = str(provider.resource.maybe("Url", ""))
            return [_short(value), *([] if has_gap(url) or not url else [_short(url)])]
    return []


def _short(issuer: str) -> str:
    """Returns an issuer without https://, in lower case; of a reference, ``ref:`` and the resource's key."""
    if found := next(references(issuer), None):
        return f"ref:{found[0]}".lower()
    return issuer.removeprefix("https://").lower()
