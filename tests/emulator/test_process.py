"""The engine as a process, and what the demo says and does when something is in its way."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator import cdk, demo, process
from emulator.problem import Problem
from emulator.standing import client
from tests.conftest import ROOT
from tests.emulator.deployment import Deployment

pytestmark = [pytest.mark.xdist_group("emulator-process"), pytest.mark.usefixtures("home")]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for the emulator, with nothing left running at the end."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EMULATOR_HOME", str(folder))
    yield folder
    process.stop(folder)


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "emulator", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def kill(engine: process.Engine) -> None:
    """As a crash would end it; the lock goes with the process."""
    os.killpg(engine.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.find(engine.home) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_up_status_down(home: Path) -> None:
    assert (command("status").returncode, command("status").stdout) == (1, "The local AWS does not run.\n")
    up = command("up")
    assert up.returncode == 0, up.stderr
    found = process.find()
    assert found
    assert f"http://127.0.0.1:{found.port}" in up.stdout
    assert "runs already" in command("up").stdout
    status = command("status")
    assert (status.returncode, f"process {found.pid}" in status.stdout) == (0, True)
    shell = command("environment").stdout
    assert f"export AWS_ENDPOINT_URL={found.url}" in shell
    down = command("down")
    assert "is gone" in down.stdout
    assert not home.exists()
    assert not demo.lock_file().exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(found.pid, 0)
    assert command("down").stdout == "The local AWS does not run.\n"


def test_it_listens_on_loopback_alone_and_gets_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the person's own")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    engine = process.start()
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {
        fields[1].split(":")[0]
        for fields in listening
        if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == engine.port
    }
    assert addresses == {"0100007F"}
    environment = Path(f"/proc/{engine.pid}/environ").read_text()
    assert "the person's own" not in environment
    assert "AWS_PROFILE" not in environment
    clients = engine.environment()
    assert clients["AWS_SECRET_ACCESS_KEY"] == engine.keys[1]
    assert "AWS_PROFILE" not in clients
    assert clients["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_a_process_that_took_the_number_is_not_taken_for_the_engine(home: Path) -> None:
    home.mkdir()
    (home / "engine.json").write_text(json.dumps({"pid": os.getpid(), "port": 1, "tls": False}))
    (home / "engine.lock").touch()
    assert process.find() is None
    assert process.died()
    process.stop()  # does not end this test


def test_an_engine_that_does_not_come_up_shows_its_log() -> None:
    with pytest.raises(
        Problem, match=r"does not come up. The last lines of [\s\S]*No such file or directory: '/nowhere"
    ):
        process.start(extra={"EMULATOR_SCHEMAS": "/nowhere"})
    assert process.find() is None


def test_a_port_that_is_taken_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = process._free_port
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(process, "_free_port", lambda: next(ports, None) or free())
        assert process.start().port != taken.getsockname()[1]


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_HOME", "/dev/null/emulator")
    done = command("up")
    assert (done.returncode, done.stderr) == (2, "emulator: /dev/null/emulator: cannot be made: Not a directory\n")


def test_two_demos_at_once() -> None:
    with demo.lock_file().open("w") as lock:
        lock.write("process 4711, since 12:00:00")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = command("demo")
    assert done.returncode == 2
    assert "another demo is being deployed (process 4711, since 12:00:00). Wait for it" in done.stderr


def test_killed_in_the_middle_of_a_deploy(assemble: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    engine = process.start(extra={"EMULATOR_OPERATION_SECONDS": "2"})
    cdk.bootstrap(engine)
    assembly = assemble("fargate")

    def crash() -> None:
        deployment = Deployment(engine)
        while deployment.states().get("fargate-cluster-fargate") != "CREATE_IN_PROGRESS":
            time.sleep(0.05)
        kill(engine)

    threading.Thread(target=crash, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Problem) as problem:
        cdk.deploy(engine, assembly)
    assert time.monotonic() - began < 40  # the CLI alone would try again for a minute
    assert "has ended in the middle of it" in demo._advice(engine)
    assert "make demo" in demo._advice(engine)
    assert "cdk deploy failed" in str(problem.value)
    assert "It was started, and ended by itself" in command("status").stdout

    again = demo._engine()
    assert "ended in the middle, and its account with it: beginning anew" in capsys.readouterr().out
    assert again.pid != engine.pid
    assert Deployment(again).states() == {}


def test_a_stack_that_no_deploy_can_go_on_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = process.start()
    stuck = [{"StackName": "demo-cluster-demo", "StackStatus": "UPDATE_ROLLBACK_FAILED"}]
    monkeypatch.setattr(demo, "stacks", lambda _engine: stuck)
    again = demo._engine()
    said = capsys.readouterr().out
    assert "demo-cluster-demo (UPDATE_ROLLBACK_FAILED). Beginning anew with an empty account" in said
    assert again.pid != engine.pid
    monkeypatch.setattr(demo, "stacks", lambda _engine: [])
    assert demo._engine() == again
    assert "runs already" in capsys.readouterr().out


@pytest.fixture
def strict() -> process.Engine:
    """An engine that asks for TLS, signatures and permissions."""
    return process.start(strict=True)


def test_strict_mode_refuses_who_may_not(strict: process.Engine, assemble: Callable[..., Path]) -> None:
    cdk.bootstrap(strict)
    iam = client(strict, "iam")

    def user(name: str, *policies: str) -> process.Engine:
        iam.create_user(UserName=name)
        for policy in policies:
            iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return replace(strict, keys=(key["AccessKeyId"], key["SecretAccessKey"]))

    assembly = assemble("auto-mode")
    arguments = ["deploy", "auto-mode-foundation", "--app", str(assembly), "--require-approval", "never"]
    refused = cdk.run(user("nobody"), arguments)
    assert refused.returncode == 1
    assert re.search(r"not authorized to perform|AccessDenied", refused.stdout + refused.stderr)
    assert "auto-mode-foundation" not in Deployment(strict).states()

    somebody = user("somebody", "AdministratorAccess")
    deployed = cdk.run(somebody, arguments)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert Deployment(strict).states()["auto-mode-foundation"] == "CREATE_COMPLETE"

    forged: Any = client(replace(somebody, keys=(somebody.keys[0], "wrong")), "cloudformation")
    with pytest.raises(forged.exceptions.ClientError, match=r"[Ss]ignature"):
        forged.describe_stacks()
