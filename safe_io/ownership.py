"""Which files and folders we may replace and remove: those that our manifest lists, and nothing else."""

import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from safe_io.errors import BadInput

MANIFEST = ".eks-platform.json"
"""In a folder with results: what in it is ours."""

_ABOUT = "eks-platform made the files listed here, or, with whole: true, all of this folder. It replaces and removes nothing else."
_GONE = ".eks-platform-gone-"


class OutputProblem(BadInput):
    """A result cannot be written, or something of others is in its place. Its text is for the person; nothing was changed."""


def claim(folder: Path) -> None:
    """Makes a whole folder ours, so that ``remove`` may delete all that is in it: a new or an empty one, or ours already.

    Raises OutputProblem: there is something of others in it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(40):
            if is_whole(folder):
                return
            found = next((path.name for path in folder.iterdir() if path.name != MANIFEST), None)
            if found and is_whole(folder):
                return  # another process made it ours in between, and has begun to use it
            if found:
                raise OutputProblem(f"{folder}: contains {found!r}, which is not ours to delete. Name a new folder")
            with suppress(FileExistsError), (folder / MANIFEST).open("x", encoding="utf-8") as out:
                out.write(_manifest(whole=True))
                return
            time.sleep(0.05)  # another process has begun to write it
        raise OutputProblem(f"{folder}: contains {MANIFEST!r}, which is not ours to delete. Name a new folder")
    except (OSError, ValueError) as error:
        raise OutputProblem(f"{folder}: cannot be made: {reason(error)}") from None


def is_whole(folder: Path) -> bool:
    """Returns whether all of a folder is ours: ``claim`` made it so."""
    return not folder.is_symlink() and _read(folder).get("whole") is True


def listed(folder: Path) -> set[str]:
    """Returns the paths in a folder that its manifest lists: relative ones that stay in it, whatever the file says."""
    files = _read(folder).get("files")
    return {name for name in files if _stays_inside(name)} if isinstance(files, list) else set()


def remove(folder: Path) -> bool:
    """Removes what is ours in a folder, and the folder if nothing else is in it; returns whether it is gone.

    Raises OutputProblem.
    """
    try:
        if is_whole(folder):
            _remove_whole(folder)
        elif ours := listed(folder):
            for name in ours | {MANIFEST}:
                if is_file_inside(folder, name):
                    (folder / name).unlink(missing_ok=True)
            remove_empty(folder, ours)
            with suppress(OSError):
                folder.rmdir()
    except OSError as error:
        raise OutputProblem(f"{folder}: cannot be removed: {reason(error)}") from None
    return not os.path.lexists(folder)


# --- for safe_io/output.py


def set_listed(folder: Path, files: Collection[str]) -> None:
    """Writes which files of a folder are ours; none: removes the list. Raises OSError."""
    file = folder / MANIFEST
    if not files:
        file.unlink(missing_ok=True)
        return
    beside = folder / f"{MANIFEST}.{secrets.token_hex(6)}"
    beside.write_text(_manifest(files=files), encoding="utf-8")
    beside.replace(file)


def files_of(folder: Path) -> Iterator[str]:
    """Yields the paths of all that is not a folder, links included, from ``folder``."""
    for path, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(path) / name).is_symlink()]
        for name in [*files, *links]:
            yield (Path(path) / name).relative_to(folder).as_posix()


def is_file_inside(folder: Path, name: str) -> bool:
    """Returns whether a path is a file or a link in the folder itself, not behind somebody's link to elsewhere."""
    place = folder / name
    return (
        os.path.lexists(place)
        and (place.is_symlink() or not place.is_dir())
        and not any((folder / parent).is_symlink() for parent in _parents(name))
    )


def remove_empty(folder: Path, names: Iterable[str]) -> None:
    """Removes the folders that held the files, if nothing is in them any more."""
    parents = {parent for name in names for parent in _parents(name)}
    for parent in sorted(parents, key=lambda one: len(one.parts), reverse=True):
        with suppress(OSError):
            if not (folder / parent).is_symlink():
                (folder / parent).rmdir()


def delete(path: Path) -> None:
    """Deletes what is ours, a folder with all that is in it, with its manifest last; write-protected files too. Raises OSError."""
    with suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        for inner in sorted(path.iterdir(), key=lambda one: one.name == MANIFEST):
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner, onerror=_again)
            else:
                inner.unlink(missing_ok=True)
        path.rmdir()


def reason(error: Exception) -> str:
    """Returns why something could not be written, in words."""
    return getattr(error, "strerror", None) or str(error)


def _parents(name: str) -> list[PurePosixPath]:
    return list(PurePosixPath(name).parents)[:-1]


def _read(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        file = folder / MANIFEST
        if stat.S_ISREG(file.lstat().st_mode):
            data = json.loads(file.read_bytes())
            if isinstance(data, dict) and data.get("about") == _ABOUT:
                return data
    return {}


def _manifest(*, files: Collection[str] = (), whole: bool = False) -> str:
    ours: dict[str, Any] = {"whole": True} if whole else {"files": sorted(files)}
    return json.dumps({"about": _ABOUT, **ours}, indent=1) + "\n"


def _stays_inside(name: object) -> bool:
    if not isinstance(name, str) or name in ("", ".") or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name


def _remove_whole(folder: Path) -> None:
    """Removes a folder of ours in one step, so that nobody sees half of it."""
    for left in folder.parent.glob(f"{_GONE}*"):  # of a run that was killed at it
        with suppress(OSError):  # or of one that is at it
            if is_whole(left):
                delete(left)
    gone = folder.with_name(f"{_GONE}{secrets.token_hex(6)}")
    try:
        folder.rename(gone)
    except OSError:  # a mount point, or a parent that is not ours to write
        gone = folder
    delete(gone)


def _again(function: Any, path: str, _: Any) -> None:
    """Tries once more where a folder may not be written."""
    with suppress(FileNotFoundError):
        for place in (Path(path).parent, Path(path)):
            if not place.is_symlink():
                place.chmod(stat.S_IRWXU)
        function(path) if not os.path.isdir(path) else shutil.rmtree(path)
