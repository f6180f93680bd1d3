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


@dataclass(frozen=True, slots=True)
class Device:
    """A device of EC2 instances that nodes need drivers for."""

    name: str
    instances: str
    """Regular expression of the instance types that have it."""
    ami_types: frozenset[str]
    """AMI types of managed node groups that have its drivers."""


@cache
def devices() -> list[Device]:
    """Returns the devices that an AMI must have drivers for."""
    families = _read("instance_families")
    amis: dict[str, dict[str, Any]] = families["ami_types"]
    return [
        Device(
            words,
            families[name],
            frozenset(ami for ami, row in amis.items() if name in (row.get("device"), *row.get("drivers", ()))),
        )
        for name, words in (("nvidia", "NVIDIA GPUs"), ("neuron", "AWS Neuron devices"), ("amd", "AMD GPUs"))
    ]


def zones_without_eks() -> dict[str, str]:
    """Returns the id of the Availability Zone that no cluster can use, by region."""
    zones: dict[str, str] = _read("availability_zones")["without_eks"]
    return zones


def fips_regions() -> tuple[str, ...]:
    """Returns how the regions begin in which Auto Mode has FIPS AMIs."""
    return tuple(_read("availability_zones")["fips_of_auto_mode"])


def public_registries() -> list[str]:
    """Returns the registries and chart repositories that are on the internet; a name stands for those below it, too."""
    names: list[str] = _read("reach")["public"]
    return names


def addon_settings() -> dict[str, dict[str, Any]]:
    """Returns the JSON schemas of add-ons' settings, as far as they are known."""
    schemas: dict[str, dict[str, Any]] = _read("addon_settings")["add_ons"]
    return schemas


@cache
def addon_kinds() -> dict[str, list[str]]:
    """Returns, for each add-on this project knows, the compute kinds that need it."""
    return {name: list(row.get("default_for", [])) for name, row in addons().items()}
