"""YAML that this package ships or is given, as plain data, with the fast loader where PyYAML has it."""

from pathlib import Path
from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes plain data only: no object of any class."""


def load(source: bytes | str | Path) -> Any:
    """Returns what a text, or the file at a path, holds. Raises OSError, yaml.YAMLError and ValueError."""
    return yaml.load(source.read_bytes() if isinstance(source, Path) else source, Loader=LOADER)  # noqa: S506 - a safe loader
