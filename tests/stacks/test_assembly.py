"""Where a synth writes: what others have in the folder stays, and a synth that fails leaves the folder as it was."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

import app
from safe_io.errors import run
from safe_io.ownership import MANIFEST
from stacks.platform import Platform
from tests.support.environments import ROOT, minimal


@pytest.fixture
def front_door(tmp_path, monkeypatch, capfd):
    """Returns a function that synthesises a small environment in this process: its exit code and what it says."""

    def synthesise(outdir: object, name: str = "t") -> tuple[int, str]:
        file = tmp_path / f"{name}.yaml"
        file.write_text(
            yaml.dump(
                {**minimal({"fargate": {"profiles": [{"name": "p", "selectors": [{"namespace": "n"}]}]}}), "name": name}
            )
        )
        context = {"env": str(file), "checks": "off", "aws:cdk:disable-asset-staging": True}
        monkeypatch.setenv("CDK_CONTEXT_JSON", json.dumps(context))
        monkeypatch.setenv("CDK_OUTDIR", str(outdir))
        return run(app.main, program="app.py"), capfd.readouterr().err

    return synthesise


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


THEIRS = {
    "notes.txt": b"theirs",
    "x.template.json": b"theirs",
    "x.assets.json": b"theirs",
    "x.metadata.json": b"theirs",
    "manifests/c/own.yaml": b"theirs",
    "manifests/other/own.yaml": b"theirs",
    ".cache/asset.zip": b"of the CLI",
    "read.1.1.lock": b"1",
}


@pytest.fixture
def shared(tmp_path) -> Path:
    """A folder with files of others."""
    folder = tmp_path / "shared"
    for name, content in THEIRS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_others_have_in_the_folder_stays_and_what_the_last_synth_wrote_goes(front_door, shared):
    for name in ("a", "b"):
        assert front_door(shared, name) == (0, "")
        found = tree(shared)
        assert THEIRS.items() <= found.items()
        assert {path for path in found if path.startswith(("a-", "b-"))} == {
            f"{name}-{stack}.{kind}.json"
            for stack in ("foundation", "network", "egress", "control-plane-c", "access-c", "compute-c", "protection-c")
            for kind in ("template", "assets", "metadata")
        }
        assert "manifests/c/delivery.json" in found


def fails(monkeypatch, how: str) -> None:
    """Makes the synth fail, after it has written everything."""

    def raises(*_: object) -> None:
        if how == "the checks":
            raise RuntimeError("ValidationFailed: a finding\nA copy of this report can be found in: /gone")
        raise ZeroDivisionError

    if how == "a limit":
        monkeypatch.setattr("stacks.synth_checks.limits.limit", lambda _: 10)
    elif how == "the checks":
        monkeypatch.setattr("aws_cdk.App.synth", raises)
    else:
        monkeypatch.setattr(Platform, "write_manifests", raises)


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("a limit", 2, "CloudFormation takes at most 10"),
        ("the checks", 1, "a finding\n"),
        ("a defect", 70, "a defect of ours"),
    ],
)
@pytest.mark.parametrize("there", ["nothing", "an assembly", "files of others"])
def test_a_synth_that_fails_leaves_the_folder_as_it_was(
    front_door, shared, tmp_path, monkeypatch, how, code, says, there
):
    out = shared if there == "files of others" else tmp_path / "out"
    if there == "an assembly":
        front_door(out, "a")
    before = tree(tmp_path)
    fails(monkeypatch, how)
    found, said = front_door(out, "b")
    assert found == code
    assert says in said
    assert "copy of this report" not in said
    (tmp_path / "b.yaml").unlink()
    assert tree(tmp_path) == before
    assert out.exists() == (there != "nothing")


@pytest.mark.parametrize("name", ["manifest.json", "t-network.template.json", "manifests/c/delivery.json", "manifests"])
def test_a_file_of_others_is_not_overwritten(front_door, tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("theirs")
    code, said = front_door(out)
    assert (code, said.count("\n")) == (2, 1)
    assert "no manifest of ours lists it, so it is not overwritten" in said
    assert tree(out) == {name: b"theirs"}


def test_what_the_manifests_of_an_older_assembly_list_is_overwritten_and_the_rest_stays(front_door, tmp_path):
    out = tmp_path / "out"
    assert front_door(out, "t")[0] == 0
    (out / MANIFEST).unlink()
    (out / "theirs.template.json").write_text("{}")
    for path in (*out.glob("t-*"), *out.glob("manifests/c/*.yaml")):
        path.write_text("{}")
    assert front_door(out, "t") == (0, "")
    assert json.loads((out / "t-network.template.json").read_text())["Resources"]
    assert (out / "theirs.template.json").exists()


@pytest.mark.parametrize("manifest", ["", "null", "[]", '{"artifacts": []}', '{"artifacts": {"a": 1}}', "{" * 100_000])
def test_a_manifest_that_says_nothing_is_no_leave_to_overwrite(front_door, tmp_path, manifest):
    files = {"cdk.out": b"{}", "manifest.json": manifest.encode()}
    (tmp_path / "out").mkdir()
    for name, content in files.items():
        (tmp_path / "out" / name).write_bytes(content)
    code, said = front_door(tmp_path / "out")
    assert (code, "is not overwritten" in said) == (2, True)
    assert tree(tmp_path / "out") == files


NO_PLACES = (
    ("", "CDK_OUTDIR is empty"),
    ("  ", "CDK_OUTDIR is empty"),
    (".", "is the folder of this project"),
    (str(ROOT), "is the folder of this project"),
    ("..", "or contains it"),
    ("/", "or contains it"),
    ("stacks", "committed to Git"),
    ("environments", "committed to Git"),
    ("app.py", "it is not a folder"),
    ("app.py/out", "Not a directory"),
    ("x" * 300, "File name too long"),
    ("/proc/out", "cannot be written"),
)


def test_folders_where_no_assembly_can_go(front_door, monkeypatch):
    monkeypatch.chdir(ROOT)
    status = ["git", "status", "--porcelain", "--ignored"]
    before = subprocess.run(status, capture_output=True, check=True).stdout
    for outdir, says in NO_PLACES:
        code, said = front_door(outdir)
        assert (code, said.count("\n")) == (2, 1), outdir
        assert says in said, outdir
    assert subprocess.run(status, capture_output=True, check=True).stdout == before


def test_a_checkout_of_others_is_none_either(front_door, tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path / "theirs"], check=True)
    code, said = front_door(tmp_path / "theirs")
    assert (code, "committed to Git" in said) == (2, True)
