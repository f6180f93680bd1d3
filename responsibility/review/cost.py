"""The monthly cost floor: what the templates' resources cost if nobody uses them.

A floor leaves out what depends on use (data, requests, nodes that start for pods) and says so. Prices are in
`data/prices.yaml`; another file can override them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from eks_facts.files import load
from eks_facts.versions import kubernetes_versions
from responsibility.document import Cost
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts, key_of
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.partly_known import says
from responsibility.reading.resource import UnknownValue
from responsibility.review import cost_fargate, cost_nodes
from responsibility.review.cost_bill import Bill, called, count_of, several, word
from responsibility.review.prices import Prices, load_prices
from responsibility.review.versions import minor, support

__all__ = ["Prices", "cost", "load_prices"]

_MADE_ELSEWHERE = ("Custom::", "AWS::CloudFormation::CustomResource")


def cost(facts: Facts, prices: Prices, as_of: date) -> Cost:
    """Returns the cost floor of everything that was read, as of a day: a version's support decides the cluster's price."""
    bill = Bill(facts, prices)
    for fact in facts.every():
        for price in _PRICED.get(fact.resource.type, ()):
            _try(bill, fact, price)
        if isinstance(fact, Cluster):
            _try(bill, fact, lambda bill, cluster: _control_plane(bill, cluster, as_of))
        if isinstance(fact, Workload):
            _try(bill, fact, cost_fargate.workload)
    bill.not_priced.extend(_general(bill, facts))
    return Cost(
        currency=prices.currency,
        region=prices.region,
        checked=prices.checked,
        hours_per_month=prices.hours_per_month,
        total=round(sum(line.monthly for line in bill.lines), 2),
        lines=bill.lines,
        not_priced=list(dict.fromkeys(bill.not_priced)),
    )


def _try(bill: Bill, fact: Fact, price: Callable[[Bill, Any], None]) -> None:
    """What cannot be priced is named, and why; the rest of the resource still is."""
    if fact.resource.conditional:
        bill.skip(called(fact), f"may not exist: {fact.resource.conditional}")
        return
    try:
        price(bill, fact)
    except UnknownValue as unknown:
        bill.skip(called(fact), f"{unknown.path} {unknown.reason}".strip())


def _older_than_any(version: str) -> bool:
    """Whether a version is older than each that EKS offers."""
    try:
        return minor(version) < min(minor(known) for known in kubernetes_versions())
    except ValueError:
        return False


def _control_plane(bill: Bill, cluster: Cluster, as_of: date) -> None:
    version = cluster.resource.maybe("Version", "")
    state = support(str(version), as_of).state
    if state == "unknown" and _older_than_any(str(version)):
        state = "ended"
    upgrades = cluster.resource.maybe("UpgradePolicy.SupportType", "EXTENDED") == "STANDARD"
    words = {
        "standard": f"Kubernetes {version} is in standard support",
        "extended": f"Kubernetes {version} is in extended support",
        "ended": f"Kubernetes {version} is out of support: AWS upgrades it to a version in extended support",
        "unknown": f"support of Kubernetes {version or 'its version'} is not known; standard support assumed",
    }[state]
    extended = state in ("extended", "ended") and not upgrades
    if state in ("extended", "ended") and upgrades:
        words += "; its upgrade policy STANDARD makes AWS upgrade it"
    bill.add(
        f"eks-control-plane-{'extended' if extended else 'standard'}",
        cluster,
        f"Control plane of {cluster.words}",
        1,
        words,
        path="Version" if version else "",
    )
    tier = word(cluster, "ControlPlaneScalingConfig.Tier", "standard").removeprefix("tier-")
    if tier != "standard":
        bill.add(
            f"eks-provisioned-control-plane-{tier}",
            cluster,
            f"Provisioned control plane {tier} of {cluster.words}",
            1,
            "comes on top of the cluster's fee",
            path="ControlPlaneScalingConfig.Tier",
        )


def _auto_mode(bill: Bill, cluster: Cluster) -> None:
    if not cluster.auto_mode:
        return
    bill.add(
        "eks-auto-mode-fee",
        cluster,
        f"Nodes of Auto Mode in {cluster.words}",
        0,
        "no node at least: nodes start when pods need them",
        path="ComputeConfig",
        kind="auto_mode",
    )
    bill.skip(
        f"Auto Mode in {cluster.words}",
        f"its nodes depend on the pods; its fee is {cost_nodes.auto_mode_fee(bill)}, on top of the instance",
    )


def _hybrid(bill: Bill, cluster: Cluster) -> None:
    if "hybrid_nodes" in cluster.kinds:
        each = bill.amount("hybrid-node-vcpu")
        bill.skip(
            f"hybrid nodes of {cluster.words}",
            f"charged by vCPU{f' ({each})' if each else ''}; how many there are is not known here",
        )


def _nat_gateway(bill: Bill, fact: Fact) -> None:
    public = word(fact, "ConnectivityType", "public") == "public"
    regional = word(fact, "AvailabilityMode", "zonal") == "regional"
    assumed = "one zone at least; each zone it reaches into costs the same" if regional else "data comes on top"
    bill.add("nat-gateway", fact, called(fact), 1, assumed)
    if public and not bill.facts.get(Fact, key_of(fact.resource.maybe("AllocationId"))):
        bill.add("public-ipv4", fact, f"Public IPv4 of {called(fact)}", 1, "1, not made by these templates")


def _address(bill: Bill, fact: Fact) -> None:
    bill.add("public-ipv4", fact, called(fact), 1, "charged in use or not")


def _endpoint(bill: Bill, fact: Fact) -> None:
    kind = word(fact, "VpcEndpointType", "Gateway")
    service = str(fact.resource.maybe("ServiceName", fact.name))
    if service.startswith("com.amazonaws.") and not says(service, ".vpce"):
        service = service.split(".", 3)[-1]
    if kind == "Interface":
        zones = max(count_of(fact, "SubnetIds"), 1)
        assumed = f"{several(zones, 'zone')}, one for each subnet; data comes on top"
        bill.add("interface-endpoint-az", fact, f"VPC endpoint {service}", zones, assumed, path="SubnetIds")
    elif kind != "Gateway":
        bill.skip(called(fact), f"the price table has no endpoints of type {kind}")


def _key(bill: Bill, fact: Fact) -> None:
    rotates = str(fact.resource.maybe("EnableKeyRotation")).lower() == "true"
    assumed = "requests come on top" + ("; so do the first two rotations" if rotates else "")
    bill.add("kms-key", fact, called(fact), 1, assumed)


def _load_balancer(bill: Bill, fact: Fact) -> None:
    kind = word(fact, "Type", "application")
    price = {"application": "alb", "network": "nlb"}.get(kind)
    if not price:
        bill.skip(called(fact), f"the price table has no load balancers of type {kind}")
        return
    bill.add(price, fact, f"{kind.capitalize()} load balancer {fact.name}", 1, "capacity units come on top")
    if word(fact, "Scheme", "internet-facing") == "internet-facing":
        # Subnets named by SubnetMappings may bring an Elastic IP address, which has a line of its own.
        zones = count_of(fact, "Subnets")
        if zones and word(fact, "IpAddressType", "ipv4") != "dualstack-without-public-ipv4":
            assumed = f"{zones}, one for each subnet"
            bill.add("public-ipv4", fact, f"Public IPv4 of load balancer {fact.name}", zones, assumed, path="Subnets")


def _attachment(bill: Bill, fact: Fact) -> None:
    bill.add("transit-gateway-attachment", fact, f"Transit gateway attachment {fact.name}", 1, "data comes on top")


def _controller_made(bill: Bill, fact: KubernetesObject) -> None:
    if fact.what == "Service" and fact.resource.maybe("spec.type") != "LoadBalancer":
        return
    each = bill.amount("alb")
    bill.skip(
        fact.words,
        f"a controller makes a load balancer for it{f' (from {each})' if each else ''}; several may share one",
    )


def _claim(bill: Bill, fact: KubernetesObject) -> None:
    asked = fact.resource.maybe("spec.resources.requests.storage", "?")
    bill.skip(fact.words, f"{asked}: the storage class decides what kind of volume it becomes")


def _general(bill: Bill, facts: Facts) -> Iterator[str]:
    """What is never in the sum, as far as these templates have it."""
    types = Counter(fact.resource.type for fact in facts.every() if "::" in fact.resource.type)
    for type_, count in sorted(types.items()):
        if why := _why_not(type_):
            yield f"{count} x {type_}: {why}"
    if any(cluster.resource.maybe("Logging.ClusterLogging.EnabledTypes") for cluster in facts.all(Cluster)):
        yield "Control plane logs: charged by what is written to CloudWatch Logs"
    if facts.of_type("AWS::EC2::NatGateway"):
        yield "Data through NAT gateways: charged by GB"
    yield "Data between Availability Zones and to the internet: charged by GB"
    regions = sorted({region for fact in facts.every() if (region := _region(fact)) is not None})
    price_regions = sorted({price.region for price in bill.prices.by_id.values()})
    if "" in regions:
        yield f"Differences between regions: some templates name none; prices are those of {', '.join(price_regions)}"
    if others := sorted({*regions} - {"", *price_regions}):
        yield f"Differences between regions: stacks in {', '.join(others)} are counted with the prices of {bill.prices.region}"


def _why_not(type_: str) -> str:
    """Returns why a type is not in the sum; empty: it is, or costs nothing."""
    billing = load("billing")
    if type_ in _PRICED or type_ in billing["by_use"]:
        return str(billing["by_use"].get(type_, ""))
    if type_ != _MADE_ELSEWHERE[1] and any(fnmatchcase(type_, free) for free in billing["free"]):
        return ""
    if type_.startswith(_MADE_ELSEWHERE):
        return "what its function makes is not in the templates"
    return "not in the price table"


def _region(fact: Fact) -> str | None:
    """The region of a resource; None for a file of Kubernetes objects."""
    return fact.resource.region


_OF_CLUSTER = (_auto_mode, _hybrid)
_PRICED: dict[str, tuple[Callable[[Bill, Any], None], ...]] = {
    "AWS::EKS::Cluster": _OF_CLUSTER,
    "AWS::EKS::Nodegroup": (cost_nodes.node_group, cost_nodes.node_group_volumes),
    "AWS::EKS::Addon": (cost_fargate.coredns,),
    "AWS::AutoScaling::AutoScalingGroup": (cost_nodes.scaling_group, cost_nodes.scaling_group_volumes),
    "AWS::EC2::Instance": (cost_nodes.instance, cost_nodes.instance_volumes),
    "AWS::EC2::Volume": (cost_nodes.volume,),
    "AWS::EC2::NatGateway": (_nat_gateway,),
    "AWS::EC2::EIP": (_address,),
    "AWS::EC2::VPCEndpoint": (_endpoint,),
    "AWS::EC2::TransitGatewayAttachment": (_attachment,),
    "AWS::EC2::TransitGatewayVpcAttachment": (_attachment,),
    "AWS::KMS::Key": (_key,),
    "AWS::KMS::ReplicaKey": (_key,),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (_load_balancer,),
    "NodePool": (cost_nodes.static_pool,),
    "Service": (_controller_made,),
    "Ingress": (_controller_made,),
    "Gateway": (_controller_made,),
    "PersistentVolumeClaim": (_claim,),
}
