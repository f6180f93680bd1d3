"""Accepted findings: matched by code and resource, open again after their day, mistakes named."""

import json
from datetime import date
from pathlib import Path

import pytest

from responsibility.findings import Evidence, Finding
from responsibility.reading.template import BadSource
from responsibility.review.acceptance import Accepted, accept, read

AS_OF = date(2026, 11, 24)


def finding(code: str = "EKR001", *resources: str, status: str = "open") -> Finding:
    evidence = [Evidence(stack="demo", resource=name, type="T") for name in resources or ("Cluster",)]
    return Finding(code=code, status=status, subject="cluster demo", detail="is open", evidence=evidence)  # type: ignore[arg-type]


def entry(code: str = "EKR001", resource: str = "*", until: date = date(2027, 1, 1)) -> Accepted:
    return Accepted(code=code, resource=resource, reason="a demo, no data in it", until=until)


def test_an_accepted_finding_stays_and_does_not_count() -> None:
    (found,), unused = accept([finding()], [entry(resource="demo/Clu*")], AS_OF)
    assert found.status == "open"
    assert found.accepted
    assert found.accepted.reason == "a demo, no data in it"
    assert not found.counts_as_open
    assert unused == []


def test_after_its_day_it_counts_again() -> None:
    (found,), _ = accept([finding()], [entry(until=date(2026, 11, 23))], AS_OF)
    assert found.accepted
    assert found.accepted.expired
    assert found.counts_as_open


@pytest.mark.parametrize("other", [entry(code="EKR002"), entry(resource="prod/*"), entry(resource="demo/Other")])
def test_what_does_not_match_accepts_nothing_and_is_reported(other: Accepted) -> None:
    (found,), unused = accept([finding()], [other], AS_OF)
    assert found.counts_as_open
    assert unused == [other]


def test_every_resource_of_a_finding_must_be_accepted() -> None:
    (found,), _ = accept([finding("EKR001", "Cluster", "Other")], [entry(resource="demo/Cluster")], AS_OF)
    assert found.counts_as_open


def test_only_open_findings_need_it() -> None:
    (found,), unused = accept([finding(status="met")], [entry()], AS_OF)
    assert found.accepted is None
    assert unused


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text("accepted:\n  - {code: EKR001, resource: demo/*, reason: a demo without data, until: 2027-01-01}\n")
    assert read(file, ["EKR001"])[0].until == date(2027, 1, 1)


def said_of(**changed: object) -> str:
    """The text of a file with one entry, in which something is changed or, if it is None, left out."""
    entry = {"code": "EKR001", "reason": "a demo without data", "until": "2027-01-01"} | changed
    return "accepted: [" + json.dumps({key: value for key, value in entry.items() if value is not None}) + "]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accepted: [", "is not YAML"),
        (f"accepted: {'[' * 10_000}", "nested more than 50 levels"),
        ("accepted: {}", "accepted: "),
        ("accepted: !!int ''", "cannot read that as int"),
        ("accepted:\n  - {code: EKR001, reason: a demo without data, until: 2027-13-45}", "month must be"),
        (
            "accepted:\n  - {code: EKR001, code: EKR002, reason: a demo without data, until: 2027-01-01}",
            "duplicate key",
        ),
        ("", "the file: "),
        (said_of(reason=None), r"accepted\[0\]\.reason: "),
        (said_of(until=None), r"accepted\[0\]\.until: "),
        (said_of(until="soon"), r"accepted\[0\]\.until: "),
        (said_of(until=0), r"accepted\[0\]\.until: is not a date"),
        (said_of(code="X"), r"accepted\[0\]\.code: "),
        (said_of(code="EKR999"), "EKR999 is not a check"),
        (said_of(why="x"), r"accepted\[0\]\.why: "),
        (said_of(resource=" "), "resource: is blank"),
        (said_of(reason="short"), "reason: says nothing"),
        (said_of(reason=" " * 12), "reason: is blank"),
        (said_of(reason="-" * 12), "reason: says nothing"),
        (said_of(reason="\u3164" * 12), "reason: is blank"),
        (said_of(reason="\u200b" * 12), r"reason: .*\(U\+200B\)"),
        (said_of(reason="a demo\u202e without data"), r"reason: .*\(U\+202E\)"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(text)
    with pytest.raises(BadSource, match=rf"^{file}:\d+: .*{said}") as error:
        read(file, ["EKR001"])
    assert "\n" not in str(error.value)


def test_acceptances_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "accepted.yaml").write_text(said_of()[:-1] + f", {said_of()[11:-1]}" * 1_000 + "]")
    with pytest.raises(BadSource, match=r"more than 1,000 accepted findings in a file \(bound: acceptances\)"):
        read(tmp_path / "accepted.yaml", ["EKR001"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="cannot be read"):
        read(tmp_path / "none.yaml", [])
