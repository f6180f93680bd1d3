"""The reviewer alone, as others install it: from `./responsibility`, by the action, by pre-commit."""

import ast
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.responsibility.command import CLUSTER, Done
from tests.support.kept import kept

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "responsibility/pyproject.toml").read_text())
COMMANDS = ["review", "audit", "compliance", "upgrade", "matrix", "explain", "checks"]
PACKAGES = ["eks_facts", "kubernetes_lint", "responsibility", "safe_io"]
IMPORTED_AS = {
    "PyYAML": "yaml",
    "cfn-lint": "cfnlint",
    "common-expression-language": "cel",
    "kubernetes-validate": "kubernetes_validate",
}


@pytest.fixture(scope="module")
def installed() -> Path:
    """What `pip install ./responsibility` puts into site-packages; its dependencies are those of the tests."""

    def install(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        options = ["--no-deps", "--no-build-isolation", "--no-index"]
        subprocess.run([*pip, "wheel", *options, "-w", folder, ROOT / "responsibility"], check=True)
        (wheel,) = folder.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(folder / "site")

    return kept("installed reviewer", install, of="project") / "site"


TYPED = {
    "help": ["--help"],
    "review": ["review", "--template", "-"],
    "files": ["review", "--template", "shop.yaml", "--fail-on", "never", "-o", "page.html", "-o", "page.sarif"],
    "compliance": ["compliance", "--framework", "cis-eks", "--template", "shop.yaml", "--format", "html"],
    "matrix": ["matrix", "--format", "html"],
    "explain": ["explain", "kubelet"],
    "checks": ["checks", "--format", "md"],
    "no template": ["review", "--template", "nowhere.yaml"],
    "upgrade": ["upgrade", "--to", "1.37", "--template", "shop.yaml", "--format", "json"],
}
START = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
asked = json.loads(sys.argv[1])
sys.argv[0] = "eks-responsibility"
import responsibility.cli.commands as it
assert it.__file__.startswith(asked["installed"]), it.__file__
ended = {}
for name, arguments in asked["typed"].items():
    sys.argv = ["eks-responsibility", *arguments]
    printed = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(printed, write_through=True)) as out, redirect_stderr(io.StringIO()) as err:
        try:
            it.main()
        except SystemExit as end:
            code = end.code
    ended[name] = code, printed.getvalue().decode(), err.getvalue()
json.dump(ended, sys.stdout)
"""


@pytest.fixture(scope="module")
def ended(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """How each command that is ``TYPED`` ended: one process that has nothing but what was installed runs them all."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "shop.yaml").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, "-P", "-c", START, json.dumps({"installed": str(installed), "typed": TYPED})],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "200"},
        input=CLUSTER,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {name: Done(*end) for name, end in json.loads(done.stdout).items()}


def test_it_has_every_command_and_its_own_name(ended: dict[str, Done]) -> None:
    said = ended["help"].out
    assert said.startswith("Usage: eks-responsibility ")
    for command in COMMANDS:
        assert f"\n  {command} " in said
    assert PROJECT["project"]["scripts"] == {"eks-responsibility": "responsibility.cli.commands:main"}


def test_every_command_finds_its_data(ended: dict[str, Done]) -> None:
    assert {name: end.code for name, end in ended.items()} == {
        **dict.fromkeys(TYPED, 0),
        "review": 1,
        "compliance": 1,
        "no template": 2,
    }
    for name, end in ended.items():
        assert "Traceback" not in end.err, name
        assert "docs/labs" not in end.out, name


def test_a_playbook_can_be_written(ended: dict[str, Done]) -> None:
    assert json.loads(ended["upgrade"].out)["target"] == "1.37"


def test_nothing_of_this_repository_alone_is_in_it(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")) == PACKAGES
    names = [path.relative_to(installed).as_posix() for path in installed.rglob("*")]
    assert not [name for name in names if "environments" in name or ".responsibility.yaml" in name or "tests" in name]


def test_it_declares_what_it_imports() -> None:
    declared = {line.split(">=")[0] for line in PROJECT["project"]["dependencies"]}
    imported = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                imported |= {name.split(".")[0] for name in names}
    foreign = imported - set(sys.stdlib_module_names) - set(PACKAGES)
    # Each comes with one that is declared.
    follow = {"botocore", "dateutil", "markupsafe", "pydantic_core", "referencing"}
    assert foreign - follow <= {IMPORTED_AS.get(name, name) for name in declared}


def test_versions_are_those_that_the_tests_run_with() -> None:
    """A range that the pinned version is not in would install something that nobody tried."""
    from packaging.requirements import Requirement

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    pins = dict(line.split("==") for group in ("platform", "dev") for line in groups[group] if "==" in line)
    for line in PROJECT["project"]["dependencies"]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pins[wanted.name]), line
    assert PROJECT["build-system"]["requires"] == [f"hatchling=={pins['hatchling']}"]


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return loaded


def test_the_action_passes_inputs_as_variables() -> None:
    (step,) = action()["runs"]["steps"]
    assert "${{" not in step["run"]
    assert {value for value in step["env"].values() if "inputs." in value} == {
        f"${{{{ inputs.{name} }}}}" for name in action()["inputs"]
    }


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("high", 1)])
def test_the_action_ends_as_the_review_does(installed: Path, tmp_path: Path, fail_on: str, code: int) -> None:
    """Its own commands, with a Python whose `venv` makes the environment that `installed` stands for."""
    temp = tmp_path / "temp"
    programs = temp / "eks-responsibility/bin"
    programs.mkdir(parents=True)
    (tmp_path / "shop.yaml").write_text(CLUSTER)
    scripts = {
        programs / "pip": "exit 0",
        programs / "eks-responsibility": (
            f"PYTHONPATH={installed} exec {sys.executable} -P -c "
            "'from responsibility.cli.commands import main; main()' \"$@\""
        ),
        tmp_path / "bin/python3": "exit 0",
    }
    for file, body in scripts.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    (step,) = action()["runs"]["steps"]
    summary = tmp_path / "summary.md"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(temp),
            "GITHUB_STEP_SUMMARY": str(summary),
            "REVIEWER": str(ROOT / "responsibility"),
            "TEMPLATE": "shop.yaml",
            "FAIL_ON": fail_on,
            "SARIF": "out.sarif",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert json.loads((tmp_path / "out.sarif").read_text())["runs"]
    assert "EKR001" in summary.read_text()


def test_the_hook_runs_a_command_of_the_package() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command = hook["entry"].split()
    assert program in PROJECT["project"]["scripts"]
    assert command in COMMANDS
    (package,) = hook["additional_dependencies"]
    assert (ROOT / package / "pyproject.toml").is_file()
