"""Engines for the tests of a worker, and environments to deploy into them."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest

from emulator import process
from emulator.process import Engine
from tests.emulator.auditor import Auditor
from tests.emulator.deployment import Deployment
from tests.support.environments import environment_data, validated
from tests.support.kept import kept
from tests.support.synth import build_platform

# Each session reads the descriptions of the services anew, and the command line makes a session for each run.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A bootstrapped engine, with an account that the tests of this worker share."""
    yield from _started(tmp_path_factory)


@pytest.fixture(scope="session")
def strict_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A bootstrapped engine with TLS, which asks IAM whether the caller may."""
    yield from _started(tmp_path_factory, strict=True)


def _started(tmp_path_factory: pytest.TempPathFactory, **options: Any) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("emulator") / "home"
    started = process.start(home, **options)
    try:
        Deployment(started).bootstrap()
        yield started
    finally:
        process.stop(home)
        assert not home.exists()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for the emulator, alone in another, with nothing left running at the end."""
    folder = tmp_path / "emulator" / "home"
    folder.parent.mkdir()
    monkeypatch.setenv("EMULATOR_HOME", str(folder))
    yield folder
    process.stop(folder)


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Auditor:
    """The command line of responsibility."""
    return Auditor(monkeypatch, capsys, tmp_path)


@pytest.fixture(scope="session")
def deployment(engine: Engine) -> Deployment:
    """CloudFormation of the shared engine."""
    return Deployment(engine)


@pytest.fixture(scope="session")
def assemble() -> Callable[..., Path]:
    """Returns a function from environment data (or a shipped environment's name) to a cloud assembly.

    It has the files that a deploy needs. Each is synthesised once for all tests, which must not change it.
    """

    def run(data: dict[str, Any] | str, *, delivery: str = "files") -> Path:
        data = copy.deepcopy(environment_data(data) if isinstance(data, str) else data)
        for cluster in data["clusters"]:
            cluster["delivery"] = delivery

        def make(folder: Path) -> None:
            made = folder / "assembly"
            build_platform(validated(data), made, staging=True).write_manifests(made / "manifests")

        return kept(f"staged, with objects {json.dumps(data)}", make) / "assembly"

    return run
