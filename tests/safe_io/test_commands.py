"""`python3 -m safe_io`, as the Makefile calls it: `make clean` deletes what the commands made, and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from safe_io import __main__ as commands
from safe_io.output import staged
from safe_io.ownership import OutputProblem, claim, listed
from tests.support.environments import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Returns a function that runs a command in an empty folder, and returns what it says."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["safe_io", *arguments])
        assert commands.main() == 0
        return capsys.readouterr().err

    return call


def make(name: str, content: str = "") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


TAGGED = {
    ".mypy_cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# made by mypy\n",
    ".hypothesis/.gitignore": "# This .gitignore file was automatically created by Hypothesis. Hypothesis ...",
    "node_modules/.package-lock.json": json.dumps({"name": "eks-platform", "lockfileVersion": 3}, indent=2),
    "peer/node_modules/.package-lock.json": json.dumps({"name": "eks-platform-bench-peer"}, indent=2),
}


@pytest.mark.parametrize("tag", TAGGED)
def test_folders_of_tools_are_removed_whole(run, tag):
    folder = make(tag, TAGGED[tag]).parent
    make(f"{folder}/deep/file")
    assert run("remove", str(folder)) == ""
    assert not folder.exists()


@pytest.mark.parametrize("tag", TAGGED)
def test_folders_of_others_with_such_a_name_stay(run, tag):
    folder = make(tag, "theirs\n").parent
    assert run("remove", str(folder)) == f"{folder}: stays: nothing in it says that it was made here\n"
    assert Path(tag).exists()


def test_a_link_stays_and_what_is_behind_it(run):
    make("theirs/.gitignore", TAGGED[".hypothesis/.gitignore"])
    Path("cache").symlink_to("theirs")
    assert "stays" in run("remove", "cache")
    assert Path("cache/.gitignore").exists()


def test_an_assembly_goes_with_what_the_cli_left_in_it(run):
    with staged(Path("cdk.out")) as new:
        for name in ("cdk.out", "manifest.json", "manifests/c/1.yaml"):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).touch()
    for name in ("cdk.out/.cache/deep/asset.zip", "cdk.out/error.txt"):
        make(name)
    theirs = make("cdk.out/manifests/notes.txt")
    assert run("remove", "cdk.out", "not-there") == "cdk.out: stays: what is left in it was not made here\n"
    assert [path for path in Path("cdk.out").rglob("*") if path.is_file()] == [theirs]
    theirs.unlink()


def test_a_claimed_folder_goes_whole_and_one_that_was_there_before_does_not(run):
    run("claim", ".venv")
    make(".venv/bin/python")
    make(".venv-of-mine/bin/python")
    assert run("remove", ".venv", ".venv-of-mine").startswith(".venv-of-mine: stays")
    assert [path.name for path in Path().iterdir()] == [".venv-of-mine"]
    claim(Path(".emulator"))
    with pytest.raises(OutputProblem):
        run("claim", ".venv-of-mine")


def test_a_claimed_folder_gets_thinner_and_one_of_others_does_not(run, tmp_path):
    (tmp_path / "outside").mkdir()
    for name in ("ours", "theirs"):
        run("claim", name) if name == "ours" else Path(name).mkdir()
        Path(name, "lib/a/include").mkdir(parents=True)
        Path(name, "lib/a/code").mkdir()
        Path(name, "lib/b").symlink_to(tmp_path / "outside")
        (tmp_path / "outside/include").mkdir(exist_ok=True)
        run("thin", name, "lib/*/include", "lib/none*")
    assert not Path("ours/lib/a/include").exists()
    assert Path("ours/lib/a/code").exists()
    assert Path("theirs/lib/a/include").exists()
    assert (tmp_path / "outside/include").exists()


def test_names_are_recorded(run):
    run("record", "review", "a.html", "a.md")
    assert listed(Path("review")) == {"a.html", "a.md"}
    make("review/a.md")
    assert run("remove", "review") == ""
    assert not Path("review").exists()


def test_byte_code_goes_where_git_has_python_files(run):
    subprocess.run(["git", "init", "--quiet"], check=True)
    for name in ("a/b.py", "a/__pycache__/b.cpython-311.pyc", "theirs/__pycache__/x.cpython-311.pyc", "c/d.py"):
        make(name)
    kept = make("c/__pycache__/notes.txt")
    subprocess.run(["git", "add", "a/b.py", "c/d.py"], check=True)
    run("remove", "--bytecode")
    assert not Path("a/__pycache__").exists()
    assert kept.exists()
    assert Path("theirs/__pycache__/x.cpython-311.pyc").exists()


def test_it_runs_on_a_bare_python_and_says_in_one_line_what_is_wrong(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").touch()
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('safe_io', run_name='__main__')",
    ]
    done = subprocess.run(
        [*command, str(ROOT), "claim", str(tmp_path / "theirs")],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 2
    assert re.fullmatch(r".*contains 'file', which is not ours to delete\. Name a new folder\n", done.stderr)
