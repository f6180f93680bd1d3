"""Taints, as far as Kubernetes' objects and EKS's API have them alike: they spell the effects differently."""

from collections.abc import Sequence
from typing import TypeVar

from eks_constructs.spec import LabelKey, LabelValue, Misplaced, Spec, repeated


class Taint(Spec):
    """Keeps pods off a node that do not tolerate it."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint."""
    effect: str
    """What happens to pods that do not tolerate it."""


Taints = TypeVar("Taints", bound=Sequence[Taint])


def distinct(taints: Taints) -> Taints:
    """Returns the taints. Raises Misplaced if two have the same key and effect."""
    if (index := repeated(f"{taint.key}:{taint.effect}" for taint in taints)) is not None:
        taint = taints[index]
        raise Misplaced(f"there is a taint {taint.key} with {taint.effect} already; remove one", index, "key")
    return taints
