"""Checks of who may assume an IAM role: all roles that have to do with a cluster (``reading/uses.py``)."""

import re
from collections.abc import Callable, Iterator

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster, PodIdentity
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import fits_one
from responsibility.reading.policy_statements import Statement, whole_account
from responsibility.reading.resource import UnknownValue
from responsibility.reading.unread_roles import UnreadNodeRole
from responsibility.reading.uses import SERVICE_ACCOUNT
from responsibility.reading.values import gap_of, has_gap, is_gap

_PODS = "pods.eks.amazonaws.com"
_SHARED_PROVIDERS = ("cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com")
"""Providers whose tokens are told apart by :aud, not by :sub (IAM's page on web identity keys)."""
_WHO = ("aws:principal", "aws:source", "aws:userid")
"""How the keys begin that say whose call it is."""
_CALLS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
"""What gives the credentials of a role."""


def _assumes(statement: Statement) -> bool:
    if not statement.allow:
        return False
    actions, but = ([one.lower() for one in each] for each in (statement.actions, statement.not_actions))
    return any(fits_one(call, actions) or (bool(but) and not fits_one(call, but)) for call in _CALLS)


def _trusting(role: Role, kind: str, *values: str) -> list[Statement]:
    """Returns the statements that allow a principal something; any of a kind if none is named."""
    if kind == "Service" and isinstance(role, UnreadNodeRole):
        return []  # EC2 takes it for nodes; nothing says that another service may
    return [
        statement
        for statement in role.trust
        if statement.allow and any(of == kind and (not values or value in values) for of, value in statement.principals)
    ]


def _judge(statements: list[Statement], problem: Callable[[Statement], str], fine: str) -> Answer | None:
    """Answers by the statements among them that give the role's credentials. Raises UnknownValue."""
    found: list[tuple[str, Evidence]] = []
    unknown: UnknownValue | None = None
    judged = False
    for statement in statements:
        try:
            if not _assumes(statement):
                continue
            judged = True
            words = problem(statement)
        except UnknownValue as error:
            unknown = unknown or error
            continue
        if words:
            found.append((words, statement.evidence))
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *(at for _, at in found))
    if unknown:
        raise unknown
    return met(fine) if judged else None


@check("EKR030", Role, synth=True)
def not_open_to_everybody(role: Role) -> Answer | None:
    """The own account is fine: its IAM policies decide who may."""
    if not role.uses:
        return None
    own = role.resource.account

    def problem(statement: Statement) -> str:
        for kind, value in statement.principals:
            if has_gap(value):
                raise UnknownValue(statement.evidence, "who may assume it is not in the template")
            if value == "*" and not statement.tests(*_WHO):
                return "everybody may assume it"
            account = whole_account(value) if kind == "AWS" else ""
            if account.isdigit() and account != own and not statement.tests():
                others = {whole_account(one) for of, one in statement.principals if of == "AWS" and not has_gap(one)}
                if not own and len({one for one in others if one.isdigit()}) > 1:
                    return f"accounts {' and '.join(sorted(filter(str.isdigit, others)))} may assume it: only one can be the own"
                if not own:
                    raise UnknownValue(statement.evidence, f"whether {account} is the own account is not known")
                return f"anyone in account {account} may assume it if that account allows it"
        return ""

    return _judge(role.trust, problem, "trusts neither everybody nor a whole foreign account")


def _subjects(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yields operator and value of each test that says who the token must be of. Raises UnknownValue."""
    for operator, key, values in statement.known_conditions:
        test = operator.split(":")[-1].lower().removesuffix("ifexists")
        if key.endswith(":sub") and test in ("stringequals", "stringequalsignorecase", "stringlike"):
            yield from ((test, value) for value in values)


def _oidc(role: Role) -> list[Statement]:
    """Returns the statements that let the holders of OIDC tokens in. Raises UnknownValue."""
    return [
        statement
        for statement in _trusting(role, "Federated")
        if any("withsaml" not in action.lower() for action in statement.actions)
        and not any(value in _SHARED_PROVIDERS for _, value in statement.principals)
    ]


_EVERYBODY = ("*", "system:serviceaccount:*", "system:serviceaccount:*:*", "system:*", "repo:*")


@check("EKR031", Role, synth=True)
def names_the_subject(role: Role) -> Answer | None:
    """IRSA, and pipelines that deploy to the cluster. IAM itself compares :aud with what the provider was registered for."""
    if not role.uses:
        return None

    def problem(statement: Statement) -> str:
        subjects = [value for test, value in _subjects(statement) if not (test != "stringlike" and "*" in value)]
        if subjects and all(map(is_gap, subjects)):
            raise UnknownValue(statement.evidence, f"Condition: {gap_of(subjects[0])}")
        if not subjects:
            exact = [value for _, value in _subjects(statement)]
            if exact:
                return f"compares :sub with {exact[0]} by StringEquals, where * is not a wildcard: nobody fits"
            return "every holder of a token of the provider may assume it: :sub is not tested"
        if any(value in _EVERYBODY for value in subjects):
            return "every holder of a token of the provider may assume it: :sub is tested for any"
        return ""

    return _judge(_oidc(role), problem, "checks whose token it is")


@check("EKR032", Role)
def no_wildcard_accounts(role: Role) -> Answer | None:
    """Every account of the cluster is EKR031."""
    if not role.uses:
        return None

    def problem(statement: Statement) -> str:
        wide = [value for test, value in _subjects(statement) if test == "stringlike" and re.search(r"[*?]", value)]
        wide = [value for value in wide if value.startswith(SERVICE_ACCOUNT) and value not in _EVERYBODY]
        return f"admits every service account that matches {' or '.join(wide)}" if wide else ""

    named = [
        statement
        for statement in _oidc(role)
        if statement.unread or any(value.startswith(SERVICE_ACCOUNT) for _, value in _subjects(statement))
    ]
    return _judge(named, problem, "uses full service account names")


@check("EKR033", Role, synth=True)
def says_for_which_cluster(role: Role) -> Answer | None:
    """AWS documents it for the cluster role and the pod execution role, and on no page together with Auto Mode."""
    if _acts_for_auto_mode(role):
        tested = any(item.tests(*_SOURCES) for item in role.trust)
        what = "Auto Mode: AWS documents no such condition for it"
        return met("is limited to one cluster") if tested else not_applicable(what)

    def problem(statement: Statement) -> str:
        if statement.tests(*_SOURCES):
            return ""
        return "EKS may assume it for any cluster: neither aws:SourceArn nor aws:SourceAccount is tested"

    trusting = _trusting(role, "Service", "eks.amazonaws.com", "eks-fargate-pods.amazonaws.com")
    return _judge(trusting, problem, "is limited to one cluster")


@check("EKR230", Role, synth=True)
def flow_logs_are_written_for_one_account(role: Role) -> Answer | None:
    """Found by its trust: a role that flow logs take has no other sign."""

    def problem(statement: Statement) -> str:
        return (
            "" if statement.tests(*_SOURCES) else "flow logs of any account may use it: aws:SourceAccount is not tested"
        )

    return _judge(_trusting(role, "Service", "vpc-flow-logs.amazonaws.com"), problem, "is limited to its account")


@check("EKR172", Role)
def trusted_as_documented(role: Role) -> Answer | None:
    """Other keys are the account's own choice."""
    if not _acts_for_auto_mode(role):
        return None

    def problem(statement: Statement) -> str:
        keys = sorted({key for _, key, _ in statement.known_conditions} & _SOURCES)
        names = " and ".join(
            {"aws:sourcearn": "aws:SourceArn", "aws:sourceaccount": "aws:SourceAccount"}[key] for key in keys
        )
        return f"requires {names}, which AWS documents only without Auto Mode" if keys else ""

    return _judge(_trusting(role, "Service", "eks.amazonaws.com"), problem, "requires nothing undocumented")


_SOURCES = {"aws:sourcearn", "aws:sourceaccount"}


def _acts_for_auto_mode(role: Role) -> bool:
    """Whether it is the role of a cluster with Auto Mode. Raises UnknownValue."""
    clusters = [use.by for use in role.uses if use.purpose == "cluster" and isinstance(use.by, Cluster)]
    return any(cluster.auto_mode for cluster in clusters)


@check("EKR034", Role)
def pod_identity_works(role: Role) -> Answer | None:
    """The association alone does not help."""
    if not role.is_for("pod_identity"):
        return None
    trusting = [item for item in role.trust if item.allow and ("Service", _PODS) in item.principals]
    actions = {action.lower() for statement in trusting for action in statement.actions}
    gap = next(
        (item for item in role.trust if any(map(has_gap, [*item.actions, *(v for _, v in item.principals)]))), None
    )
    missing = [name for name in ("AssumeRole", "TagSession") if not actions & {f"sts:{name.lower()}", "sts:*", "*"}]
    if missing and gap:
        raise UnknownValue(gap.evidence, "a part of its trust is not in the template")
    if missing:
        words = " and ".join(f"sts:{name}" for name in missing)
        places = [statement.evidence for statement in trusting] or [role.at("AssumeRolePolicyDocument")]
        return open_(f"does not allow {words} for {_PODS}", *places)
    return met("allows Pod Identity to assume it and tag the session")


@check("EKR123", Role, synth=True)
def pod_identity_is_limited(role: Role) -> Answer | None:
    """The association says it, too, but in another place, and others may write associations."""
    pods = [use.by for use in role.uses if isinstance(use.by, PodIdentity)]
    if pods and all(one.get("DisableSessionTags", False) in (True, "true") for one in pods):
        return not_applicable("its associations turn session tags off: there is nothing to test")

    def problem(statement: Statement) -> str:
        tags = ("aws:requesttag/eks-cluster", "aws:requesttag/kubernetes-", "aws:sourcearn")
        if statement.tests(*tags):
            return ""
        return "it can be given to pods of any cluster and namespace in the account"

    return _judge(_trusting(role, "Service", _PODS), problem, "is limited to specific pods")
