"""Typed facts about resources, and the index by which they find each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeGuard, TypeVar

from responsibility.findings import Evidence, Origin
from responsibility.model import ComputeKind
from responsibility.reading.partly_known import known_to_start
from responsibility.reading.properties import typed
from responsibility.reading.resource import Resource, UnknownValue
from responsibility.reading.unread import Unread
from responsibility.reading.values import (
    Reference,
    Unknown,
    all_known,
    ends_in,
    gap_of,
    leaves,
    only_reference,
    references,
)

T = TypeVar("T")
F = TypeVar("F", bound="Fact")

_CLUSTER = "AWS::EKS::Cluster"


class Fact:
    """A typed view of one resource. Properties are read when they are asked for."""

    name_path: ClassVar[str] = ""
    """The property that names it."""
    what: ClassVar[str] = "resource"
    """What a message calls it: ``cluster``, ``node group``."""

    def __init__(self, resource: Resource, facts: Facts) -> None:
        self.resource = resource
        self.facts = facts

    @property
    def name(self) -> str:
        """The name a person knows it by: its own, else the logical id."""
        name = self.resource.maybe(self.name_path) if self.name_path else None
        return name if all_known(name) else self.resource.label

    @property
    def known_as(self) -> str:
        """The name by which other resources mean it; empty: they only refer to it by logical id."""
        return ""

    @property
    def words(self) -> str:
        """What and which: ``cluster demo``."""
        return f"{self.what} {self.name}"

    def get(self, path: str, default: Any = None) -> Any:
        """Returns the value at a path of the resource's properties. Raises UnknownValue."""
        return self.resource.get(path, default)

    def whole(self, path: str, default: int) -> int:
        """Returns a whole number. Raises UnknownValue, OddShape."""
        value: int = typed(int, self.get(path, default), self.at, path)
        return value

    def texts(self, path: str) -> list[str]:
        """Returns the items of a list of texts; a reference as ``${stack/Id}``. Raises UnknownValue, OddShape."""
        found = []
        for index, value in enumerate(self.get(path, [])):
            if isinstance(value, Unknown):
                raise UnknownValue(self.at(f"{path}.{index}"), value.reason)
            found.append(str(typed(str, value, self.at, f"{path}.{index}")))
        return found

    def at(self, path: str = "") -> Evidence:
        """Returns where this, or a property of it, is."""
        return self.resource.evidence(path)

    @property
    def cluster_key(self) -> str:
        """Key of the cluster it belongs to; empty = none, or not known."""
        return self.facts.cluster_of(self.resource)


def key_of(value: Any) -> str:
    """Returns the key of the resource that a value is a reference to; empty = it is none."""
    if isinstance(value, Reference):
        return f"{value.stack}/{value.resource}"
    found = only_reference(value) if isinstance(value, str) else None
    return f"{found[0]}/{found[1]}" if found else ""


def _plain(value: Any) -> TypeGuard[str]:
    """Whether a value is a name as it is in the account."""
    return all_known(value) and bool(value)


def _filled_in(value: Any, resource: Resource) -> str:
    """Returns what is the same for two names of a deployment that a parameter, a dynamic reference or an import gives.

    Empty = it is no such name. Another reason than these may have another value each time.
    """
    given = (
        value.given if isinstance(value, Unknown) else isinstance(value, str) and gap_of(value).startswith("parameter ")
    )
    return f"{resource.stack.split('/')[0]}: {value}" if given else ""


class ShownKind(Protocol):
    """What a cluster has to know of a kind of compute (``kinds/kind.py``)."""

    id: ClassVar[ComputeKind]

    def has(self, cluster: Any) -> bool:
        """Whether a cluster has it, as far as that is known."""

    def settle(self, cluster: Any) -> None:
        """Raises UnknownValue where that is not known."""


class Facts:
    """The facts of one review or audit."""

    def __init__(
        self,
        resources: Iterable[tuple[Resource, type[Fact]]],
        as_of: date,
        origin: Origin = "templates",
        kinds: Sequence[ShownKind] = (),
    ) -> None:
        """Makes a fact of each resource, of the class that is given with it; clusters look for ``kinds`` of compute."""
        self.kinds = kinds
        self.origin: Origin = origin
        """What was read: templates, or an account."""
        self.as_of = as_of
        """The day that support dates are compared with."""
        self.unread: list[Unread] = []
        """What the templates bring that was not read."""
        self.searched = False
        """Whether somebody looked for things of a kind, since this was set to false: the answer rests on what is there."""
        self.stated_kinds: tuple[ComputeKind, ...] = ()
        """Kinds of compute that somebody states for objects without a template."""
        self.stated_version = ""
        """Version of Kubernetes that somebody states for these."""
        self.resources: list[Resource] = []
        self._facts: list[Fact] = []
        self._by_key: dict[str, Fact] = {}
        self._by_type: dict[str, list[Fact]] = defaultdict(list)
        self._by_class: dict[type[Fact], list[Any]] = defaultdict(list)
        self._pointing: dict[tuple[str, str], dict[str, list[Fact]]] = {}
        self._untold: dict[tuple[str, str], dict[str, UnknownValue]] = {}
        self._views: dict[Any, Any] = {}
        self.known_part: Callable[[], Facts | None] = lambda: None
        """Returns the facts without the items of lists that are not known; None where every item is."""
        for resource, kind in resources:
            fact = kind(resource, self)
            self.resources.append(resource)
            # One custom resource may contain several objects: the key names the first.
            self._by_key.setdefault(resource.key, fact)
            self._facts.append(fact)
            self._by_type[resource.type].append(fact)
            for base in kind.__mro__:
                if issubclass(base, Fact) and base is not Fact:
                    self._by_class[base].append(fact)

    def add(self, fact: Fact) -> None:
        """Adds a fact that is no resource: checks of its class find it, and nothing else does."""
        for base in type(fact).__mro__:
            if issubclass(base, Fact) and base is not Fact:
                self._by_class[base].append(fact)

    def view(self, make: Callable[[Facts], T]) -> T:
        """Returns what ``make`` works out from these facts; it is made once."""
        self.searched = True
        if make not in self._views:
            self._views[make] = make(self)
        found: T = self._views[make]
        return found

    def every(self) -> list[Fact]:
        """Returns every fact, in the order of reading."""
        return self._facts

    def all(self, kind: type[F]) -> list[F]:
        """Returns every fact of a class."""
        self.searched = True
        return self._by_class.get(kind, [])

    def of_type(self, kind: str) -> list[Fact]:
        """Returns every fact of a CloudFormation resource type or kind of Kubernetes object."""
        self.searched = True
        return self._by_type.get(kind, [])

    def get(self, kind: type[F], key: str) -> F | None:
        """Returns the fact with a key, if it is of a class."""
        fact = self._by_key.get(key)
        return fact if isinstance(fact, kind) else None

    def find(self, kind: type[F], value: Any) -> F | None:
        """Returns the fact of a class that a value means: a reference, an ARN, a name."""
        fact = self._meant(value, kind)
        return fact if isinstance(fact, kind) else None

    def _meant(self, value: Any, kind: object) -> Fact | None:
        """Returns what a reference points to, or the only fact of a class or resource type with a name."""
        if key := key_of(value):
            return self._by_key.get(key)
        if not isinstance(value, str):
            return None
        if key := ends_in(value):
            return self._by_key.get(key)
        named = self._named.get((kind, value.rsplit("/", 1)[-1] if known_to_start(value, "arn:") else value), [])
        return named[0] if len(named) == 1 else None

    def find_all(self, kind: type[F], values: Any) -> list[F]:
        """Returns the facts that the values of a list mean."""
        found = (self.find(kind, value) for value in (values if isinstance(values, list) else [values]))
        return [fact for fact in found if fact is not None]

    @cached_property
    def _named(self) -> dict[tuple[object, str], list[Fact]]:
        names: dict[tuple[object, str], list[Fact]] = defaultdict(list)
        for fact in self._facts:
            if name := fact.known_as:
                for kind in (fact.resource.type, *type(fact).__mro__):
                    names[kind, name].append(fact)
        return names

    def belonging(self, kind: type[F], key: str) -> list[F]:
        """Returns the facts of a class that belong to the cluster with a key."""
        self.searched = True
        return self._belonging.get((kind, key), [])

    @cached_property
    def _belonging(self) -> dict[tuple[type[Fact], str], list[Any]]:
        found: dict[tuple[type[Fact], str], list[Any]] = defaultdict(list)
        for kind, facts in self._by_class.items():
            for fact in facts:
                found[kind, fact.cluster_key].append(fact)
        return found

    def cluster_of(self, resource: Resource) -> str:
        """Returns the key of the cluster a resource belongs to; empty = none, several, or not known.

        It is the one it names; else the only one there is, or the only one of its stack, unless that has another name.
        """
        if resource.type == _CLUSTER:
            return resource.key
        named = resource.belongs_to or resource.properties.get("ClusterName") or resource.properties.get("ClusterID")
        cluster = self._meant(named, _CLUSTER)
        if cluster and cluster.resource.type == _CLUSTER:
            return cluster.resource.key
        if (filled := _filled_in(named, resource)) and len(same := self._clusters_filled_in[filled]) == 1:
            return same[0]
        clusters = self.of_type(_CLUSTER)
        if len(clusters) > 1:
            clusters = self._clusters_by_stack.get(resource.stack, [])
        elif (
            clusters and not resource.belongs_to and _plain(named) and _plain(own := clusters[0].resource.maybe("Name"))
        ):
            clusters = [] if named.rsplit("/", 1)[-1] != own else clusters
        return clusters[0].resource.key if len(clusters) == 1 else ""

    @cached_property
    def _clusters_filled_in(self) -> dict[str, list[str]]:
        """Keys of the clusters by a name that is known at the deploy alone: nested stacks may get the same parameter."""
        found: dict[str, list[str]] = defaultdict(list)
        for cluster in self.of_type(_CLUSTER):
            if name := _filled_in(cluster.resource.properties.get("Name"), cluster.resource):
                found[name].append(cluster.resource.key)
        return found

    @cached_property
    def _clusters_by_stack(self) -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = defaultdict(list)
        for cluster in self.of_type(_CLUSTER):
            found[cluster.resource.stack].append(cluster)
        return found

    def references(self, resource: Resource) -> set[str]:
        """Returns the keys of the resources that one mentions, DependsOn included."""
        named = {f"{resource.stack}/{name}" for name in resource.depends_on}
        return named.union(key for key, _ in references(resource.properties))

    def waits_for(self, resource: Resource) -> set[str]:
        """Returns the keys of everything that CloudFormation creates before a resource."""
        found: set[str] = set()
        todo = [resource]
        while todo:
            for key in self.references(todo.pop()) - found:
                found.add(key)
                if key in self._by_key:
                    todo.append(self._by_key[key].resource)
        return found

    def pointing(self, kind: str, path: str, target: Fact) -> list[Fact]:
        """Returns the facts of a resource type whose value at a path is a reference to ``target``."""
        self.searched = True
        index = self._pointing.get((kind, path))
        if index is None:
            index = self._pointing[kind, path] = defaultdict(list)
            for fact in self.of_type(kind):
                index[key_of(fact.resource.maybe(path))].append(fact)
        return index.get(target.resource.key, [])

    def untold(self, kind: str, path: str, stack: str) -> UnknownValue | None:
        """Returns what of a resource type, in a stack, may belong to anything: its value at a path is not known."""
        index = self._untold.get((kind, path))
        if index is None:
            index = self._untold[kind, path] = {}
            for fact in self.of_type(kind):
                if leaves(fact.resource.properties.get(path))[1]:
                    words = f"{fact.what} {fact.name}: what it is for is not known here"
                    index.setdefault(fact.resource.stack, UnknownValue(fact.at(path), words))
        return index.get(stack)

    @cached_property
    def values(self) -> tuple[int, int]:
        """How many property values there are, and how many of them are unknown."""
        counts = [leaves(resource.properties) for resource in self.resources]
        return sum(total for total, _ in counts), sum(unknown for _, unknown in counts)
