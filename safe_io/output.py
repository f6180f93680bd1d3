"""Writes results. Files of others are neither removed nor overwritten, and a failure changes nothing.

A file is written beside its place and renamed. A folder of results is filled in a folder of its own, and its files are
swapped in at the end; a manifest lists them (``safe_io/ownership.py``), and the next run replaces and removes these alone.
"""

import errno
import fcntl
import filecmp
import os
import secrets
import shutil
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from safe_io.ownership import (
    MANIFEST,
    OutputProblem,
    delete,
    files_of,
    is_file_inside,
    is_whole,
    listed,
    reason,
    remove_empty,
    set_listed,
)

_WORK = ".eks-platform-work-"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def write(file: Path, content: str | bytes) -> None:
    """Replaces ``file`` by ``content`` (text as UTF-8) in one step. Raises OutputProblem."""
    write_all({file: content})


def write_all(contents: Mapping[Path, str | bytes]) -> None:
    """Writes every file, or none: all are written beside their places, and moved there when they are complete.

    A link stays a link, and permissions stay. A pipe or a device, such as /dev/stdout, is written to. Raises OutputProblem.
    """
    parts: dict[Path, Path] = {}
    file = Path()
    try:
        for file, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if file.exists() and not file.is_file():
                # A pipe that nobody reads is refused: opening it would wait for a reader.
                channel = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
                os.set_blocking(channel, True)
                with os.fdopen(channel, "wb") as stream:
                    stream.write(data)
                continue
            goal = Path(os.path.realpath(file))  # what a link points to
            part = goal.with_name(f".{secrets.token_hex(6)}.part")
            with part.open("xb") as out:
                parts[part] = goal
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            if goal.exists():
                shutil.copymode(goal, part)
        for part, file in parts.items():
            part.replace(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise OutputProblem(f"{file}: cannot be written: {reason(error)}") from None
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


@contextmanager
def staged(folder: Path, *, replaceable: Collection[str] = ()) -> Iterator[Path]:
    """Yields an empty folder to fill. At the end its files take their places in ``folder``, all of them or none.

    What an earlier run listed there is replaced or removed; everything else stays. If the block raises, or the process is
    killed in it, ``folder`` stays as it was.

    Args:
        folder: the results' place; made if need be.
        replaceable: paths in it that may be overwritten though no manifest of ours lists them.

    Raises OutputProblem: the folder cannot be written, or a name is taken by what is not ours.
    """
    made: list[Path] = []
    work = None
    try:
        try:
            folder = Path(os.path.realpath(folder))
            if os.path.lexists(folder) and not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")
            made = [path for path in (folder, *folder.parents) if not os.path.exists(path)]
            folder.mkdir(parents=True, exist_ok=True)
            work = _Work.begin(folder)
        except (OSError, ValueError) as error:
            raise OutputProblem(f"{folder}: cannot be written: {reason(error)}") from None
        if is_whole(folder):
            raise OutputProblem(f"{folder}: is the folder of another command. Name another one")
        yield work.new
        try:
            work.swap(replaceable)
        except OSError as error:
            raise OutputProblem(f"{folder}: cannot be written: {reason(error)}") from None
        made = []
    finally:
        if work:
            work.end()
        for path in made:
            with suppress(OSError):  # somebody else uses it by now
                path.rmdir()


def record(folder: Path, names: Collection[str]) -> None:
    """Lists files of ``folder`` as ours before they are written there. Raises OutputProblem: one is there, and is not ours."""
    ours = listed(folder)
    if taken := [name for name in sorted(set(names) - ours) if os.path.lexists(folder / name)]:
        raise OutputProblem(f"{_taken(folder, taken)}. Move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        set_listed(folder, ours | set(names))
    except OSError as error:
        raise OutputProblem(f"{folder}: cannot be written: {reason(error)}") from None


@dataclass
class _Work:
    """A folder inside of the results' folder: so it is on the same file system, and can be made if anything can.

    ``new`` is filled; ``old`` keeps what is replaced until all is in place. It is locked as long as its process lives.
    """

    folder: Path
    path: Path
    lock: int
    moved: list[tuple[Path, Path]] = field(default_factory=list)

    @property
    def new(self) -> Path:
        return self.path / "new"

    @property
    def old(self) -> Path:
        return self.path / "old"

    @classmethod
    def begin(cls, folder: Path) -> "_Work":
        _put_right(folder)
        path = folder / f"{_WORK}{secrets.token_hex(6)}"
        path.mkdir()
        work = cls(folder, path, os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        with suppress(OSError):  # a file system without locks
            fcntl.flock(work.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        work.new.mkdir()
        return work

    def swap(self, replaceable: Collection[str]) -> None:
        ours, new = listed(self.folder), set(files_of(self.new)) - {MANIFEST}
        may = ours | set(replaceable)
        # Others' files of the same content stay others'.
        new -= {name for name in new - may if _same(self.new / name, self.folder / name)}
        if taken := [name for name in sorted(new) if not self._free(name, may)]:
            raise OutputProblem(f"{_taken(self.folder, taken)}. Move it away, or name another folder")
        going = [name for name in ours | (new & may) if is_file_inside(self.folder, name)]
        with _unbroken():
            set_listed(self.folder, ours | new)  # for the next run, if this one is killed
            try:
                for name in going:
                    self._move(self.folder / name, self.old / name)
                remove_empty(self.folder, going)
                for name in sorted(new):
                    self._move(self.new / name, self.folder / name)
                set_listed(self.folder, new)
                if going:
                    self.old.rename(self.path / "done")
            except BaseException:
                for source, goal in reversed(self.moved):
                    source.parent.mkdir(parents=True, exist_ok=True)
                    goal.rename(source)
                remove_empty(self.folder, new)
                set_listed(self.folder, ours)
                raise

    def _free(self, name: str, may: Collection[str]) -> bool:
        """Returns whether a file may be put there: nothing is there and in its way, or what may be replaced."""
        for parent in list(PurePosixPath(name).parents)[:-1]:
            place = self.folder / parent
            if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()) and str(parent) not in may:
                return False
        place = self.folder / name
        if place.is_dir() and not place.is_symlink():
            return all(f"{name}/{inner}" in may for inner in files_of(place))
        return name in may or not os.path.lexists(place)

    def _move(self, source: Path, goal: Path) -> None:
        try:
            source.rename(goal)
        except (FileNotFoundError, NotADirectoryError):
            goal.parent.mkdir(parents=True, exist_ok=True)
            source.rename(goal)
        self.moved.append((source, goal))

    def end(self) -> None:
        delete(self.path)
        os.close(self.lock)


def _put_right(folder: Path) -> None:
    """Ends what a killed run left in a folder: files that it had moved away go back, and its own folder is deleted."""
    for path in folder.glob(f"{_WORK}*"):
        if path.is_symlink() or not path.is_dir() or {one.name for one in path.iterdir()} - {"new", "old", "done"}:
            continue
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = listed(folder)
            for name in files_of(path / "old"):
                if name in ours or not os.path.lexists(folder / name):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (path / "old" / name).replace(folder / name)
            delete(path)
        except OSError:  # another run is at it, or the file system has no locks to ask
            continue
        finally:
            os.close(lock)


def _same(one: Path, other: Path) -> bool:
    plain = all(path.is_file() and not path.is_symlink() for path in (one, other))
    return plain and filecmp.cmp(one, other, shallow=False)


def _taken(folder: Path, names: list[str]) -> str:
    more = f", and so are {len(names) - 1} more" if len(names) > 1 else ""
    return f"{folder}: {names[0]!r} is there already{more}; no manifest of ours lists it, so it is not overwritten"


@contextmanager
def _unbroken() -> Iterator[None]:
    """Holds signals back that would end this process in the middle."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
