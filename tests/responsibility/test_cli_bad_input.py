"""What cannot be reviewed: one line that says why, exit code 2, no traceback, nothing on standard output."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.responsibility.command import CLUSTER, Run
from tests.support.environments import ROOT

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in pairwise("abcdefghij")
)
"""Aliases of aliases: ten lines that stand for ten thousand million values."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(CLUSTER)
    return Run(monkeypatch, capsys)


def large(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(100_000_000)


def text(words: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(words)


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no such file": ("nope.json", lambda _: None, "nope.json: cannot be read: No such file or directory"),
    "no name": ("", lambda _: None, "no template given"),
    "a name that no file can have": ("x" * 5000, lambda _: None, "File name too long"),
    "a name of two lines": ("a\n\x1b[31mb", lambda _: None, "a b: cannot be read"),
    "a folder of nothing": ("folder", Path.mkdir, "folder: no CloudFormation template in it"),
    "not a template": ("readme.json", text('{"name": "x"}'), "is not a CloudFormation template: it has no `Resources`"),
    "no text": ("image.json", lambda file: file.write_bytes(b"\x89PNG\xff"), "is not UTF-8 text"),
    "empty": ("empty.yaml", text(""), "empty.yaml: is empty"),
    "no EKS in it": ("topic.yaml", text("Resources: {A: {Type: AWS::SNS::Topic}}"), "topic.yaml: no EKS in it: 1 res"),
    "broken JSON": ("broken.json", text('{"Resources":\n {'), "broken.json:2: is not JSON"),
    "broken YAML": ("broken.yaml", text("Resources:\n  A: [\n"), "broken.yaml:3: is not YAML"),
    "100 MB": ("large.json", large, "large.json:1: the file has more than 20,000,000 bytes (bound: bytes)"),
    "a YAML bomb": (
        "bomb.yaml",
        text(BOMB),
        "bomb.yaml:1: more than 300,000 values once the aliases (*) are followed (bound: values)",
    ),
    "nested without end": (
        "deep.yaml",
        text("[" * 10_000),
        "deep.yaml:1: nested more than 100 levels deep (bound: depth)",
    ),
    "code": ("code.yaml", text("Resources: !!python/object/apply:os.abort []"), "code.yaml:1: Resources: the YAML tag"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("way", ["--assembly", "--baseline"])
def test_one_line_says_why(run: Run, tmp_path: Path, way: str, bad: str) -> None:
    name, make, said = BAD[bad]
    make(tmp_path / name)
    if way == "--baseline" and bad == "no EKS in it":
        pytest.skip("that is what a platform looks like before its first cluster")
    first = [] if way == "--assembly" else ["--assembly", "good.yaml"]
    done = run("review", *first, way, name, "--output", "review.json", "--format", "json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.err[:-1].isprintable()
    assert len(done.err) <= 1001
    assert not (tmp_path / "review.json").exists()


@pytest.mark.parametrize("bad", ["broken JSON", "empty", "no EKS in it", "a YAML bomb", "nested without end"])
def test_standard_input_that_is_no_template(run: Run, tmp_path: Path, bad: str) -> None:
    BAD[bad][1](tmp_path / "it")
    done = run.given((tmp_path / "it").read_text())("review", "-a", "-")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("option", ["--accepted", "--prices"])
@pytest.mark.parametrize(
    "words",
    ["", "[", "7", "accepted: {}\nprices: {}", "nope: 1", "accepted: [{code: EKR001}]\nprices: [{id: X}]", "\x00"],
)
def test_a_mistake_in_a_file_of_ones_own_is_named(run: Run, tmp_path: Path, option: str, words: str) -> None:
    (tmp_path / "mine.yaml").write_text(words)
    if option == "--prices" and not words:
        return  # nothing of the shipped table is changed
    done = run("review", "-a", "good.yaml", option, "mine.yaml")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("mine.yaml:")
    gone = run("review", "-a", "good.yaml", option, "gone.yaml")
    assert gone == (2, "", "gone.yaml: cannot be read: No such file or directory\n")


def test_the_file_that_stands_in_the_folder_is_held_to_the_same(run: Run, tmp_path: Path) -> None:
    entry = "{code: EKR999, reason: for this test, until: 2027-01-01}"
    (tmp_path / ".responsibility.yaml").write_text(f"accepted: [{entry}]")
    done = run("review", "-a", "good.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(".responsibility.yaml:1: accepted[0].code: EKR999 is not a check")


@pytest.mark.parametrize("bad", ["100 MB", "a YAML bomb"])
def test_as_a_process_with_little_memory(tmp_path: Path, bad: str) -> None:
    name, make, said = BAD[bad]
    make(tmp_path / name)
    limited = f"ulimit -v 600000; exec {sys.executable} -m responsibility review -a {name}"
    done = subprocess.run(
        ["bash", "-c", limited],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr
