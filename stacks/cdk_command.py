"""Which command of the CDK CLI runs this app: listing stacks needs no check. The CLI itself tells the app nothing of it."""

import os
import shlex
import subprocess
from pathlib import Path

LISTING = ("ls", "list")
_LEVELS = 4
"""Processes between the CLI and the app: shells, npx."""


def only_lists() -> bool:
    """Returns whether `cdk ls` runs this process. False where that is not certain: then everything is checked."""
    pid = os.getppid()
    for _ in range(_LEVELS):
        found = _process(pid)
        if found is None:
            return False
        pid, words = found
        for index, word in enumerate(words):
            if Path(word).name in ("cdk", "cdk.js"):
                return next((one for one in words[index + 1 :] if not one.startswith("-")), "") in LISTING
    return False


def _process(pid: int) -> tuple[int, list[str]] | None:
    """Returns the parent and the words of a process; None: it cannot be read."""
    folder = Path(f"/proc/{pid}")
    try:
        if folder.exists():
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            return int(parent), (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        asked = ["/bin/ps", "-o", "ppid=,args=", "-p", str(pid)]  # macOS
        run = subprocess.run(asked, capture_output=True, text=True, timeout=2, check=False)  # noqa: S603 - a number
        parent, _, text = run.stdout.strip().partition(" ")
        return int(parent), shlex.split(text)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None
