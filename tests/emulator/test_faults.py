"""What the demo says and does when something is in its way."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from emulator import cdk, demo, process
from emulator.problem import Problem
from tests.emulator import small
from tests.emulator.deployment import Deployment, StackFailed
from tests.emulator.programs import command, kill, processes_of, until
from tests.support.environments import ROOT

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator-faults"), pytest.mark.usefixtures("home")]


def begin() -> "subprocess.Popen[str]":
    """Starts a demo, and waits until the CLI runs twice: the bootstrap and the synth."""
    running = subprocess.Popen(
        [sys.executable, "-m", "emulator", "demo"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout
    while "cdk bootstrap" not in running.stdout.readline():
        assert running.poll() is None
    assert until(lambda: len(groups()) == 2)
    return running


def groups() -> list[int]:
    """The process groups of what the demo runs."""
    return [int(text) for path in process.home().glob("child-*") if (text := path.read_text())]


def clis() -> list[str]:
    return [one for one in processes_of(process.home()) if "cdk" in one]


def test_down_ends_a_demo_that_is_under_way(home: Path) -> None:
    running = begin()
    second = command("demo")
    assert second.returncode == 2
    assert re.search(
        rf"another demo is being deployed \(process {running.pid}, since \d\d:\d\d:\d\d\)\. Wait", second.stderr
    )
    # All of it stopped, and nothing left of what it has written about itself.
    engine = process.find()
    assert engine
    for group in (*groups(), engine.pid):
        os.killpg(group, signal.SIGSTOP)
    running.send_signal(signal.SIGSTOP)
    for name in ("demo.lock", "engine.lock"):
        os.truncate(home / name, 0)
    down = command("down")
    assert (down.returncode, down.stdout) == (0, "The local AWS is stopped, and everything in it is deleted.\n")
    _, said = running.communicate()
    assert running.returncode == 130
    assert "Interrupted." in said
    assert "Traceback" not in said
    assert until(lambda: processes_of(home) == []), processes_of(home)
    assert list(home.parent.iterdir()) == []


def test_kill_9_ends_all_that_the_demo_has_started(home: Path) -> None:
    running = begin()
    running.kill()
    assert until(lambda: clis() == []), clis()
    assert process.find(), "the local AWS is left, for the next demo"
    with demo._alone():
        assert list(home.glob("child-*")) == []
    assert command("down").returncode == 0
    assert list(home.parent.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 130 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=130m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk can be mounted by root alone")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_is_one_line(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = small_disk / "home"
    monkeypatch.setenv("EMULATOR_HOME", str(home))
    process.start()
    with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(home).free == 0
    done = command("demo")
    assert (done.returncode, done.stderr) == (2, f"{home}: No space left on device. Make room, then try again\n")
    assert command("down").returncode == 0
    (small_disk / "others").unlink()
    monkeypatch.setattr(process, "FREE_MEGABYTES", 1_000_000_000)
    with pytest.raises(Problem, match=r"MB are free there; the local AWS needs 1000000000"):
        process.start()
    process.stop()
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [
        "ENOSPC: no space left on device, write",
        "OSError: [Errno 28] No space left on device",
        "EDQUOT: disk quota exceeded",
    ],
)
def test_the_cli_says_that_the_disk_is_full(home: Path, said: str) -> None:
    assert demo._full(process.Engine(1, 1, home), said)
    assert not demo._full(process.Engine(1, 1, home.parent), "AWS::EC2::EIP Broken")


def test_neither_home_nor_an_entry_in_the_password_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for value, found in (
        (None, None),
        ("", None),
        ("relative", None),
        ("/nonexistent", None),
        (str(tmp_path), tmp_path),
    ):
        monkeypatch.setenv("HOME", value) if value is not None else monkeypatch.delenv("HOME")
        assert cdk._person_home() == found


def test_killed_in_the_middle_of_a_deploy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = process.start()

    def crash() -> None:
        deployment = Deployment(engine)
        until(lambda: deployment.states().get(small.STACK) == "CREATE_IN_PROGRESS", 60)
        kill(engine)

    threading.Thread(target=crash, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Problem) as problem:
        cdk.deploy(engine, small.assembly(tmp_path / "cdk.out", small.NEVER_READY))
    assert time.monotonic() - began < 40  # the CLI alone would try again for a minute
    assert "ended during the deploy" in demo._advice(engine)
    assert "make demo" in demo._advice(engine)
    assert "cdk deploy failed" in str(problem.value)
    assert "It was started and has ended unexpectedly" in command("status").stdout

    again = demo._engine()
    assert "ended unexpectedly, and its account is lost: starting over" in capsys.readouterr().out
    assert again.pid != engine.pid
    assert Deployment(again).states() == {}


def test_stacks_that_a_deploy_goes_on_from_and_one_that_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = process.start()
    deployment = Deployment(engine)
    # A bootstrap that was interrupted leaves this.
    deployment.cloudformation.create_change_set(
        StackName="CDKToolkit", ChangeSetName="left", ChangeSetType="CREATE", TemplateBody='{"Resources": {}}'
    )
    assert until(lambda: deployment.states() == {"CDKToolkit": "REVIEW_IN_PROGRESS"})
    assert demo._engine() == engine
    cdk.bootstrap(engine)
    assert deployment.states()["CDKToolkit"] == "CREATE_COMPLETE"

    stack, folder = small.STACK, tmp_path / "cdk.out"
    with pytest.raises(Problem, match=rf"{stack}: AWS::EC2::EIP Broken [\s\S]*Unknown"):
        cdk.deploy(engine, small.assembly(folder, {"Address": small.ADDRESS, "Broken": small.BROKEN}))
    assert demo._advice(engine).startswith(f"{stack}: rolled back. Fix the cause, then run `make demo` again")
    assert deployment.states()[stack] == "ROLLBACK_COMPLETE"
    assert demo._engine() == engine
    cdk.deploy(engine, small.assembly(folder, small.cluster("1.36")))
    assert deployment.states()[stack] == "CREATE_COMPLETE"

    # A newer Kubernetes cannot be rolled back.
    broken = {**small.BROKEN, "DependsOn": "Cluster"}
    with pytest.raises(StackFailed, match="UPDATE_ROLLBACK_FAILED"):
        deployment.deploy_stack(stack, {"Resources": {**small.cluster("1.37"), "Broken": broken}})
    capsys.readouterr()
    again = demo._engine()
    said = capsys.readouterr().out
    assert f"{stack} (UPDATE_ROLLBACK_FAILED). Starting over with an empty account" in said
    assert again.pid != engine.pid
    assert Deployment(again).states() == {}


def test_what_an_interrupted_deploy_left_under_way_is_waited_for(
    engine: process.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_HOME", str(engine.home))
    states = iter(["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"])
    monkeypatch.setattr(demo, "stacks", lambda _: [{"StackName": "demo-network", "StackStatus": next(states)}])
    assert demo._engine() == engine
