"""The review as SARIF."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from responsibility.render import sarif as module
from responsibility.render.sarif import sarif
from tests.responsibility.render.sample import empty, hostile, many, review

# OASIS's schema as the npm package @microsoft/sarif-multitool-linux 5.7.0 (MIT) ships it, without its descriptions.
VALIDATOR = Draft202012Validator(json.loads(Path(__file__).with_name("sarif-2.1.0.schema.json").read_text()))


def run_of(document) -> dict:
    return json.loads(sarif(document))["runs"][0]


@pytest.mark.parametrize(
    "document",
    [review(), review(clusters=3, number=70), hostile(), empty()],
    ids=["usual", "several", "hostile", "empty"],
)
def test_it_is_valid_by_the_schema_of_sarif(document):
    VALIDATOR.validate(json.loads(sarif(document)))


def test_the_schema_refuses_what_is_no_sarif():
    body = json.loads(sarif(review()))
    body["runs"][0]["results"][0]["level"] = "critical"
    assert not VALIDATOR.is_valid(body)


def test_rules_are_the_checks():
    document = review()
    rule = run_of(document)["tool"]["driver"]["rules"][0]
    assert [rule["id"] for rule in run_of(document)["tool"]["driver"]["rules"]] == [
        check.code for check in document.checks
    ]
    assert rule["shortDescription"]["text"] == "Duty 1 is done"
    assert rule["helpUri"].startswith("https://docs.aws.amazon.com/")
    assert "Set `Property1` to &lt;what is right>." in rule["help"]["markdown"]
    assert rule["defaultConfiguration"]["level"] == "error"


def test_only_duties_of_security_have_a_security_severity():
    checks = [
        review().checks[at].model_copy(update={"component": name})
        for at, name in enumerate(("iam-people", "availability"))
    ]
    rules = run_of(review(number=2, checks=checks))["tool"]["driver"]["rules"]
    assert float(rules[0]["properties"]["security-severity"]) > 9  # GitHub calls it critical
    assert rules[0]["properties"]["tags"] == [
        "security",
        "iam-people",
        "critical",
        "auto_mode",
        "managed_nodes",
        "fargate",
    ]
    assert "security-severity" not in rules[1]["properties"]


def test_the_components_of_security_are_rows_of_the_model():
    from responsibility.model import components

    assert set(components()) >= module._SECURITY


def test_results_are_the_open_findings_the_worst_first():
    run = run_of(review())
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning", "warning", "note", "note"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert (
        run["results"][0]["message"]["text"]
        == "cluster demo has no `Property0`. Fix: Set `Property1` to <what is right>."
    )


def test_accepted_findings_are_suppressed_with_their_reason_and_expired_ones_are_not():
    by_rule = {result["ruleId"]: result["suppressions"] for result in run_of(review())["results"]}
    assert by_rule["EKR003"] == [
        {"kind": "external", "status": "accepted", "justification": "Needed until the move (until 2026-12-31)"}
    ]
    assert by_rule["EKR004"] == []  # its acceptance has expired
    assert by_rule["EKR001"] == []


def test_a_result_is_at_the_line_of_its_resource():
    result = run_of(review())["results"][0]
    place = result["locations"][0]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "cdk.out/demo.template.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "demo/Cluster/Properties.X"
    assert result["relatedLocations"][0]["logicalLocations"][0]["name"] == "Nodes"


def test_a_result_without_evidence_is_at_the_first_template():
    document = review()
    finding = document.findings[0].model_copy(update={"evidence": []})
    place = run_of(document.model_copy(update={"findings": [finding]}))["results"][0]["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "cdk.out/demo.template.json"


@pytest.mark.parametrize(
    ("file", "uri", "relative"),
    [
        ("cdk.out/a b#1.json", "cdk.out/a%20b%231.json", True),
        ("./cdk.out/../x.json", "x.json", True),
        (str(Path.cwd() / "cdk.out/a.json"), "cdk.out/a.json", True),
        ("/elsewhere/a.json", "file:///elsewhere/a.json", False),
        ("-", "-", True),
    ],
)
def test_addresses_of_files(file, uri, relative):
    found = module._artifact(file)
    assert found["uri"] == uri
    assert ("uriBaseId" in found) == relative


def test_a_file_above_the_folder_has_its_whole_address():
    assert module._artifact("../a.json") == {"uri": (Path.cwd().parent / "a.json").as_uri()}


def fingerprints(document) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(document)["results"]]


def test_fingerprints_are_unique_and_outlive_moved_lines_and_other_words():
    document = many()
    assert len(set(fingerprints(document))) == len(fingerprints(document))
    moved = [
        finding.model_copy(
            update={
                "detail": "other words",
                "evidence": [at.model_copy(update={"line": 99}) for at in finding.evidence],
            }
        )
        for finding in document.findings
    ]
    assert fingerprints(document.model_copy(update={"findings": moved})) == fingerprints(document)
    twins = review(number=1)
    assert len(set(fingerprints(twins.model_copy(update={"findings": twins.findings * 2})))) == 2


def test_a_template_writes_no_placeholders_and_no_links():
    for result in run_of(hostile())["results"]:
        words = result["message"]["text"]
        assert "{0}" not in words.replace("{{", "").replace("}}", "")
        assert not re.search(r"(?<!\\)\]\(", words)


def test_no_more_results_than_code_scanning_takes(monkeypatch):
    monkeypatch.setattr(module, "_MOST_RESULTS", 2)
    run = run_of(review())
    assert [result["ruleId"] for result in run["results"]] == ["EKR001", "EKR002"]
    assert (
        "4 of 6 open findings are left out" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )
