"""Identities: each IAM role that has to do with a cluster, and each principal that the Kubernetes API lets in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from eks_facts.iam_words import Breadth, broadest
from responsibility.document import Identity
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.handlers import handlers_of
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import without_gaps
from responsibility.review.identity_access import Access, accesses
from responsibility.review.identity_rights import Phrase, rights
from responsibility.review.identity_trust import assumers

_FIRST: tuple[Breadth, ...] = ("admin", "unknown", "broad", "narrow")


def identities(facts: Facts) -> list[Identity]:
    """Returns every identity, the broadest first."""
    access = accesses(facts)
    within: dict[str, list[tuple[str, Phrase]]] = defaultdict(list)
    for one in access:
        role = facts.find(Role, one.principal)
        if role and not one.is_node:
            within[role.resource.key].extend((one.cluster, phrase) for phrase in one.may)
    _add_deployers(facts, within)
    found = [
        *(_role(role, within[role.resource.key]) for role in facts.all(Role) if role.uses),
        *(_access(facts, one) for one in access),
    ]
    return sorted(found, key=lambda one: _FIRST.index(one.breadth))


def _add_deployers(facts: Facts, within: dict[str, list[tuple[str, Phrase]]]) -> None:
    """Adds who is administrator without an access entry: who makes a cluster, and the function that assumes such a role."""
    for cluster in facts.all(Cluster):
        # The older custom resource says who makes it.
        if maker := facts.find(Role, cluster.resource.maybe("AssumeRoleArn")):
            within[maker.resource.key].append(
                (cluster.resource.key, ("admin", "can do everything, because it creates the cluster"))
            )
    for key, handlers in facts.view(handlers_of).items():
        for handler in handlers:
            role, assumed = facts.find(Role, handler.role), facts.find(Role, handler.assumes)
            rights = [phrase for of, phrase in within[assumed.resource.key] if of == key] if assumed else []
            if role and assumed and rights:
                breadth = broadest(*(breadth for breadth, _ in rights))
                phrase: Phrase = (breadth, f"does what {assumed.words} does, by assuming it")
                within[role.resource.key].append((key, phrase))


def _said(phrases: Iterable[Phrase]) -> list[str]:
    """The broadest first: a report may show the first few only."""
    return [words for _, words in sorted(dict.fromkeys(phrases), key=lambda phrase: _FIRST.index(phrase[0]))]


def _role(role: Role, within: list[tuple[str, Phrase]]) -> Identity:
    may = rights(role)
    for key, (breadth, words) in within:
        cluster = role.facts.get(Cluster, key)
        may.append((breadth, f"in {cluster.words if cluster else 'a cluster'}: {words}"))
    clusters = [use.cluster for use in role.uses if use.cluster] or [role.cluster_key]
    return Identity(
        name=role.name,
        what="role",
        assumed_by=assumers(role),
        may=_said(may),
        breadth=broadest(*(breadth for breadth, _ in may)),
        clusters=[key for key in dict.fromkeys(clusters) if key],
        evidence=role.at(),
    )


def _access(facts: Facts, one: Access) -> Identity:
    role, made = facts.find(Role, one.principal), facts.find(Fact, one.principal)
    name, principal = without_gaps(one.name), without_gaps(str(one.principal))
    if role:
        by = f"whoever may assume {role.words}"
    elif ":user/" in principal or (made and made.resource.type == "AWS::IAM::User"):
        by = f"the IAM user {name.removeprefix('user/')}"
    elif principal.endswith(":root"):
        by = "the root user of the account"
    elif "aws-reserved/sso.amazonaws.com/" in principal:
        by = "people of IAM Identity Center with that permission set"
    else:
        by = "whoever may assume that role, which was not read"
    return Identity(
        name=name,
        what="access_entry",
        assumed_by=[by],
        may=_said(one.may),
        breadth=broadest(*(breadth for breadth, _ in one.may)),
        clusters=[one.cluster] if one.cluster else [],
        evidence=one.evidence,
    )
