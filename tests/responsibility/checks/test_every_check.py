"""Every check has a bad and a good fixture: `fixtures/CODE/bad.yaml`, `good.yaml`.

The first lines of a bad one say what must be found: `# open: LOGICAL-ID PROPERTY.PATH`, one line for each.
A fixture is a template, or what an account answers otherwise than a healthy one: `account:` and answers by IAM action,
with the template that it is held against, if any.
"""

from datetime import date
from pathlib import Path

import pytest
import yaml

import responsibility.checks
from responsibility.checks import all_checks
from responsibility.checks.check import described
from responsibility.checks.run import run
from responsibility.findings import Finding
from responsibility.model import components
from responsibility.reading import reader, sources
from tests.responsibility.audit.fake_account import audited

FIXTURES = Path(__file__).parent / "fixtures"
CHECKS = {check.info.code: check for check in all_checks()}
AS_OF = date(2026, 11, 24)


def cases(kind: str) -> list[str]:
    return sorted(str(path.relative_to(FIXTURES)) for path in FIXTURES.glob(f"*/{kind}*.yaml"))


def findings(case: str) -> list[Finding]:
    file = FIXTURES / case
    text = file.read_text()
    if any(line.startswith("account:") for line in text.splitlines()):
        found = audited(yaml.safe_load(text), AS_OF)
    else:
        found = reader.read(sources.read(str(file)), AS_OF)
    return run([CHECKS[case.split("/")[0]]], found)


@pytest.mark.parametrize("case", cases("bad"))
def test_bad_is_found_where_it_stands(case: str) -> None:
    text = (FIXTURES / case).read_text()
    wanted = {tuple(line.split()[2:]) for line in text.splitlines() if line.startswith("# open: ")}
    found = {
        (evidence.resource, evidence.path) if evidence.path else (evidence.resource,)
        for finding in findings(case)
        if finding.status == "open"
        for evidence in finding.evidence
    }
    assert wanted, "the fixture does not say what must be found"
    assert found == wanted


@pytest.mark.parametrize("case", cases("good"))
def test_good_is_met(case: str) -> None:
    statuses = {finding.status for finding in findings(case)}
    assert "met" in statuses
    assert statuses <= {"met", "not_applicable"}


@pytest.mark.parametrize("case", cases("unknown"))
def test_what_the_template_does_not_say_is_unknown(case: str) -> None:
    statuses = {finding.status for finding in findings(case)}
    assert "unknown" in statuses
    assert "met" not in statuses


@pytest.mark.parametrize("case", cases("not_applicable"))
def test_a_question_that_makes_no_sense_is_not_applicable(case: str) -> None:
    assert {finding.status for finding in findings(case)} == {"not_applicable"}


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_has_both_fixtures(code: str) -> None:
    assert (FIXTURES / code / "bad.yaml").exists()
    assert (FIXTURES / code / "good.yaml").exists()


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_says_what_people_need(code: str) -> None:
    info = CHECKS[code].info
    assert info.component in components()
    assert info.source.startswith("https://")
    assert info.why.endswith(".")
    assert info.fix.endswith(".")
    assert not info.title.endswith(".")
    assert info.kinds


def test_no_fixture_without_a_check() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(CHECKS)


def test_every_description_is_of_a_check() -> None:
    files = Path(responsibility.checks.__file__).parent.glob("*/*.yaml")
    assert sorted(code for file in files for code in described(file)) == sorted(CHECKS)
