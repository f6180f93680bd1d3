"""What happens to each resource: added, removed, modified, or replaced (also because another one is)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import eq
from typing import Literal

from responsibility.document import ResourceChange
from responsibility.reading import normalize
from responsibility.reading.facts import Facts
from responsibility.reading.partly_known import surely
from responsibility.reading.resource import Resource
from responsibility.reading.values import references
from responsibility.review.baseline_services import Change, notes
from responsibility.review.difference import differences, is_unknown, same
from responsibility.review.replacement import LOSSES, PropertyPath, Rules, rules, value_at
from responsibility.review.retention import kept, kept_when_replaced, update_replace_policy

_Key = tuple[str, ...]


@dataclass
class _Pair:
    """A resource that is on both sides."""

    before: Resource
    after: Resource
    rules: Rules | None
    paths: list[str] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    renamed: bool = False
    """Whether its physical id changes, if it is replaced: then, so does what others read of it."""

    @property
    def is_object(self) -> bool:
        return "::" not in self.after.type


@dataclass(frozen=True, slots=True)
class _Use:
    """A create-only property of ``user`` reads ``attribute`` of another resource."""

    user: _Pair
    path: PropertyPath
    attribute: str
    certain: bool
    names_it: bool
    """The property is part of the user's own physical id."""


def changes(before: Facts, after: Facts) -> list[ResourceChange]:
    """Returns what happens to the resources, in the order of the newer side; removed ones come last."""
    old, new = _by_key(before), _by_key(after)
    with_objects = {r.key for facts in (before, after) for r in facts.resources if "::" not in r.type}
    pairs = {key: _Pair(old[key], resource, _rules(resource)) for key, resource in new.items() if key in old}
    for pair in pairs.values():
        _compare(pair, with_objects)
    _follow(list(pairs.values()))
    _strand({pair.after.key: pair for pair in pairs.values()})
    for pair in pairs.values():
        if pair.paths and not pair.because:
            _say(pair, before, after)
    found: list[ResourceChange] = []
    for key, resource in new.items():
        if key not in pairs:
            found.append(_change("added", resource, keeps=True))
        elif pairs[key].because:
            found.append(_replaced(pairs[key]))
        elif pairs[key].paths:
            found.append(_change("modified", resource, keeps=True, paths=pairs[key].paths))
    found += [_change("removed", item, keeps=kept(item)) for key, item in old.items() if key not in new]
    return found


def _by_key(facts: Facts) -> dict[_Key, Resource]:
    """Resources by stack and logical id; Kubernetes objects by stack, kind, namespace and name."""
    found: dict[_Key, Resource] = {}
    seen: Counter[_Key] = Counter()
    for resource in facts.resources:
        key: _Key = (resource.stack, resource.id)
        if "::" not in resource.type:
            namespace, name = (resource.maybe(f"metadata.{what}", "") for what in ("namespace", "name"))
            key = (resource.stack, resource.type, str(namespace or "default"), str(name))
        seen[key] += 1
        found[(*key, str(seen[key])) if seen[key] > 1 else key] = resource
    return found


def _rules(resource: Resource) -> Rules | None:
    return None if "::" not in resource.type else rules(resource.type)


def _compare(pair: _Pair, with_objects: set[str]) -> None:
    """Notes what differs, and which of it replaces the resource."""
    before, after = pair.before, pair.after
    if (before.type, before.wrapped) != (after.type, after.wrapped):
        pair.paths, pair.because, pair.renamed = ["Type"], ["Type"], True
        return
    policies = [
        name
        for name, old, new in (
            ("DeletionPolicy", before.deletion_policy, after.deletion_policy),
            ("UpdateReplacePolicy", update_replace_policy(before), update_replace_policy(after)),
            ("UpdatePolicy", before.update_policy, after.update_policy),
        )
        if old != new
    ]
    if surely(partial(eq, before.properties, after.properties)) and not policies:
        return
    known = pair.rules
    paths = list(differences(before.properties, after.properties, known.unordered if known else frozenset()))
    if after.type in normalize.MANIFESTS and after.key in with_objects:
        # Each object inside has a line of its own.
        paths = [path for path in paths if path[:1] != ("Manifest",)]
    forcing, maybe = _forcing(pair) if paths else ({}, set())
    for path in paths:
        note = _note(pair, path, forcing, maybe)
        pair.paths.append(".".join(path) + note)
    pair.paths += policies
    pair.because = [".".join(path) for path in forcing]
    pair.renamed = bool(forcing) and not _keeps_name(pair)


def _forcing(pair: _Pair) -> tuple[dict[PropertyPath, None], set[PropertyPath]]:
    """The create-only properties that differ, and those that may replace it: conditional ones, and unknown values."""
    certain: dict[PropertyPath, None] = {}
    maybe: set[PropertyPath] = set()
    if pair.rules:
        for path in sorted(pair.rules.create_only | pair.rules.may_replace):
            old, new = value_at(pair.before.properties, path), value_at(pair.after.properties, path)
            if same(old, new, ordered=path[0] not in pair.rules.unordered):
                continue
            if path in pair.rules.create_only and not is_unknown(old) and not is_unknown(new):
                certain[path] = None
            else:
                maybe.add(path)
    return certain, maybe


def _note(pair: _Pair, path: PropertyPath, forcing: dict[PropertyPath, None], maybe: set[PropertyPath]) -> str:
    names = tuple(step for step in path if not step.isdigit())
    if any(_overlap(names, one) for one in forcing):
        return " (by the native type's rules)" if pair.after.wrapped else ""
    if any(_overlap(names, one) for one in maybe):
        return " (may replace it)"
    # Whoever writes a custom resource decides what a change does.
    return " (no schema says whether this replaces it)" if pair.rules is None and not pair.is_object else ""


def _overlap(first: PropertyPath, second: PropertyPath) -> bool:
    length = min(len(first), len(second))
    return first[:length] == second[:length]


def _keeps_name(pair: _Pair) -> bool:
    """Whether the template names it, and still names it the same."""
    if not pair.rules or not pair.rules.identifier:
        return False
    return all(_stays(pair, path) for path in pair.rules.identifier)


def _stays(pair: _Pair, path: PropertyPath) -> bool:
    """Whether a property is given, and is the same on both sides."""
    old, new = value_at(pair.before.properties, path), value_at(pair.after.properties, path)
    return old is not None and same(old, new)


def _follow(pairs: list[_Pair]) -> None:
    """Carries replacements along references until nothing more follows."""
    todo = [pair for pair in pairs if pair.because]
    if not todo:
        return
    uses: dict[str, list[_Use]] = defaultdict(list)
    for pair in pairs:
        for key, use in _uses(pair):
            uses[key].append(use)
    # A resource comes back at most twice: when it is replaced, and when that turns out to change its id.
    while todo:
        source = todo.pop()
        for use in uses[source.after.key]:
            if _value_changes(source, use.attribute):
                _pass_on(use, source, todo)


def _pass_on(use: _Use, source: _Pair, todo: list[_Pair]) -> None:
    user, path = use.user, ".".join(use.path)
    reason = f"{path} ({source.after.id} is replaced{'' if use.certain else ': may replace it'})"
    if path not in user.because and reason not in user.paths:
        user.paths.append(reason)
    if not use.certain:
        return
    first = not user.because
    if path not in user.because:
        user.because.append(path)
    renamed = use.names_it or not _keeps_name(user)
    if first or (renamed and not user.renamed):
        user.renamed = user.renamed or renamed
        todo.append(user)


def _strand(pairs: dict[str, _Pair]) -> None:
    """Says of a cluster whose VPC is replaced that it cannot follow: subnets may change, to others of the same VPC.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
    """
    for pair in pairs.values():
        if pair.after.type == "AWS::EKS::Cluster" and not pair.because:
            path = ("ResourcesVpcConfig", "SubnetIds")
            used = (pairs.get(key) for key, _ in references(value_at(pair.after.properties, path)))
            if any(subnet and "VpcId" in subnet.because for subnet in used):
                pair.paths.append(
                    f"{'.'.join(path)} (its VPC is replaced, and EKS refuses subnets of another: the deploy fails)"
                )


def _say(pair: _Pair, before: Facts, after: Facts) -> None:
    """Adds what the service makes of the change, in place of the bare property that it is about."""
    for note in notes(Change(pair.before, pair.after, before, after)):
        bare = note.partition(" (")[0]
        pair.paths = [path for path in pair.paths if path != bare and not path.startswith(f"{bare}.")]
        pair.paths.append(note)


def _uses(pair: _Pair) -> Iterator[tuple[str, _Use]]:
    if not pair.rules:
        return
    for path in sorted(pair.rules.create_only | pair.rules.may_replace):
        certain = path in pair.rules.create_only
        for key, attribute in references(value_at(pair.after.properties, path)):
            yield key, _Use(pair, path, attribute, certain, path in pair.rules.identifier)


def _value_changes(source: _Pair, attribute: str) -> bool:
    """Whether what others read of a replaced resource is another value: not what its unchanged name decides."""
    if source.renamed or not source.rules:
        return True
    # An ARN is made from the name where the name alone is the id.
    by_name = {"", *(path[0] for path in source.rules.identifier)}
    if len(source.rules.identifier) == 1:
        by_name.add("Arn")
    return attribute not in by_name


def _replaced(pair: _Pair) -> ResourceChange:
    loss = LOSSES.get(pair.after.type)
    stays = kept_when_replaced(pair.before) and kept_when_replaced(pair.after)
    keeps = loss is None or (loss.copy_helps and stays)
    kept = " and ".join(".".join(path) for path in _names(pair) if _stays(pair, path))
    note = [f"(fails while {kept} stays the same: the new one is made before the old one goes)"] if kept else []
    return _change("replaced", pair.after, keeps=keeps, paths=[*pair.paths, *note], because=pair.because)


def _names(pair: _Pair) -> list[PropertyPath]:
    """The properties by which a resource is named, so that there cannot be two of them."""
    if pair.because == ["Type"] or not pair.rules:
        return []
    if pair.rules.identifier:
        return [] if pair.renamed else list(pair.rules.identifier)
    usual = ("Name",), (f"{pair.after.type.rsplit('::', 1)[-1]}Name",)
    return [path for path in usual if path in pair.rules.create_only]


def _change(
    what: Literal["added", "removed", "modified", "replaced"],
    resource: Resource,
    *,
    keeps: bool,
    paths: list[str] | None = None,
    because: list[str] | None = None,
) -> ResourceChange:
    return ResourceChange(
        change=what,
        paths=paths or [],
        because=because or [],
        keeps_data=keeps,
        evidence=resource.evidence(because[0] if because and because[0] != "Type" else ""),
    )
