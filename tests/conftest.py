"""The fixtures of all tests. Plain helpers are in tests/support."""

from collections.abc import Callable
from typing import Any

import pytest

from stacks.node import use_pinned_node
from tests.support.kept import tidy
from tests.support.synth import assembled
from tests.support.templates import Templates

use_pinned_node()

pytest_plugins = ["tests.emulator.fixtures"]


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        tidy()


@pytest.fixture
def synth(request: pytest.FixtureRequest) -> Callable[..., Templates]:
    """Returns a function from environment data (or a shipped environment's name) to templates by stack name."""

    def run(data: dict[str, Any] | str, **options: Any) -> Templates:
        return assembled(data, keep="monkeypatch" not in request.fixturenames, **options).templates

    return run
