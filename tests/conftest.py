"""The fixtures of all tests. Plain helpers are in tests/support."""

import gc
import itertools
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from stacks.node import use_pinned_node
from tests.support.groups import name_groups
from tests.support.kept import settle, tidy
from tests.support.synth import assembled
from tests.support.templates import Templates

use_pinned_node()
os.environ["EMULATOR_KUBERNETES"] = "off"  # but where a test starts it: a control plane takes seconds
gc.set_threshold(
    50_000, 20, 50
)  # the CDK's classes and the collected tests stay: looking through them for garbage takes a tenth

# No test depends on luck, nor on how busy the machine is; new inputs by chance are the business of `make fuzz`.
settings.register_profile("same-everywhere", deadline=None, derandomize=True, database=None)
settings.load_profile("same-everywhere")

pytest_plugins = ["tests.emulator.fixtures", "tests.support.passed"]


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """`-n auto` is two workers for each core: tests of the local AWS wait for programs, and the others go on."""
    return (yield) * 2


def pytest_configure(config: pytest.Config) -> None:
    """Programs under test inherit which signals are ignored: `nohup make test &` ignores those that some tests send."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, usual)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        tidy()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    name_groups(session)
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        settle()


@pytest.fixture
def synth(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Templates]:
    """Returns a function from environment data (or a shipped environment's name) to templates by stack name.

    The assemblies are in ``tmp_path``: cdk.out-0, cdk.out-1 ...
    """
    count = itertools.count()

    def run(data: dict[str, Any] | str, **options: Any) -> Templates:
        made = assembled(data, keep="monkeypatch" not in request.fixturenames, **options)
        made.copy(tmp_path / f"cdk.out-{next(count)}")
        return made.templates

    return run
