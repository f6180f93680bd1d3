"""Who may assume an IAM role, in words."""

from __future__ import annotations

from collections.abc import Iterator

from eks_facts import iam_words
from responsibility.reading.access import AwsAuth
from responsibility.reading.eks import Addon, Cluster, PodIdentity
from responsibility.reading.facts import Fact
from responsibility.reading.iam import Purpose, Role, Use
from responsibility.reading.partly_known import says, without_gaps
from responsibility.reading.policy_statements import OWN_ACCOUNT, Statement, whole_account
from responsibility.reading.resource import UnknownValue
from responsibility.reading.uses import SERVICE_ACCOUNT
from responsibility.reading.values import has_gap

_MEANT: dict[str, tuple[Purpose, ...]] = {
    "eks.amazonaws.com": ("cluster",),
    "ec2.amazonaws.com": ("node", "auto_node"),
    "eks-fargate-pods.amazonaws.com": ("fargate",),
    "lambda.amazonaws.com": ("kubectl", "deploy"),
    "capabilities.eks.amazonaws.com": ("capability",),
    "backup.amazonaws.com": ("backup",),
}
"""The uses of a role that explain why a service may assume it."""


def assumers(role: Role) -> list[str]:
    """Returns who may assume it, in words; what is not known is said, too."""
    try:
        trust = role.trust
    except UnknownValue as unknown:
        return [without_gaps(f"not known: {unknown.reason}")]
    found = [words for statement in trust if statement.allow for words in _statement(role, statement)]
    return list(dict.fromkeys(found))


def _statement(role: Role, statement: Statement) -> Iterator[str]:
    for kind, value in statement.principals:
        if has_gap(value):
            yield "somebody whom the template does not name"
        elif kind == "Service":
            yield from _service(role, statement, value)
        elif kind == "Federated":
            yield from _federated(role, statement, value)
        else:
            yield _aws(role, statement, value)


def _of(role: Role, use: Use) -> str:
    """Returns `` of cluster demo``; empty where the words of the use say it already, or it is not known."""
    cluster = role.facts.get(Cluster, use.cluster)
    if not cluster or cluster.words in use.words:
        return ""
    return f" {'in' if use.purpose == 'kubectl' else 'of'} {cluster.words}"


def _service(role: Role, statement: Statement, value: str) -> Iterator[str]:
    if value == "pods.eks.amazonaws.com":
        yield from _pods(role, statement)
        return
    words = iam_words.principal(value)
    uses = [use for use in role.uses if use.purpose in _MEANT.get(value, ()) and use.by is not role]
    # What aws-auth lets in is a node group, too, where the templates make it.
    uses = [use for use in uses if not isinstance(use.by, AwsAuth)] or uses
    named = list(dict.fromkeys(use.words + _of(role, use) for use in uses))
    yield f"{words}: {', '.join(named[:3])}{' and more' if len(named) > 3 else ''}" if named else words


def _pods(role: Role, statement: Statement) -> Iterator[str]:
    """Pods by Pod Identity: as the associations say, else as the trust says."""
    named = False
    for use in role.uses:
        if use.purpose == "pod_identity" and isinstance(use.by, PodIdentity | Addon):
            named = True
            yield f"{_account(use, statement)}{_of(role, use)} through Pod Identity"
    if not named:
        tags = {key.rpartition("/")[2]: values for key, values in _tests(statement)}
        space, account = (tags.get(f"kubernetes-{name}", ("*",)) for name in ("namespace", "service-account"))
        if tags.keys() & {"kubernetes-namespace", "kubernetes-service-account"}:
            yield f"pods of service account {'/'.join((*space[:1], *account[:1]))} through Pod Identity"
        else:
            yield "pods that an association gives it to, through Pod Identity"


def _account(use: Use, statement: Statement) -> str:
    """The words of an add-on's association lack the namespace; the trust may say it."""
    if not isinstance(use.by, Addon):
        return use.words
    spaces = [values for key, values in _tests(statement) if key.endswith("/kubernetes-namespace")]
    space = str(spaces[0][0]) if spaces else str(use.by.resource.maybe("NamespaceConfig.Namespace", ""))
    return use.words.replace("service account ", f"service account {space}/", 1) if space else use.words


def _tests(statement: Statement) -> list[tuple[str, tuple[str, ...]]]:
    """Returns key and values of each condition, for people."""
    try:
        return [(without_gaps(key), tuple(map(without_gaps, values))) for _, key, values in statement.known_conditions]
    except UnknownValue:
        return []


def _federated(role: Role, statement: Statement, value: str) -> Iterator[str]:
    provider = without_gaps(value.rsplit("-provider/", 1)[-1])
    if any(says(action.lower(), "withsaml") for action in statement.actions):
        yield f"people who sign in through the SAML provider {provider}"
        return
    uses = [use for use in role.uses if use.purpose == "irsa"]
    cluster = next((_of(role, use) for use in uses if _of(role, use)), "")
    if statement.unread:
        yield f"pods{cluster} through IRSA; which ones, the template does not say"
        return
    subjects = [item for key, values in _tests(statement) if key.endswith(":sub") for item in values]
    for subject in subjects:
        if subject.startswith(SERVICE_ACCOUNT):
            name = subject.removeprefix(SERVICE_ACCOUNT).replace(":", "/")
            every = "every service account that fits" if "*" in name else "service account"
            yield f"pods of {every} {name}{cluster} through IRSA"
        else:
            yield f"holders of an OIDC token for {subject}"
    if not subjects:
        yield f"every pod{cluster} through IRSA" if uses else f"everybody with a token of {provider}"


def _aws(role: Role, statement: Statement, value: str) -> str:
    if statement.unread:
        under = ", under conditions that the template does not say"
    else:
        keys = sorted({without_gaps(key) for test in statement.conditions.values() for key in test})
        under = f", under conditions ({', '.join(keys)})" if keys else ""
    if value == "*":
        return f"everybody, in every AWS account{under}"
    if account := whole_account(value):
        own = account == OWN_ACCOUNT or role.resource.account == account
        whose = "this account" if account == OWN_ACCOUNT else f"account {account}"
        return f"anyone in {whose} whom {'IAM' if own else 'that account'} lets{under}"
    if found := role.facts.find(Fact, value) or role.facts.find(Role, value):
        return f"{found.words if isinstance(found, Role) else found.name}{under}"
    kind, _, name = value.rsplit(":", 1)[-1].partition("/")
    return f"the {kind} {name}{under}" if name else f"{value}{under}"
