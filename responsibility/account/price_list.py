"""`refresh prices`: what AWS charges in a region, from its price list into a table that `review --prices` lays over the shipped one.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from responsibility.account import committed
from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.template import BadSource
from responsibility.review.prices import Price, load_prices
from safe_io.output import write

ENDPOINT_REGION = "us-east-1"
"""One of the few that the price list is served from: https://docs.aws.amazon.com/general/latest/gr/billing.html"""
SOURCE = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"
_UNITS = {
    "Hrs": "hour",
    "Hours": "hour",
    "hours": "hour",
    "GB-Mo": "gb-month",
    "GB-Hours": "hour",
    "vCPU-Hours": "hour",
}


class _Rate(BaseModel):
    pricePerUnit: dict[str, Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,20})?$")]]  # noqa: N815 - AWS's names
    unit: str
    beginRange: str = "0"  # noqa: N815


class _Term(BaseModel):
    priceDimensions: dict[str, _Rate]  # noqa: N815


class _Terms(BaseModel):
    OnDemand: dict[str, _Term] = {}


class _Product(BaseModel):
    attributes: dict[str, Any]


class _Item(BaseModel):
    """A product of the price list, as far as it is read."""

    product: _Product
    terms: _Terms


@dataclass(frozen=True)
class Question:
    """What to ask the price list for."""

    service: str
    usage: str = ""
    """The usage type, without the prefix of its region; empty: the filters are enough."""
    filters: Mapping[str, str] = field(default_factory=dict)

    def about(self, product: _Product) -> bool:
        """Whether a product is the one that is meant.

        Usage types begin with their region (`USE1-`, `EU-`) or with none. Other letters are another product:
        `TS-LoadBalancerUsage` is the hour of a trust store.
        """
        found = str(product.attributes.get("usagetype", ""))
        return not self.usage or bool(re.fullmatch(rf"(EU-|[A-Z]{{3}}\d-)?{re.escape(self.usage)}", found))


_BALANCER = "LoadBalancerUsage"
QUESTIONS: Mapping[str, Question] = {
    "eks-control-plane-standard": Question("AmazonEKS", "AmazonEKS-Hours:perCluster"),
    "fargate-vcpu-x86": Question("AmazonEKS", "Fargate-vCPU-Hours:perCPU"),
    "fargate-gb-x86": Question("AmazonEKS", "Fargate-GB-Hours"),
    "nat-gateway": Question("AmazonEC2", "NatGateway-Hours", {"productFamily": "NAT Gateway"}),
    "interface-endpoint-az": Question("AmazonVPC", "VpcEndpoint-Hours"),
    "public-ipv4": Question("AmazonVPC", "PublicIPv4:InUseAddress"),
    "alb": Question("AWSELB", _BALANCER, {"operation": "LoadBalancing:Application"}),
    "nlb": Question("AWSELB", _BALANCER, {"operation": "LoadBalancing:Network"}),
    "ebs-gp3": Question("AmazonEC2", "EBS:VolumeUsage.gp3", {"volumeApiName": "gp3", "productFamily": "Storage"}),
    "ebs-gp2": Question("AmazonEC2", "EBS:VolumeUsage.gp2", {"volumeApiName": "gp2", "productFamily": "Storage"}),
    "cloudwatch-logs-storage": Question("AmazonCloudWatch", "TimedStorage-ByteHrs"),
}
"""By the id of a price. The others of the shipped table are surcharges and fractions that are no single product."""
_ON_DEMAND = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}


def question(identity: str) -> Question | None:
    """Returns what to ask for a price, or None: it cannot be asked for."""
    if identity.startswith("ec2:"):
        return Question("AmazonEC2", filters={**_ON_DEMAND, "instanceType": identity.removeprefix("ec2:")})
    return QUESTIONS.get(identity)


def refresh(
    *,
    region: str,
    profile: str | None = None,
    output: Path | None = None,
    say: Callable[[str], None],
    progress: Callable[[str], None] = lambda _: None,
    today: date | None = None,
) -> None:
    """Writes a price table of a region. Raises BadSource: nothing was written then.

    What the file had of its own, and the price list does not have, stays in it.

    Args:
        region: whose prices.
        profile: default: AWS_PROFILE, then boto3's own chain.
        output: file; prices.REGION.yaml if not given.
        say: gets what changed, and what did not.
        progress: gets a message if it takes long.
        today: the day to write into the table.
    """
    file = output or Path(f"prices.{region}.yaml")
    shipped = load_prices()
    before = load_prices(file) if file.exists() else shipped
    if before is not shipped and before.region != region:
        raise BadSource(f"{file}: has prices of {before.region}, not of {region}; name another file with --output")
    with committed.kept(file):
        account = Account("refresh prices", region=ENDPOINT_REGION, profile=profile, progress=progress)
        found = {
            price.id: amount
            for price in before.by_id.values()
            if (amount := _amount(account, price, region)) is not None
        }
        if not found:
            raise AccountError(f"pricing:GetProducts: has no prices of a region called {region!r}")
    day = today or datetime.now(UTC).date()
    own = [price for name, price in before.by_id.items() if name in found or price != shipped.by_id.get(name)]
    rows = [_row(price, found.get(price.id), known=price.id in shipped.by_id) for price in own]
    write(file, _table(rows, before.hours_per_month, region, day))
    say(f"{file}: {len(found)} prices of {region}, checked {day}. `review --prices {file}` uses them")
    for line in _changes(before.by_id, found, region) or ["  no amount changed"]:
        say(line)
    kept = sorted(set(before.by_id) - set(found))
    say(f"Not in the price list in a form that is sure, so as they were: {', '.join(kept) or 'none'}")


def _amount(account: Account, price: Price, region: str) -> Decimal | None:
    """Returns what the price list says in dollars; None = not one clear amount."""
    asked = question(price.id)
    if not asked:
        return None
    filters = [
        {"Type": "TERM_MATCH", "Field": key, "Value": value}
        for key, value in {"regionCode": region, **asked.filters}.items()
    ]
    items = account.items("pricing", "get_products", "PriceList", ServiceCode=asked.service, Filters=filters)
    products = [item for text in items if asked.about((item := _item(text)).product)]
    amounts = {amount for item in products for amount in _rates(item, price.unit)}
    return amounts.pop() if len(amounts) == 1 else None


def _item(text: str) -> _Item:
    """Returns a product of the price list. Raises AccountError."""
    try:
        return _Item.model_validate(json_in(text))
    except NoData:
        why = "no JSON"
    except ValidationError as error:
        why = ".".join(str(step) for step in error.errors()[0]["loc"])
    raise AccountError(f"pricing:GetProducts: answered a product of another shape ({why})")


def _rates(item: _Item, unit: str) -> Iterator[Decimal]:
    """Yields the amounts of an on-demand product for the first unit of it; of tiers, the first counts."""
    for term in item.terms.OnDemand.values():
        for rate in term.priceDimensions.values():
            amount = Decimal(rate.pricePerUnit.get("USD", "0"))
            if amount and rate.beginRange == "0" and _UNITS.get(rate.unit, unit) == unit:
                yield amount


def _row(price: Price, amount: Decimal | None, *, known: bool) -> str:
    """Returns an entry: of the new amount, or as it was. One that the shipped table does not know says what it is."""
    if amount is None:
        return json.dumps(price.model_dump(exclude={"region"}), ensure_ascii=False)
    what = "" if known else f"what: {json.dumps(price.what, ensure_ascii=False)}, unit: {price.unit}, "
    return f'{{id: "{price.id}", {what}amount: {amount.normalize():f}, source: "{SOURCE}"}}'


def _table(rows: list[str], hours: float, region: str, day: date) -> str:
    command = ["refresh", "prices", "--region", region]
    return "".join(
        [
            committed.written_by(command, day, ENDPOINT_REGION, f"prices of {region}", who="AWS's price list"),
            f"currency: USD\nregion: {region}\nhours_per_month: {hours:g}\nchecked: {day}\nprices:\n",
            *(f"  - {row}\n" for row in rows),
        ]
    )


def _changes(before: Mapping[str, Price], found: Mapping[str, Decimal], region: str) -> list[str]:
    lines = []
    for name, amount in found.items():
        old = before[name]
        if Decimal(str(old.amount)) != amount:
            where = "" if old.region == region else f" ({old.region})"
            lines.append(f"  {name}: {old.amount:g}{where} → {amount.normalize():f}")
    return lines
