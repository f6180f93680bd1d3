"""What a pod demands of its node: its node selector and its required node affinity, as the scheduler reads them."""

from collections.abc import Collection, Mapping
from typing import Any

Way = tuple[str | int, ...]
"""The keys and indexes that lead to a field."""
ARCHITECTURE = "kubernetes.io/arch"
SYSTEM = "kubernetes.io/os"
_TERMS = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


def keeps_off(pod: Mapping[str, Any], label: str, values: Collection[str]) -> Way | None:
    """Returns the field of a pod's spec that keeps the pod off every node whose ``label`` is one of ``values``.

    None = such a node will do. The terms of a node affinity are alternatives, the expressions of a term are not.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
    """
    selected = (pod.get("nodeSelector") or {}).get(label)
    if selected is not None and selected not in values:
        return "nodeSelector", label
    terms: Any = pod
    for key in _TERMS:
        terms = (terms or {}).get(key)
    kept_off: Way | None = None
    for index, term in enumerate(terms or []):
        place = _excludes(term.get("matchExpressions") or [], label, values)
        if place is None:
            return None
        kept_off = kept_off or (*_TERMS, index, "matchExpressions", place)
    return kept_off


def _excludes(expressions: list[Mapping[str, Any]], label: str, values: Collection[str]) -> int | None:
    """Returns which expression of a term leaves none of the values; None = some value is left."""
    left = set(values)
    for place, one in enumerate(expressions):
        if one.get("key") != label:
            continue
        named = set(one.get("values") or [])
        if one.get("operator") == "In":
            left &= named
        elif one.get("operator") == "NotIn":
            left -= named
        elif one.get("operator") == "DoesNotExist":
            left.clear()
        if not left:
            return place
    return None
