"""Golden reviews: what is said of our own environments, and of templates that this project did not make.

Each snapshot is the review shortened to what a reviewer decides by. A change of it is a change of what people are told.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from responsibility.document import Review
from responsibility.findings import Finding
from responsibility.review.command import Request, review
from tests.support.environments import ENVIRONMENTS
from tests.support.synth import assembled

ROOT = Path(__file__).parents[2]
FOREIGN = Path(__file__).parent / "foreign"
AS_OF = date(2026, 11, 24)


class TextSnapshot(SingleFileSnapshotExtension):
    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


def reviewed(assembly: Path, accepted: Path | None = None) -> Review:
    return review(Request(assembly=str(assembly), as_of=AS_OF, accepted=accepted), warn=lambda _words: None)


def shortened(document: Review) -> str:
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Review) -> Iterator[str]:
    severity = {info.code: info.severity for info in document.checks}
    summary = document.summary
    yield f"open {dict(summary.open)}, accepted {summary.accepted}, met {summary.met}, unknown {summary.unknown}"
    for cluster in document.clusters:
        support = cluster.support
        yield f"cluster {cluster.name} {cluster.version}: {support.state}, {support.days_left} days left"
        for use in cluster.compute:
            yield f"  {use.kind}: {use.words}"
        picture = cluster.picture
        yield f"  api {picture.api} {', '.join(picture.api_from)}; logs {len(picture.logs)}; key {picture.key}"
        yield f"  add-ons {', '.join(picture.add_ons) or 'none'}"
        if picture.vpc:
            for subnet in picture.vpc.subnets:
                yield f"  subnet {subnet.name} {subnet.zone} {subnet.reach}: {', '.join(subnet.kinds) or 'no compute'}"
    for status in ("open", "accepted", "unknown"):
        found = [finding for finding in document.findings if _status(finding) == status]
        yield f"{status}:"
        yield from sorted(f"  {severity[item.code]} {item.code} {item.subject}: {item.detail}" for item in found)
    yield "ways in:"
    yield from (f"  {way.level} {way.words}" for way in document.exposure)
    yield "identities:"
    yield from (f"  {one.breadth} {one.what} {one.name} <- {'; '.join(one.assumed_by)}" for one in document.identities)
    yield f"cost floor {document.cost.total:.2f} {document.cost.currency}"
    yield from (
        f"  {one.kind}: {one.resources} resources for it alone" for one in document.owned if one.kind in document.kinds
    )


def _status(finding: Finding) -> str:
    return "accepted" if finding.status == "open" and not finding.counts_as_open else finding.status


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_our_environments(name: str, tmp_path: Path, snapshot: Any) -> None:
    assembled(name).copy(tmp_path / "cdk.out")
    document = reviewed(tmp_path / "cdk.out", ROOT / ".responsibility.yaml")
    assert document.summary.open["critical"] == document.summary.open["high"] == document.summary.open["medium"] == 0
    assert snapshot(extension_class=TextSnapshot) == shortened(document)


@pytest.mark.parametrize("name", ["cdk-v1", "cdk-v2-naive", "eks-blueprints", "eksctl"])
def test_templates_of_others(name: str, snapshot: Any) -> None:
    document = reviewed(FOREIGN / name)
    assert document.clusters
    assert snapshot(extension_class=TextSnapshot) == shortened(document)


def test_the_most_naive_app_is_told_everything() -> None:
    """Defaults only: the AL2 image, the open endpoint, missing logs and keys, forced updates, broad node and kubectl rights."""
    document = reviewed(FOREIGN / "cdk-v2-naive")
    still_open = {finding.code for finding in document.findings if finding.counts_as_open}
    assert {"EKR040", "EKR001", "EKR004", "EKR007", "EKR044", "EKR027", "EKR036"} <= still_open
