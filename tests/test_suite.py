"""How the tests run: what is kept between them and between runs, and which tests share a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import kept

ROOT = Path(__file__).parents[1]


def test_a_result_is_kept_until_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    monkeypatch.setattr(kept, "HOME", tmp_path / "kept")
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    def value(key: str = "a") -> int:
        kept.sources.cache_clear()  # another run
        return int(kept.kept_value(key, make, of="synth"))

    try:
        source = tmp_path / "stacks/new.py"
        source.parent.mkdir()
        source.write_text("a = 1")
        assert (value(), value(), value("b"), value()) == (1, 1, 2, 1)
        source.write_text("a = 2")
        assert (value(), value()) == (3, 3)
        source.write_text("a = 1")
        assert value() == 1
    finally:
        kept.sources.cache_clear()


def test_what_fails_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "HOME", tmp_path)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept.kept_value("a", lambda: 1 // 0, of="packages")
    assert not list(tmp_path.rglob("value.json"))


def test_groups_of_tests_reach_the_scheduler(tmp_path: Path) -> None:
    """A group shares what is slow to make: without it, each worker makes it."""
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom tests.support.groups import name_groups\n"
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_finish(session): name_groups(session)\n"
    )
    (tmp_path / "test_x.py").write_text(
        "import os, pytest\n@pytest.mark.xdist_group('one')\n@pytest.mark.parametrize('n', range(12))\n"
        "def test_one(n): open(os.environ['PYTEST_XDIST_WORKER'], 'w')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert len(list(tmp_path.glob("gw*"))) == 1


CONFTEST = """
from pathlib import Path
from tests.support import kept, passed

kept.ROOT = Path(__file__).parent
kept.HOME = passed.HOME = kept.ROOT / ".kept"
kept.NOT_READ = ("checks",)
passed.TESTS = kept.ROOT / "checks"
pytest_plugins = ["tests.support.passed"]
"""
WHOLE = """
import pytest
from pathlib import Path

pytestmark = pytest.mark.whole

@pytest.fixture(scope="module")
def shared():
    yield
    print("shared ends", __name__)

@pytest.mark.parametrize("n", range(2))
def test_one(shared, n):
    print("ran", __name__, n)
    assert n == 0 or not Path(__name__.split(".")[-1]).exists()
"""


def test_a_test_of_whole_programs_runs_when_something_has_changed_or_failed(tmp_path: Path) -> None:
    """The tests of one module share things: where one of them failed, all run."""
    files = {
        "pytest.ini": "[pytest]\nmarkers = whole",
        "package-lock.json": "{}",
        "product/code.py": "a = 1",
        "conftest.py": CONFTEST,
        "checks/area/test_a.py": WHOLE,
        "checks/other/test_b.py": WHOLE + "def test_unmarked(): pass",
        "checks/other/test_c.py": "def test_small(): print('ran', 'small')",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-sv", "--import-mode=importlib", "-p", "no:cacheprovider"]

    def ran(*options: str) -> int:
        """How often a test's body ran; each test is reported in any case."""
        run = {
            **environment,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run([*command, *options], cwd=tmp_path, env=run, capture_output=True, text=True)
        assert "6 passed" in done.stdout or "1 failed, 5 passed" in done.stdout, done.stdout
        assert done.stdout.count("shared ends") == done.stdout.count(" 0\n"), "a fixture outlives its module"
        return done.stdout.count("ran ")

    assert (ran(), ran()) == (5, 1)
    assert ran("--fresh") == 5
    (tmp_path / "checks/other/data.yaml").write_text("")
    assert ran() == 3, "the tests beside it"
    (tmp_path / "product/code.py").write_text("a = 2")
    (tmp_path / "test_b").touch()
    assert (ran(), ran()) == (5, 3), "what failed, and what shares a module with it"
