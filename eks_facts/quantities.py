"""Quantities of Kubernetes, and what a pod requests of a resource."""

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

_UNITS = {"": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}
_UNITS |= {unit: Fraction(1000) ** power for power, unit in enumerate("kMGTPE", start=1)}
_UNITS |= {f"{unit}i": Fraction(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}
# Bounded: Kubernetes has no quantity above 2^63-1, and rounds what is below a billionth.
_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:[eE]([+-]?\d{1,2})|([KMGTPE]i|[numkMGTPE])?)", re.ASCII
)


class UnreadableQuantity(ValueError):
    """A value that is not a quantity. ``where`` is the way to it, where it is part of a pod."""

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where


def quantity(value: object, *where: str | int) -> Fraction:
    """Returns the exact number of a quantity: ``250m``, ``1.5Gi``, ``2e3``. Raises UnreadableQuantity, a ValueError.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    found = _number(str(value)) if plain else None
    if found is None:
        raise UnreadableQuantity(f"{value!r} is not a quantity" if plain else "it is not a quantity", *where)
    return found


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction | None:
    found = _QUANTITY.fullmatch(text)
    if not found:
        return None
    number, exponent, unit = found.groups()
    return Fraction(number) * (Fraction(10) ** int(exponent) if exponent else _UNITS[unit or ""])


def requested(spec: Mapping[str, Any], resource: str, group: str = "requests") -> Fraction:
    """Returns how much of a resource the pod of ``spec`` requests, or with ``limits`` may use at most.

    Its containers and sidecars together, or an init container with the sidecars that run by then, if that is more. A
    container that has a limit alone requests as much. Raises UnreadableQuantity.

    What the pod itself says (``spec.resources``: processors, memory, huge pages) counts instead.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers and
    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification
    """
    running = sum((_of(one, resource, group, *where) for where, one in _containers(spec, "containers")), Fraction(0))
    beside = peak = Fraction(0)
    for where, one in _containers(spec, "initContainers"):
        amount = _of(one, resource, group, *where)
        peak = max(peak, beside + amount)
        if one.get("restartPolicy") == "Always":  # a sidecar keeps running
            beside += amount
    overhead = quantity(_mapping(spec.get("overhead"), "overhead").get(resource, 0), "overhead", resource)
    of_containers = max(running + beside, peak)
    return (of_containers if (whole := _of_pod(spec, resource, group, of_containers)) is None else whole) + overhead


def _of_pod(spec: Mapping[str, Any], resource: str, group: str, of_containers: Fraction) -> Fraction | None:
    """Returns how much the pod itself says; None: nothing. Its limit is its request where no container has one."""
    if resource not in ("cpu", "memory") and not resource.startswith("hugepages-"):
        return None
    resources = _mapping(spec.get("resources"), "resources")
    for name in (group,) if of_containers else (group, "limits"):
        value = _mapping(resources.get(name), "resources", name).get(resource)
        if value is not None:
            return quantity(value, "resources", name, resource)
    return None


def _containers(spec: Mapping[str, Any], key: str) -> list[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    found = spec.get(key) or []
    if not isinstance(found, list):
        raise UnreadableQuantity(f"{key} is not a list", key)
    return [((key, index), _mapping(one, key, index)) for index, one in enumerate(found)]


def _of(container: Mapping[str, Any], resource: str, group: str, *where: str | int) -> Fraction:
    resources = _mapping(container.get("resources"), *where, "resources")
    for name in (group, "limits"):
        value = _mapping(resources.get(name), *where, "resources", name).get(resource)
        if value is not None:
            return quantity(value, *where, "resources", name, resource)
    return Fraction(0)


def _mapping(value: Any, *where: str | int) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise UnreadableQuantity(f"{where[-1]} is not a mapping", *where)
    return value or {}
