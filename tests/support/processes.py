"""Commands that have an end: what hangs is shown and killed, with all that it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

OFFLINE = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_NOTICES": "false",
    "NPM_CONFIG_AUDIT": "false",
    "NPM_CONFIG_FUND": "false",
    "NPM_CONFIG_OFFLINE": "true",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
}
"""Variables that keep the CDK CLI and npx from asking the internet: it may not be there, and then they wait."""


@dataclass(frozen=True)
class Finished:
    """What a command left: stdout and stderr in one."""

    returncode: int
    output: str


class Hangs(AssertionError):
    """A command did not end in time. Its text has the processes, the output and the stacks of each Python among them."""


def finished(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float) -> Finished:
    """Runs a command in a process group of its own. Raises Hangs after ``seconds``; then no process of the group is left."""
    # A file: the end of a pipe comes when the last process that has it is gone.
    with TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, "PYTHONFAULTHANDLER": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            processes = _of_group(process.pid)
            _show_python_stacks(processes)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if code is None:
        listed = "\n".join(f"{pid} {line}" for pid, line in processes.items())
        raise Hangs(f"{' '.join(command)} hangs for {seconds:g} s. Its processes:\n{listed}\nIts output:\n{text}")
    return Finished(code, text)


def _of_group(group: int) -> dict[int, str]:
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,pid=,args="], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return {int(row[1]): row[2] for row in rows if len(row) == 3 and int(row[0]) == group}


def _show_python_stacks(processes: Mapping[int, str]) -> None:
    """Ends each Python with the signal at which faulthandler prints its stacks; who passes its output on lives on for a moment."""
    python = Path(sys.executable).name.rstrip("0123456789.")
    for pid, args in processes.items():
        if Path(args.split()[0]).name.startswith(python):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGABRT)
    time.sleep(1)
