"""The playbook in its formats, and on the command line."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from typer.testing import CliRunner

from responsibility.cli.commands import app
from responsibility.reading.template import BadSource
from responsibility.render.playbook import FORMATS, render
from responsibility.upgrade.command import Request, playbook
from responsibility.upgrade.playbook import Playbook
from tests.responsibility.upgrade.upgrade_case import AS_OF, cluster, group, write
from tests.support.synth import assembled

FOREIGN = Path(__file__).parents[1] / "foreign"


class TextSnapshot(SingleFileSnapshotExtension):
    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


def test_text_of_demo(tmp_path: Path, snapshot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assembled("demo").copy(tmp_path / "cdk.out")
    monkeypatch.chdir(tmp_path)
    assert snapshot(extension_class=TextSnapshot) == render(playbook(Request("1.37", "cdk.out", AS_OF)), "text")


@pytest.mark.parametrize(
    ("name", "target"), [("cdk-v1", "1.34"), ("cdk-v2-naive", "1.35"), ("eks-blueprints", "1.35"), ("eksctl", "1.34")]
)
@pytest.mark.parametrize("format_", FORMATS)
def test_templates_of_others(name: str, target: str, format_: str) -> None:
    document = playbook(Request(target, str(FOREIGN / name), AS_OF))
    words = render(document, format_)
    assert document.clusters[0].name in words
    assert "eks:ListInsights" in words
    assert document.blocked == (name == "cdk-v2-naive"), "its nodes run Amazon Linux 2"


def test_every_format_says_the_same(tmp_path: Path) -> None:
    document = playbook(Request("1.37", write(tmp_path, {"Group": group(Version="1.35")}), AS_OF))
    for format_ in FORMATS:
        shown = re.sub(r"\s+", " ", render(document, format_).replace("&#39;", "'"))
        assert "runs 1.35, 1 behind its cluster's 1.36" in shown
        for step in document.clusters[0].steps:
            assert step.title in shown


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_loads_nothing_and_can_be_read_aloud(tmp_path: Path) -> None:
    evil = write(tmp_path, {"Group": group(NodegroupName="<script>alert(1)</script>")})
    page = _Page()
    words = render(playbook(Request("1.37", evil, AS_OF)), "html")
    page.feed(words)
    names = [tag for tag, _ in page.tags]
    assert "<script" not in words
    assert not {"img", "link", "script", "iframe"} & set(names)
    assert "describe-insight" in words.split("list-insights")[1].split("<br>")[1], "a command for each line"
    assert ("html", {"lang": "en"}) in page.tags
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    assert all(found.get("scope") for tag, found in page.tags if tag == "th")
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_json_is_the_document(tmp_path: Path) -> None:
    document = playbook(Request("1.37", write(tmp_path, {}), AS_OF))
    assert json.loads(render(document, "json"))["schema_version"] == "1.1"
    assert Playbook.model_validate_json(render(document, "json")) == document


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="writes text, md, html, json"):
        render(playbook(Request("1.37", write(tmp_path, {}), AS_OF)), "sarif")


def test_exit_codes(tmp_path: Path) -> None:
    where = write(tmp_path, {"Group": group()})
    run = CliRunner().invoke
    assert run(app, ["upgrade", "--to", "1.37", "--assembly", where]).exit_code == 0
    write(tmp_path, {"Group": group(Version="1.35")})
    page = tmp_path / "playbook.html"
    assert run(app, ["upgrade", "--to", "1.37", "--assembly", where, "--output", str(page)]).exit_code == 1
    assert page.read_text().startswith("<!doctype html>")
    write(tmp_path, {"Cluster": cluster("1.35")})
    refused = run(app, ["upgrade", "--to", "1.37", "--assembly", where])
    assert isinstance(refused.exception, BadSource)  # main() makes exit code 2 of it
