"""Facts about AWS that the construct library needs, too: they stand once, in its catalog, and are read from there as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_CATALOG = Path(__file__).parents[1] / "constructs" / "eks_constructs" / "catalog"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """A version that EKS offers; None where a date is not known."""

    released: date | None = None
    standard_until: date | None = None
    extended_until: date | None = None


@cache
def _catalog(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load((_CATALOG / f"{name}.yaml").read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader
    return data


@cache
def kubernetes_versions() -> dict[str, KubernetesVersion]:
    """Returns every version EKS offers, oldest first."""
    return {name: KubernetesVersion(**dates) for name, dates in _catalog("kubernetes_versions")["versions"].items()}


@cache
def addon_kinds() -> dict[str, list[str]]:
    """Returns, for each add-on this project knows, the compute kinds that need it."""
    return {name: list(row.get("default_for", [])) for name, row in _catalog("addons")["addons"].items()}
