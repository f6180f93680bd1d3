"""The model, printed."""

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from responsibility.render.model import EXPLAIN_FORMATS, MATRIX_FORMATS, explain, matrix
from tests.responsibility.render.sample import KINDS, checks, model

LABS = [SimpleNamespace(title="Patch the nodes", path="docs/labs/patch.md")]


def test_text_names_the_owner_of_each_cell():
    words = matrix(model(), KINDS, "text", 80)
    rows = {line.split()[0]: re.split(r"\s{2,}", line.strip()) for line in words.splitlines() if line.strip()}
    assert rows["kubelet"][1:] == ["AWS", "Shared", "Shared"]
    assert rows["node-os"][1:] == ["AWS", "Shared *", "AWS ?"]
    assert rows["block-storage"][1:] == ["Shared", "You", "Not available"]
    assert "WORKER NODE" in words
    assert "* AWS's own pages disagree" in words
    assert max(map(len, words.splitlines())) <= 80


def test_a_wide_terminal_shows_names_too():
    assert "node-os          Node operating system" in matrix(model(), KINDS, "text", 120)


def test_one_column_or_few_cells_are_told_in_sentences():
    words = " ".join(matrix(model(), ["fargate"], "text", 100).split())
    assert "AWS does its part of kubelet." in words
    words = matrix(model()[:1], KINDS, "text", 120)
    assert "You do `your` part of kubelet." in words
    assert "Managed nodes" in words


def test_no_marks_are_explained_that_do_not_stand_there():
    words = matrix(model()[:1], KINDS, "text", 100)
    assert "disagree" not in words


def test_markdown_links_each_owner_to_its_source():
    words = matrix(model(), KINDS, "md")
    assert "| kubelet | [AWS](https://docs.aws.amazon.com/eks/latest/userguide/security.html) |" in words
    assert len({line.count("|") for line in words.splitlines() if line.startswith("|")}) == 1


def test_json_has_every_field_of_the_cells_asked_for():
    body = json.loads(matrix(model(), ["fargate"], "json"))
    assert body[1]["id"] == "node-os"
    assert list(body[1]["cells"]) == ["fargate"]
    assert body[1]["cells"]["fargate"]["checked"] == "2026-11-24"
    assert body[1]["cells"]["fargate"]["unverified"] == "The limit was not found."


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_html_is_one_page_that_loads_nothing_and_has_headers():
    words = matrix(model(), KINDS, "html")
    page = _Page()
    page.feed(words)
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert "url(" not in words
    assert [attrs["scope"] for tag, attrs in page.tags if tag == "th"][:4] == ["col"] * 4
    assert names.count("td") == len(model()) * len(KINDS) == names.count("details")
    assert page.tags[0] == ("html", {"lang": "en"})
    assert "AWS&#39;s pages disagree" in words or "AWS's pages disagree" in words


def test_html_escapes():
    row = model()[0]
    evil = type(row)(row.id, "<script>x</script>", "a & b", row.group, row.cells)
    words = matrix([evil], KINDS, "html")
    assert "<script>" not in words
    assert "a &amp; b" in words


def test_explain_tells_the_whole_story():
    words = explain(model()[1], checks(2), LABS, "text", 80)
    for part in (
        "Node operating system (node-os), Worker node",
        "Managed nodes (EC2): Shared",
        "AWS does its part of node-os.",
        "You do `your` part of node-os.",
        "Disagreement  eks-compute.html says customer.",
        "Not verified  The limit was not found.",
        "(checked 2026-11-24)",
        "EKR001        Duty 1 is done (critical).",
        "Patch the nodes: docs/labs/patch.md",
    ):
        assert part in words
    assert max(map(len, words.splitlines())) <= 80


def test_explain_in_markdown_and_json():
    words = explain(model()[1], checks(2), LABS, "md")
    assert "## Managed nodes (EC2): Shared" in words
    assert "| EKR001 | Duty 1 is done | critical | Set `Property1` to &#60;what is right&#62;. |" in words
    assert "- [Patch the nodes](<docs/labs/patch.md>)" in words
    body = json.loads(explain(model()[1], checks(2), LABS, "json"))
    assert [check["code"] for check in body["checks"]] == ["EKR001", "EKR002"]
    assert body["labs"] == [{"title": "Patch the nodes", "path": "docs/labs/patch.md"}]
    assert body["cells"]["managed_nodes"]["disagree"]


def test_explain_without_checks_and_labs_has_no_empty_headings():
    for name in EXPLAIN_FORMATS[:2]:
        assert not re.search("Checks|Labs", explain(model()[0], [], [], name))


def test_an_unknown_format_is_refused():
    assert "sarif" not in MATRIX_FORMATS
    with pytest.raises(ValueError, match="sarif"):
        matrix(model(), KINDS, "sarif")
    with pytest.raises(ValueError, match="html"):
        explain(model()[0], [], [], "html")
