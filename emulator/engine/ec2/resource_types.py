"""CloudFormation's EC2 types that ministack lacks, with their records in the words of EC2's API."""

import ipaddress
import json
import uuid
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from emulator.engine import port
from emulator.engine.ec2 import gateways, ipv6
from emulator.engine.ec2.answers import Record, answer_describe, shaped
from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType

AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"


def identifier(prefix: str) -> str:
    """Returns a new id such as ``nat-0123456789abcdef0``."""
    return f"{prefix}-{uuid.uuid4().hex[:17]}"


def install() -> None:
    """Registers the types and their Describe operations."""
    RESOURCE_TYPES.update(
        {
            "AWS::EC2::EIP": ResourceType(_create_address, _delete_address, _update_tags),
            "AWS::EC2::NatGateway": ResourceType(_create_nat_gateway, _delete_nat_gateway, _update_tags),
            "AWS::EC2::FlowLog": ResourceType(_create_flow_log, _delete_flow_log, _update_tags),
            "AWS::EC2::SecurityGroupIngress": _rule("IpPermissions"),
            "AWS::EC2::SecurityGroupEgress": _rule("IpPermissionsEgress"),
            "AWS::EC2::VPCCidrBlock": ResourceType(_create_vpc_cidr, _delete_vpc_cidr),
            "AWS::EC2::Instance": ResourceType(_create_instance, _delete_instance, _update_instance),
            **ipv6.resource_types(),
            **gateways.resource_types(),
        }
    )
    ipv6.install()
    gateways.install()
    # Beside the x86 image that ministack knows: the tunnel host is a Graviton instance.
    port.public_parameters[f"{AL2023}-arm64"] = "ami-0a2023a1b2c3d4e5f"
    port.replace("xml_of_instance", lambda xml: lambda instance: _described_instance(xml(instance), instance))
    port.replace("xml_of_subnet", lambda xml: lambda subnet, tag="item": xml(_counted(subnet), tag))
    answer_describe("DescribeAddresses", "AllocationId", lambda: list(port.addresses.values()))
    answer_describe("DescribeNatGateways", "NatGatewayId", lambda: list(port.nat_gateways.values()))
    answer_describe("DescribeVpcEndpoints", "VpcEndpointId", _endpoints)
    answer_describe("DescribeFlowLogs", "FlowLogId", lambda: list(port.flow_logs.values()))


def _counted(subnet: Record) -> Record:
    """ministack's record, with as many free addresses as an empty subnet has: EC2 keeps five of each for itself."""
    # https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    return {**subnet, "AvailableIpAddressCount": ipaddress.ip_network(subnet["CidrBlock"]).num_addresses - 5}


def _endpoints() -> list[Record]:
    """ministack's records, with groups and documents as the API describes them."""
    return [
        {
            **endpoint,
            "Groups": [{"GroupId": group} for group in endpoint["SecurityGroupIds"]],
            "PolicyDocument": json.dumps(endpoint["PolicyDocument"]) if endpoint["PolicyDocument"] else None,
        }
        for endpoint in port.vpc_endpoints.values()
    ]


def _update_tags(physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
    """Changes tags; the other properties of these types replace, or are not set by this project."""
    changed = [key for key in {**old, **new} if key != "Tags" and old.get(key) != new.get(key)]
    if changed:
        raise ValueError(f"The emulator changes only tags of this type in place, not {', '.join(sorted(changed))}")
    store_id = next((key for key, one in port.addresses.items() if one["PublicIp"] == physical_id), physical_id)
    port.apply_ec2_tags(store_id, new, old)
    return _attributes(store_id)


def _attributes(store_id: str) -> Attributes:
    if address := port.addresses.get(store_id):
        return {"AllocationId": store_id, "PublicIp": address["PublicIp"]}
    if gateway := port.nat_gateways.get(store_id):
        return {"NatGatewayId": store_id, "EniId": gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]}
    return {"Id": store_id}


def _create_address(props: Properties, _place: Place) -> tuple[str, Attributes]:
    allocation = identifier("eipalloc")
    port.addresses[allocation] = {
        "AllocationId": allocation,
        "PublicIp": port.random_address("52."),
        "Domain": props.get("Domain", "vpc"),
        "AssociationId": None,
        "InstanceId": None,
        "NetworkInterfaceId": None,
        "PrivateIpAddress": None,
        "NetworkBorderGroup": port.region(),
        "PublicIpv4Pool": "amazon",
    }
    port.apply_ec2_tags(allocation, props)
    return port.addresses[allocation]["PublicIp"], _attributes(allocation)


def _delete_address(physical_id: str, _props: Properties) -> None:
    for allocation, address in list(port.addresses.items()):
        if address["PublicIp"] == physical_id:
            del port.addresses[allocation]
            port.ec2_tags.pop(allocation, None)


def _create_nat_gateway(props: Properties, _place: Place) -> tuple[str, Attributes]:
    gateway, interface = identifier("nat"), identifier("eni")
    address = port.addresses.get(props.get("AllocationId", ""), {})
    association = identifier("eipassoc") if address else None
    if address:
        address.update(AssociationId=association, NetworkInterfaceId=interface)
    port.nat_gateways[gateway] = {
        "NatGatewayId": gateway,
        "SubnetId": props["SubnetId"],
        "VpcId": port.subnets[props["SubnetId"]]["VpcId"],
        "ConnectivityType": props.get("ConnectivityType", "public"),
        "State": "available",
        "CreateTime": datetime.now(UTC),
        "NatGatewayAddresses": [
            {
                "AllocationId": props.get("AllocationId"),
                "AssociationId": association,
                "PublicIp": address.get("PublicIp"),
                "PrivateIp": "10.0.0.4",
                "NetworkInterfaceId": interface,
                "IsPrimary": True,
                "Status": "succeeded",
            }
        ],
    }
    port.apply_ec2_tags(gateway, props)
    return gateway, _attributes(gateway)


def _delete_nat_gateway(physical_id: str, _props: Properties) -> None:
    gateway = port.nat_gateways.pop(physical_id, None)
    port.ec2_tags.pop(physical_id, None)
    for part in (gateway or {}).get("NatGatewayAddresses", []):
        if address := port.addresses.get(part["AllocationId"]):
            address.update(AssociationId=None, NetworkInterfaceId=None)


def _create_flow_log(props: Properties, _place: Place) -> tuple[str, Attributes]:
    flow_log = identifier("fl")
    port.flow_logs[flow_log] = {
        **{key: value for key, value in props.items() if key not in ("Tags", "ResourceType")},
        "FlowLogId": flow_log,
        "FlowLogStatus": "ACTIVE",
        "DeliverLogsStatus": "SUCCESS",
        "CreationTime": datetime.now(UTC),
        "LogDestinationType": props.get("LogDestinationType", "cloud-watch-logs"),
        "MaxAggregationInterval": props.get("MaxAggregationInterval", 600),
    }
    port.apply_ec2_tags(flow_log, props)
    return flow_log, _attributes(flow_log)


def _delete_flow_log(physical_id: str, _props: Properties) -> None:
    port.flow_logs.pop(physical_id, None)
    port.ec2_tags.pop(physical_id, None)


def _rule(direction: str) -> ResourceType:
    """Returns the type of a rule of a security group; the rule is a permission of the group."""

    def permission(props: Properties) -> Record:
        (result,) = port.security_group_permissions([props])
        return dict(result)

    def create(props: Properties, _place: Place) -> tuple[str, Attributes]:
        rules = port.security_groups[props["GroupId"]].setdefault(direction, [])
        if permission(props) in rules:
            raise ValueError("the specified rule already exists")
        rules.append(permission(props))
        rule_id = port.security_group_rule_id(props["GroupId"], direction == "IpPermissionsEgress", permission(props))
        return rule_id, {"Id": rule_id}

    def delete(_physical_id: str, props: Properties) -> None:
        group = port.security_groups.get(props["GroupId"])
        if group and permission(props) in group[direction]:
            group[direction].remove(permission(props))

    def update(physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        delete(physical_id, old)
        port.security_groups[new["GroupId"]].setdefault(direction, []).append(permission(new))
        return {"Id": physical_id}

    return ResourceType(create, delete, update)


def _create_vpc_cidr(props: Properties, _place: Place) -> tuple[str, Attributes]:
    if props.get("AmazonProvidedIpv6CidrBlock"):
        association = ipv6.associate(props["VpcId"])
        return f"{association}|{props['VpcId']}", {"Id": association}
    if "CidrBlock" not in props:
        raise ValueError("The emulator knows only IPv4 blocks of a VPC, and those of IPv6 that Amazon provides")
    association = identifier("vpc-cidr-assoc")
    vpc = port.vpcs[props["VpcId"]]
    entry = {"AssociationId": association, "CidrBlock": props["CidrBlock"], "CidrBlockState": {"State": "associated"}}
    vpc.setdefault("CidrBlockAssociations", []).append(entry)
    return f"{association}|{props['VpcId']}", {"Id": association}


def _delete_vpc_cidr(physical_id: str, props: Properties) -> None:
    if props.get("AmazonProvidedIpv6CidrBlock"):
        ipv6.dissociate(props["VpcId"])
        return
    vpc = port.vpcs.get(props["VpcId"], {})
    kept = [one for one in vpc.get("CidrBlockAssociations", []) if one["AssociationId"] != physical_id.split("|")[0]]
    vpc["CidrBlockAssociations"] = kept


def _create_instance(props: Properties, _place: Place) -> tuple[str, Attributes]:
    subnet = port.subnets[props["SubnetId"]]
    profile, _ = port.instance_profile_of_instance(iam_name=props.get("IamInstanceProfile", ""), allow_missing=False)
    (instance,) = port.launch_instances(
        image_id=props.get("ImageId", ""),
        instance_type=props.get("InstanceType", "m1.small"),
        subnet_id=props["SubnetId"],
        count=1,
        key_name=props.get("KeyName", ""),
        user_data=props.get("UserData", ""),
        sg_ids=props.get("SecurityGroupIds", []),
        requested_private_ip=str(ip_network(subnet["CidrBlock"])[10]),
        iam_profile=profile,
    )
    instance["_properties"] = props
    for mapping in props.get("BlockDeviceMappings", []):
        for volume in _volumes(instance):
            volume["Encrypted"] = mapping.get("Ebs", {}).get("Encrypted", False)
            volume["Size"] = mapping.get("Ebs", {}).get("VolumeSize", volume["Size"])
            volume["VolumeType"] = mapping.get("Ebs", {}).get("VolumeType", volume["VolumeType"])
    port.apply_ec2_tags(instance["InstanceId"], props)
    return instance["InstanceId"], _instance_attributes(instance)


def _volumes(instance: Record) -> list[Record]:
    ids = [mapping.get("Ebs", {}).get("VolumeId") for mapping in instance.get("BlockDeviceMappings", [])]
    return [port.volumes[one] for one in ids if one in port.volumes]


def _described_instance(xml: str, instance: Record) -> str:
    """Returns ministack's description of an instance, with the members that it leaves out."""
    shown = {key: instance.get("_properties", {}).get(key) for key in ("EbsOptimized", "MetadataOptions")}
    return xml.removesuffix("</item>") + shaped(shown, "Instance") + "</item>"


def _instance_attributes(instance: Record) -> Attributes:
    return {
        "InstanceId": instance["InstanceId"],
        "PrivateIp": instance.get("PrivateIpAddress", ""),
        "PrivateDnsName": instance.get("PrivateDnsName", ""),
        "VpcId": instance.get("VpcId", ""),
    }


def _update_instance(physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
    instance: Any = port.instances[physical_id]
    instance["_properties"] = new
    instance["InstanceType"] = new.get("InstanceType", instance["InstanceType"])
    port.apply_ec2_tags(physical_id, new, old)
    return _instance_attributes(instance)


def _delete_instance(physical_id: str, _props: Properties) -> None:
    instance = port.instances.pop(physical_id, None)
    port.ec2_tags.pop(physical_id, None)
    for mapping in (instance or {}).get("BlockDeviceMappings", []):
        port.volumes.pop(mapping.get("Ebs", {}).get("VolumeId", ""), None)
    for interface in (instance or {}).get("NetworkInterfaces", []):
        port.network_interfaces.pop(interface.get("NetworkInterfaceId", ""), None)
