"""What is written takes its place in one step, and nothing of others is removed or overwritten."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from safe_io import output
from safe_io.output import record, staged, write, write_all
from safe_io.ownership import MANIFEST, OutputProblem, claim, listed, remove
from tests.support.environments import ROOT


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, but our manifest: its path and what is in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def stage(folder: Path, files: dict[str, str], **options: object) -> None:
    with staged(folder, **options) as new:
        fill(new, files)


def fail_in_the_block(folder: Path) -> None:
    with staged(folder) as new:
        fill(new, NEW)
        raise ZeroDivisionError


OLD = {"manifest.json": "old", "a.template.json": "old", "manifests/c/1.yaml": "old", "manifests/gone/1.yaml": "old"}
NEW = {"manifest.json": "new", "b.template.json": "new", "manifests/c/1.yaml": "new"}
THEIRS = {"notes.txt": "theirs", "x.template.json": "theirs", "manifests/c/own.yaml": "theirs", "src/app.py": "theirs"}


class TestFolders:
    def test_what_an_earlier_run_wrote_is_replaced_or_removed(self, tmp_path):
        stage(tmp_path / "out", OLD)
        stage(tmp_path / "out", NEW)
        assert tree(tmp_path / "out") == NEW
        assert listed(tmp_path / "out") == set(NEW)
        assert not (tmp_path / "out/manifests/gone").exists()
        assert {path.name for path in (tmp_path / "out").iterdir()} == {*(name.split("/")[0] for name in NEW), MANIFEST}

    def test_what_others_put_there_stays(self, tmp_path):
        fill(tmp_path, THEIRS)
        for files in (OLD, NEW):
            stage(tmp_path, files)
            assert tree(tmp_path) == {**THEIRS, **files}
        assert not remove(tmp_path)
        assert tree(tmp_path) == THEIRS

    @pytest.mark.parametrize(
        "theirs",
        [
            {"manifest.json": "theirs"},
            {"manifests": "a file where a folder belongs"},
            {"b.template.json/inner": "a folder where a file belongs"},
        ],
    )
    def test_a_name_that_others_have_taken_is_not_overwritten(self, tmp_path, theirs):
        fill(tmp_path, {"kept.txt": "theirs", **theirs})
        with pytest.raises(OutputProblem, match="no manifest of ours lists it"):
            stage(tmp_path, NEW)
        assert tree(tmp_path) == {"kept.txt": "theirs", **theirs}
        assert not (tmp_path / MANIFEST).exists()

    def test_a_link_of_others_is_not_followed(self, tmp_path):
        out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
        stage(out, {"manifests/c/1.yaml": "old"})
        fill(elsewhere, {"c/1.yaml": "theirs"})
        (out / "manifests/c/1.yaml").unlink()
        (out / "manifests/c").rmdir()
        (out / "manifests").rmdir()
        (out / "manifests").symlink_to(elsewhere)
        with pytest.raises(OutputProblem):
            stage(out, {"manifests/c/1.yaml": "new"})
        remove(out)
        assert tree(elsewhere) == {"c/1.yaml": "theirs"}

    def test_a_folder_behind_a_link_is_filled_and_the_link_stays(self, tmp_path):
        (tmp_path / "disk").mkdir()
        (tmp_path / "out").symlink_to(tmp_path / "disk")
        stage(tmp_path / "out", NEW)
        assert tree(tmp_path / "disk") == NEW
        assert (tmp_path / "out").is_symlink()

    def test_a_file_of_others_with_the_same_content_stays_theirs(self, tmp_path):
        fill(tmp_path, {"manifest.json": "new"})
        stage(tmp_path, NEW)
        assert not remove(tmp_path)
        assert tree(tmp_path) == {"manifest.json": "new"}

    def test_what_the_caller_names_may_be_replaced(self, tmp_path):
        fill(tmp_path, {"manifest.json": "of the CDK", "x.template.json": "theirs"})
        stage(tmp_path, NEW, replaceable={"manifest.json", "x.template.json"})
        assert tree(tmp_path) == {**NEW, "x.template.json": "theirs"}

    @pytest.mark.parametrize("there", [None, {}, OLD])
    def test_a_block_that_fails_changes_nothing(self, tmp_path, there):
        out = tmp_path / "deep/out"
        if there is not None:
            out.mkdir(parents=True)
            stage(out, there) if there else None
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(ZeroDivisionError):
            fail_in_the_block(out)
        assert sorted(tmp_path.rglob("*")) == before
        assert tree(tmp_path) == {f"deep/out/{name}": content for name, content in (there or {}).items()}

    @pytest.mark.parametrize("at", range(1, 8))
    def test_a_swap_that_fails_in_the_middle_is_taken_back(self, tmp_path, monkeypatch, at):
        fill(tmp_path, THEIRS)
        stage(tmp_path, OLD)
        move, moves = output._Work._move, iter(range(1, 100))

        def fails(work: output._Work, source: Path, goal: Path) -> None:
            if next(moves) == at:
                raise OSError(28, "No space left on device")
            move(work, source, goal)

        monkeypatch.setattr(output._Work, "_move", fails)
        with pytest.raises(OutputProblem, match="No space left on device"):
            stage(tmp_path, NEW)
        assert tree(tmp_path) == {**THEIRS, **OLD}
        assert listed(tmp_path) == set(OLD)

    @pytest.mark.parametrize("at", ["block", "swap"])
    def test_a_run_that_is_killed_is_put_right_by_the_next(self, tmp_path, at):
        fill(tmp_path, THEIRS)
        stage(tmp_path, OLD)
        kill = f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
        program = [
            "import os, sys; from pathlib import Path; from safe_io import output",
            f"output.remove_empty = lambda *_: {kill}" if at == "swap" else "",
            "with output.staged(Path(sys.argv[1])) as new:",
            "  (new / 'manifest.json').write_text('half')",
            f"  {kill}" if at == "block" else "",
        ]
        done = subprocess.run([sys.executable, "-c", "\n".join(program), str(tmp_path)], cwd=ROOT)
        assert done.returncode == -signal.SIGKILL
        if at == "block":
            assert {**THEIRS, **OLD}.items() <= tree(tmp_path).items(), "as it was, beside what the run had begun"
        with pytest.raises(ZeroDivisionError):
            fail_in_the_block(tmp_path)
        assert tree(tmp_path) == {**THEIRS, **OLD}
        stage(tmp_path, NEW)
        assert tree(tmp_path) == {**THEIRS, **NEW}

    def test_a_run_beside_another_leaves_it_alone(self, tmp_path):
        with staged(tmp_path) as one:
            stage(tmp_path, NEW)
            fill(one, OLD)
        assert tree(tmp_path) == OLD

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written(self, tmp_path):
        tmp_path.chmod(0o500)
        for folder in (tmp_path, tmp_path / "new/out"):
            with pytest.raises(OutputProblem, match=r"cannot be written: Permission denied"):
                stage(folder, NEW)

    def test_a_file_or_no_name_at_all(self, tmp_path):
        fill(tmp_path, {"file": "theirs"})
        for folder in ("file", "file/out", "x" * 300, "nul\0", "/proc/out"):
            with pytest.raises(OutputProblem, match="cannot be written: "):
                stage(tmp_path / folder, NEW)
        assert tree(tmp_path) == {"file": "theirs"}

    @pytest.mark.parametrize(
        "listing",
        [
            ["../outside", "/etc/passwd", "a/../../outside", "", ".", 7, None, "nul\0", "folder"],
            {"files": 1},
            "text",
            None,
        ],
    )
    def test_a_manifest_that_others_wrote_reaches_nothing_outside(self, tmp_path, listing):
        out = tmp_path / "out"
        stage(out, NEW)
        data = json.loads((out / MANIFEST).read_text())
        (out / MANIFEST).write_text(json.dumps({**data, "files": listing}))
        fill(tmp_path, {"outside": "theirs", "out/folder/inner": "theirs"})
        remove(out)
        assert {"outside": "theirs", "out/folder/inner": "theirs"}.items() <= tree(tmp_path).items()


class TestWholeFolders:
    def test_a_new_or_an_empty_folder_is_taken_and_removed_whole(self, tmp_path):
        (tmp_path / "empty").mkdir()
        for name in ("new/deep", "empty"):
            folder = tmp_path / name
            claim(folder)
            claim(folder)
            fill(folder, {"a/b/c": "", "d": ""})
            (folder / "a/b").chmod(0o500)
            assert remove(folder)
        assert [path.name for path in tmp_path.rglob("*")] == ["new"]

    @pytest.mark.parametrize("name", ["poetry.lock", "engine.lock", "a/b", ".hidden", MANIFEST])
    def test_a_folder_with_anything_in_it_is_not(self, tmp_path, name):
        fill(tmp_path, {name: "theirs"})
        with pytest.raises(OutputProblem, match="not ours to delete"):
            claim(tmp_path)
        assert not remove(tmp_path)
        assert (tmp_path / name).read_text() == "theirs"

    def test_a_link_to_a_folder_of_ours_is_not_ours(self, tmp_path):
        claim(tmp_path / "ours")
        (tmp_path / "link").symlink_to(tmp_path / "ours")
        assert not remove(tmp_path / "link")
        assert (tmp_path / "ours" / MANIFEST).exists()

    def test_results_do_not_go_into_it(self, tmp_path):
        claim(tmp_path / "ours")
        with pytest.raises(OutputProblem, match="another command"):
            stage(tmp_path / "ours", NEW)

    def test_removing_what_is_not_there_is_no_mistake(self, tmp_path):
        assert remove(tmp_path / "nothing")


class TestFiles:
    def test_all_or_none(self, tmp_path):
        fill(tmp_path, {"a": "old", "folder/inner": ""})
        with pytest.raises(OutputProblem, match=r"folder: cannot be written: Is a directory"):
            write_all({tmp_path / "a": "new", tmp_path / "folder": "new"})
        assert tree(tmp_path) == {"a": "old", "folder/inner": ""}
        write_all({tmp_path / "a": "neu", tmp_path / "b": b"\xc3\xbc"})
        assert tree(tmp_path) == {"a": "neu", "b": "ü", "folder/inner": ""}

    def test_links_and_permissions_stay(self, tmp_path):
        fill(tmp_path, {"file": "old"})
        (tmp_path / "file").chmod(0o640)
        (tmp_path / "link").symlink_to("file")
        write(tmp_path / "link", "new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_text() == "new"
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640

    def test_a_device_is_written_to(self):
        write(Path("/dev/null"), "text")
        assert Path("/dev/null").is_char_device()

    def test_names_that_cannot_be(self, tmp_path):
        for name in ("no/such/folder/file", "x" * 300, "nul\0"):
            with pytest.raises(OutputProblem, match="cannot be written: "):
                write(tmp_path / name, "text")


def test_names_are_recorded_before_they_are_written(tmp_path):
    record(tmp_path / "review", ["review.md"])
    fill(tmp_path, {"review/review.md": "ours", "review/notes.md": "theirs"})
    record(tmp_path / "review", ["review.md", "review.html"])
    with pytest.raises(OutputProblem, match=r"notes\.md"):
        record(tmp_path / "review", ["notes.md"])
    assert not remove(tmp_path / "review")
    assert tree(tmp_path) == {"review/notes.md": "theirs"}
