"""What an IAM role may do, in words: its policies read aloud, service by service, the broadest first."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from eks_facts import iam_words
from eks_facts.iam_words import Breadth
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.policy_statements import Statement
from responsibility.reading.values import has_gap
from responsibility.review.identity_resources import resource_words

_DATA = frozenset(("dynamodb", "ebs", "kms", "rds-data", "s3", "secretsmanager", "sqs", "ssm"))
"""Services whose reading actions give away what customers keep in them."""
_HARMLESS = frozenset(("ec2messages", "eks-auth", "ssmmessages", "xray"))
_HARMLESS_ACTIONS = frozenset(("cloudwatch:putmetricdata", "iam:createservicelinkedrole", "sts:getcalleridentity"))
_SHOWN = 3
_SPOKEN = 2
"""So many actions that change something are said one by one."""

Phrase = tuple[Breadth, str]


def rights(role: Role) -> list[Phrase]:
    """Returns what the role's policies allow, with how broad that is; what is not known is said, too."""
    named, unsaid = role.attached
    found: list[Phrase] = []
    for name, _ in named:
        policy = iam_words.managed_policy(name)
        short = name.rsplit("/", 1)[-1]
        found.append((policy.breadth, f"{policy.does} ({short})") if policy else ("unknown", f"what {short} allows"))
    said, gaps = role.allowances
    found += _own(role, said)
    found += [("unknown", without_gaps(f"more, that is not known: {unknown.reason}")) for unknown in [*unsaid, *gaps]]
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class _Service:
    """What statements say of one service: the resources that are read, and those that are changed."""

    read: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    whole: dict[str, None] = field(default_factory=dict)
    special: dict[tuple[str, str], None] = field(default_factory=dict)
    actions: dict[str, None] = field(default_factory=dict)
    """The actions that change something, in words."""
    spoken: bool = True
    breadth: Breadth = "narrow"
    conditions: set[bool] = field(default_factory=set)


def _own(role: Role, statements: list[Statement]) -> list[Phrase]:
    found: list[Phrase] = []
    services: dict[str, _Service] = defaultdict(_Service)
    for statement in statements:
        if not statement.allow:
            continue
        where = dict.fromkeys(resource_words(role, statement))
        every = "every resource" in where
        limited = bool(statement.conditions or statement.unread)
        under = " under conditions" if limited else ""
        if statement.not_actions:
            found.append(("admin" if every else "broad", f"does everything but what NotAction names{under}"))
        for action in statement.actions:
            if has_gap(action):
                found.append(("unknown", "an action that the template does not name"))
            elif not action.strip("*:"):
                words = "does everything in the account" if every else f"does everything with {_list(where)}"
                found.append(("admin" if every else "broad", words + under))
            else:
                _sort(services[action.partition(":")[0].lower()], action, where, every=every, limited=limited)
    denied = sum(not statement.allow for statement in statements)
    for prefix, service in services.items():
        found.extend((service.breadth, words) for words in _read_aloud(prefix, service))
    if denied:
        found.append(("narrow", f"but not what {denied} statement{'s deny' if denied > 1 else ' denies'}"))
    return found


def _sort(service: _Service, action: str, where: dict[str, None], *, every: bool, limited: bool) -> None:
    prefix, _, name = action.lower().partition(":")
    service.conditions.add(limited)
    service.breadth = iam_words.broadest(service.breadth, _breadth(prefix, name, every=every, limited=limited))
    words = iam_words.action(action)
    if name == "*":
        service.whole |= where
    elif words:
        service.special |= {(words, place): None for place in where}
    elif iam_words.only_reads(action):
        service.read |= where
    else:
        service.changed |= where
        # A word or two on every resource; of a named one, that it is changed says enough.
        service.actions[_spoken(action.partition(":")[2]) if every else action] = None
        service.spoken = service.spoken and every and not limited


def _breadth(prefix: str, name: str, *, every: bool, limited: bool) -> Breadth:
    """How broad it is to be allowed an action; of what a condition limits, only reading data and changing are told apart."""
    if not every or prefix in _HARMLESS or f"{prefix}:{name}" in _HARMLESS_ACTIONS:
        return "narrow"
    action = f"{prefix}:{name}"
    if not limited and (action == "iam:*" or action in map(str.lower, iam_words.escalations())):
        return "admin"
    if limited or name.startswith("describe") or iam_words.access_levels(action) == {"List"}:
        return "narrow"
    return "narrow" if iam_words.only_reads(action) and prefix not in _DATA else "broad"


def _spoken(name: str) -> str:
    """Returns an action in words: ``CreateSecurityGroup`` as ``creates security group``, a pattern as it is."""
    if "*" in name.rstrip("*") or "?" in name or (name.endswith("*") and not re.fullmatch(r"[A-Z][a-z]+\*", name)):
        return f"calls {name}"
    verb, *rest = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[^A-Z]+", name) or [name]
    ending = "es" if verb.endswith(("s", "sh", "ch")) else "s"
    return " ".join(
        [verb.lower().rstrip("*") + ("" if verb.endswith("*") else ending), *(word.lower() for word in rest)]
    )


def _read_aloud(prefix: str, service: _Service) -> Iterator[str]:
    about = iam_words.service(prefix)
    under = {frozenset((True,)): ", under conditions", frozenset((True, False)): ", partly under conditions"}
    ending = under.get(frozenset(service.conditions), "")
    if service.whole:
        yield f"does everything with {about}: {_list(service.whole)}{ending}"
    specials: dict[str, dict[str, None]] = defaultdict(dict)
    for words, place in service.special:
        specials[words][place] = None
    for words, places in specials.items():
        yield f"{words}: {_list(places)}{ending}"
    if service.changed and service.spoken and len(service.actions) <= _SPOKEN:
        # So few that the service as a whole would say too much.
        yield f"{' and '.join(service.actions)} ({about}): {_list(service.changed)}{ending}"
        service.changed = {}
    if service.read and list(service.read) == list(service.changed):
        yield f"reads and changes {about}: {_list(service.read)}{ending}"
        return
    if service.changed:
        yield f"changes {about}: {_list(service.changed)}{ending}"
    if service.read:
        yield f"reads {about}: {_list(service.read)}{ending}"


def _list(places: dict[str, None]) -> str:
    names = ["every resource"] if "every resource" in places else list(places)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
