"""The bill that the parts of the cost floor write their lines on, and what they read values with."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from math import isfinite
from typing import Any

from responsibility.document import CostLine
from responsibility.model import ComputeKind
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts, key_of
from responsibility.reading.kubernetes import objects
from responsibility.reading.network import Subnet
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, Unknown, unsaid
from responsibility.review.ownership import compute_kinds
from responsibility.review.prices import Prices


class Bill:
    """The lines so far, and what could not be priced."""

    def __init__(self, facts: Facts, prices: Prices) -> None:
        self.facts = facts
        self.prices = prices
        self.lines: list[CostLine] = []
        self.not_priced: list[str] = []
        self._kinds = compute_kinds(facts)
        self._clusters = _Clusters(facts)

    def add(
        self,
        price_id: str,
        fact: Fact,
        what: str,
        count: float,
        assumption: str,
        *,
        path: str = "",
        of: Fact | None = None,
        kind: ComputeKind | None = None,
        noun: str = "",
    ) -> None:
        """Adds a line for ``count`` things that cost ``price_id`` each; ``not_priced`` where the table has no such price.

        Args:
            price_id: an id of the price table.
            fact: the resource that shows it.
            what: what it is, in words.
            count: how many there are all month (of volumes: GB).
            assumption: what the number rests on.
            path: the property that says how many, for the evidence.
            of: the resource that it belongs to, where that is another (of a launch template: the node group).
            kind: the kind of compute it is there for, where the templates' references do not tell.
            noun: what an hour is one of, ``vCPU``.
        """
        price = self.prices.by_id.get(price_id)
        if price is None:
            self.skip(what, f"the price table has no `{price_id}`; add it with a price file")
            return
        owner = of or fact
        units = {"hour": f"{noun} hours".strip(), "month": "months", "gb-month": "GB-months", "fraction": "instances"}
        quantity = count * (self.prices.hours_per_month if price.unit == "hour" else 1)
        region = owner.resource.region or ""
        elsewhere = f"price of {price.region}, the stack is in {region}" if region not in ("", price.region) else ""
        self.lines.append(
            CostLine(
                what=what,
                cluster=self._clusters.of(owner),
                kind=kind or self._kinds.get(owner.resource.key),
                quantity=quantity,
                unit=units[price.unit],
                unit_price=price.amount,
                monthly=round(quantity * price.amount, 2),
                assumption="; ".join(part for part in (assumption, elsewhere) if part),
                source=price.source,
                verified=price.verified,
                evidence=fact.at(path),
            )
        )

    @cached_property
    def scalers(self) -> dict[tuple[str, str, str, str], Fact]:
        """The HorizontalPodAutoscalers, by cluster, namespace, kind and name of what they scale."""
        found: dict[tuple[str, str, str, str], Fact] = {}
        for scaler in objects(self.facts, "HorizontalPodAutoscaler"):
            kind, name = (str(scaler.resource.maybe(f"spec.scaleTargetRef.{key}")) for key in ("kind", "name"))
            found[scaler.cluster_key, scaler.namespace, kind, name] = scaler
        return found

    def skip(self, what: str, why: str) -> None:
        """Says that something is not in the sum, and why."""
        self.not_priced.append(f"{what}: {why}")

    def amount(self, price_id: str) -> str:
        """Returns a price in words, for what is not in the sum; empty where the table does not have it."""
        price = self.prices.by_id.get(price_id)
        return f"{price.amount:g} {self.prices.currency} per {price.unit}" if price else ""


class _Clusters:
    """Which cluster pays for a resource."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._users: dict[str, set[str]] = defaultdict(set)
        for cluster in facts.all(Cluster):
            for key in facts.waits_for(cluster.resource):
                self._users[key].add(cluster.resource.key)

    def of(self, fact: Fact) -> str:
        """Returns the cluster's key: of the one that it names, else of the only one that uses it or its VPC; else empty."""
        resource = fact.resource
        if cluster := self._facts.cluster_of(resource):
            return cluster
        for key in (resource.key, *self._networks(fact)):
            if len(users := self._users.get(key, ())) == 1:
                return next(iter(users))
        return ""

    def _networks(self, fact: Fact) -> list[str]:
        """Keys of the VPC that a resource is in; for an address, of the VPC of its NAT gateway."""
        if fact.resource.type == "AWS::EC2::EIP":
            gateways = self._facts.pointing("AWS::EC2::NatGateway", "AllocationId", fact)
            return [key for gateway in gateways[:1] for key in self._networks(gateway)]
        read = fact.resource.maybe
        subnets = self._facts.find_all(Subnet, read("SubnetId") or read("SubnetIds") or read("Subnets") or [])
        values = [read("VpcId"), *(subnet.resource.maybe("VpcId") for subnet in subnets[:1])]
        return [key for value in values if (key := key_of(value))]


def number(fact: Fact, path: str, default: float | None = None) -> float:
    """Returns a number of a resource; templates may write it as text. Raises UnknownValue."""
    value = fact.get(path, default)
    try:
        if isinstance(value, int | float | str) and isfinite(float(value)):
            return float(value)
    except (ValueError, OverflowError):
        pass
    reason = "is not there" if value is None else f"is not a number: {str(value)[:40]}"
    raise UnknownValue(fact.at(path), reason)


def word(fact: Fact, path: str, default: str = "") -> str:
    """Returns a text of a resource. Raises UnknownValue, also for what only the deploy knows."""
    value = fact.get(path, default)
    if isinstance(value, Reference) or unsaid(value):
        raise UnknownValue(fact.at(path), f"is given by {value}")
    return str(value)


def count_of(fact: Fact, path: str) -> int:
    """Returns how many items a list has. Raises UnknownValue for a list that is not known, or an item that may be none."""
    items: Any = fact.get(path, [])
    if not isinstance(items, list):
        return 1
    if any(isinstance(item, Unknown) for item in items):
        raise UnknownValue(fact.at(path), "holds values that are not known")
    return len(items)


def several(count: float, noun: str) -> str:
    """Returns ``2 nodes``, ``1 node``."""
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


_NAMES = {
    "AWS::AutoScaling::AutoScalingGroup": "Auto Scaling group",
    "AWS::EC2::Instance": "EC2 instance",
    "AWS::EC2::EIP": "Elastic IP address",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::VPCEndpoint": "VPC endpoint",
    "AWS::EC2::Volume": "EBS volume",
    "AWS::KMS::Key": "KMS key",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
}


def called(fact: Fact) -> str:
    """Returns what and which, in words, for facts without a class of their own as well."""
    if type(fact) is not Fact:
        return fact.words
    return f"{_NAMES.get(fact.resource.type, fact.resource.type)} {fact.name}"
