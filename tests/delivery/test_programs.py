"""kubectl and helm that hang, print without end or print escapes, and signals: one clear line, nothing of ours left running."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from delivery import __main__ as front_door
from delivery import account, subprocesses
from delivery.account import Cluster
from tests.support.environments import ROOT

pytestmark = pytest.mark.whole

CLUSTER = Cluster("arn:aws:eks:eu-west-1:111122223333:cluster/c", "https://example.com", "Y2E=")
GOOD = """
    *current-context*) echo here ;;
    *"config view"*) printf 'https://localhost:8443\\nY2E=' ;;
"""
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "namespace": "web"}}


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "cdk.out/manifests/c"
    folder.mkdir(parents=True)
    plan = {"environment": "e", "cluster": "c", "account": None, "region": "eu-west-1", "stack": "e-workloads-c"}
    steps = [{"file": "60-web.yaml", "workload": "web"}]
    (folder / "delivery.json").write_text(json.dumps({**plan, "steps": steps}))
    (folder / "60-web.yaml").write_text(yaml.safe_dump_all([SPACE, JOB]))
    return tmp_path / "cdk.out"


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a kubectl that answers by shell's `case`; it writes its number down."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(account, "ask", lambda _: (CLUSTER, {}))

    def make(cases: str) -> None:
        program = tmp_path / "bin/kubectl"
        start = f"#!/bin/sh\nPATH=/usr/bin:/bin\necho $$ >> {tmp_path}/numbers\n"
        program.write_text(f'{start}case "$*" in\n{cases}\nesac\n')
        program.chmod(0o755)

    return make


def started(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "numbers").read_text().splitlines()]


def gone(number: int) -> bool:
    """Whether a program has ended; one that ended and was not yet waited for by its new parent counts."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


WORSE = {
    # what kubectl does: the exit code, what is said
    "hangs before anything is begun": ("*) exec sleep 1000 ;;", 2, "kubectl config: stopped: no answer in 1 s"),
    "hangs on its way": (f"{GOOD} *) exec sleep 1000 ;;", 1, "kubectl apply: stopped: no answer in"),
    "will not end": (f"{GOOD} *) trap '' TERM; echo asking >&2; while :; do sleep 1; done ;;", 1, "Its last output:"),
    "leaves a child with its output": ("*) sleep 30 & ;;", 2, "kubectl has no current context"),
    "prints without end": (f"{GOOD} *) exec yes ;;", 1, "stopped: it prints without end"),
    "says nothing": (f"{GOOD} *) exit 3 ;;", 1, "it ended with 3 and does not say why"),
    "is ended by a signal": (f"{GOOD} *) kill -9 $$ ;;", 1, "signal 9 ended it and does not say why"),
    "prints escapes": (f"{GOOD} *) printf '\\033[31mno\\033[0m \\033]0;x\\007\\342\\200\\256 way' >&2; exit 1 ;;", 1, "no ? way"),
    "prints no text": (f"{GOOD} *) printf '\\377\\376\\000' >&2; exit 1 ;;", 1, "kubectl apply: "),
    "has an odd context": ("*) printf 'a\\033[2Jb' ;;", 2, "kubectl has no current context"),
    "answers no JSON": (f"{GOOD} *get*) echo '<html>' ;;", 1, "is not JSON"),
    "answers a list": (f"{GOOD} *get*) echo '[]' ;;", 1, "its output is not a Kubernetes object"),
    "answers another shape": (f"{GOOD} *get*) echo '{{\"status\": {{\"conditions\": [1, {{}}]}}}}' ;;", 1, "is not complete after 1 s"),
    "is not a program": (None, 2, "kubectl cannot be run: Exec format error"),
}  # fmt: skip


@pytest.mark.parametrize("how", WORSE)
def test_a_kubectl_that(
    how: str,
    kubectl: Callable[[str], None],
    assembly: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases, code, said = WORSE[how]
    monkeypatch.setattr(subprocesses, "_MAX_BYTES", 100_000)
    monkeypatch.setattr(subprocesses, "_PATIENCE", 0.2)
    monkeypatch.setattr("delivery.tools._GRACE", 0)
    kubectl(cases or "")
    if cases is None:
        (tmp_path / "bin/kubectl").write_bytes(b"\x00\x01")
    assert front_door.main(["apply", str(assembly), "--timeout", "1", "--pause", "0.01"]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) <= 10
    assert all(line.isprintable() for line in err.splitlines())
    if cases is not None:
        assert all(gone(number) for number in started(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: action, assembly"),
        (["apply", "cdk.out", "--timeout", "0"], "'0' must be whole seconds, from 1 to 86400"),
        (["apply", "cdk.out", "--timeout", "1e9"], "must be whole seconds"),
        (["apply", "cdk.out", "--pause", "nan"], "must be seconds, from 0"),
        (["apply", "cdk.out", "\x1b[2Jmore"], "unrecognized arguments: more"),
        (["burn", "cdk.out"], "invalid choice: 'burn'"),
        (["apply", "no\x1b[31m\u202ewhere"], "no?where: no cluster has files to apply"),
        (["apply", "{assembly}", "--cluster", "d\x1b[0m\n"], "there is no cluster d with files to apply; there is: c"),
    ],
)
def test_arguments_that_cannot_be(
    arguments: list[str], said: str, assembly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front_door.main([one.format(assembly=assembly) for one in arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


def test_who_types_no_text_does_not_agree(
    kubectl: Callable[[str], None],
    assembly: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kubectl(GOOD)
    (tmp_path / "typed").write_bytes(b"\xff\xfe\n")
    with (tmp_path / "typed").open(encoding="utf-8") as typed:
        monkeypatch.setattr("sys.stdin", typed)
        assert front_door.main(["remove", str(assembly)]) == 2
    assert capsys.readouterr().err == "Nothing was changed.\n"


def test_objects_that_plain_kubectl_applied_are_taken_over(
    kubectl: Callable[[str], None], assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`delivery: kubectl` applies on the client's side; its fields are ours. Those of anybody else are theirs."""
    conflict = 'Apply failed with 1 conflict: conflict with "{}" using apps/v1: .spec.replicas'
    answer = f"echo '{conflict}' >&2; exit 1"
    kubectl(
        f"{GOOD} *--force-conflicts*) echo $* >> {tmp_path}/forced ;; *apply*) {answer.format('kubectl-client-side-apply')} ;;"
    )
    assert front_door.main(["apply", str(assembly), "--timeout", "5"]) == 0
    assert "apply --force-conflicts --server-side --field-manager=eks-platform" in (tmp_path / "forced").read_text()
    kubectl(f"{GOOD} *--force-conflicts*) ;; *apply*) {answer.format('kubectl-edit')} ;;")
    assert front_door.main(["apply", str(assembly), "--timeout", "5"]) == 1
    assert 'conflict with "kubectl-edit"' in capsys.readouterr().err


STAND_ALONE = """
import sys
sys.path.insert(0, {root!r})
from delivery import account
account.ask = lambda _: (account.Cluster("arn", "https://example.com", "Y2E="), {{}})
from delivery.__main__ import main
sys.exit(main(["apply", {assembly!r}]))
"""


@pytest.fixture
def delivery(kubectl: Callable[[str], None], assembly: Path) -> Callable[[str], subprocess.Popen[str]]:
    def start(cases: str, **how: object) -> subprocess.Popen[str]:
        kubectl(cases)
        code = STAND_ALONE.format(root=str(ROOT), assembly=str(assembly))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([sys.executable, "-c", code], text=True, **{**pipes, **how})  # type: ignore[call-overload]

    return start


@pytest.mark.parametrize(
    ("sent", "phase"),
    [
        (signal.SIGINT, "before"),
        (signal.SIGTERM, "on its way"),
        (signal.SIGHUP, "on its way"),
        (signal.SIGTERM, "twice"),
    ],
)
def test_a_signal_ends_it_and_what_it_started(
    sent: signal.Signals, phase: str, delivery: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    hangs = "exec sleep 1000" if phase != "twice" else "trap '' TERM; sleep 0.5; exec sleep 1000"
    process = delivery(f"*) {hangs} ;;" if phase == "before" else f"{GOOD} *) {hangs} ;;")
    assert soon(lambda: (tmp_path / "numbers").exists() and len(started(tmp_path)) == (1 if phase == "before" else 3))
    process.send_signal(sent)
    if phase == "twice":
        time.sleep(0.1)
        process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert err == f"Stopped by {sent.name}. Run the same again: it goes on where it is.\n"
    assert process.returncode == 128 + sent
    assert all(gone(number) for number in started(tmp_path))


def test_what_it_started_ends_even_when_it_is_killed(
    delivery: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = delivery("*) exec sleep 1000 ;;")
    assert soon(lambda: (tmp_path / "numbers").exists() and bool(started(tmp_path)))
    process.kill()
    process.communicate(timeout=60)
    assert soon(lambda: gone(started(tmp_path)[0]))


def test_a_signal_that_is_ignored_stays_ignored(delivery: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """As nohup has it."""
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    complete = json.dumps({"status": {"conditions": [{"type": "Complete", "status": "True"}]}})
    process = delivery(
        f"*current-context*) {wait}; echo here ;; {GOOD} *get*) echo '{complete}' ;;",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert soon(lambda: (tmp_path / "numbers").exists())
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "everything is applied and ready" in out


def test_a_reader_that_goes_away_is_no_traceback(
    delivery: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    process = delivery(
        f"*current-context*) while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo here ;; {GOOD}", stdout=writing
    )
    os.close(writing)
    os.close(reading)
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


def test_the_words_of_a_defect_are_no_traceback(
    assembly: Path, kubectl: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(GOOD)

    def broken(_: object) -> None:
        raise LookupError("secret")

    monkeypatch.setattr(account, "ask", broken)
    assert front_door.main(["apply", str(assembly)]) == 70
    err = capsys.readouterr().err
    assert re.fullmatch(r"python -m delivery: LookupError at .+: this is a defect of ours.+\n", err)
    assert "secret" not in err
