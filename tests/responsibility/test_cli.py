"""The command line as a person meets it: what it prints, what it writes, how it ends."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from responsibility.document import Review
from responsibility.findings import SEVERITIES
from tests.responsibility.command import CLUSTER, Run, changed
from tests.support.environments import ROOT

FOREIGN = Path(__file__).parent / "foreign"
NAIVE = str(FOREIGN / "cdk-v2-naive")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)  # this repository's own .responsibility.yaml is not meant
    return Run(monkeypatch, capsys)


def reviewed(run: Run, *arguments: str) -> Review:
    done = run("review", *arguments, "--format", "json", "--fail-on", "never")
    assert done.code == 0, done.err
    return Review.model_validate_json(done.out)


@pytest.fixture
def template(tmp_path: Path) -> str:
    (tmp_path / "shop.yaml").write_text(CLUSTER)
    return "shop.yaml"


def test_a_review_is_text_and_says_by_its_exit_code_that_something_is_open(run: Run, template: str) -> None:
    done = run("review", "--template", template)
    assert (done.code, done.err) == (1, "")
    assert "Your open duties" in done.out
    assert "cluster shop" in done.out


def test_it_reads_cdk_out_unless_told_otherwise(run: Run, tmp_path: Path) -> None:
    assert run("review").err.startswith("cdk.out: cannot be read")
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out/shop.yaml").write_text(CLUSTER)
    assert run("review", "--fail-on", "never").code == 0


def test_it_fails_from_the_severity_that_was_asked_for(run: Run, template: str, tmp_path: Path) -> None:
    document = reviewed(run, "--template", template)
    severity = {check.code: check.severity for check in document.checks}
    assert all(document.summary.open[name] for name in SEVERITIES), "the template has a duty of every severity open"
    # Accept the worst, then the next worse too, ...: the least that is still open decides.
    for number in range(len(SEVERITIES) + 1):
        codes = {one.code for one in document.findings if severity[one.code] in SEVERITIES[:number]}
        accepted = [{"code": code, "reason": "for this test", "until": "2099-01-01"} for code in sorted(codes)]
        (tmp_path / ".responsibility.yaml").write_text(json.dumps({"accepted": accepted}))
        for place, name in enumerate(SEVERITIES):
            expected = 1 if number <= place else 0
            assert run("review", "-a", template, "--fail-on", name, "--quiet").code == expected, (number, name)
        assert run("review", "-a", template, "--quiet").code == (1 if number <= 1 else 0), "high is the default"
        assert run("review", "-a", template, "--fail-on", "never", "--quiet").code == 0


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("text", "\n"),
        ("md", "<!-- eks-responsibility-review -->"),
        ("html", "<!doctype html>"),
        ("json", "{"),
        ("sarif", "{"),
    ],
)
def test_a_format_goes_to_standard_output(run: Run, template: str, name: str, begins: str) -> None:
    done = run("review", "-a", template, "--format", name)
    assert (done.code, done.err) == (1, "")
    assert done.out.lower().startswith(begins)
    if begins == "{":
        json.loads(done.out)


def test_files_are_written_by_their_suffix_and_the_text_is_printed_too(run: Run, template: str, tmp_path: Path) -> None:
    names = ["r.txt", "r.md", "r.html", "r.json", "r.sarif", "R.HTM"]
    done = run("review", "-a", template, *(part for name in names for part in ("-o", name)))
    assert "Your open duties" in done.out
    assert done.err == "".join(f"Written: {name}\n" for name in names)
    assert "Your open duties" in (tmp_path / "r.txt").read_text()
    assert (tmp_path / "R.HTM").read_text() == (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    assert Review.model_validate_json((tmp_path / "r.json").read_bytes()).source == template


def test_a_format_decides_over_a_suffix_and_nothing_is_printed(run: Run, template: str, tmp_path: Path) -> None:
    done = run("review", "-a", template, "--format", "json", "--output", "review.data")
    assert done.out == ""
    assert Review.model_validate_json((tmp_path / "review.data").read_bytes())


def test_quiet_prints_nothing(run: Run, template: str, tmp_path: Path) -> None:
    unused = {"code": "EKR001", "resource": "shop/None", "reason": "for this test", "until": "2099-01-01"}
    (tmp_path / "mine.yaml").write_text(json.dumps({"accepted": [unused]}))
    assert run("review", "-a", template, "-q", "-o", "r.md", "--accepted", "mine.yaml") == (1, "", "")
    assert (tmp_path / "r.md").exists()
    assert run("review", "-a", "nope", "-q").err.count("\n") == 1


@pytest.mark.parametrize("bad", ["no/folder/r.json", "r.doc", "folder.json", ""])
def test_nothing_is_written_if_one_of_the_files_cannot_be(run: Run, template: str, tmp_path: Path, bad: str) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "r.html").write_text("yesterday's")
    before = sorted(tmp_path.rglob("*"))
    for command in (["review", "-a", template], ["matrix"]):
        done = run(*command, "-o", "r.html", "-o", "r.md", "-o", bad)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"--output {bad or '.'}: ")
        assert done.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "r.html").read_text() == "yesterday's"


def test_a_link_stays_a_link_and_a_pipe_a_pipe(run: Run, template: str, tmp_path: Path) -> None:
    (tmp_path / "latest.json").symlink_to("today.json")
    run("review", "-a", template, "-q", "-o", "latest.json")
    assert (tmp_path / "latest.json").is_symlink()
    assert (tmp_path / "today.json").read_text().startswith("{")
    # `--output >(gzip)`, or /dev/stdout, which must never be replaced by a file.
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "read").open("wb") as read, subprocess.Popen(["cat", tmp_path / "pipe"], stdout=read) as reader:
        run("review", "-a", template, "-q", "-f", "json", "-o", "pipe")
        reader.wait(timeout=20)
    assert Review.model_validate_json((tmp_path / "read").read_bytes())
    assert (tmp_path / "pipe").is_fifo()


def test_support_is_held_against_the_day_that_was_asked_for(run: Run, template: str) -> None:
    states = {
        day: reviewed(run, "-a", template, "--as-of", day).clusters[0].support.state
        for day in ("2026-11-24", "2028-01-01", "2030-01-01")
    }
    assert list(states.values()) == ["standard", "extended", "ended"]
    assert reviewed(run, "-a", template).as_of - date.today() <= timedelta(days=1)
    done = run("review", "-a", template, "--as-of", "tomorrow")
    assert done == (2, "", "--as-of tomorrow: is not a date; write it like 2027-05-01\n")


def entries(tmp_path: Path, name: str, **entry: str) -> str:
    accepted = {"code": "EKR001", "reason": "for this test", "until": "2099-01-01", **entry}
    (tmp_path / name).write_text(json.dumps({"accepted": [accepted]}))
    return name


def test_accepted_findings_are_found_in_the_folder_or_given(run: Run, template: str, tmp_path: Path) -> None:
    assert reviewed(run, "-a", template).summary.accepted == 0
    entries(tmp_path, ".responsibility.yaml")
    assert reviewed(run, "-a", template).summary.accepted == 1
    given = entries(tmp_path, "other.yaml", resource="elsewhere/*")
    assert reviewed(run, "-a", template, "--accepted", given).summary.accepted == 0, "the given file alone counts"


def test_an_acceptance_that_nothing_needs_is_named(run: Run, template: str, tmp_path: Path) -> None:
    given = entries(tmp_path, "mine.yaml", resource="shop/Gone")
    done = run("review", "-a", template, "--accepted", given, "-f", "json")
    assert done.err == ("mine.yaml: EKR001 shop/Gone is accepted, but nothing of that name is open: remove the entry\n")
    json.loads(done.out)
    given = entries(tmp_path, "mine.yaml", resource="elsewhere/*")
    assert run("review", "-a", template, "--accepted", given).err == "", "another review may need it"


def test_prices_of_ones_own(run: Run, template: str, tmp_path: Path) -> None:
    usual = reviewed(run, "-a", template).cost.total
    (tmp_path / "prices.yaml").write_text("prices:\n  - {id: eks-control-plane-standard, amount: 100}\n")
    dear = reviewed(run, "-a", template, "--prices", "prices.yaml").cost
    assert dear.total > usual + 90 * dear.hours_per_month


def test_the_same_baseline_is_no_change(run: Run, template: str) -> None:
    baseline = reviewed(run, "-a", template, "--baseline", template).baseline
    assert baseline
    assert (baseline.changes, baseline.owners, baseline.opened, baseline.closed) == ([], [], [], [])
    assert baseline.cost_before == baseline.cost_after


def test_what_changed_is_told_first(run: Run, template: str, tmp_path: Path) -> None:
    (tmp_path / "older.yaml").write_text(changed({"Name": "store"}))
    done = run("review", "-a", template, "--baseline", "older.yaml")
    assert done.out.index("What changed since older.yaml") < done.out.index("Your open duties")
    assert "REPLACED, WHAT IT HOLDS IS LOST: AWS::EKS::Cluster" in done.out


def test_a_baseline_from_before_the_first_cluster(run: Run, template: str, tmp_path: Path) -> None:
    (tmp_path / "older.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    baseline = reviewed(run, "-a", template, "--baseline", "older.yaml").baseline
    assert baseline
    assert "added" in {one.change for one in baseline.changes}
    assert baseline.cost_before == 0


def test_standard_input(run: Run) -> None:
    assert reviewed(run.given(CLUSTER), "-a", "-").source == "-"
    assert run.given("")("review", "-a", "-") == (2, "", "standard input: is empty\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["matrix", "--compute", "auto-mode"], "--compute auto-mode: unknown; did you mean auto_mode?"),
        (["matrix", "--compute", "ec2"], "--compute ec2: unknown. Known: auto_mode, managed_nodes"),
        (["matrix", "--component", "x"], "--component x: unknown. Known: "),
        (["matrix", "--format", "sarif"], "--format sarif: this command writes text, md, html, json"),
        (["explain", "kubelett"], "component kubelett: unknown; did you mean kubelet?"),
        (["explain", "kubelet", "-f", "sarif"], "--format sarif: this command writes "),
        (["checks", "-f", "html"], "--format html: this command writes text, md, json"),
        (["checks", "-o", "checks.xls"], "--output checks.xls: its suffix is not a known format; use one of .txt .md"),
    ],
)
def test_names_and_formats_that_there_are_not(run: Run, command: list[str], said: str) -> None:
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)
    assert done.err.count("\n") == 1


def test_the_model_and_the_checks_are_told(run: Run, tmp_path: Path) -> None:
    kinds = run("matrix", "--compute", "fargate", "--component", "kubelet", "--format", "json")
    (row,) = json.loads(kinds.out)
    assert (row["id"], list(row["cells"])) == ("kubelet", ["fargate"])
    assert "EKR001" in run("explain", "api-endpoint").out
    assert run("checks").out.startswith("EKR001  critical")
    assert run("checks", "-o", "checks.md") == (0, "", "")
    assert (tmp_path / "checks.md").read_text() == (ROOT / "docs/checks.md").read_text()


@pytest.mark.parametrize("command", [[], ["review", "--nope"], ["review", "--fail-on", "some"], ["explain"], ["audi"]])
def test_a_command_that_is_none_ends_with_2_and_the_usage(run: Run, command: list[str]) -> None:
    done = run(*command)
    assert done.code == 2
    assert "Usage: python -m responsibility" in done.out + done.err


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "responsibility", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment, **options)


def test_as_a_process(tmp_path: Path) -> None:
    done = process("review", "--template", NAIVE, "--output", "r.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"Written: r.html\n")
    assert b"Your open duties" in done.stdout
    bad = process("review", "--template", "nope", cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr == b"nope: cannot be read: No such file or directory\n"


def test_a_terminal_without_the_letters_of_a_template(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(changed({"Name": "büro-東京"}), encoding="utf-8")
    poor = {"PYTHONIOENCODING": "ascii"}
    printed = process("review", "-a", "t.yaml", cwd=tmp_path, env=poor)
    assert (printed.returncode, printed.stderr) == (1, b"")
    assert rb"ro-\u6771\u4eac" in printed.stdout
    read = process("review", "-a", "t.yaml", "-f", "json", cwd=tmp_path, env=poor)
    assert Review.model_validate_json(read.stdout).clusters[0].name == "büro-東京"


@pytest.mark.parametrize("command", [["review", "-a", NAIVE, "-f", "json"], ["review", "-a", NAIVE], ["matrix"]])
def test_the_reader_of_a_pipe_that_goes_away_is_no_error(command: list[str]) -> None:
    arguments = [sys.executable, "-m", "responsibility", *command]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stderr
        writer.stdout.close()
        assert writer.stderr.read() == b""


def test_standard_streams_that_are_closed() -> None:
    module = f"{sys.executable} -m responsibility review"
    for words, code in ((f"{module} -a - <&-", 2), (f"{module} -a {NAIVE} >&-", 1)):
        done = subprocess.run(["bash", "-c", words], cwd=ROOT, capture_output=True, check=False, timeout=60)
        assert done.returncode == code
        assert b"Traceback" not in done.stderr
