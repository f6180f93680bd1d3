"""The price table, and a file of one's own over it."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.reading.template import BadSource
from responsibility.review.cost import load_prices
from tests.responsibility.review.cost_templates import cluster, nodes, only, priced


def test_a_file_of_ones_own_lies_over_the_table(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(
        "region: eu-central-1\nchecked: 2026-01-31\nhours_per_month: 720\nprices:\n"
        "- {id: eks-control-plane-standard, amount: 0.2}\n- {id: 'ec2:p9.giant', unit: hour, amount: 10}\n"
    )
    found = priced(nodes(InstanceTypes=["p9.giant"]), region="eu-central-1", file=file)
    line = only(found, "Control plane")
    assert (line.monthly, line.source, line.verified) == (144, str(file), True)
    assert "us-east-1" not in line.assumption
    assert "price of us-east-1" in only(found, "Root volumes").assumption
    assert only(found, "p9.giant").monthly == 7200
    assert (found.region, found.checked, found.hours_per_month) == ("eu-central-1", date(2026, 1, 31), 720)
    assert only(priced(cluster()), "Control plane").unit_price == 0.1, "the shipped table is as it was"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "prices: [{id: nat-gateway, amount: free}]",
            r"prices\[0\]\.amount: \(nat-gateway\) .*number.*an entry has `id`",
        ),
        ("prices: [{id: nat-gateway, amount: -1}]", r"prices\[0\]\.amount: \(nat-gateway\)"),
        ("prices: [{id: nat-gateway, prize: 1}]", r"prices\[0\]\.prize: \(nat-gateway\) Extra inputs"),
        ("prices: [{amount: 1}]", r"prices\[0\]\.id: Field required"),
        ("prices: [{id: nat-gateway, unit: month, amount: 1}]", "unit: month, but it is charged by hour"),
        ("prices: [{id: new-thing, amount: 1}]", "needs `amount` and `unit`"),
        ("prices: [{id: alb, amount: 1}, {id: alb, amount: 2}]", r"prices\.1 \(alb\): is there twice"),
        ("currency: EUR", "currency: is EUR, but the table beneath is in USD"),
        ("hours_per_month: 9000", "hours_per_month: .*allowed are `currency`"),
        ("[1, 2]", "the file: .*allowed are"),
        ("prices: [", "is not YAML"),
    ],
)
def test_a_mistake_in_the_file_gets_file_entry_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(BadSource, match=message) as error:
        load_prices(file)
    assert str(error.value).startswith(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="cannot be read: No such file"):
        load_prices(tmp_path / "none.yaml")


def test_every_shipped_price_has_a_source() -> None:
    prices = load_prices().by_id.values()
    assert [price.id for price in prices if not price.source.startswith("https://")] == []
    assert all(price.amount > 0 for price in prices)
