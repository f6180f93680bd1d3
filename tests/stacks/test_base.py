"""An environment as it was at another commit: built beside this checkout, in a repository of the test's own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from safe_io.errors import BadInput
from stacks import base
from stacks.assembly import assembly
from tests.support.environments import ROOT, minimal


def git(folder, *arguments):
    name = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *name, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def worktrees(folder):
    return git(folder, "worktree", "list", "--porcelain").count("worktree ")


@pytest.fixture(scope="module")
def two_commits(tmp_path_factory):
    """This project's code in two commits: the environment `mine`, and then `mine` changed and `younger` beside it."""
    root = tmp_path_factory.mktemp("base") / "repository"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("constructs", "delivery", "eks_facts", "kubernetes_lint", "responsibility", "safe_io", "stacks"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, root / name)
    (root / "environments").mkdir()
    git(root, "init", "--quiet")
    old, new = minimal(), minimal()
    old["network"]["cidr"], new["network"]["cidr"] = "10.7.0.0/16", "10.8.0.0/16"
    for files in ({"mine": old}, {"mine": new, "younger": new}):
        for name, data in files.items():
            (root / f"environments/{name}.yaml").write_text(yaml.dump(data))
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "a commit")
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    return root


@pytest.fixture
def repository(two_commits, tmp_path, monkeypatch):
    """A copy of the two commits."""
    root = shutil.copytree(two_commits, tmp_path / "repository", symlinks=True)
    monkeypatch.setattr(base, "_ROOT", root)
    monkeypatch.chdir(root)
    return root


@pytest.mark.skipif(
    not (ROOT / "node_modules/aws-cdk").exists(), reason="the CDK CLI is missing: run `make setup` or `npm ci`"
)
def test_the_environment_of_that_commit_is_built_with_its_code(repository, capsys):
    # What that commit built, this one cannot: only its own code may be used.
    (repository / "stacks/platform.py").write_text("raise SystemExit('the code of today')\n")
    assert base.main(["HEAD~1", "mine", "review/older"]) == 0
    template = json.loads((repository / "review/older/t-network.template.json").read_text())
    (vpc,) = [item for item in template["Resources"].values() if item["Type"] == "AWS::EC2::VPC"]
    assert vpc["Properties"]["CidrBlock"] == "10.7.0.0/16"
    assert capsys.readouterr() == ("", "")
    assert worktrees(repository) == 1


@pytest.mark.parametrize("name", ["younger", "environments/younger.yaml"])
def test_an_environment_that_is_new_since_then_has_nothing_to_compare_with(repository, capsys, name):
    assert base.main(["HEAD~1", name, "older"]) == 0
    assert capsys.readouterr().err == f"{name} is new since HEAD~1: nothing to compare it with.\n"
    assert not (repository / "older").exists()
    assert worktrees(repository) == 1


@pytest.mark.parametrize("revision", ["no-such-branch", "--force", ""])
def test_a_commit_that_is_not_there(repository, revision):
    with pytest.raises(BadInput) as refusal:
        base.main([revision, "mine", "older"])
    assert str(refusal.value).startswith(f"BASE={revision}: git cannot check it out: ")
    assert "\n" not in str(refusal.value)
    assert worktrees(repository) == 1


def test_a_synth_that_fails_says_why_and_leaves_nothing(repository):
    (repository / "node_modules").unlink()
    cli = repository / "node_modules/.bin/cdk"
    cli.parent.mkdir(parents=True)
    cli.write_text("#!/bin/sh\necho 'no such construct' >&2; exit 1\n")
    cli.chmod(0o755)
    with pytest.raises(base.NoBase, match="BASE=HEAD: mine cannot be synthesised there:\nno such construct"):
        base.build("HEAD", "mine", Path("older"))
    assert not (repository / "older").exists()
    assert worktrees(repository) == 1


def test_without_the_cdk_cli_it_says_so(repository):
    (repository / "node_modules").unlink()
    with pytest.raises(base.NoBase, match=r"node_modules/\.bin/cdk: is not installed"):
        base.build("HEAD", "mine", Path("older"))
    assert worktrees(repository) == 1


def test_a_file_of_ones_own_outside_of_the_repository_is_built_by_the_code_of_then(repository, tmp_path, monkeypatch):
    own = tmp_path / "own.yaml"
    own.write_text("name: own")
    built = []
    monkeypatch.setattr(base, "_synth", lambda _, environment, *_others: built.append(environment))
    for path in (str(own), "../own.yaml", str(repository / "environments/mine.yaml")):
        assert base.build("HEAD~1", path, repository / f"older-{len(built)}")
    assert built == [str(own), str(own), "environments/mine.yaml"]


def test_what_no_synth_wrote_is_not_deleted(repository):
    for name in ("stacks", "app.py"):
        with pytest.raises(BadInput):
            base.main(["HEAD", "mine", name])
        assert git(repository, "status", "--porcelain", "--", name) == ""


def test_the_assembly_of_yesterday_is_no_base_of_today(repository):
    with assembly("older") as made:
        (made / "cdk.out").write_text("{}")
    (repository / "older/notes.txt").write_text("theirs")
    assert not base.build("HEAD~1", "younger", Path("older"))
    assert [path.name for path in (repository / "older").iterdir()] == ["notes.txt"]


def test_it_says_what_it_takes():
    with pytest.raises(BadInput, match=r"usage: python -m stacks.base REVISION ENVIRONMENT OUTPUT"):
        base.main(["HEAD"])
