"""The linter: each object by its schema first; those that have the right shape, then, by what they say together."""

from collections.abc import Iterable, Iterator, Sequence

from kubernetes_lint import definitions, pod_security, references, schemas, values
from kubernetes_lint.index import Index
from kubernetes_lint.objects import KubernetesObject
from kubernetes_lint.problem import Found, Kind, Problem, Scope


def lint(objects: Sequence[KubernetesObject], version: str, scope: Scope | None = None) -> list[Problem]:
    """Returns what is wrong with the objects of a cluster, in their order.

    Args:
        objects: plain data; a text with ``${`` in it is filled in later, and is not judged.
        version: of Kubernetes, like 1.36. Schemas of the newest older version judge one that is not known.
        scope: what else is in the cluster.
    """
    custom = definitions.schemas_of(objects)
    found = [list(schemas.problems(item, version, custom)) for item in objects]
    sound = [not any(one.certain for one in problems) for problems in found]
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
    for one in found:
        yield Problem(kind, number, item, one.where, one.text, one.certain)
