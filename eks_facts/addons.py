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


def meant_setting(key: str, known: Iterable[str]) -> str | None:
    """Returns the setting of ``known`` that ``key`` is probably a typo of."""
    plain = {one.lower(): one for one in known}
    found = get_close_matches(key.lower(), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None
