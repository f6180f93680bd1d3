"""Reads the files of data/: one call, one file, kept."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml


def path(name: str) -> Path:
    """Returns where the file ``name`` (without ``.yaml``) is: for a command that rewrites it."""
    return Path(__file__).parent / "data" / f"{name}.yaml"


@cache
def load(name: str) -> dict[str, Any]:
    """Returns the file ``name`` (without ``.yaml``) as a dictionary. Raises FileNotFoundError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data: dict[str, Any] = yaml.load(path(name).read_text(encoding="utf-8"), loader)  # noqa: S506 (a safe loader)
    return data


def limit(name: str) -> int:
    """Returns the number of the limit ``name`` from ``limits.yaml``. Raises KeyError."""
    return int(load("limits")["limits"][name]["value"])
