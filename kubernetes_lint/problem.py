"""What the linter says, and what it has to know of the input."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kubernetes_lint.objects import KubernetesObject, name_of
from safe_io.where import Where, dotted

LATER = "is filled in later"
"""Of a value of another shape than text that is not known yet."""
Kind = Literal["schema", "reference", "value", "pod_security"]


@dataclass(frozen=True)
class Found:
    """Something wrong with an object, where in it, and in words that follow the object's name."""

    where: Where
    text: str
    certain: bool = True
    """False: it is wrong unless something that is not in the input makes it right."""


Problems = Iterator[Found]


@dataclass(frozen=True)
class Problem:
    """Something wrong with one of the objects."""

    kind: Kind
    index: int
    """Which of the objects."""
    item: KubernetesObject = field(repr=False)
    where: Where
    text: str
    certain: bool = True
    """False: it is wrong unless something that is not in the input makes it right."""

    def __str__(self) -> str:
        at = f"{dotted(self.where)}: " if self.where else ""
        return f"{name_of(self.item)}: {at}{self.text}"


@dataclass(frozen=True)
class Scope:
    """What is known of the cluster besides the objects."""

    whole: bool = False
    """Whether the input has all that is in its namespaces; otherwise that is so of namespaces whose Namespace is in it."""
    elsewhere: Mapping[str, set[str]] = field(default_factory=dict)
    """Names by kind (`*`: of any) of what comes by other ways, such as the IngressClass of a chart."""


def open_text(value: object) -> bool:
    """Returns whether a value is filled in later (``${NAME}``): nothing can be said of it."""
    return isinstance(value, str) and "${" in value


def repeated(way: Where, names: Sequence[Any], what: str) -> Problems:
    """Yields a name that is in a list twice."""
    for number, name in enumerate(names):
        if name is not None and name in names[:number]:
            words = "/".join(map(str, reversed(name))) if isinstance(name, tuple) else name
            yield Found((*way, number), f"has the {what} {words} a second time")
