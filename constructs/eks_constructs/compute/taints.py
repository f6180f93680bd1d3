"""Taints of nodes, in the words of Kubernetes, for every kind of compute."""

import re
from typing import Literal

from eks_constructs.spec import LabelKey, LabelValue, Misplaced, Spec, repeated


class TaintSpec(Spec):
    """Keeps pods off a node that do not tolerate it."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What happens to pods that do not tolerate it."""


def distinct(taints: list[TaintSpec]) -> list[TaintSpec]:
    """Returns the taints. Raises Misplaced if two have the same key and effect."""
    if (index := repeated(f"{taint.key}:{taint.effect}" for taint in taints)) is not None:
        taint = taints[index]
        raise Misplaced(f"there is a taint {taint.key} with {taint.effect} already; remove one", index, "key")
    return taints


def eks_effect(effect: str) -> str:
    """Returns an effect as the API of node groups spells it: NO_SCHEDULE for NoSchedule."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", effect).upper()
