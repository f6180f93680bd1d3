"""The engine as a process: started, found, stopped; on loopback, without credentials, and never twice."""

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator import cdk, demo, process
from emulator.problem import Problem
from emulator.status import client, stacks
from safe_io.ownership import claim
from tests.emulator import small
from tests.emulator.deployment import Deployment
from tests.emulator.functions import deploy_function, invoke
from tests.emulator.programs import alive, command, kill, until

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator-process"), pytest.mark.usefixtures("home")]


def test_up_status_down(home: Path) -> None:
    assert (command("status").returncode, command("status").stdout) == (1, "The local AWS is not running.\n")
    up = command("up")
    assert up.returncode == 0, up.stderr
    found = process.find()
    assert found
    assert f"http://127.0.0.1:{found.port}" in up.stdout
    assert "is already running" in command("up").stdout
    status = command("status")
    assert (status.returncode, f"process {found.pid}" in status.stdout) == (0, True)
    shell = command("environment").stdout
    assert f"export AWS_ENDPOINT_URL={found.url}" in shell
    down = command("down")
    assert "is stopped" in down.stdout
    assert list(home.parent.iterdir()) == []
    assert not alive(Path(f"/proc/{found.pid}"))
    assert command("down").stdout == "The local AWS is not running.\n"


def test_it_gets_no_credential_and_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the person's own")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "intranet")
    engine = process.start()
    assert stacks(engine) == []
    environment = Path(f"/proc/{engine.pid}/environ").read_text()
    assert "the person's own" not in environment
    assert "AWS_PROFILE" not in environment
    clients = engine.environment()
    assert not {"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & set(clients)
    assert clients["AWS_SHARED_CREDENTIALS_FILE"] == str(engine.home / "credentials")
    assert (clients["NO_PROXY"], clients["no_proxy"]) == ("intranet,127.0.0.1", "127.0.0.1")


def test_a_process_that_took_the_number_is_not_taken_for_the_engine(home: Path) -> None:
    claim(home)
    (home / "engine.lock").write_text(json.dumps({"pid": os.getpid(), "port": 1, "tls": False}))
    assert process.find() is None
    assert process.died()
    process.stop()  # does not end this test


def test_an_engine_that_does_not_come_up_shows_its_log() -> None:
    with pytest.raises(Problem, match=r"did not start. The last lines of [\s\S]*No such file or directory: '/nowhere"):
        process.start(extra={"EMULATOR_SCHEMAS": "/nowhere"})
    assert process.find() is None
    assert not process.died()


def test_a_port_that_is_taken_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = process.free_port
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(process, "free_port", lambda: next(ports, None) or free())
        assert process.start().port != taken.getsockname()[1]


def empty_the_locks(engine: process.Engine) -> None:
    for path in engine.home.glob("*.lock"):
        os.truncate(path, 0)


def test_started_by_many_at_once_it_runs_once_and_is_found_though_its_lock_is_emptied() -> None:
    with ThreadPoolExecutor() as pool:
        (engine,) = set(pool.map(lambda _: process.start(), range(4)))
    empty_the_locks(engine)
    assert process.find() == engine


@pytest.mark.parametrize("name", ["thesis.txt", "poetry.lock", "engine.lock", "folder/in.it"])
def test_a_folder_of_somebody_else_is_left_alone(home: Path, name: str) -> None:
    (home / name).parent.mkdir(parents=True)
    (home / name).write_text("years of work")
    demo.end()
    for act in (process.start, process.stop):
        with pytest.raises(Problem, match=r"EMULATOR_HOME: .*which is not ours to delete"):
            act()
    assert [path for path in home.rglob("*") if path.is_file()] == [home / name]
    assert (home / name).read_text() == "years of work"
    shutil.rmtree(home)


def test_an_empty_folder_is_nobodys_until_the_engine_takes_it(home: Path) -> None:
    home.mkdir()
    assert not process.stop()
    assert home.exists()
    home.rmdir()


def test_what_it_has_started_ends_with_it_however_it_ends() -> None:
    engine = process.start()
    code = "import subprocess\ndef handler(*_): return subprocess.Popen(['sleep', '600']).pid\n"
    deploy_function(engine, "sleeper", code)
    sleeper = Path(f"/proc/{invoke(engine, 'sleeper')}")
    assert "sleep" in (sleeper / "cmdline").read_text()
    kill(engine)
    assert until(lambda: not alive(sleeper))


def test_it_ends_when_its_folder_is_deleted(home: Path) -> None:
    engine = process.start()
    shutil.rmtree(home)
    assert until(lambda: os.waitpid(engine.pid, os.WNOHANG)[0] == engine.pid)


HALF_DEAD: dict[str, Callable[[process.Engine], object]] = {
    "engine stopped, locks emptied": lambda engine: (os.killpg(engine.pid, signal.SIGSTOP), empty_the_locks(engine)),
    "engine killed": kill,
    "lock deleted": lambda engine: (engine.home / "engine.lock").unlink(),
    "key deleted": lambda engine: (engine.home / "credentials").unlink(),
    "folder read-only": lambda engine: [path.chmod(0o500) for path in (engine.home / "tmp", engine.home)],
}


@pytest.mark.parametrize("state", HALF_DEAD)
def test_down_ends_clean_whatever_the_state(home: Path, state: str) -> None:
    engine = process.start()
    HALF_DEAD[state](engine)
    demo.end()
    assert process.stop()
    assert list(home.parent.iterdir()) == []
    assert until(lambda: not alive(Path(f"/proc/{engine.pid}"))), state
    assert not process.stop()


def test_an_engine_that_does_not_answer_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    engine = process.start()
    os.killpg(engine.pid, signal.SIGSTOP)
    again = demo._engine()
    assert "does not answer" in capsys.readouterr().out
    assert again.pid != engine.pid
    assert stacks(again) == []


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_HOME", "/dev/null/emulator")
    done = command("up")
    assert (done.returncode, done.stderr) == (
        2,
        "EMULATOR_HOME: /dev/null/emulator: cannot be made: Not a directory\n",
    )


def test_strict_mode_refuses_who_may_not(strict_engine: process.Engine, tmp_path: Path) -> None:
    iam = client(strict_engine, "iam")

    def user(name: str, *policies: str) -> process.Engine:
        iam.create_user(UserName=name)
        for policy in policies:
            iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return replace(strict_engine, user_key=(key["AccessKeyId"], key["SecretAccessKey"]))

    nobody: Any = client(user("without-rights"), "cloudformation")
    with pytest.raises(nobody.exceptions.ClientError, match=r"not authorized to perform|AccessDenied"):
        nobody.create_stack(StackName="refused", TemplateBody=json.dumps({"Resources": {"Address": small.ADDRESS}}))

    # The CDK CLI trusts the certificate too.
    somebody = user("with-rights", "AdministratorAccess")
    cdk.deploy(somebody, small.assembly(tmp_path / "cdk.out", {"Address": small.ADDRESS}))
    states = Deployment(strict_engine).states()
    assert states[small.STACK] == "CREATE_COMPLETE"
    assert "refused" not in states

    forged: Any = client(replace(somebody, user_key=(somebody.key[0], "wrong")), "cloudformation")
    with pytest.raises(forged.exceptions.ClientError, match=r"[Ss]ignature"):
        forged.describe_stacks()
