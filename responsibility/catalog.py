"""Facts about AWS that the construct library needs, too: they stand once, in its catalog, and are read from there as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from safe_io.yaml_file import load

CATALOG = Path(__file__).parents[1] / "constructs" / "eks_constructs" / "catalog"


@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """A version that EKS offers; None where a date is not known."""

    released: date | None = None
    standard_until: date | None = None
    extended_until: date | None = None


@cache
def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = load(CATALOG / f"{name}.yaml")
    return data


@cache
def kubernetes_versions() -> dict[str, KubernetesVersion]:
    """Returns every version EKS offers, oldest first."""
    return {name: KubernetesVersion(**dates) for name, dates in _read("kubernetes_versions")["versions"].items()}


def addons() -> dict[str, dict[str, Any]]:
    """Returns the rules of each add-on this project knows, as the catalog has them."""
    rules: dict[str, dict[str, Any]] = _read("addons")["addons"]
    return rules


@cache
def addon_kinds() -> dict[str, list[str]]:
    """Returns, for each add-on this project knows, the compute kinds that need it."""
    return {name: list(row.get("default_for", [])) for name, row in addons().items()}
