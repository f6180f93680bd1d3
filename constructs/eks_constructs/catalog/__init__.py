"""Facts about AWS, each once, as data with its source and the date it was checked."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def load(name: str) -> dict[str, Any]:
    """Returns the catalog file ``name`` (without ``.yaml``) as a dictionary. Raises FileNotFoundError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data: dict[str, Any] = yaml.load(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"), loader)  # noqa: S506 (a safe loader)
    return data


def limit(name: str) -> int:
    """Returns the number of the limit ``name`` from ``limits.yaml``. Raises KeyError."""
    return int(load("limits")["limits"][name]["value"])
