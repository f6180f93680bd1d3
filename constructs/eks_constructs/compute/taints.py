"""Taints of nodes, in the words of Kubernetes, for every kind of compute."""

from typing import Annotated, Literal

from eks_constructs.spec import LabelKey, LabelValue, Misplaced, Spec, also_spelled, repeated

_OF_NODE_GROUPS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_Taint.html"""


class TaintSpec(Spec):
    """Keeps pods off a node that do not tolerate it."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint."""
    effect: Annotated[Literal["NoSchedule", "PreferNoSchedule", "NoExecute"], also_spelled(_OF_NODE_GROUPS)]
    """What happens to pods that do not tolerate it. The spelling of EKS's API, such as `NO_SCHEDULE`, means the same."""


def distinct(taints: list[TaintSpec]) -> list[TaintSpec]:
    """Returns the taints. Raises Misplaced if two have the same key and effect."""
    if (index := repeated(f"{taint.key}:{taint.effect}" for taint in taints)) is not None:
        taint = taints[index]
        raise Misplaced(f"there is a taint {taint.key} with {taint.effect} already; remove one", index, "key")
    return taints


def eks_effect(effect: str) -> str:
    """Returns an effect as the API of node groups spells it: NO_SCHEDULE for NoSchedule."""
    return next(spelling for spelling, usual in _OF_NODE_GROUPS.items() if usual == effect)
