"""The words of the steps, from `steps.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from responsibility.model import COMPUTE_KINDS
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change, Step, StepId
from safe_io.yaml_file import load


def step(
    id_: StepId,
    upgrade: Upgrade,
    *,
    words: str = "",
    changes: list[Change] | None = None,
    commands: list[str] | None = None,
    verify: list[str] | None = None,
    back_commands: list[str] | None = None,
    **filled: str,
) -> Step:
    """Returns a step without its number.

    Args:
        id_: of the step, and of its words, unless ``words`` has another key.
        upgrade: of which cluster.
        words: key of `steps.yaml`.
        changes: what to change.
        commands: instead of those of `steps.yaml`.
        verify: the same.
        back_commands: the same.
        filled: what to put in the place of ``{key}``.
    """
    given = {"commands": commands, "verify": verify, "back_commands": back_commands}
    found: dict[str, Any] = {"aws": "", "you": ""} | _steps()[words or id_]
    for key, value in (filled | {"name": upgrade.name, "before": upgrade.before, "after": upgrade.after}).items():
        found = {name: _filled(item, f"{{{key}}}", value) for name, item in found.items()}
    found |= {name: items for name, items in given.items() if items is not None}
    kind = id_ if id_ in COMPUTE_KINDS else None
    return Step(number=0, id=id_, kind=kind, changes=changes or [], **found)


def _filled(item: str | list[str], mark: str, value: str) -> str | list[str]:
    return item.replace(mark, value) if isinstance(item, str) else [one.replace(mark, value) for one in item]


@cache
def _steps() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(Path(__file__).with_name("steps.yaml"))
    return found
