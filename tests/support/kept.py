"""Results that are kept between tests, workers and runs: below ``.pytest-assemblies``, by a hash of all that they come from.

What is kept is the same as what would be made again, for its key holds every byte that its maker reads: the sources in
``SOURCES``, the versions of the packages, and the input. tests/test_architecture.py has a test that the sources are all of them.
"""

import atexit
import fcntl
import hashlib
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".pytest-assemblies"
SOURCES = ("constructs", "eks_facts", "environments", "safe_io", "stacks", "workloads", "tests/support")
"""The folders that a synth reads."""
FILES = ("app.py", "cdk.json", "requirements.txt")
UNUSED_DAYS = 3
"""How long what no run used any more is kept."""


@cache
def sources() -> str:
    """A hash of the sources, and of the packages that are installed."""
    made = hashlib.sha256(f"{ROOT} {sys.version} {platform.machine()}".encode())
    for path in (
        *_files(),
        *map(ROOT.joinpath, FILES),
        *sorted(Path(sys.prefix).glob("lib/*/site-packages/*.dist-info")),
    ):
        made.update(f"{path}\0".encode())
        if path.is_file():
            made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if "__pycache__" not in path.parts and path.is_file():
                yield path


def kept(key: str, make: Callable[[Path], None], *, keep: bool = True) -> Path:
    """Returns the folder that ``make`` filled for ``key``, in this run or an earlier one of the same sources. Not to be changed.

    ``keep``: false makes it now, and for this run alone.
    """
    if not keep:
        folder = Path(mkdtemp(prefix="assembly-", dir=_passing()))
        make(folder)
        return folder
    home = HOME / sources()
    folder = home / hashlib.sha256(key.encode()).hexdigest()[:24]
    if folder.exists():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = Path(mkdtemp(dir=home, prefix="unfinished-"))
            try:
                make(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    return folder


@cache
def _passing() -> Path:
    """A folder for this process, gone at its end."""
    folder = Path(mkdtemp(prefix="eks-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two workers that need the same make it once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def tidy() -> None:
    """Deletes what is kept of other sources and was not used for some days; called once in a run."""
    home = HOME / sources()
    home.mkdir(parents=True, exist_ok=True)
    home.touch()
    for other in HOME.iterdir():
        if other != home and time.time() - other.stat().st_mtime > UNUSED_DAYS * 86400:
            shutil.rmtree(other, ignore_errors=True)
