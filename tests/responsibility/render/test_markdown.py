"""The review as a pull request comment."""

import re

import pytest
from markdown_it import MarkdownIt

from responsibility.render.markdown import LIMIT, MARKER, markdown
from responsibility.render.markup import code, link, prose, text
from tests.responsibility.render.sample import EVIL, empty, hostile, many, review


def test_a_workflow_finds_the_comment_and_a_reader_the_verdict():
    lines = markdown(review()).splitlines()
    assert lines[0] == MARKER == "<!-- eks-responsibility-review -->"
    assert lines[1] == "## EKS responsibility review: 1 critical, 1 high, 2 low open"
    assert markdown(empty()).splitlines()[1].endswith("nothing open")


def test_what_changed_comes_first_and_is_not_folded():
    words = markdown(review(baseline=True))
    before_folds = words.split("<details>")[0]
    assert (
        "> [!CAUTION]\n> **2 changes destroy what a resource holds:**\n> - **REPLACED** `AWS::EKS::Cluster`"
        in before_folds
    )
    assert "(cluster demo: has no `Property0`)" in before_folds
    assert "- **newly open** `EKR001`" in before_folds
    assert "- **no longer open** `EKR005`" in before_folds
    assert "Managed nodes (EC2) is new in demo/Cluster: components Shared 1" in before_folds
    assert "cost floor +71.11 USD a month" in before_folds
    assert "CAUTION" not in markdown(review())


def test_every_part_of_the_review_is_there_folded():
    titles = re.findall(r"<details><summary>(.*?)</summary>\n\n", markdown(review()))
    assert [title.split(":")[0] for title in titles] == [
        "Your open duties",
        "Accepted for now",
        "Who is responsible",
        "Ways in",
        "Identities",
        "Cost floor",
        "Clusters and version support",
        "Whose share",
        "What this review knows",
    ]


def test_the_matrix_shows_owner_and_open_duties():
    assert "| kubelet | AWS (1 open) | Shared (1 open) | Shared (1 open) |" in markdown(review())
    assert "| Block storage | Shared (1 open) | You (1 open) | Not available |" in markdown(review())


def test_tables_have_as_many_cells_as_columns_whatever_a_template_says():
    for block in re.findall(r"(?:^\|.*\n)+", markdown(hostile()), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


@pytest.mark.parametrize("written", [text, prose, code])
def test_nothing_of_a_template_is_markup(written):
    words = written(EVIL, 1000)
    outside = re.sub(r"</?code>", "", re.sub(r"`[^`]*`", "", words))
    assert "<" not in outside
    assert ">" not in outside
    assert "\n" not in words
    assert not re.search(r"@\w|(?<!&)#\d|://|www\.e|\*\*|~~|\]\(|\|", outside)


def test_a_document_full_of_hostile_strings_has_only_our_html():
    words = re.sub(r"`[^`\n]*`", "", markdown(hostile()))
    tags = set(re.findall(r"<[^>]*>", words))
    assert tags == {MARKER, "<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>"}
    assert words.count("<details>") == words.count("</details>")
    assert "@octocat" not in words


def test_only_a_plain_address_becomes_a_link():
    assert link("AWS", "https://docs.aws.amazon.com/a.html") == "[AWS](https://docs.aws.amazon.com/a.html)"
    assert link("AWS", "javascript:alert(1)") == "AWS"
    assert link("AWS", "https://x.example/) [b](https://y.example/") == "AWS"


def test_backticks_mark_code_and_an_odd_one_marks_nothing():
    assert prose("set `a*b` to `c`") == "set `a*b` to `c`"
    assert prose("it`s *") == "it&#96;s &#42;"
    assert code("a|b") == "<code>a&#124;b</code>"


@pytest.mark.parametrize(
    "extra", ["", " long" * 1_000, EVIL * 10, "\u20ac" * 2_000], ids=["plain", "long", "hostile", "wide"]
)
def test_it_always_fits_into_a_comment(extra):
    words = markdown(review(clusters=60, number=70, text=extra, baseline=True))
    assert len(words.encode()) <= LIMIT < 65_536
    assert words.count("<details>") == words.count("</details>")
    assert words.endswith(
        "The whole review: `python -m responsibility review` with `--format html` or `--format json`.\n"
    )


def test_what_does_not_fit_is_dropped_from_the_least_important_on_and_named():
    words = markdown(review(clusters=60, number=70, text=" long" * 60, baseline=True))
    assert re.search(r"Left out to fit into a comment: rows of \d sections \(.*What this review knows.*\)", words)
    known = words.split("<summary>What this review knows")[1]
    assert "895 of 900 rows are left out here." in known, (
        "the questions without an answer, and the values that are not known"
    )
    assert "CRITICAL" in words.split("<summary>Your open duties")[1]
    assert "Left out" not in markdown(review(baseline=True))


def test_many_clusters_share_a_line():
    words = markdown(many())
    assert "cluster team-00, cluster team-01, cluster team-02 and 57 more: has no `Property0`" in words


@pytest.mark.parametrize(
    "document", [hostile(), review(clusters=60, number=70, text=EVIL, baseline=True)], ids=["one", "many"]
)
def test_a_parser_finds_no_more_than_our_markup(document):
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown(document))
    assert set(re.findall(r'href="(.*?)"', page)) <= {"https://docs.aws.amazon.com/eks/latest/userguide/security.html"}
    assert not re.search(r"<(script|img|h1|s)\b", page)
    assert not re.search(r"(?<!&)#\d|@octocat", re.sub(r"<code>.*?</code>", "", page))
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        assert len({len(re.findall("<t[hd]>", line)) for line in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}) == 1
