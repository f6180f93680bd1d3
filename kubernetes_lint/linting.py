"""The linter: each object by its schema first; those that have the right shape, then, by what they say together."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kubernetes_lint import definitions, pod_security, references, schemas, values
from kubernetes_lint.index import Index
from kubernetes_lint.objects import KubernetesObject
from kubernetes_lint.problem import LATER, Found, Kind, Problem, Scope


def lint(objects: Sequence[KubernetesObject], version: str, scope: Scope | None = None) -> list[Problem]:
    """Returns what is wrong with the objects of a cluster, in their order.

    Args:
        objects: plain data; a text with ``${`` in it is filled in later, and is not judged.
        version: of Kubernetes, like 1.36. Schemas of the newest older version judge one that is not known.
        scope: what else is in the cluster.
    """
    objects = [_without_nulls(item) for item in objects]
    found = {
        number: list(schemas.problems(item, version, {}))
        for number, item in enumerate(objects)
        if item.get("kind") == "CustomResourceDefinition"
    }
    custom = definitions.schemas_of([objects[number] for number, problems in found.items() if not problems])
    for number, item in enumerate(objects):
        if number not in found:
            found[number] = list(schemas.problems(item, version, custom))
    sound = [not any(one.certain or one.text == LATER for one in found[number]) for number in range(len(objects))]
    index = Index(objects, sound, scope or Scope())
    result: list[Problem] = []
    for number, item in enumerate(objects):
        result += _of("schema", number, item, found[number])
        if sound[number]:
            result += _of("reference", number, item, references.problems(item, index))
            result += _of("value", number, item, values.problems(item, index))
            result += _of("pod_security", number, item, pod_security.problems(item, index))
    return result


def _of(kind: Kind, number: int, item: KubernetesObject, found: Iterable[Found]) -> Iterator[Problem]:
    try:
        for one in found:
            yield Problem(kind, number, item, one.where, one.text, one.certain)
    except (AttributeError, KeyError, TypeError):
        # Custom kinds, and fields that schemas leave open, may have any shape: nothing is said of such an object.
        yield Problem(kind, number, item, (), "has a shape that cannot be judged", certain=False)


def _without_nulls(value: Any) -> Any:
    """A key with null is not there, as the API server takes it."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value if part is not None] if isinstance(value, list) else value
