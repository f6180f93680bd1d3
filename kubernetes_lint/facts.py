"""The data of the linter: limits that the published schemas leave out, and shapes of custom kinds."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def load(name: str) -> dict[str, Any]:
    """Returns the file ``name`` (without ``.yaml``) of this package."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (files("kubernetes_lint") / f"{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, loader)  # noqa: S506 (a safe loader)
    return data
