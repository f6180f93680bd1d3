"""`refresh prices`, over HTTP from a price list on loopback."""

import json
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from responsibility.account.errors import AccountError
from responsibility.account.price_list import question, refresh
from responsibility.reading.template import BadSource
from responsibility.review.prices import load_prices
from tests.responsibility.account.fake_eks import TOKEN, on_loopback, run

DAY = date(2026, 11, 24)
REGION = "eu-west-1"


def product(usage: str, amount: str, unit: str = "Hrs", **attributes: str) -> str:
    """A product as the price list has it: JSON in a text."""
    rate = {"unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": amount}}
    return json.dumps(
        {
            "product": {"sku": usage, "attributes": {"usagetype": usage, "regionCode": REGION, **attributes}},
            "terms": {"OnDemand": {"one": {"priceDimensions": {"rate": rate}}}},
        }
    )


class PriceList:
    """What the endpoint knows, and what it was asked."""

    def __init__(self) -> None:
        self.products: dict[str, list[str]] = {
            "AmazonEKS": [
                product("EU-AmazonEKS-Hours:perCluster", "0.1100000000"),
                product("EU-AmazonEKS-Hours:extendedSupport", "0.5000000000"),
                product("EU-Fargate-vCPU-Hours:perCPU", "0.0441600000"),
            ],
            "AmazonEC2": [product("EU-BoxUsage:m7i.large", "0.1123500000", instanceType="m7i.large")],
        }
        self.asked: list[dict[str, Any]] = []
        self.refused: tuple[int, str] | None = None

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(request)
        if self.refused:
            return self.refused[0], {"__type": self.refused[1], "message": "no"}
        wanted = {one["Field"]: one["Value"] for one in request["Filters"]}
        found = [
            text
            for text in self.products.get(request["ServiceCode"], [])
            if json.loads(text)["product"]["attributes"]["regionCode"] == wanted["regionCode"]
            and all(
                json.loads(text)["product"]["attributes"].get(key) == wanted[key]
                for key in ("instanceType", "operation")
                if key in wanted
            )
        ]
        return 200, {"FormatVersion": "aws_v1", "PriceList": found}


@pytest.fixture
def prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PriceList]:
    known = PriceList()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
            status, body = known.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with on_loopback(monkeypatch, tmp_path, "PRICING", Handler):
        yield known


def test_a_table_of_the_region_is_written_and_used(prices: PriceList, tmp_path: Path) -> None:
    file, said = tmp_path / "prices.yaml", []
    refresh(region=REGION, output=file, say=said.append, today=DAY)
    table = load_prices(file)
    assert table.by_id["eks-control-plane-standard"].amount == 0.11
    assert table.by_id["eks-control-plane-standard"].region == REGION
    assert table.by_id["fargate-vcpu-x86"].amount == 0.04416
    assert table.by_id["ec2:m7i.large"].amount == 0.11235
    assert table.by_id["nat-gateway"] == load_prices().by_id["nat-gateway"], "not in the price list: as it was"
    assert "  eks-control-plane-standard: 0.1 (us-east-1) → 0.11" in said
    assert "nat-gateway" in said[-1]
    assert {one["ServiceCode"] for one in prices.asked} >= {"AmazonEKS", "AmazonEC2", "AWSELB", "AmazonVPC"}


def test_two_amounts_are_none(prices: PriceList, tmp_path: Path) -> None:
    prices.products["AmazonEKS"].append(product("EU-AmazonEKS-Hours:perCluster", "0.2"))
    file = tmp_path / "prices.yaml"
    refresh(region=REGION, output=file, say=lambda _: None, today=DAY)
    assert load_prices(file).by_id["eks-control-plane-standard"] == load_prices().by_id["eks-control-plane-standard"]


def test_other_products_of_a_usage_do_not_hide_it(prices: PriceList, tmp_path: Path) -> None:
    prices.products["AWSELB"] = [
        product("LoadBalancerUsage", "0.0252", operation="LoadBalancing:Application"),
        product("TS-LoadBalancerUsage", "0.0056", operation="LoadBalancing:Application"),
        product("Outposts-LoadBalancerUsage", "0.03", operation="LoadBalancing:Application"),
    ]
    file = tmp_path / "prices.yaml"
    refresh(region=REGION, output=file, say=lambda _: None, today=DAY)
    assert load_prices(file).by_id["alb"].amount == 0.0252


OWN = """
region: eu-west-1
hours_per_month: 744
prices:
  - {id: nat-gateway, amount: 0.048, note: "ours: negotiated"}
  - {id: "ec2:m7i-flex.8xlarge", unit: hour, amount: 1.7}
  - {id: "ec2:c8gn.large", what: "ours: small", unit: hour, amount: 0.14}
"""


def test_what_a_file_has_of_its_own_stays(prices: PriceList, tmp_path: Path) -> None:
    prices.products["AmazonEC2"].append(product("EU-BoxUsage:c8gn.large", "0.1250000000", instanceType="c8gn.large"))
    file, said = tmp_path / "prices.yaml", []
    file.write_text(OWN)
    before = load_prices(file)
    refresh(region=REGION, output=file, say=said.append, today=DAY)
    after = load_prices(file)
    assert after.by_id["nat-gateway"] == before.by_id["nat-gateway"]
    assert after.by_id["ec2:m7i-flex.8xlarge"] == before.by_id["ec2:m7i-flex.8xlarge"]
    assert after.by_id["ec2:c8gn.large"].amount == 0.125
    assert after.by_id["ec2:c8gn.large"].what == "ours: small"
    assert after.hours_per_month == 744
    assert "  ec2:c8gn.large: 0.14 → 0.125" in said


def test_a_table_of_another_region_is_not_written_over(prices: PriceList, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(OWN.replace(REGION, "us-east-1"))
    text = file.read_text()
    with pytest.raises(BadSource, match="has prices of us-east-1, not of eu-west-1; name another file with --output"):
        refresh(region=REGION, output=file, say=lambda _: None, today=DAY)
    assert file.read_text() == text
    assert not prices.asked


@pytest.mark.usefixtures("prices")
def test_again_says_that_nothing_changed(tmp_path: Path) -> None:
    file, said = tmp_path / "prices.yaml", []
    refresh(region=REGION, output=file, say=said.append, today=DAY)
    text = file.read_text()
    said.clear()
    refresh(region=REGION, output=file, say=said.append, today=DAY)
    assert "  no amount changed" in said
    assert file.read_text() == text


@pytest.mark.usefixtures("prices")
def test_a_region_without_prices_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    with pytest.raises(AccountError, match="has no prices of a region called 'eu-wset-1'"):
        refresh(region="eu-wset-1", output=file, say=lambda _: None, today=DAY)
    assert list(tmp_path.iterdir()) == []


def test_who_may_not_ask_gets_one_line(
    prices: PriceList, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    prices.refused = (400, "AccessDeniedException")
    file = tmp_path / "prices.yaml"
    assert run(monkeypatch, "refresh", "prices", "--region", REGION, "--output", file) == 2
    error = capsys.readouterr().err
    assert "pricing:GetProducts" in error
    assert error.count("\n") == 1
    assert TOKEN not in error
    assert not file.exists()


def test_every_instance_type_of_the_table_can_be_asked_for() -> None:
    asked = {name for name in load_prices().by_id if question(name)}
    assert {name for name in load_prices().by_id if name.startswith("ec2:")} <= asked
    assert "eks-auto-mode-fee" not in asked, "a fraction has no product"
