"""A synth is as slow as the messages that it sends to Node are many: each further cluster costs as many as the one before."""

from pathlib import Path

from bench.messages import count
from bench.pairs import EACH, PAIRS, write_pair
from tests.support.kept import kept_value

CEILING = 47
"""Messages of a further cluster: 46 on 2026-11-28. Raise it with a reason."""


def test_each_further_cluster_sends_as_few_messages_as_the_one_before() -> None:
    three, nine, fifteen = (
        kept_value(f"messages of {clusters}", lambda clusters=clusters: sum(count(clusters).values()), of="project")
        for clusters in (3, 9, 15)
    )
    assert (nine - three) / 6 <= CEILING
    assert fifteen - nine == nine - three


def test_a_cluster_costs_as_many_messages_in_every_account_and_region(tmp_path: Path) -> None:
    first, last = (
        sum(count(write_pair(tmp_path / name, *pair, number)).values())
        for name, pair, number in (("first", PAIRS[0], 0), ("last", PAIRS[-1], 5))
    )
    assert first == last
    nowhere = kept_value(f"messages of {EACH}", lambda: sum(count(EACH).values()), of="project")
    assert first <= nowhere, "an account and a region that are known ask Node for no more"
