"""Rules of EC2 and IAM that ministack lacks, for CloudFormation's resources.

EKS's own rules are in eks/rules/. A guard is a function under ``@guard``, whose docstring says what the service demands; it
yields the message of each refusal.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, Literal

from eks_facts.iam_words import managed_policies
from emulator.engine import port
from emulator.engine.ec2.attachments import attachments

VPC, IAM = "https://docs.aws.amazon.com/vpc/latest/userguide/", "https://docs.aws.amazon.com/IAM/latest/"

Moment = Literal["create", "delete"]
Check = Callable[[str, Mapping[str, Any]], Iterator[str]]
"""Takes the physical id (of a deletion; else empty) and the properties; yields AWS's messages."""


@dataclass(frozen=True)
class Guard:
    """A rule of a service."""

    name: str
    moment: Moment
    types: tuple[str, ...]
    says: str
    page: str
    check: Check


GUARDS: list[Guard] = []
LOOKED_AT: list[Callable[[], None]] = []
"""Brings up to date what a check before a deletion looks at: instances of groups that are gone."""


def guard(moment: Moment, *types: str, page: str) -> Callable[[Check], Check]:
    """Adds the decorated function to the table."""

    def add(function: Check) -> Check:
        GUARDS.append(Guard(function.__name__, moment, types, function.__doc__ or "", page, function))
        return function

    return add


def refuse(moment: Moment, resource_type: str, physical_id: str, properties: Mapping[str, Any]) -> None:
    """Checks a resource against the table. Raises ValueError with the message that CloudFormation would show."""
    if moment == "delete":
        for bring_up_to_date in LOOKED_AT:
            bring_up_to_date()
    for one in GUARDS:
        if one.moment == moment and resource_type in one.types:
            for message in one.check(physical_id, properties):
                raise ValueError(f'Resource handler returned message: "{message}" (HandlerErrorCode: InvalidRequest)')


@guard("create", "AWS::IAM::Role", page=f"{IAM}UserGuide/access_policies_managed-vs-inline.html")
def managed_policy_exists(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A policy that a role gets exists; of AWS's own, those for EKS are known here."""
    for arn in properties.get("ManagedPolicyArns", []):
        name = arn.partition(":policy/")[2]
        known = name in managed_policies() or arn in port.aws_managed_policies
        # AWS has over a thousand; what is not listed here is refused only where it looks like a mistyped one of the list.
        mistyped = not known and (
            name.startswith("AmazonEKS") or bool(get_close_matches(name, managed_policies(), 1, 0.96))
        )
        if (":aws:policy/" in arn and mistyped) or (":aws:policy/" not in arn and arn not in port.policies):
            yield f"Policy {arn} does not exist or is not attachable."


@guard("delete", "AWS::IAM::Role", page=f"{IAM}APIReference/API_DeleteRole.html")
def role_in_no_profile(physical_id: str, _properties: Mapping[str, Any]) -> Iterator[str]:
    """A role in an instance profile is not deleted."""
    for profile in port.instance_profiles.values():
        if physical_id in [
            role if isinstance(role, str) else role.get("RoleName") for role in profile.get("Roles", [])
        ]:
            yield "Cannot delete entity, must remove roles from instance profile first."


@guard(
    "create",
    "AWS::Logs::LogGroup",
    page="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
def log_group_is_new(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """The name of a log group is one in an account and region."""
    if properties.get("LogGroupName") in port.log_groups:
        yield "The specified log group already exists"


@guard("create", "AWS::EC2::Subnet", page=f"{VPC}subnet-sizing.html")
def subnet_in_vpc(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A subnet lies within its VPC and overlaps no other."""
    vpc = port.vpcs.get(properties["VpcId"])
    if vpc is None:
        yield f"The vpc ID '{properties['VpcId']}' does not exist"
        return
    yield from _ipv6_in_vpc(vpc, properties)
    if "CidrBlock" not in properties:
        return
    mine = ip_network(properties["CidrBlock"])
    blocks = [vpc["CidrBlock"], *(one["CidrBlock"] for one in vpc.get("CidrBlockAssociations", []))]
    if not any(mine.subnet_of(ip_network(block)) for block in blocks):  # type: ignore[arg-type]
        yield f"The CIDR '{mine}' is invalid."
    for other in port.subnets.values():
        if other["VpcId"] == properties["VpcId"] and mine.overlaps(ip_network(other["CidrBlock"])):
            yield f"The CIDR '{mine}' conflicts with another subnet"


def _ipv6_in_vpc(vpc: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[str]:
    block = properties.get("Ipv6CidrBlock")
    if not block:
        return
    mine = ip_network(block)
    if not any(mine.subnet_of(ip_network(one)) for one in vpc.get("_ipv6_blocks", [])):  # type: ignore[arg-type]
        yield f"The IPv6 CIDR '{mine}' is not in the VPC's."
    taken = [one.get("_ipv6_block") for one in port.subnets.values() if one["VpcId"] == properties["VpcId"]]
    if any(mine.overlaps(ip_network(one)) for one in taken if one):
        yield f"The IPv6 CIDR '{mine}' conflicts with another subnet"


@guard("create", "AWS::EC2::NatGateway", page=f"{VPC}nat-gateway-basics.html")
def nat_gateway_reaches_out(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A public NAT gateway has a free address, and its VPC an internet gateway."""
    subnet = port.subnets.get(properties["SubnetId"])
    if subnet is None:
        yield f"The subnet ID '{properties['SubnetId']}' does not exist"
        return
    if properties.get("ConnectivityType", "public") == "private":
        return
    address = port.addresses.get(properties.get("AllocationId", ""))
    if address is None:
        yield f"Elastic IP address {properties.get('AllocationId')} could not be associated with this NAT gateway"
    elif address["AssociationId"]:
        yield f"Elastic IP address [{properties['AllocationId']}] is already associated"
    attached = [a["VpcId"] for gateway in port.internet_gateways.values() for a in gateway.get("Attachments", [])]
    if subnet["VpcId"] not in attached:
        yield f"Network {subnet['VpcId']} has no Internet gateway attached"


@guard("create", "AWS::EC2::FlowLog", page=f"{VPC}flow-logs-iam-role.html")
def flow_log_delivers(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """The role of a flow log trusts vpc-flow-logs. Its log group may be made later (CreateFlowLogs: "new or existing")."""
    role = next((one for one in port.roles.values() if one["Arn"] == properties.get("DeliverLogsPermissionArn")), None)
    if properties.get("LogDestinationType", "cloud-watch-logs") != "cloud-watch-logs":
        return
    if role is None or "vpc-flow-logs.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
        yield "Access error. DeliverLogsPermissionArn is not a role that VPC Flow Logs can assume."


def _interfaces(key: str, value: str) -> Iterator[str]:
    """Yields what still has a network interface in a subnet or VPC, or uses a security group."""
    for gateway in port.nat_gateways.values():
        if gateway.get(key) == value:
            yield gateway["NatGatewayId"]
    for instance in port.instances.values():
        if instance["State"]["Name"] != "terminated" and instance.get(key) == value:
            yield instance["InstanceId"]


@guard("delete", "AWS::EC2::Subnet", page=f"{VPC}subnet-deleting.html")
def subnet_empty(physical_id: str, _properties: Mapping[str, Any]) -> Iterator[str]:
    """A subnet with network interfaces is not deleted."""
    for _ in _interfaces("SubnetId", physical_id):
        yield f"The subnet '{physical_id}' has dependencies and cannot be deleted."


@guard("delete", "AWS::EC2::VPC", page=f"{VPC}delete-vpc.html")
def vpc_empty(physical_id: str, _properties: Mapping[str, Any]) -> Iterator[str]:
    """A VPC with subnets, gateways or security groups is not deleted."""
    groups = [
        one for one in port.security_groups.values() if one["VpcId"] == physical_id and one["GroupName"] != "default"
    ]
    subnets = [one for one in port.subnets.values() if one["VpcId"] == physical_id]
    attached = [
        a for one in port.internet_gateways.values() for a in one.get("Attachments", []) if a["VpcId"] == physical_id
    ]
    attached += [one for one in port.egress_only_gateways.values() if one["VpcId"] == physical_id]
    attached += [one for one in attachments().values() if one["VpcId"] == physical_id]
    if groups or subnets or attached:
        yield f"The vpc '{physical_id}' has dependencies and cannot be deleted."


@guard("delete", "AWS::EC2::VPCGatewayAttachment", page=f"{VPC}delete-igw.html")
def no_public_address(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """An internet gateway is detached once no public address of the VPC uses it."""
    for gateway in port.nat_gateways.values():
        if gateway["VpcId"] == properties["VpcId"] and gateway["ConnectivityType"] == "public":
            yield (
                f"Network {properties['VpcId']} has some mapped public address(es)."
                " Please unmap those public address(es) before detaching the gateway."
            )
            return


@guard("delete", "AWS::EC2::SecurityGroup", page=f"{VPC}deleting-security-groups.html")
def group_unused(physical_id: str, _properties: Mapping[str, Any]) -> Iterator[str]:
    """A security group that another refers to, or an instance has, is not deleted."""
    for group in port.security_groups.values():
        permissions = group["IpPermissions"] + group["IpPermissionsEgress"]
        named = [pair.get("GroupId") for one in permissions for pair in one.get("UserIdGroupPairs", [])]
        if group["GroupId"] != physical_id and physical_id in named:
            yield f"resource {physical_id} has a dependent object"
    for instance in port.instances.values():
        used = [one.get("GroupId") for one in instance.get("SecurityGroups", [])]
        if instance["State"]["Name"] != "terminated" and physical_id in used:
            yield f"resource {physical_id} has a dependent object"


@guard("create", "AWS::EC2::Route", page=f"{VPC}route-table-options.html")
def gateway_attached(_id: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """A route to a transit gateway or a virtual private gateway is made once the VPC is attached to it."""
    table = port.route_tables.get(properties["RouteTableId"])
    vpc = table["VpcId"] if table else ""
    transit = properties.get("TransitGatewayId")
    if transit and (transit, vpc) not in [(one["TransitGatewayId"], one["VpcId"]) for one in attachments().values()]:
        yield f"The transitGateway ID '{transit}' does not exist: {vpc} is not attached to it."
    private = str(properties.get("GatewayId", ""))
    if private.startswith("vgw-"):
        gateway = port.vpn_gateways.get(private) or {}
        if vpc not in [one["VpcId"] for one in gateway.get("Attachments", [])]:
            yield f"route table {properties['RouteTableId']} and network gateway {private} belong to different networks"


@guard("delete", "AWS::EC2::EIP", page=f"{VPC}WorkWithEIPs.html")
def address_free(physical_id: str, _properties: Mapping[str, Any]) -> Iterator[str]:
    """An address that a NAT gateway uses is not released."""
    for address in port.addresses.values():
        if address["PublicIp"] == physical_id and address["AssociationId"]:
            yield f"{address['AllocationId']} is currently in use"
