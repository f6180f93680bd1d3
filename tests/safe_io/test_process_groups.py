"""Programs that a command has started end with it, however it ends; and a later run finds what is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from emulator import locks
from safe_io import process_groups
from tests.emulator.programs import alive, until
from tests.support.environments import ROOT

PARENT = """
import sys
from pathlib import Path
from safe_io import process_groups
# A program that has started another one, and would outlive its parent.
with process_groups.running(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], folder=Path(sys.argv[1])) as child:
    print(child.stdout.readline().strip(), child.pid, child.group, flush=True)
    child.wait()
"""


class Family:
    """A process that runs a program with process_groups.running(), and what it has started."""

    def __init__(self, folder: Path) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.parent.stdout
        self.sleep, self.shell, self.group = map(int, self.parent.stdout.readline().split())

    def runs(self) -> bool:
        return any(alive(Path(f"/proc/{pid}")) for pid in (self.sleep, self.shell, self.group))


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path)
    yield made
    made.parent.kill()
    made.parent.wait()
    with suppress(ProcessLookupError):
        os.killpg(made.group, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_they_end_with_their_parent(family: Family, tmp_path: Path, number: signal.Signals) -> None:
    os.killpg(family.group, signal.SIGSTOP)
    os.kill(family.group, signal.SIGCONT)  # all but the leader stay stopped
    family.parent.send_signal(number)
    assert until(lambda: not family.runs())
    process_groups.end_left(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_is_found_and_ended(family: Family, tmp_path: Path) -> None:
    os.killpg(family.group, signal.SIGSTOP)
    family.parent.kill()
    family.parent.wait()  # from here on the kernel may wake them, for nobody outside of their group is left
    process_groups.end_left(tmp_path)
    assert until(lambda: not family.runs())
    assert list(tmp_path.iterdir()) == []


STARTING = """
import os, signal, sys
from pathlib import Path
from safe_io import process_groups
signal.signal(signal.SIGTERM, signal.default_int_handler)
slow = {"PATH": ":".join(["/none"] * 50_000 + [os.defpath])}  # the search keeps exec() waiting
try:
    with process_groups.running(["sleep", "600"], folder=Path(sys.argv[1]), env=slow) as child:
        child.wait()
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_program_that_is_stopped_while_it_starts_does_not_keep_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", STARTING, str(tmp_path)], cwd=ROOT)
    stopped = set()

    def stop() -> bool:
        for path in tmp_path.glob("child-*"):
            if text := path.read_text():
                stopped.add(int(text))
                os.killpg(int(text), signal.SIGSTOP)
        return bool(stopped)

    assert until(stop)
    # Where it came too late, it has stopped a program that runs.
    until(lambda: stop() and "\nState:\tD" in Path(f"/proc/{parent.pid}/status").read_text(), seconds=2)
    parent.terminate()
    process_groups.resume(tmp_path)
    assert parent.wait(20) == 130
    (group,) = stopped
    assert not process_groups._runs(group)
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_another_process_has_by_now_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "600"], process_group=0)
    (tmp_path / "child-0.lock").write_text(str(bystander.pid))
    process_groups.end_left(tmp_path)
    assert bystander.poll() is None
    assert list(tmp_path.iterdir()) == []
    bystander.kill()
    bystander.wait()


def test_nothing_is_left_at_the_end_of_the_block(tmp_path: Path) -> None:
    with process_groups.running(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], folder=tmp_path) as child:
        assert child.stdout
        sleeper = Path(f"/proc/{child.stdout.readline().strip()}")
        assert alive(sleeper)
    assert until(lambda: not alive(sleeper))
    assert list(tmp_path.iterdir()) == []
    assert process_groups.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\nerr\n")


HOLDER = """
import sys
from emulator import locks
with open(sys.argv[1], "a+") as file:
    print(locks.take(file), flush=True)
    sys.stdin.read()
"""


def test_the_kernel_tells_who_has_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    assert locks.holder(path) is None
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "True\n"
        path.write_text("nonsense")
        assert locks.holder(path) == first.pid
        with path.open("a+") as file:
            assert not locks.take(file)
        first.kill()
        first.wait()
    assert locks.holder(path) is None
    with path.open("a+") as file:
        assert locks.take(file)
