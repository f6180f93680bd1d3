"""Label selectors, requirements and tolerations, as Kubernetes reads them."""

from collections.abc import Iterable, Mapping
from typing import Any

Labels = Mapping[str, str]


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Returns whether a LabelSelector selects labels. None selects nothing, an empty one everything.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    if selector is None:
        return False
    plain = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return plain and all(meets(one, labels.get(one["key"])) for one in selector.get("matchExpressions") or [])


def meets(requirement: Mapping[str, Any], value: str | None) -> bool:
    """Returns whether a label's value (None: there is no such label) meets a requirement of a selector or of a NodePool."""
    values = [str(one) for one in requirement.get("values") or []]
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    try:
        number, limit = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return {"Gt": number > limit, "Gte": number >= limit, "Lt": number < limit, "Lte": number <= limit}.get(
        requirement["operator"], False
    )


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Returns whether a toleration of a pod is for a taint.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def kept_off(pod: Mapping[str, Any], taints: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns the first taint that keeps the pod of a spec off a node; None: there is none."""
    given = pod.get("tolerations") or []
    hard = (taint for taint in taints if taint["effect"] != "PreferNoSchedule")
    return next((taint for taint in hard if not any(tolerates(one, taint) for one in given)), None)


def node_terms(pod: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """Returns what a pod demands of its node's labels: alternatives, each a list of requirements that all must be met.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
    """
    plain: list[Mapping[str, Any]] = [
        {"key": key, "operator": "In", "values": [value]} for key, value in (pod.get("nodeSelector") or {}).items()
    ]
    affinity = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (affinity or {}).get("nodeSelectorTerms")
    if terms is None:
        return [plain]
    return [[*plain, *(term.get("matchExpressions") or [])] for term in terms]
