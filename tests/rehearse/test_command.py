"""The command line: what it refuses, in a line, before anything is started."""

import json
from pathlib import Path

import pytest

from local_kubernetes.nodes.cron import active
from rehearse.__main__ import main
from rehearse.command import fails
from rehearse.document import Finding, Rehearsal

pytestmark = pytest.mark.whole

TEMPLATE = {"Resources": {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "one", "Version": "1.36"}}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.template.json").write_text(json.dumps(TEMPLATE))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "1.37"], "name what to rehearse: --env FILE, --assembly DIR or --cluster NAME"),
        (["--to", "9.99", "--assembly", "."], "--to 9.99: EKS is not known to offer it; known are 1.31"),
        (["--to", "1.37", "--assembly", ".", "-o", "report.pdf"], "--output report.pdf: the name must end with .txt, .md, .html, .json"),
        (["--drain", "a", "--assembly", ".", "--rollback"], "--rollback: belongs to --to"),
        (["--to", "1.37", "--assembly", ".", "--quota", "-1"], "--quota -1: must be 0 or more"),
        (["--to", "1.37", "--assembly", "FOLDER", "--only", "two"], "--only two: FOLDER has one"),
        (["--to", "1.37", "--assembly", "FOLDER", "--from", "1.35"], "--from 1.35: cluster one has 1.36"),
        (["--to", "1.36", "--assembly", "FOLDER"], "cluster one has Kubernetes 1.36: EKS takes one minor version at a time: --to 1.37"),
        (["--to", "1.37", "--assembly", "FOLDER/missing"], "FOLDER/missing"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [one.replace("FOLDER", str(folder)) for one in arguments]
    assert main(given) == 2
    printed = capsys.readouterr()
    assert words.replace("FOLDER", str(folder)) in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out


def test_a_cluster_without_kubectl_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["--to", "1.37", "--cluster", "prod"]) == 2
    assert "kubectl is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verdict", "failing"),
    [("blocker", {"blocker", "down", "warning"}), ("down", {"down", "warning"}), ("warning", {"warning"})],
)
def test_the_exit_code_follows_the_worst(verdict: str, failing: set[str]) -> None:
    finding = Finding.model_validate(
        {
            "topic": "eviction",
            "verdict": verdict,
            "step": "x",
            "subject": "x",
            "detail": "x",
            "at": 0,
            "fix": "x",
            "source": "x",
        }
    )
    document = Rehearsal(
        source="x", cluster="x", question="x", before="1.36", after="1.37", nodes=0, pods=0, findings=[finding], workloads=[],
        steps=[], events=[], not_played=[],
    )  # fmt: skip
    assert {one for one in ("blocker", "down", "warning", "never") if fails(document, one)} == failing


@pytest.mark.parametrize(
    ("schedule", "hours", "when", "open_"),
    [
        ("0 9 * * mon-fri", 8, "2026-01-05T09:00", True),
        ("0 9 * * mon-fri", 8, "2026-01-05T16:59", True),
        ("0 9 * * mon-fri", 8, "2026-01-05T17:00", False),
        ("0 9 * * mon-fri", 8, "2026-01-04T12:00", False),
        ("0 9 * * 0,6", 8, "2026-01-04T12:00", True),
        ("*/30 * * * *", 0.25, "2026-01-04T12:10", True),
        ("*/30 * * * *", 0.25, "2026-01-04T12:20", False),
        ("@daily", 1, "2026-01-04T00:59", True),
        ("@daily", 1, "2026-01-04T01:00", False),
        ("0 0 1 * 1", 24, "2026-01-05T12:00", True),
        ("not a schedule", 1, "2026-01-04T01:00", True),
    ],
)
def test_a_window_is_open_after_each_time_of_its_schedule(schedule: str, hours: float, when: str, open_: bool) -> None:
    from datetime import datetime, timedelta

    assert active(schedule, timedelta(hours=hours), datetime.fromisoformat(when)) is open_
