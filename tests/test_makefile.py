"""The Makefile: what a person says is text, wherever it goes, and `make clean` deletes what the commands made."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.environments import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()

STAND_IN = """#!/bin/bash
printf '%s\\0' "${0##*/}" "$@" >> "$RECORD"; printf '\\1' >> "$RECORD"
[ "$2" != stacks.environment.name ] || echo t
"""

ODD = (
    "`touch TRAP` $(touch TRAP) $(shell touch TRAP) ${shell touch TRAP} ; touch TRAP | touch TRAP && touch TRAP\ntouch TRAP",
    "x' ; touch TRAP ; ' $HOME ${HOME} $$ $(ENV) $@ # no comment \\ * a,b)c(d über",
    'x" ; touch TRAP ; " `touch TRAP` two  words --flag',
)
"""Values that a shell, or make, would do something with. TRAP is a file that must not come to be."""

GOES_TO = {
    "ENV": {
        **dict.fromkeys(
            ("synth", "review", "diff", "deploy", "apply", "unapply", "destroy", "destroy-foundation"), "env={}"
        ),
        **dict.fromkeys(("smoke", "explain"), "{}"),
        **dict.fromkeys(("lock-addons", "demo", "rehearse"), "--env={}"),
        "fleet": "fleet table {}",
    },
    "OUT": {"gitops": "--output={}"},
    "LOOK_UP": {"gitops": "--look-up"},
    "CHECK": {"gitops": "--check"},
    "WAVE": {"deploy": "--wave={}", "gitops": "--wave={}"},
    "FRESH": {"fleet": "fleet review demo", "test": "--fresh"},
    "CHECKS": {"synth": "checks={}"},
    "DELIVERY": {"synth": "delivery={}"},
    "BASE": {"review": "stacks.base {}"},
    "FAIL_ON": {"review": "--fail-on={}"},
    "AS_OF": {"review": "--as-of={}"},
    "TAKE_OVER": {"deploy": "--import-existing-resources"},
    "LATEST": {"lock-addons": "--latest"},
    "KEY": {"explain": "--key={}"},
    "SAID": {"explain": "--said"},
    "LOOK": {"destroy": "--look"},
    "ANYWAY": {"destroy": "--anyway"},
    "CLUSTER": {**dict.fromkeys(("apply", "deploy", "diff", "destroy"), "--cluster={}"), "rehearse": "--only={}"},
    "KUBE_CONTEXT": {"unapply": "--context={}", "smoke": "--context={}"},
    "TIMEOUT": {"apply": "--timeout={}"},
    "MINUTES": {"fuzz": "--minutes={}"},
    "CDK_FLAGS": {"synth": "{}", "diff": "{}", "destroy": "{}"},
    "TO": {"rehearse": "--to={}"},
    "REHEARSE_FLAGS": {"rehearse": "{}"},
    "LOCK_FLAGS": {"lock-addons": "{}"},
}
"""Each variable, the targets that read it, and the arguments that it becomes there."""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., list[list[str]]]:
    """Returns a function that runs make with stand-ins for the programs; it returns how they were called."""
    checkout = tmp_path / "checkout"
    for name in (
        "requirements.txt",
        "tests/requirements.txt",
        "tests/workloads/checkov-requirements.txt",
        "package-lock.json",
        "constructs/pyproject.toml",
        "eks_facts/pyproject.toml",
        "environments/demo.yaml",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    (checkout / "Makefile").write_text(MAKEFILE)
    for name in (".venv/bin/python", ".venv/bin/npm", ".venv/bin/ruff", ".venv/bin/mypy", "node_modules/.bin/cdk"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(STAND_IN)
        (checkout / name).chmod(0o755)
    (checkout / ".venv-checkov").mkdir()
    for name in (".venv/.ready", ".venv/.tests-ready", ".venv-checkov/.ready", "node_modules/.ready"):
        (checkout / name).touch()
    record = tmp_path / "record"

    def run(*arguments: str, **environment: str) -> list[list[str]]:
        record.write_bytes(b"")
        done = subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=checkout, env={**os.environ, "RECORD": str(record), **environment}, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [call.split("\0")[:-1] for call in record.read_text().split("\1")[:-1]]

    return run


@pytest.mark.parametrize("variable", GOES_TO)
def test_what_a_person_says_is_text(make, tmp_path, variable):
    trap = tmp_path / "trap"
    for target, where in GOES_TO[variable].items():
        for value in (odd.replace("TRAP", str(trap)) for odd in ODD):
            said = {"ENV": "demo", "OUT": "copy", variable: value}
            wanted = [argument.format(value) for argument in where.split(" ")]
            if variable.endswith("_FLAGS"):
                wanted = value.split()
            for calls in (make(target, *map("=".join, said.items())), make(target, **said)):
                assert not trap.exists(), f"make {target} {variable}={value}"
                lines = [[name for name in call if name] for call in calls]
                assert any(wanted == line[i : i + len(wanted)] for line in lines for i in range(len(line))), (
                    wanted,
                    lines,
                )


def test_a_rehearsal_without_an_environment_reads_the_running_cluster(make, tmp_path):
    for value in (odd.replace("TRAP", str(tmp_path / "trap")) for odd in ODD):
        for said in (
            {"CLUSTER": value},
            {"CLUSTER": "prod", "KUBE_CONTEXT": value, "TO": "1.37", "REHEARSE_FLAGS": "--rollback"},
        ):
            called = [call for call in make("rehearse", *map("=".join, said.items())) if "rehearse" in call]
            context = [f"--context={said['KUBE_CONTEXT']}"] if "KUBE_CONTEXT" in said else []
            wanted = [
                f"--to={said.get('TO', 'next')}",
                f"--cluster={said['CLUSTER']}",
                *context,
                *said.get("REHEARSE_FLAGS", "").split(),
            ]
            assert [call[call.index("rehearse") + 1 :] for call in called] == [wanted]
    assert not (tmp_path / "trap").exists()


def test_a_rehearsal_of_nothing_says_what_can_be_named(make):
    with pytest.raises(
        AssertionError, match="Name an environment or a running cluster: make rehearse ENV=demo, or CLUSTER=prod"
    ):
        make("rehearse")


def test_each_variable_that_is_exported_is_tested():
    (options,) = re.findall(r"^OPTIONS := (.*)$", MAKEFILE, re.MULTILINE)
    assert set(options.split()) - {"PYTHON"} == set(GOES_TO)


def test_recipes_read_what_a_person_says_from_their_environment_alone():
    """Also of variables that somebody adds: a recipe expands none that the Makefile does not set itself."""
    own = set(re.findall(r"^(?:export )?(\w+) :?= ", MAKEFILE, re.MULTILINE)) - {"OPTIONS", "TARGETS", "ENVIRONMENTS"}
    used = set(re.findall(r"(?<!\$)\$[({]([A-Za-z_]+)[)}]", MAKEFILE))
    assert used - own <= {"OPTIONS", "CURDIR", "MAKEFILE_LIST", "MAKECMDGOALS"} | {"name", "suffix"}
    assert {"CDK", "CONTEXT", "REVIEW"} <= used


def test_the_names_of_targets_and_of_environments_are_text_too(make, tmp_path):
    (tmp_path / "checkout/environments/`touch trap`.yaml").touch()
    done = subprocess.run(
        ["make", "synth", "$(shell touch trap)`touch trap`"], cwd=tmp_path / "checkout", capture_output=True, text=True
    )
    assert (done.returncode, "Name an environment: make synth" in done.stderr) == (2, True)
    assert make("demo-down")
    assert not (tmp_path / "checkout/trap").exists()


def test_python_is_a_program_and_no_command_line(make, tmp_path):
    program = tmp_path / "my python;touch trap"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    (calls,) = make("clean", f"PYTHON={program}")
    assert calls[:4] == [program.name, "-m", "safe_io", "remove"]
    assert not (tmp_path / "checkout/trap").exists()


def test_without_a_home_there_is_one_for_node(make, tmp_path):
    for name in ("getent", "python3"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    calls = make("synth", "ENV=demo", HOME="", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert ["python3", "-m", "safe_io", "claim", ".home"] in calls
    assert any(call[:2] == ["cdk", "synth"] for call in calls)
