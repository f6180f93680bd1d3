"""How the command line ends when something stops it: one line, and an exit code of its own. A defect of ours is never a finding."""

import dataclasses
import os
import socket
from pathlib import Path

import pytest

from responsibility import bounds
from responsibility.checks import all_checks
from responsibility.checks.check import REGISTRY, Check
from responsibility.document import Review
from responsibility.reading.template import BadSource
from tests.responsibility.command import CLUSTER, Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(monkeypatch, capsys)


@pytest.fixture
def template(tmp_path: Path) -> str:
    (tmp_path / "shop.yaml").write_text(CLUSTER)
    return "shop.yaml"


def checks() -> dict[str, Check]:
    all_checks()
    return REGISTRY


def falls_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a defect into one check."""
    check = checks()["EKR001"]

    def judge(_cluster: object) -> None:
        {}["a name of a stranger"]

    monkeypatch.setitem(REGISTRY, "EKR001", dataclasses.replace(check, judge=judge))


def test_a_check_that_falls_over_is_a_defect_and_no_finding(
    run: Run, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falls_over(monkeypatch)
    done = run("review", "-a", template, "-f", "json", "-o", "r.json", "-q", "--fail-on", "never")
    assert (done.code, done.out, done.err.count("\n")) == (70, "", 1)
    assert "check EKR001: KeyError at tests/responsibility/test_cli_endings.py:" in done.err
    assert "a name of a stranger" not in done.err
    found = Review.model_validate_json((tmp_path / "r.json").read_text())
    (fell,) = [finding for finding in found.findings if finding.code == "EKR001"]
    assert (fell.status, fell.defect.partition(" ")[0]) == ("unknown", "KeyError")
    assert len({finding.code for finding in found.findings if finding.code != "EKR001"}) > 50
    shown = run("--debug", "review", "-a", template, "-q")
    assert shown.code == 70
    assert "KeyError: 'a name of a stranger'" in shown.err


def test_a_playbook_names_the_check_that_falls_over(run: Run, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "EKR019", dataclasses.replace(checks()["EKR019"], judge=lambda _: [][0]))
    done = run("upgrade", "-a", template, "--to", "1.37")
    assert done.code == 70
    assert "check EKR019: IndexError at " in done.err
    assert "Control plane" in done.out or "control plane" in done.out


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (
            ValueError("a\nsecret"),
            70,
            "python -m responsibility: ValueError at tests/responsibility/test_cli_endings.py:",
        ),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (
            OSError(28, "No space left on device"),
            2,
            "python -m responsibility: the output cannot be written: No space left",
        ),
        (PermissionError(13, "Permission denied", "x"), 2, "python -m responsibility: 'x': Permission denied"),
        (BadSource("a.yaml:1: \x1b[2Jis\u202e odd"), 2, "a.yaml:1: is? odd\n"),
    ],
)
def test_what_stops_a_command_is_one_line_and_a_code_of_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int, said: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr("responsibility.review.command.review", stop)
    done = run("review", "-a", "x")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(said)
    assert done.err.count("\n") <= 1
    assert "secret" not in done.err


@pytest.mark.parametrize("bad", ["pipe", "socket", "/dev/full", "/dev/null/x.json"])
def test_an_output_that_is_no_file_does_not_wait_and_is_named(
    run: Run, template: str, tmp_path: Path, bad: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
    done = run("review", "-a", template, "-f", "json", "-o", bad, "-q", "--fail-on", "never")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "cannot be written: " in done.err


@pytest.mark.parametrize("name", ["FINDINGS", "OUTPUT"])
def test_a_report_over_a_bound_is_one_line_and_nothing_is_written(
    name: str, run: Run, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, name, dataclasses.replace(getattr(bounds, name), most=10))
    done = run("review", "-a", template, "-f", "json", "-o", "r.json", "-q", "--fail-on", "never")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"more than 10 {getattr(bounds, name).what}" in done.err
    assert f"(bound: {name.lower()})" in done.err
    assert [path.name for path in tmp_path.iterdir()] == [template]
