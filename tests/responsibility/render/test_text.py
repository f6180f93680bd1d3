"""The review in a terminal."""

import re
from io import StringIO

import pytest
from rich.console import Console

from responsibility.document import Coverage, VersionSupport
from responsibility.render.formats import FORMATS, render
from responsibility.render.text import text
from responsibility.render.words import clean, support_words
from tests.responsibility.render.sample import EVIL, empty, hostile, many, review


def shown(document, width: int = 80, **options) -> str:
    file = StringIO()
    text(document, Console(file=file, width=width, **options))
    return file.getvalue()


def test_what_matters_most_comes_first():
    words = shown(review(baseline=True))
    headings = re.findall(r"^(\S.*?) ─{3,}$", words, re.MULTILINE)
    assert headings == [
        "Review",
        "What changed since origin/main",
        "1 cluster",
        "Your open duties: 1 critical, 1 high, 2 low",
        "Accepted for now: 2",
        "Ways in",
        "Identities that may do much",
        "Cost floor: 171.11 USD a month",
        "Whose share",
        "What this review knows",
    ]
    severities = re.findall(r"^(CRITICAL|HIGH|MEDIUM|LOW) EKR", words.split("Your open duties")[1], re.MULTILINE)
    assert severities[:4] == ["CRITICAL", "HIGH", "LOW", "LOW"]


def test_a_change_that_loses_data_is_shouted():
    words = " ".join(shown(review(baseline=True)).split())
    assert "!!! 2 changes destroy what a resource holds" in words
    assert "!!! REPLACED, WHAT IT HOLDS IS LOST: AWS::EKS::Cluster demo/Cluster Properties.Name" in words
    assert "because of Properties.Name" in words
    assert "REPLACED, WHAT IT HOLDS IS LOST: AWS::EKS::Cluster demo/Logs" not in words  # it keeps its data
    assert "!!!" not in shown(review())


def test_a_duty_shows_what_was_found_where_and_the_fix():
    duty = shown(review()).split("CRITICAL EKR001")[1].split("HIGH")[0]
    assert "cluster demo: has no `Property0`" in duty
    assert "at demo/Cluster Properties.X (cdk.out/demo.template.json:12)" in duty
    assert "fix: Set `Property1` to <what is right>." in duty


def test_accepted_findings_stay_visible_and_expired_ones_are_open_again():
    words = shown(review())
    assert "cluster demo: until 2026-12-31: Needed until the move" in words.split("Accepted for now")[1]
    assert "acceptance ran out on 2026-10-31 for cluster demo" in words.split("Accepted for now")[0]


def test_sixty_clusters_stay_readable():
    words = shown(many(), width=100)
    assert "cluster team-00, cluster team-01, cluster team-02 and 57 more: has no `Property0`" in words
    assert words.count("EKR001") == 2  # newly open, and the duty: not sixty times
    assert "... and 40 more clusters" in words
    assert len(words.splitlines()) < 320


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "document", [review(baseline=True), many(), hostile(), empty()], ids=["usual", "many", "hostile", "empty"]
)
def test_no_line_is_wider_than_the_terminal(document, width):
    assert max(len(line) for line in shown(document, width).splitlines()) <= min(width, 120)


def test_colour_repeats_what_the_words_say():
    plain = shown(review(baseline=True))
    coloured = shown(review(baseline=True), force_terminal=True, color_system="truecolor")
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_template_cannot_drive_the_terminal_or_the_markup():
    words = shown(hostile(), width=120)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", words)
    assert "[bold]rich[/bold]" in words  # shown, not obeyed


def test_no_cluster_is_said():
    words = shown(empty())
    assert "No EKS cluster was found in it." in words
    assert "Open duties: none" in words


def test_what_is_unknown_is_counted():
    words = " ".join(shown(review(resolved=Coverage(computed=1, total=3, unknown=2))).split())
    assert "Property values: computed over 1 of 3; 2 unknown" in words
    assert "A parameter without a default" in words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("standard", "standard support until 2026-12-02 (1 day left)"),
        ("extended", "extended support until 2027-12-02 (1 day left)"),
        ("ended", "support ended 2027-12-02"),
        ("unknown", "support unknown"),
    ],
)
def test_version_support_in_words(state, words):
    support = VersionSupport(
        version="1.34", standard_until="2026-12-02", extended_until="2027-12-02", state=state, days_left=1
    )
    assert support_words(support) == words


def test_hostile_words_become_one_short_line():
    line = clean(EVIL * 100_000, 100)
    assert len(line) == 100
    assert line.isprintable()


def test_formats_are_named_by_their_suffixes_and_render():
    document = review()
    for name in ("text", "md", "json", "sarif"):
        assert FORMATS[name].suffixes
        assert render(document, name)
    assert type(document).model_validate_json(render(document, "json")) == document


def test_what_sixty_clusters_share_is_said_once():
    words = " ".join(shown(many(), width=120).split())
    assert "OPEN Kubernetes API: team-00/Cluster, team-01/Cluster, team-02/Cluster and 57 more: anybody" in words
    assert "admin: Admin, Admin, Admin and 57 more, assumed by anybody" in words
    assert "By compute: Managed nodes (EC2) 5,886.60, the cluster itself 4,380.00" in words
    assert "By cluster: team-00 171.11," in words
