"""The engine's own virtual environment: it pins other versions of shared packages."""

import fcntl
import hashlib
import os
import sys
from pathlib import Path

from emulator.problem import Problem
from safe_io import process_groups
from safe_io.ownership import claim

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv-emulator"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def python() -> Path:
    """Returns the environment's Python; makes the environment first, once. Raises Problem."""
    found = FOLDER / "bin" / "python"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if _ready(found, wanted):
        return found
    if not FOLDER.exists():
        claim(FOLDER)  # `make clean` deletes it; one that somebody made stays
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not _ready(found, wanted):
            print("Setting up the local AWS (once)", file=sys.stderr)
            _run([sys.executable, "-m", "venv", str(FOLDER)], lock.fileno())
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile"]
            _run([str(found), *install, "--require-hashes", "-r", str(REQUIREMENTS)], lock.fileno())
            (FOLDER / "ready").write_text(wanted)
    return found


def _ready(python: Path, wanted: str) -> bool:
    marker = FOLDER / "ready"
    return python.exists() and marker.exists() and marker.read_text() == wanted  # a Python that was upgraded is gone


def _run(command: list[str], lock: int) -> None:
    # Byte code is what makes the engine start in a second.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    code, output = process_groups.run(command, env=environment, holding=[lock])
    if code:
        last = (output.strip().splitlines() or [f"exit code {code}"])[-1]
        raise Problem(f"the local AWS cannot be set up in {FOLDER}: {last}. Is PyPI within reach? Then try again")
