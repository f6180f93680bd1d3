"""Results that are kept between tests, workers and runs: below ``.pytest-assemblies``, by a hash of all that they come from.

What is kept is the same as what would be made again: its key has every byte that its maker reads. That is the input, the versions
of the packages, and the sources: those of a synth, all of the project, or none. tests/test_architecture.py proves that they are all.
"""

import atexit
import fcntl
import hashlib
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, get_args

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".pytest-assemblies"
Of = Literal["synth", "project", "packages", "rehearsal"]
"""What a result comes from beside its input."""
SYNTH = (
    ".responsibility.yaml",
    "app.py",
    "cdk.json",
    "constructs",
    "delivery",
    "eks_facts",
    "environments",
    "kubernetes_lint",
    "responsibility",
    "safe_io",
    "stacks",
    "tests/support",
    "workloads",
)
"""What a synth reads."""
REHEARSAL = ("delivery", "eks_facts", "local_kubernetes", "rehearse", "safe_io", "tests/rehearse")
"""What a rehearsal of objects that are made here reads."""
NOT_READ = ("cdk.out", "node_modules", "review", "tests")
"""What no program of the project reads: the rest of the top folder is "project"."""
UNUSED_DAYS = 3
"""How long what no run used any more is kept."""


@cache
def sources(of: Of) -> str:
    """A hash of the sources, and of the packages that are installed."""
    made = hashlib.sha256(f"{ROOT} {sys.version} {platform.machine()}".encode())
    for package in sorted(Path(sys.prefix).glob("lib/*/site-packages/*.dist-info")):
        made.update(f"{package.name}\0".encode())
    for path in files(_tops(of)):
        made.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{of}-{made.hexdigest()[:16]}"


def _tops(of: Of) -> list[Path]:
    if of == "packages":
        return [ROOT / "package-lock.json"]
    if of == "rehearsal":
        return [ROOT / name for name in REHEARSAL]
    if of == "project":
        there = [one for one in ROOT.iterdir() if one.name not in NOT_READ]
        tops = [one for one in there if one.is_file() or not one.name.startswith(".")]
        return [*tops, ROOT / "tests/support", ROOT / "tests/responsibility/foreign"]
    return [ROOT / name for name in SYNTH]


def files(tops: Iterable[Path]) -> Iterator[Path]:
    """The files of these folders, and those of these that are files; none that a tool made."""
    for top in sorted(tops):
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if not {"__pycache__", "node_modules"} & set(path.relative_to(ROOT).parts) and path.is_file():
                yield path


def kept(
    key: str,
    make: Callable[[Path], None],
    *,
    of: Of = "synth",
    keep: bool = True,
    maker: Callable[..., Any] | None = None,
) -> Path:
    """Returns the folder that ``make`` filled for ``key``, in this run or an earlier one of the same sources. Not to be changed.

    ``keep``: false makes it now, and for this run alone. ``maker``: the function whose file belongs to the key; else ``make``.
    """
    if not keep:
        folder = Path(mkdtemp(prefix="assembly-", dir=_passing()))
        make(folder)
        return folder
    home = HOME / sources(of)
    folder = home / hashlib.sha256(f"{key} {_code(maker or make)}".encode()).hexdigest()[:24]
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


def _code(maker: Callable[..., Any]) -> str:
    return hashlib.sha256(Path(maker.__code__.co_filename).read_bytes()).hexdigest()


def kept_value(key: str, make: Callable[[], Any], *, of: Of) -> Any:
    """Returns what ``make`` returned for ``key``, as plain data of JSON."""

    def write(folder: Path) -> None:
        (folder / "value.json").write_text(json.dumps(make()))

    return json.loads((kept(key, write, of=of, maker=make) / "value.json").read_text())


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
    used = [HOME / sources(of) for of in get_args(Of)]
    for home in used:
        home.mkdir(parents=True, exist_ok=True)
        home.touch()
    for other in HOME.iterdir():
        if other not in used and time.time() - other.stat().st_mtime > UNUSED_DAYS * 86400:
            shutil.rmtree(other, ignore_errors=True)


def settle() -> None:
    """Deletes what was made while somebody edited the sources; called at the end of a run."""
    for of in get_args(Of):
        if sources(of) != sources.__wrapped__(of):
            shutil.rmtree(HOME / sources(of), ignore_errors=True)
