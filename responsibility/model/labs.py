"""The labs of `docs/labs/`, and the components that each of them shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safe_io.yaml_file import load

_LABS = Path(__file__).parents[1] / "data" / "labs.yaml"
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab."""

    title: str
    path: str
    """Of its page, from the root of the repository."""
    components: tuple[str, ...]


def labs() -> list[Lab]:
    """Returns every lab, in the order to do them; none where the reviewer was installed without their pages."""
    data: dict[str, Any] = load(_LABS)
    found = [Lab(lab["title"], lab["path"], tuple(lab["components"])) for lab in data["labs"]]
    return [lab for lab in found if (_ROOT / lab.path).is_file()]
