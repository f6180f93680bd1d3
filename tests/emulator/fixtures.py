"""An engine for the tests of a worker, and environments to deploy into it."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import cdk, process
from emulator.process import Engine
from tests.conftest import build_platform, environment_data, validated
from tests.emulator.deployment import Deployment


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A bootstrapped engine, with an account that the tests of this worker share."""
    home = tmp_path_factory.mktemp("emulator") / "home"
    started = process.start(home)
    try:
        cdk.bootstrap(started)
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
def deployment(engine: Engine) -> Deployment:
    """CloudFormation of that engine."""
    return Deployment(engine)


@pytest.fixture
def assemble(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function from environment data (or a shipped environment's name) to a cloud assembly."""
    count = iter(range(1000))

    def run(data: dict[str, Any] | str, *, delivery: str = "files", **options: Any) -> Path:
        data = copy.deepcopy(environment_data(data) if isinstance(data, str) else data)
        for cluster in data["clusters"]:
            cluster["delivery"] = delivery
        environment = validated(data)
        outdir = tmp_path / f"cdk.out-{next(count)}"
        shutil.rmtree(outdir, ignore_errors=True)
        build_platform(environment, outdir, staging=True, **options)
        return outdir

    return run
