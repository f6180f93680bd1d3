"""Checks of the role of hybrid nodes, and of how machines outside of AWS get its credentials."""

from collections.abc import Iterator

from responsibility.checks.access.node_roles import allowed_to_a_node, allows, unsaid_of_a_node
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.certificates import ends
from responsibility.reading.eks import AccessEntry, Cluster
from responsibility.reading.facts import Fact
from responsibility.reading.hybrid import ROLES_ANYWHERE, SSM, gives_credentials, known_ranges
from responsibility.reading.iam import Role
from responsibility.reading.policy_statements import Statement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.uses import CREDENTIALS, UsedRole
from responsibility.reading.values import has_gap

_CORE = "AmazonSSMManagedInstanceCore"
_PULLS = (
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryFullAccess",
)
_NODES = ("AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy")
_ADMINISTRATORS = ("AdministratorAccess", "PowerUserAccess")
_NEEDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], bool], ...] = (
    (
        "eks:DescribeCluster",
        ("eks:DescribeCluster",),
        ("AmazonEKSWorkerNodePolicy", "ReadOnlyAccess", *_ADMINISTRATORS),
        False,
    ),
    (
        "AmazonEC2ContainerRegistryPullOnly",
        ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        (*_PULLS, *_ADMINISTRATORS),
        False,
    ),
    (_CORE, ("ssm:UpdateInstanceInformation",), (_CORE, *_ADMINISTRATORS), True),
)
"""What AWS names, the actions and the policies that do the job, and whether it is Systems Manager's alone."""
_DEREGISTER = "ssm:DeregisterManagedInstance"
_SOURCES = {"aws:sourcearn", "aws:sourceaccount"}
_ENTRY = "HYBRID_LINUX"
_SOON = 90
"""Days before its end at which the certificate of an authority is late to replace: every machine needs one of the next."""


@check("EKR333", Cluster)
def hybrid_nodes_have_an_entry(cluster: Cluster) -> Answer:
    """Of every role that hybrid nodes of this cluster are made for."""
    where = cluster.at("RemoteNetworkConfig")
    if not known_ranges(cluster):
        return not_applicable("has no remote networks")
    mode = cluster.authentication_mode
    if mode in ("", "CONFIG_MAP"):
        return not_applicable("has no access entries: EKR334")
    entries = cluster.facts.belonging(AccessEntry, cluster.resource.key)
    wrong: list[tuple[str, Evidence]] = []
    for role in _hybrid_roles(cluster):
        mine = [entry for entry in entries if cluster.facts.find(Role, entry.principal) is role]
        if mine and not any(entry.type == _ENTRY for entry in mine):
            wrong.append((f"lets role {role.name} in as {mine[0].type}", mine[0].at("Type")))
        elif not mine and mode == "API" and not any(has_gap(str(entry.principal)) for entry in entries):
            wrong.append((f"has no access entry for role {role.name} of hybrid nodes", role.at()))
    if wrong:
        return open_("; ".join(words for words, _ in wrong), *(at for _, at in wrong))
    hybrid = [entry for entry in entries if entry.type == _ENTRY]
    if hybrid:
        return met(
            f"has {len(hybrid)} access {'entry' if len(hybrid) == 1 else 'entries'} of {_ENTRY}",
            *(one.at("Type") for one in hybrid),
        )
    if mode != "API":
        raise UnknownValue(where, "whether the ConfigMap aws-auth lets hybrid nodes in was not read")
    return open_(f"has remote networks, and no access entry of type {_ENTRY}", where)


def _hybrid_roles(cluster: Cluster) -> Iterator[Role]:
    key = cluster.resource.key
    for role in cluster.facts.all(UsedRole):
        if any(use.cluster == key and use.purpose == "hybrid_node" for use in role.uses):
            yield role


@check("EKR336", Role)
def has_what_hybrid_nodes_need(role: Role) -> Answer | None:
    """Whether the resources of a statement are the right ones is for people to see."""
    if not role.is_for("hybrid_node"):
        return None
    by_ssm = SSM in gives_credentials(role)
    named, unsaid = role.attached
    said, gaps = role.allowances
    names = {name for name, _ in named}
    missing = [
        name
        for name, actions, policies, of_ssm in _NEEDS
        if (by_ssm or not of_ssm) and not names & set(policies) and not allows(said, actions)
    ]
    if not missing:
        return met("has what nodeadm and the kubelet need")
    if unsaid or gaps:
        raise [*unsaid, *gaps][0]
    return open_(f"lacks {' and '.join(missing)}", role.at("ManagedPolicyArns"))


@check("EKR337", Role)
def has_no_more_than_hybrid_nodes_need(role: Role) -> Answer | None:
    """Systems Manager's rights belong to roles that it gives; none may take other machines out of it."""
    if not role.is_for("hybrid_node"):
        return None
    by_ssm = SSM in gives_credentials(role)
    accepted = {*_PULLS[:2], *_NODES, *((_CORE,) if by_ssm else ())}
    named, unsaid = role.attached
    said, gaps = role.allowances
    found: list[tuple[str, Evidence]] = [(f"has {name}", at) for name, at in named if name not in accepted]
    for statement in said:
        words, gap = _too_much(statement, said, by_ssm=by_ssm)
        found += [(one, statement.evidence) for one in words]
        gaps = [*gaps, gap] if gap else gaps
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *dict.fromkeys(at for _, at in found))
    if unsaid or gaps:
        raise [*unsaid, *gaps][0]
    return met("has what hybrid nodes need, and no more")


def _too_much(statement: Statement, said: list[Statement], *, by_ssm: bool) -> tuple[list[str], UnknownValue | None]:
    """Returns what a statement allows beyond a hybrid node's needs, and what of it is not known."""
    if not statement.allow:
        return [], None
    if statement.not_actions:
        return ["allows everything but a few actions"], None
    found: list[str] = []
    gap = next(iter(unsaid_of_a_node(statement)), None)
    for action in statement.actions:
        lowered = action.lower()
        if lowered in (_DEREGISTER.lower(), "ssm:*", "ssm:deregister*"):
            try:
                tests = {key for _, key, _ in statement.known_conditions}
            except UnknownValue as unknown:
                return found, unknown
            if lowered != _DEREGISTER.lower() or not any(
                key.startswith(("ssm:resourcetag/", "aws:resourcetag/")) for key in tests
            ):
                found.append(f"allows {action} for machines that are not its cluster's")
        elif not allowed_to_a_node(action, statement, said) or (
            lowered.startswith(("ssm", "ec2messages")) and not by_ssm
        ):
            found.append(f"allows {action}")
    return found, gap


@check("EKR338", Role)
def credentials_are_for_these_machines(role: Role) -> Answer | None:
    """Of Systems Manager: for one account. Of Roles Anywhere: for one trust anchor, and for the name in the certificate."""
    if not role.is_for("hybrid_node"):
        return None
    problems: list[tuple[str, Evidence]] = []
    blind: UnknownValue | None = None
    seen = 0
    for statement in role.trust:
        services = [value for kind, value in statement.principals if kind == "Service" and value in CREDENTIALS]
        if any(has_gap(value) for _, value in statement.principals):
            blind = blind or UnknownValue(statement.evidence, "who may assume it is not in the template")
        if not statement.allow or not services:
            continue
        seen += 1
        try:
            problems += [(words, statement.evidence) for words in _untested(statement, services)]
        except UnknownValue as unknown:
            blind = blind or unknown
    if problems:
        return open_("; ".join(dict.fromkeys(words for words, _ in problems)), *dict.fromkeys(at for _, at in problems))
    if blind:
        raise blind
    return met("is given to its own machines alone", role.at("AssumeRolePolicyDocument")) if seen else None


def _untested(statement: Statement, services: list[str]) -> Iterator[str]:
    """Yields what a statement of the trust does not ask for. Raises UnknownValue."""
    tests = statement.known_conditions
    keys = {key for _, key, _ in tests}
    if SSM in services and not keys & _SOURCES:
        yield "Systems Manager of any account may use it: neither aws:SourceAccount nor aws:SourceArn is tested"
    if ROLES_ANYWHERE not in services:
        return
    if "aws:sourcearn" not in keys:
        yield "every trust anchor of the account gives it: aws:SourceArn is not tested"
    assumes = any(action.lower() in ("sts:assumerole", "sts:*", "*") for action in statement.actions)
    named = any(key == "sts:rolesessionname" and "x509" in "".join(values).lower() for _, key, values in tests)
    if assumes and not named and not any(key.startswith("aws:principaltag/x509") for key in keys):
        yield "any certificate takes any node's name: sts:RoleSessionName is not compared with the certificate"


@check("EKR339", Role)
def roles_anywhere_gives_it(role: Role) -> Answer | None:
    """A role, a profile that has it, a trust anchor: all three, and the last two enabled."""
    if not role.is_for("hybrid_node") or ROLES_ANYWHERE not in gives_credentials(role):
        return None
    profiles = role.facts.of_type("AWS::RolesAnywhere::Profile")
    anchors = role.facts.of_type("AWS::RolesAnywhere::TrustAnchor")
    where = role.at("AssumeRolePolicyDocument")
    if not profiles and not anchors:
        raise UnknownValue(where, "neither a trust anchor nor a profile of Roles Anywhere was read")
    mine = [
        one
        for one in profiles
        if any(role.facts.find(Role, item) is role for _, item in one.resource.items("RoleArns"))
    ]
    if not mine:
        return open_("is in no profile of Roles Anywhere", *([one.at("RoleArns") for one in profiles] or [where]))
    wrong = [("is in a profile that is disabled", one.at("Enabled")) for one in mine if _is(one, "Enabled") is False]
    wrong += [
        ("is in a profile that takes no names of nodes", one.at("AcceptRoleSessionName"))
        for one in mine
        if not _is(one, "AcceptRoleSessionName")
    ]
    if not anchors:
        wrong.append(("has a profile, and no trust anchor", where))
    elif all(_is(one, "Enabled") is False for one in anchors):
        wrong += [("has a trust anchor that is disabled", one.at("Enabled")) for one in anchors]
    late, blind = _ending(anchors)
    wrong += late
    if wrong:
        return open_("; ".join(dict.fromkeys(words for words, _ in wrong)), *(at for _, at in wrong))
    if blind:
        raise blind
    for one in [*mine, *anchors]:
        if _is(one, "Enabled") is None:
            raise UnknownValue(one.at("Enabled"), "is not stated, and AWS documents no default")
    return met("is in an enabled profile that takes names of nodes", *(one.at("RoleArns") for one in mine))


def _ending(anchors: list[Fact]) -> tuple[list[tuple[str, Evidence]], UnknownValue | None]:
    """Returns the trust anchors whose certificates end soon, or have, and what is not known of them."""
    found: list[tuple[str, Evidence]] = []
    blind: UnknownValue | None = None
    for anchor in anchors:
        path = "Source.SourceData.X509CertificateData"
        try:
            if anchor.get("Source.SourceType") != "CERTIFICATE_BUNDLE":
                continue  # AWS Private CA says so itself
            end = max(ends(str(anchor.get(path, ""))))
        except ValueError as problem:
            blind = blind or UnknownValue(anchor.at(path), str(problem))
            continue
        except UnknownValue as unknown:
            blind = blind or unknown
            continue
        left = (end - anchor.facts.as_of).days
        if left <= _SOON:
            when = f"ends on {end}, in {left} days" if left >= 0 else f"ended on {end}"
            found.append((f"has a trust anchor whose certificate {when}", anchor.at(path)))
    return found, blind


def _is(fact: Fact, path: str) -> bool | None:
    """Returns a switch; None: it is not stated. Raises UnknownValue."""
    value = fact.get(path)
    return None if value is None else str(value).lower() == "true"
