"""A synth is as slow as the messages that it sends to Node are many: each further cluster costs as many as the one before."""

from bench.messages import count
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
