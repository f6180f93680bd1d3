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


def tolerates(pod: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Returns whether the spec of a pod tolerates a taint."""
    return any(
        one.get("effect") in (None, "", taint["effect"])
        and (
            (not one.get("key") and one.get("operator") == "Exists")
            or (
                one.get("key") == taint["key"]
                and (one.get("operator") == "Exists" or (one.get("value") or "") == (taint.get("value") or ""))
            )
        )
        for one in pod.get("tolerations") or []
    )


def kept_off(pod: Mapping[str, Any], taints: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns the first taint that keeps the pod of a spec off a node; None: there is none."""
    return next((one for one in taints if one["effect"] != "PreferNoSchedule" and not tolerates(pod, one)), None)


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
