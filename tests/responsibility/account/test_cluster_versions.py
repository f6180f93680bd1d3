"""`refresh versions`, over HTTP into a copy of the catalog."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks_facts.versions import KubernetesVersion
from responsibility.account import cluster_versions
from responsibility.account.cluster_versions import merged, refresh
from responsibility.account.errors import AccountError
from tests.responsibility.account import fake_eks
from tests.responsibility.account.fake_eks import FakeEks, kubernetes, run

OLD = """\
# A comment.
source: https://example.com
checked: 2026-11-23
versions:
  "1.34": {released: 2025-10-02, standard_until: 2026-12-02, extended_until: 2027-12-02}
  # Not known yet.
  "1.35": {}
"""
V134 = ("1.34", "2025-10-02", "2026-12-02", "2027-12-02")
V135 = ("1.35", "2026-01-27", "2027-03-27", "2028-03-27")
DAY = date(2026, 11, 24)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    file = tmp_path / "kubernetes_versions.yaml"
    file.write_text(OLD)
    return file


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeEks]:
    with fake_eks.serving(monkeypatch, tmp_path) as fake:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        fake.versions = [kubernetes(*V135), kubernetes(*V134, "EXTENDED_SUPPORT")]
        yield fake


def refreshed(catalog: Path, today: date = DAY) -> list[str]:
    said: list[str] = []
    refresh(say=said.append, file=catalog, today=today)
    return said


def test_the_catalog_is_written_in_its_own_shape(eks: FakeEks, catalog: Path) -> None:
    eks.versions += [
        kubernetes("1.36", "2026-06-02", "2027-08-02", "2028-08-02"),
        kubernetes("1.30", "2024-05-23", "2025-07-23", "2026-07-23", "UNSUPPORTED"),
        {**kubernetes("1.99", "2026-06-02", "2027-08-02", "2028-08-02"), "clusterType": "other"},
    ]
    said = refreshed(catalog)
    assert catalog.read_text() == (
        "# Kubernetes versions that Amazon EKS offers, and until when it supports them.\n"
        "# Written by `python -m responsibility refresh versions` on 2026-11-24, as EKS answered in eu-west-1: the dates are its own.\n"
        "source: https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html\n"
        "checked: 2026-11-24\n"
        "versions:\n"
        '  "1.34": {released: 2025-10-02, standard_until: 2026-12-02, extended_until: 2027-12-02}\n'
        '  "1.35": {released: 2026-01-27, standard_until: 2027-03-27, extended_until: 2028-03-27}\n'
        '  "1.36": {released: 2026-06-02, standard_until: 2027-08-02, extended_until: 2028-08-02}\n'
    )
    assert "  1.35 extended_until: not known → 2028-03-27" in said
    assert any(line.startswith("  1.36: new") for line in said)
    assert "make schema" in said[-1]
    assert len(eks.asked) == 3  # five versions, two a page
    assert all("includeAll=true" in target for target in eks.asked)


@pytest.mark.usefixtures("eks")
def test_both_readers_of_the_catalog_take_it(catalog: Path) -> None:
    refreshed(catalog)
    data = yaml.safe_load(catalog.read_text())
    versions = {name: KubernetesVersion(**dates) for name, dates in data["versions"].items()}
    assert versions["1.35"].standard_until == date(2027, 3, 27)
    assert data["checked"] == DAY


def test_what_eks_no_longer_lists_stays(eks: FakeEks, catalog: Path) -> None:
    eks.versions = [kubernetes(*V135)]
    refreshed(catalog)
    assert (
        "  # EKS did not list it on that day; the dates are those known before.\n"
        '  "1.34": {released: 2025-10-02, standard_until: 2026-12-02, extended_until: 2027-12-02}\n'
    ) in catalog.read_text()


@pytest.mark.usefixtures("eks")
def test_the_same_day_and_dates_leave_the_file_alone(catalog: Path) -> None:
    refreshed(catalog)
    before = catalog.stat().st_mtime_ns
    assert "  no date changed" in refreshed(catalog)
    assert catalog.stat().st_mtime_ns == before
    # Another day the dates were checked again, which is what `checked` says.
    refreshed(catalog, date(2026, 12, 1))
    assert "checked: 2026-12-01" in catalog.read_text()


def test_our_catalog_can_be_refreshed(eks: FakeEks, tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_text(cluster_versions.FILE.read_text())
    eks.versions = [kubernetes("1.37", "2026-09-29", "2027-11-29", "2028-11-29")]
    assert "  1.37 released: 2026-10-01 → 2026-09-29" in refreshed(copy)
    assert (
        yaml.safe_load(copy.read_text())["versions"].keys()
        == yaml.safe_load(cluster_versions.FILE.read_text())["versions"].keys()
    )


def test_days_are_those_of_utc() -> None:
    pacific = timezone(-timedelta(hours=8))
    item = kubernetes(*V135)
    shown = {key: value.astimezone(pacific) if isinstance(value, datetime) else value for key, value in item.items()}
    assert merged({}, [shown], "").versions["1.35"]["released"] == date(2026, 1, 27)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "names no supported version"),
        ([kubernetes(*V134, "UNSUPPORTED")], "names no supported version"),
        ([kubernetes("1.34", "2025-10-02", "2026-12-02", "2024-01-01")], "1.34 are in no order"),
    ],
)
def test_an_answer_that_cannot_be_true_changes_nothing(eks: FakeEks, catalog: Path, answer: Any, words: str) -> None:
    eks.versions = answer
    with pytest.raises(AccountError, match=rf"eks:DescribeClusterVersions in eu-west-1.*{words}.*stays as it is"):
        refreshed(catalog)
    assert catalog.read_text() == OLD


def test_a_date_that_is_left_out_stays() -> None:
    old = {"1.34": {"released": date(2025, 10, 2), "standard_until": date(2026, 12, 2)}}
    item = {"clusterVersion": "1.34", "status": "standard-support", "releaseDate": datetime(2025, 10, 3, tzinfo=UTC)}
    result = merged(old, [item], "")
    assert result.versions["1.34"] == {"released": date(2025, 10, 3), "standard_until": date(2026, 12, 2)}
    assert result.changes == ["1.34 released: 2025-10-02 → 2025-10-03"]


def test_the_command(eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(cluster_versions, "FILE", catalog)
    assert run(monkeypatch, "refresh", "versions", "--region", "ap-southeast-2") == 0
    assert "2 versions" in capsys.readouterr().out
    assert eks.regions == {"ap-southeast-2"}
    assert run(monkeypatch, "refresh") == 2
