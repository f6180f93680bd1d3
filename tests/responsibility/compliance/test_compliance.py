"""Each control says no more than the findings do, and every format is one that others read."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from responsibility.checks import all_checks
from responsibility.compliance.assess import STATES, assess
from responsibility.compliance.frameworks import Control, Framework, Section, framework, names
from responsibility.document import Review
from responsibility.findings import Acceptance, Finding
from responsibility.model import components
from responsibility.render.compliance import FORMATS, render
from tests.responsibility.command import CLUSTER, Run
from tests.responsibility.render import sample
from tests.support.machine import TRESTLE

ROOT = Path(__file__).parents[3]
DAY = sample.DAY


def finding(code: str, status: Any, **more: Any) -> Finding:
    return Finding(
        code=code, status=status, subject=f"cluster {code}", detail="is so", evidence=[sample.evidence()], **more
    )


def verdict(control: dict[str, Any], *findings: Finding, **review: Any) -> Any:
    """The verdict on one control, by a review with these findings."""
    document = sample.review(findings=list(findings), **review)
    one = Control(id="1", title="One", **control)
    row = Framework(
        name="F",
        version="1",
        source="https://example.org",
        checked=DAY,
        sections=[Section(id="S", title="S", controls=[one])],
    )
    return assess(document, row).controls[0]


TWO = {"checks": ["EKR001", "EKR002"]}


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("met", "met"), "met"),
        (("met", "not_applicable"), "met"),
        (("not_applicable", "not_applicable"), "not_applicable"),
        (("met", "unknown"), "unknown"),
        (("met", "open"), "open"),
        (("unknown", "open"), "open"),
        (("met",), "unknown"),  # the other check was not asked
        ((), "unknown"),
    ],
)
def test_the_worst_answer_counts_and_no_answer_is_unknown(statuses: tuple[str, ...], state: str) -> None:
    found = [finding(code, status) for code, status in zip(TWO["checks"], statuses, strict=False)]
    assert verdict(TWO, *found).state == state


def test_an_accepted_finding_is_open_and_says_so() -> None:
    accepted = Acceptance(reason="a lab", until=DAY, expired=False)
    found = verdict({"checks": ["EKR001"]}, finding("EKR001", "open", accepted=accepted))
    assert found.state == "open"
    assert "accepted until 2026-11-24: a lab" in found.why


def test_what_is_left_for_a_person_is_never_met() -> None:
    control = {"checks": ["EKR001"], "rest": "Whether people agree"}
    assert verdict(control, finding("EKR001", "met")).state == "unknown"
    assert "whether people agree" in verdict(control, finding("EKR001", "met")).why
    assert verdict(control, finding("EKR001", "open")).state == "open"


def test_objects_that_no_template_shows_are_unknown() -> None:
    assert verdict({"checks": ["EKR086"], "objects": True}, finding("EKR086", "not_applicable")).state == "unknown"


def test_what_only_an_account_answers_is_named() -> None:
    assert "only an audit" in verdict({"checks": ["EKR150"]}).why
    assert "only a review" in verdict({"checks": ["EKR086"]}, origin="account").why


@pytest.mark.parametrize(
    ("kinds", "not_read", "state"),
    [
        (["auto_mode"], [], "aws"),
        (["auto_mode", "managed_nodes"], [], "not_checkable"),
        (["auto_mode"], ["nested stack Nodes"], "unknown"),
        ([], [], "unknown"),
    ],
)
def test_what_aws_does_depends_on_the_compute(kinds: list[str], not_read: list[str], state: str) -> None:
    control = {"component": "kubelet", "manual": "It is a file"}
    assert verdict(control, kinds=kinds, not_read=not_read).state == state


@pytest.mark.parametrize(
    ("level", "state"), [("closed", "met"), ("limited", "open"), ("open", "open"), ("unknown", "unknown")]
)
def test_a_way_in_must_be_closed(level: str, state: str) -> None:
    base = sample.review()
    ways = [base.exposure[0].model_copy(update={"way": "Kubernetes API", "level": level})]
    assert verdict({"way": "Kubernetes API"}, exposure=ways).state == state
    assert verdict({"way": "Kubernetes API"}, exposure=[]).state == "unknown"


def test_a_control_without_an_answer_is_refused() -> None:
    for row in ({}, {"checks": ["EKR001"], "manual": "both"}):
        with pytest.raises(ValidationError):
            Control(id="1", title="One", **row)


@pytest.mark.parametrize("name", names())
def test_frameworks_name_what_exists(name: str) -> None:
    known = {check.info.code for check in all_checks()}
    controls = [control for section in framework(name).sections for control in section.controls]
    assert {code for control in controls for code in control.checks} <= known
    assert {control.component for control in controls} - {""} <= set(components())
    ids = [control.id for control in controls]
    assert len(ids) == len(set(ids))


def test_the_controls_of_the_benchmark_are_all_there() -> None:
    """Their numbers follow each other in each section; how many there are was counted in kube-bench's eks-2.0.0."""
    controls = [control.id for section in framework("cis-eks").sections for control in section.controls]
    counted = {"2.1": 1, "3.1": 4, "3.2": 8, "4.1": 12, "4.2": 5, "4.3": 2, "4.4": 2, "4.5": 2}
    counted |= {"5.1": 4, "5.2": 1, "5.3": 1, "5.4": 4, "5.5": 1}
    expected = [f"{section}.{number}" for section, last in counted.items() for number in range(1, last + 1)]
    assert controls == ["1", *expected]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


def test_the_command_ends_with_1_if_a_control_is_open(run: Run) -> None:
    done = run.given(CLUSTER)("compliance", "--framework", "security-hub", "--template", "-", "--as-of", "2026-11-24")
    assert done.code == 1
    assert re.search(r"^Open +EKS\.1 ", done.out, re.MULTILINE)
    assert re.search(r"^Open +EKS\.8 ", done.out, re.MULTILINE)
    assert re.search(r"^Met +EKS\.2 ", done.out, re.MULTILINE)
    assert "Cluster ResourcesVpcConfig" in done.out


def test_a_saved_review_gives_the_same(run: Run, tmp_path: Path) -> None:
    template = tmp_path / "shop.yaml"
    template.write_text(CLUSTER)
    saved = tmp_path / "review.json"
    common = ("--as-of", "2026-11-24")
    assert run("review", "--template", str(template), *common, "-q", "-o", str(saved), "--fail-on", "never").code == 0
    at_once = run("compliance", "--framework", "cis-eks", "--template", str(template), *common)
    later = run("compliance", "--framework", "cis-eks", "--findings", str(saved))
    assert at_once == later


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--framework", "cis"), "--framework cis: unknown"),
        (("--framework", "cis-ek"), "did you mean cis-eks?"),
        (("--framework", "cis-eks", "--findings", "nowhere.json"), "--findings nowhere.json: cannot be read"),
        (("--framework", "cis-eks", "--findings", "{file}"), "is not what `review` or `audit` writes"),
        (("--framework", "cis-eks", "--template", "-", "--format", "sarif"), "this command writes text, md, html"),
    ],
)
def test_bad_input_is_one_line(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"a": 1}')
    done = run.given(CLUSTER)("compliance", *(part.replace("{file}", str(file)) for part in arguments))
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "document", [sample.review(), sample.hostile(), sample.empty()], ids=["usual", "hostile", "empty"]
)
def test_no_word_of_a_template_becomes_markup(document: Review, format_: str) -> None:
    written = render(assess(document, framework("nist-800-53")), format_)
    assert "<script>alert" not in written or format_ in ("text", "json", "oscal")
    assert "\x1b" not in written
    if format_ in ("json", "oscal"):
        json.loads(written)


@pytest.mark.skipif(not TRESTLE.exists(), reason="needs compliance-trestle: `make .venv-checkov/.ready` sets it up")
def test_oscal_is_read_by_others(tmp_path: Path) -> None:
    reviews = {"usual": sample.review(), "hostile": sample.hostile(), "empty": sample.empty()}
    files = []
    for name, document in reviews.items():
        for which in names():
            files.append(tmp_path / f"{name}-{which}.json")
            files[-1].write_text(render(assess(document, framework(which)), "oscal"))
    script = (
        "import sys; from trestle.oscal.assessment_results import Model\n"
        "for file in sys.argv[1:]:\n"
        "    results = Model.model_validate_json(open(file).read()).assessment_results.results\n"
        "    print(len(results[0].findings))"
    )
    done = subprocess.run([TRESTLE, "-c", script, *files], capture_output=True, text=True)
    sizes = {name: sum(len(section.controls) for section in framework(name).sections) for name in names()}
    assert done.stdout.split() == [str(sizes[name]) for _ in reviews for name in names()], done.stderr


def test_counts_name_each_state_once() -> None:
    found = assess(sample.review(), framework("cis-eks"))
    assert list(found.counts) == list(STATES)
    assert sum(found.counts.values()) == len(found.controls) == 48
