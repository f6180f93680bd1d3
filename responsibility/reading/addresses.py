"""Which instances get a public address, and which rules let whom in: read so that what is not known is never a no."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.kubernetes import objects
from responsibility.reading.network import Rule, Subnet, is_internet
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, Unknown, unsaid


def known_source(rule: Rule) -> object:
    """Returns whom a rule lets in; of a prefix list, a range of the internet if one is in it. Raises UnknownValue."""
    prefixes = rule.owner.facts.find(Fact, rule.source) if isinstance(rule.source, Reference) else None
    if prefixes and prefixes.resource.type == "AWS::EC2::PrefixList":
        ranges = [prefixes.get(f"{path}.Cidr") for path, _ in prefixes.resource.items("Entries")]
        return next(filter(is_internet, ranges), rule.source)
    if isinstance(rule.source, str) and rule.source.startswith("pl-"):
        raise UnknownValue(rule.owner.at(rule.path), f"which ranges are in prefix list {rule.source} was not read")
    if unsaid(rule.source):
        raise UnknownValue(rule.owner.at(rule.path), "who is let in is not known here")
    return rule.source


def from_internet(rules: Iterable[Rule]) -> tuple[list[tuple[Rule, object]], UnknownValue | None]:
    """Returns the rules that let in the internet, each with the range, and the first of which that is not known."""
    found: list[tuple[Rule, object]] = []
    first: UnknownValue | None = None
    for rule in rules:
        try:
            if is_internet(source := known_source(rule)):
                found.append((rule, source))
        except UnknownValue as unknown:
            first = first or unknown
    return found, first


def public_address(instance: Fact) -> str:
    """Returns why an EC2 instance has a public address; empty = it has none. Raises UnknownValue.

    An Elastic IP; else what the first interface says, the instance's or its launch template's; else what the subnet gives
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html).
    """
    if _has_elastic_ip(instance):
        return "an Elastic IP"
    first = next(_interfaces(instance), {})
    asked = first.get("AssociatePublicIpAddress")
    if isinstance(asked, Unknown):
        raise UnknownValue(instance.at("NetworkInterfaces"), asked.reason)
    if asked is not None:
        return "its interface asks for one" if str(asked).lower() == "true" else ""
    if first.get("NetworkInterfaceId"):
        return ""  # an interface of its own, which only an Elastic IP makes public
    where = first.get("SubnetId") or instance.get("SubnetId")
    if where is None:
        raise UnknownValue(
            instance.at("SubnetId"), "it names no subnet: the default one of the account gives addresses"
        )
    subnet = instance.facts.find(Subnet, where)
    if subnet is None:
        raise UnknownValue(instance.at("SubnetId"), "its subnet is not in what was read")
    return f"subnet {subnet.name} gives one" if subnet.public_addresses else ""


def _interfaces(instance: Fact) -> Iterator[dict[str, Any]]:
    """Yields the interfaces of an instance, or those of its launch template, the first one first. Raises UnknownValue."""
    sources = [(instance, "NetworkInterfaces")]
    named = instance.get("LaunchTemplate", {})
    template = instance.facts.find(Fact, named.get("LaunchTemplateId") or named.get("LaunchTemplateName"))
    if template:
        sources.append((template, "LaunchTemplateData.NetworkInterfaces"))
    elif named:
        raise UnknownValue(instance.at("LaunchTemplate"), "its launch template is not in what was read")
    for source, path in sources:
        found = [item for _, item in source.resource.items(path) if isinstance(item, dict)]
        yield from sorted(found, key=lambda item: str(item.get("DeviceIndex", "0")))


def _has_elastic_ip(instance: Fact) -> bool:
    facts, key = instance.facts, instance.resource.key
    interfaces = {key_of(item.get("NetworkInterfaceId")) for item in _interfaces(instance)} - {""}
    for attachment in facts.pointing("AWS::EC2::NetworkInterfaceAttachment", "InstanceId", instance):
        interfaces.add(key_of(attachment.resource.maybe("NetworkInterfaceId")))
    addresses = [*facts.of_type("AWS::EC2::EIP"), *facts.of_type("AWS::EC2::EIPAssociation")]
    return any(
        key_of(address.resource.maybe("InstanceId")) == key
        or key_of(address.resource.maybe("NetworkInterfaceId")) in interfaces
        for address in addresses
    )


def auto_mode_in_public(cluster: Cluster) -> list[Subnet]:
    """Returns the public subnets of a cluster in which Auto Mode may start nodes: its own NodeClass takes the cluster's."""
    own = [item for item in objects(cluster.facts, "NodeClass") if item.cluster_key == cluster.resource.key]
    pools = cluster.resource.maybe("ComputeConfig.NodePools", [])
    return [subnet for subnet in cluster.subnets if subnet.reach == "public"] if pools or not own else []
