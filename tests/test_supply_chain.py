"""What this project runs of others is named exactly: packages by hash, actions by commit, tools by version."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.environments import ROOT

LOCKS = {
    "requirements.txt": ["platform", "packaging"],
    "tests/requirements.txt": ["dev"],
    "emulator/requirements.txt": ["emulator", "packaging"],
    "tests/workloads/checkov-requirements.txt": ["checkov", "packaging"],
    ".github/sbom-requirements.txt": ["sbom", "packaging"],
}
WORKFLOWS = sorted((ROOT / ".github/workflows").iterdir())
OWN_ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def steps(workflow: Path):
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


def normal(pin: str) -> str:
    return re.sub("[-_.]+", "-", pin.partition("==")[0]).lower() + "==" + pin.partition("==")[2].strip()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_its_hashes(lock):
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line.rstrip()), line
    pinned = {normal(re.split(r"[ ;]", line, maxsplit=1)[0]) for line in lines}
    ours = ("eks-constructs", "eks-facts")
    wanted = [one for group in LOCKS[lock] for one in PROJECT["dependency-groups"][group] if one not in ours]
    assert {normal(one) for one in wanted} <= pinned, "run `make lock`"


def test_every_lock_is_made_by_make_lock_and_installed_with_its_hashes():
    recipes = (ROOT / "Makefile").read_text()
    made = re.findall(r"^\t\$\(compile\) .*-o (\S+)$", recipes, re.MULTILINE)
    assert set(made) == set(LOCKS)
    sources = [recipes, (ROOT / "emulator/installation.py").read_text(), *(path.read_text() for path in WORKFLOWS)]
    installs = [line for text in sources for line in text.splitlines() if re.search(r'install.* "?-r\b', line)]
    assert len(installs) >= 4
    assert all("--require-hashes" in line for line in installs), installs


def test_the_build_backend_is_the_one_that_is_installed():
    needed = tomllib.loads((ROOT / "constructs/pyproject.toml").read_text())["build-system"]["requires"]
    assert needed == [one for one in PROJECT["dependency-groups"]["packaging"] if one.startswith("setuptools")]


@pytest.mark.parametrize("workflow", [*WORKFLOWS, *OWN_ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_workflows_name_actions_by_commit_and_tools_by_version(workflow):
    text = workflow.read_text()
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    for one in uses:
        # An action of this checkout is of this commit; what it uses is looked at as a workflow is.
        local = one.startswith("./") and ROOT / one / "action.yml" in OWN_ACTIONS
        assert local or re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", one), one
    for module in re.findall(r"go install (\S+)", text):
        assert re.search(r"@v\d+\.\d+\.\d+$", module), module
    for image in re.findall(r"runs-on: (\S+)", text):
        assert not image.endswith("latest")
    # GitHub's token comes from GitHub itself, and is no tool.
    text = re.sub(r'curl [^"]*"[^"]*" \\\n\s*"\$ACTIONS_ID_TOKEN_REQUEST_URL', "", text)
    assert not re.search(r"curl|wget|npx (?!--no-install)|pipx|uvx", text)


def test_one_action_has_one_commit_everywhere():
    pins = {pin for workflow in [*WORKFLOWS, *OWN_ACTIONS] for pin in re.findall(r"uses: (\S+)", workflow.read_text())}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_that_may_write_runs_no_code_of_the_checkout(workflow):
    content = yaml.safe_load(workflow.read_text())
    for name, job in content["jobs"].items():
        rights = dict(job.get("permissions", content["permissions"]))
        if set(content[True]) == {"workflow_call"}:  # YAML 1.1 reads `on` as true
            # A fleet's code asks AWS for a role, and IAM says of which branch; it can write nothing on GitHub.
            rights.pop("id-token", None)
        if "write" in rights.values():
            runs = "\n".join(step.get("run", "") for step in job["steps"])
            assert not re.search(r"\b(make|python|npm|npx|pip|bash)\b", runs), name
    # What a stranger can say (a title, a branch) is not part of a script.
    assert not any("${{" in step.get("run", "") for step in steps(workflow))


def test_a_comment_is_replaced_only_if_the_workflow_wrote_it():
    (comment,) = [step["run"] for step in steps(ROOT / ".github/workflows/review.yml") if step.get("name") == "Comment"]
    assert 'select(.user.login == \\"github-actions[bot]\\" and (.body | startswith(\\"$marker\\")))' in comment


def test_a_release_has_a_bill_of_materials_and_its_provenance():
    release = steps(ROOT / ".github/workflows/release.yml")
    attested = [step["with"] for step in release if step.get("uses", "").startswith("actions/attest@")]
    assert {"subject-path": "dist/*"} in attested, "no predicate: build provenance"
    assert {one.get("sbom-path") for one in attested} == {None, "dist/python.cdx.json", "dist/npm.cdx.json"}
    written = "\n".join(step.get("run", "") for step in release)
    assert all(f"dist/{name}.cdx.json" in written for name in ("python", "emulator", "npm"))
