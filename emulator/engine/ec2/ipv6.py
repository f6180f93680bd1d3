"""IPv6 in a VPC, which ministack lacks: Amazon's block of a VPC, blocks of its subnets, egress-only internet gateways."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from emulator.engine import port
from emulator.engine.ec2.answers import Record, answer_describe, shaped
from emulator.engine.provider import Attributes, Place, Properties, ResourceType


def install() -> None:
    """Adds IPv6 to ministack's VPCs and subnets, and to what describes them."""
    _after("AWS::EC2::VPC", _vpc_attributes)
    _after("AWS::EC2::Subnet", _subnet_block)
    _describe(
        "xml_of_vpc", _described_vpc, "Vpc", replacing=r"(?s)<cidrBlockAssociationSet>.*</cidrBlockAssociationSet>"
    )
    _describe(
        "xml_of_subnet",
        _described_subnet,
        "Subnet",
        replacing="<assignIpv6AddressOnCreation>false</assignIpv6AddressOnCreation>",
    )
    answer_describe("DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGatewayId", _described_gateways)


def resource_types() -> dict[str, ResourceType]:
    """Returns the types that are IPv6's alone."""
    return {"AWS::EC2::EgressOnlyInternetGateway": ResourceType(_create_gateway, _delete_gateway, _update_gateway)}


def associate(vpc_id: str) -> str:
    """Gives a VPC a /56 of Amazon's; returns the association's id."""
    vpc = port.vpcs[vpc_id]
    if blocks(vpc):
        raise ValueError(f"The vpc {vpc_id} has an Amazon-provided IPv6 CIDR block already")
    network = secrets.token_hex(3)
    # The list that Fn::GetAtt gives as Ipv6CidrBlocks.
    blocks(vpc).append(f"2600:1f18:{network[:4]}:{network[4:]}00::/56")
    return _association(vpc)


def blocks(vpc: Record) -> list[str]:
    """Returns the IPv6 blocks of a VPC, to be changed in place."""
    found: list[str] = vpc.setdefault("_ipv6_blocks", [])
    return found


def dissociate(vpc_id: str) -> None:
    """Takes a VPC's IPv6 block back. Raises ValueError: a subnet has a part of it."""
    if any(one["VpcId"] == vpc_id and one.get("_ipv6_block") for one in port.subnets.values()):
        raise ValueError(f"The vpc {vpc_id} has subnets with IPv6 CIDR blocks")
    blocks(port.vpcs.get(vpc_id, {})).clear()


def _after(kind: str, follow: Callable[[str, Properties], Attributes]) -> None:
    """Lets ``follow`` work on what a type's handlers have made or changed, and say more attributes."""
    handlers = port.resource_handlers[kind] = dict(port.resource_handlers[kind])

    def wrapped(original: Any, position: int) -> Any:
        def run(*arguments: Any) -> Any:
            physical_id, attributes, *rest = original(*arguments)
            return (physical_id, {**attributes, **follow(physical_id, arguments[position])}, *rest)

        return run

    handlers["create"], handlers["update"] = wrapped(handlers["create"], 1), wrapped(handlers["update"], 2)


def _vpc_attributes(vpc_id: str, _props: Properties) -> Attributes:
    return {"Ipv6CidrBlocks": blocks(port.vpcs[vpc_id])}


def _subnet_block(subnet_id: str, props: Properties) -> Attributes:
    block = props.get("Ipv6CidrBlock")
    port.subnets[subnet_id] |= {"_ipv6_block": block, "_ipv6_at_once": bool(props.get("AssignIpv6AddressOnCreation"))}
    return {"Ipv6CidrBlocks": [block] if block else []}


def _describe(function: str, members: Callable[[Record], Record], shape: str, replacing: str = "") -> None:
    """Adds members to what a function of ministack writes about a record, in the place of what a pattern finds."""

    def replacement(original: Any) -> Any:
        def described(record: Record, tag: str = "item") -> str:
            xml = re.sub(replacing, "", original(record, tag)) if replacing else original(record, tag)
            end = f"</{tag}>"
            return f"{xml.removesuffix(end)}{shaped(members(record), shape)}{end}"

        return described

    port.replace(function, replacement)


def _described_vpc(vpc: Record) -> Record:
    """All blocks of a VPC; ministack answers only the first."""
    state = {"State": "associated"}
    first = {
        "AssociationId": vpc.get("_cidr_assoc_id", f"vpc-cidr-assoc-{vpc['VpcId'][4:]}"),
        "CidrBlock": vpc["CidrBlock"],
        "CidrBlockState": state,
    }
    ipv6 = [
        {"AssociationId": _association(vpc), "Ipv6CidrBlock": one, "Ipv6CidrBlockState": state, "Ipv6Pool": "Amazon"}
        for one in blocks(vpc)
    ]
    return {
        "CidrBlockAssociationSet": [first, *vpc.get("CidrBlockAssociations", [])],
        "Ipv6CidrBlockAssociationSet": ipv6,
    }


def _association(vpc: Record) -> str:
    return f"vpc-cidr-assoc-{vpc['VpcId'][4:]}6"


def _described_subnet(subnet: Record) -> Record:
    block, owner = subnet.get("_ipv6_block"), subnet["SubnetId"]
    state = {"State": "associated"}
    association = {
        "AssociationId": f"subnet-cidr-assoc-{owner[7:]}",
        "Ipv6CidrBlock": block,
        "Ipv6CidrBlockState": state,
    }
    return {
        "AssignIpv6AddressOnCreation": subnet.get("_ipv6_at_once", False),
        "Ipv6CidrBlockAssociationSet": [association] if block else [],
    }


def _create_gateway(props: Properties, _place: Place) -> tuple[str, Attributes]:
    if props["VpcId"] not in port.vpcs:
        raise ValueError(f"The vpc ID '{props['VpcId']}' does not exist")
    gateway = f"eigw-{secrets.token_hex(9)[:17]}"
    port.egress_only_gateways[gateway] = {
        "EgressOnlyInternetGatewayId": gateway,
        "VpcId": props["VpcId"],
        "State": "attached",
        "Tags": [],
    }
    port.apply_ec2_tags(gateway, props)
    return gateway, {"Id": gateway}


def _update_gateway(gateway: str, old: Properties, new: Properties, _place: Place) -> Attributes:
    port.apply_ec2_tags(gateway, new, old)
    return {"Id": gateway}


def _delete_gateway(gateway: str, _props: Properties) -> None:
    port.egress_only_gateways.pop(gateway, None)
    port.ec2_tags.pop(gateway, None)


def _described_gateways() -> list[Record]:
    return [
        {**gateway, "Attachments": [{"VpcId": gateway["VpcId"], "State": gateway["State"].lower()}]}
        for gateway in port.egress_only_gateways.values()
    ]
