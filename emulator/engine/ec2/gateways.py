"""Ways from a VPC to a network that is not AWS's: attachments to transit gateways, and virtual private gateways.

The transit gateway itself is another team's: any id is taken.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from emulator.engine import port
from emulator.engine.ec2.answers import Record, answer_describe
from emulator.engine.ec2.attachments import attachments
from emulator.engine.provider import Attributes, Place, Properties, ResourceType


def install() -> None:
    """Answers what describes them."""
    for operation in ("DescribeTransitGatewayVpcAttachments", "DescribeTransitGatewayAttachments"):
        answer_describe(operation, "TransitGatewayAttachmentId", lambda: list(attachments().values()))
    handlers = port.resource_handlers["AWS::EC2::VPCGatewayAttachment"]
    create = handlers["create"]

    def create_known(logical_id: str, props: Properties, stack_name: str) -> Any:
        # A virtual private gateway that a template names by id is another team's, too.
        if identifier := props.get("VpnGatewayId"):
            port.vpn_gateways.setdefault(identifier, _vpn_gateway(identifier, {}))
        return create(logical_id, props, stack_name)

    port.resource_handlers["AWS::EC2::VPCGatewayAttachment"] = {**handlers, "create": create_known}


def resource_types() -> dict[str, ResourceType]:
    """Returns the types by name."""
    attachment = ResourceType(_attach, _detach, _change)
    return {
        "AWS::EC2::TransitGatewayAttachment": attachment,
        "AWS::EC2::TransitGatewayVpcAttachment": attachment,
        "AWS::EC2::VPNGateway": ResourceType(_create_vpn_gateway, _delete_vpn_gateway, _tag_vpn_gateway),
    }


def _attach(props: Properties, _place: Place) -> tuple[str, Attributes]:
    subnets = [port.subnets.get(one) for one in props["SubnetIds"]]
    if any(one is None or one["VpcId"] != props["VpcId"] for one in subnets):
        raise ValueError(f"Subnets of an attachment are of its VPC {props['VpcId']}")
    zones = [one["AvailabilityZone"] for one in subnets if one]
    if len(zones) != len(set(zones)):
        # https://docs.aws.amazon.com/vpc/latest/tgw/tgw-vpc-attachments.html
        raise ValueError("DuplicateSubnetsInSameZone: one subnet of each Availability Zone")
    taken = [
        one
        for one in attachments().values()
        if (one["VpcId"], one["TransitGatewayId"]) == (props["VpcId"], props["TransitGatewayId"])
    ]
    if taken:
        raise ValueError(f"{props['TransitGatewayId']} has non-deleted Transit Gateway Attachments with same VPC ID.")
    identifier = f"tgw-attach-{uuid.uuid4().hex[:17]}"
    attachments()[identifier] = {
        "TransitGatewayAttachmentId": identifier,
        "TransitGatewayId": props["TransitGatewayId"],
        "VpcId": props["VpcId"],
        "VpcOwnerId": port.account_id(),
        "ResourceType": "vpc",
        "ResourceId": props["VpcId"],
        "State": "available",
        "SubnetIds": list(props["SubnetIds"]),
        "CreationTime": datetime.now(UTC),
        "Options": dict(props.get("Options") or {}),
    }
    port.apply_ec2_tags(identifier, props)
    return identifier, {"Id": identifier}


def _change(identifier: str, old: Properties, new: Properties, _place: Place) -> Attributes:
    attachments()[identifier] |= {"SubnetIds": list(new["SubnetIds"]), "Options": dict(new.get("Options") or {})}
    port.apply_ec2_tags(identifier, new, old)
    return {"Id": identifier}


def _detach(identifier: str, _props: Properties) -> None:
    attachments().pop(identifier, None)
    port.ec2_tags.pop(identifier, None)


def _create_vpn_gateway(props: Properties, _place: Place) -> tuple[str, Attributes]:
    identifier = f"vgw-{uuid.uuid4().hex[:17]}"
    port.vpn_gateways[identifier] = _vpn_gateway(identifier, props)
    port.apply_ec2_tags(identifier, props)
    return identifier, {"VPNGatewayId": identifier}


def _vpn_gateway(identifier: str, props: Properties) -> Record:
    return {
        "VpnGatewayId": identifier,
        "State": "available",
        "Type": props.get("Type", "ipsec.1"),
        "AmazonSideAsn": str(props.get("AmazonSideAsn", 64512)),
        "Attachments": [],
    }


def _tag_vpn_gateway(identifier: str, old: Properties, new: Properties, _place: Place) -> Attributes:
    port.apply_ec2_tags(identifier, new, old)
    return {"VPNGatewayId": identifier}


def _delete_vpn_gateway(identifier: str, _props: Properties) -> None:
    port.vpn_gateways.pop(identifier, None)
    port.ec2_tags.pop(identifier, None)
