"""Tests with the same ``xdist_group`` run in one worker: pytest-xdist 3.8 writes the group where pytest 9.2 does not read it."""

from typing import Any

import pytest


def grouped(item: pytest.Item) -> str:
    """The name of a test as ``--dist loadgroup`` reads it: with its group behind it."""
    groups = "_".join(sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")}))
    return item.nodeid if not groups or item.nodeid.endswith(f"@{groups}") else f"{item.nodeid}@{groups}"


def name_groups(session: pytest.Session) -> None:
    """Makes a worker tell the scheduler the groups of its tests. To be deleted when pytest-xdist does."""
    if not session.config.getoption("loadgroup", False):
        return
    for plugin in session.config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = _naming(plugin.sendevent, session)  # type: ignore[attr-defined]


def _naming(send: Any, session: pytest.Session) -> Any:
    def sendevent(name: str, **data: Any) -> None:
        send(name, **data | ({"ids": [grouped(item) for item in session.items]} if name == "collectionfinish" else {}))

    return sendevent
