"""EKS add-ons: the rules of those that this project knows, and the schemas of their settings."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any

from eks_facts.files import load


def addons() -> dict[str, dict[str, Any]]:
    """Returns the rules of each add-on, by its name (addons.yaml)."""
    rules: dict[str, dict[str, Any]] = load("addons")["addons"]
    return rules


def addon_settings() -> dict[str, dict[str, Any]]:
    """Returns the JSON schemas of add-ons' settings, as far as they are known (addon_settings.yaml)."""
    schemas: dict[str, dict[str, Any]] = load("addon_settings")["add_ons"]
    return schemas


@cache
def addon_kinds() -> dict[str, list[str]]:
    """Returns, for each add-on, the kinds of compute that need it."""
    return {name: list(row.get("default_for", [])) for name, row in addons().items()}


def drivers_of(addon: str) -> list[str]:
    """Returns the CSI drivers that an add-on brings, as far as they are known."""
    return list(addons().get(addon, {}).get("drivers", []))


def addon_with(driver: str) -> str | None:
    """Returns the add-on that brings a CSI driver, if one is known."""
    return next((name for name in addons() if driver in drivers_of(name)), None)


def namespace_of(addon: str) -> str:
    """Returns the namespace that EKS installs an add-on in; of one that is not known here a guess."""
    return str(addons().get(addon, {}).get("namespace", "kube-system"))


def meant_addon(name: str) -> str | None:
    """Returns the add-on of which ``name``, which is none that is known here, is probably a typo."""
    return next(iter(get_close_matches(name, addons(), n=1, cutoff=0.8)), None)


def meant_setting(key: str, known: Iterable[str]) -> str | None:
    """Returns the setting of ``known`` that ``key`` is probably a typo of."""
    plain = {one.lower(): one for one in known}
    found = get_close_matches(key.lower(), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None
