"""Tests of whole programs run again when something that they read has changed, and else once a day: a plugin of pytest.

Such a test starts the local AWS, Kubernetes, kubectl or make; it takes seconds, and most edits do not concern it. Its module says
``pytestmark = pytest.mark.whole``, or it uses the fixture of the local AWS. That it passed is kept (tests/support/kept.py) under the
hash of the whole project, of its own folder in tests, of the folders that this imports from, and of the day.
``make test FRESH=yes`` runs them all.
"""

import ast
import hashlib
from collections.abc import Generator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.kept import HOME, ROOT, files, sources

KEPT = ("kept", True)
"""The property of a report of a test that did not run."""
TESTS = ROOT / "tests"
LOCAL_AWS = {"engine", "strict_engine"}
"""The fixtures of the local AWS."""
PLACE, BEFORE, PHASES = pytest.StashKey[Path](), pytest.StashKey[bool](), pytest.StashKey[list[bool]]()


@cache
def areas(name: str) -> frozenset[str]:
    """The folders of tests that one depends on: itself, ``support``, and all that their modules import from."""
    found: set[str] = set()
    todo = {name, "support"}
    while todo:
        found.add(area := todo.pop())
        for path in (TESTS / area).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
                    todo.add(str(node.module).split(".")[1])
        todo -= found
    return frozenset(found)


@cache
def _read(area: str) -> str:
    """A hash of all that the tests of a folder read."""
    made = hashlib.sha256(f"{sources('project')} {date.today()}".encode())
    for path in files([TESTS / "conftest.py", *(TESTS / one for one in sorted(areas(area)))]):
        made.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()


def _place(item: pytest.Item) -> Path | None:
    """The file that says that a test of whole programs passed, with what it reads now; none for other tests."""
    if item.get_closest_marker("whole") is None and not LOCAL_AWS & set(getattr(item, "fixturenames", ())):
        return None
    area = item.path.relative_to(TESTS).parts[0]
    name = hashlib.sha256(f"{_read(area)} {item.nodeid}".encode()).hexdigest()[:24]
    return HOME / sources("project") / "passed" / name


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fresh", action="store_true", help="run tests that passed today with the same sources, too")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Looks up which tests need not run: those of the modules whose marked tests all passed, as tests of one module share things.

    Now the modules were just imported: later, somebody may have edited them.
    """
    modules: dict[Path, list[pytest.Item]] = {}
    for item in session.items:
        if place := _place(item):
            item.stash[PLACE] = place
            modules.setdefault(item.path, []).append(item)
    for together in modules.values():
        before = not session.config.getoption("fresh") and all(item.stash[PLACE].exists() for item in together)
        for item in together:
            item.stash[BEFORE] = before


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Reports a test that passed with the same sources, and gives up what the next one does not use."""
    if not item.stash.get(BEFORE, False):
        return None
    item.session._setupstate.teardown_exact(nextitem)  # the test before left what this one would have used
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for when in ("setup", "call", "teardown"):
        report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, when)
        report.user_properties = [KEPT]
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps that a test passed, when its set-up, call and teardown did."""
    report = yield
    if place := item.stash.get(PLACE, None):
        phases = item.stash.setdefault(PHASES, [])
        phases.append(report.passed)
        if phases == [True] * 3:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says how many did not run."""
    kept = sum(
        KEPT in map(tuple, getattr(report, "user_properties", ()))
        for report in terminalreporter.stats.get("passed", [])
    )
    if kept:
        terminalreporter.write_line(
            f"{kept} of them passed today with the same sources, and were not run again: make test FRESH=yes runs all."
        )
