"""For the Makefile: `python3 -m safe_io claim|record|thin|remove`. Needs nothing but Python's own library."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from safe_io.errors import run
from safe_io.output import record
from safe_io.ownership import claim, delete, is_whole, listed, remove

_TAGS = {
    "CACHEDIR.TAG": r"Signature: 8a477f597d28d172789f06886806bc55",  # mypy, pytest, ruff; https://bford.info/cachedir/
    ".gitignore": r"# This .gitignore file was automatically created by Hypothesis",
    ".package-lock.json": r'\{\s*"name": "eks-platform',  # npm, for a package.json of ours
}
"""Files by which a tool that our commands run says that a whole folder is its own, and how they begin."""

_OF_THE_CDK_CLI = (".cache", "error.txt", "performance-counters.json")
"""What the CDK CLI leaves in the folder of an assembly."""


def main() -> int:
    """Does what the arguments say; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m safe_io", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    claiming = commands.add_parser("claim", help="make a new folder ours as a whole")
    claiming.add_argument("folder", type=Path)
    recording = commands.add_parser("record", help="list files of a folder as ours, before they are written")
    recording.add_argument("folder", type=Path)
    recording.add_argument("names", nargs="+")
    removing = commands.add_parser("remove", help="remove what is ours in folders")
    removing.add_argument("folders", type=Path, nargs="*")
    removing.add_argument("--bytecode", action="store_true", help="Python's byte code of the files in Git, too")
    thinning = commands.add_parser("thin", help="delete what nothing reads from a folder that is ours as a whole")
    thinning.add_argument("folder", type=Path)
    thinning.add_argument("patterns", nargs="+", help="of folders in it, such as lib/*/include")
    arguments = parser.parse_args()
    if arguments.command == "claim":
        claim(arguments.folder)
    elif arguments.command == "thin":
        _thin(arguments.folder, arguments.patterns)
    elif arguments.command == "record":
        record(arguments.folder, arguments.names)
    else:
        for line in _remove(arguments.folders):
            print(line, file=sys.stderr)
        if arguments.bytecode:
            _remove_bytecode(Path())
    return 0


def _remove(folders: Iterable[Path]) -> Iterator[str]:
    """Removes what is ours; yields a line for each folder that is still there."""
    for folder in folders:
        if not folder.is_symlink() and folder.is_dir() and _is_of_a_tool(folder):
            delete(folder)
            continue
        ours = listed(folder)
        if "cdk.out" in ours:
            for name in _OF_THE_CDK_CLI:
                delete(folder / name)
        if not remove(folder):
            why = "what is left in it was not made here" if ours else "nothing in it says that it was made here"
            yield f"{folder}: stays: {why}"


def _thin(folder: Path, patterns: Iterable[str]) -> None:
    """Deletes what matches; nothing in a folder that somebody else made, or behind a link that leads out of it."""
    if not is_whole(folder):
        return
    for pattern in patterns:
        for found in folder.glob(pattern):
            if found.resolve().is_relative_to(folder.resolve()):
                delete(found)


def _is_of_a_tool(folder: Path) -> bool:
    for name, beginning in _TAGS.items():
        with suppress(OSError, ValueError):
            if re.match(beginning, (folder / name).read_text(encoding="utf-8")):
                return True
    return False


def _remove_bytecode(root: Path) -> None:
    """Removes the byte code of folders with Python files in Git: not that of others which lie about."""
    files = subprocess.run(["git", "ls-files", "-z", "--", "*.py"], cwd=root, capture_output=True, check=False)  # noqa: S607
    for folder in {Path(name).parent for name in files.stdout.decode().split("\0") if name}:
        cache = root / folder / "__pycache__"
        if cache.is_symlink() or not cache.is_dir():
            continue
        for file in cache.glob("*.pyc"):
            file.unlink(missing_ok=True)
        if not any(cache.iterdir()):
            cache.rmdir()


if __name__ == "__main__":
    sys.exit(run(main, program="python3 -m safe_io"))
