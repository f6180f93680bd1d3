"""What there is in an account: everything that the deploys of this project could have made."""

from collections.abc import Iterator
from typing import Any

from emulator.process import Engine
from emulator.status import client

EC2 = {
    # operation: key of the list, key of the id
    "describe_vpcs": ("Vpcs", "VpcId"),
    "describe_subnets": ("Subnets", "SubnetId"),
    "describe_route_tables": ("RouteTables", "RouteTableId"),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayId"),
    "describe_egress_only_internet_gateways": ("EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"),
    "describe_nat_gateways": ("NatGateways", "NatGatewayId"),
    "describe_addresses": ("Addresses", "AllocationId"),
    "describe_security_groups": ("SecurityGroups", "GroupId"),
    "describe_network_acls": ("NetworkAcls", "NetworkAclId"),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
    "describe_vpc_endpoints": ("VpcEndpoints", "VpcEndpointId"),
    "describe_flow_logs": ("FlowLogs", "FlowLogId"),
    "describe_launch_templates": ("LaunchTemplates", "LaunchTemplateId"),
    "describe_volumes": ("Volumes", "VolumeId"),
    "describe_transit_gateway_vpc_attachments": ("TransitGatewayVpcAttachments", "TransitGatewayAttachmentId"),
    "describe_vpn_gateways": ("VpnGateways", "VpnGatewayId"),
}


def inventory(engine: Engine) -> set[str]:
    """Returns what stands, as ``service kind id``; a KMS key that is to be deleted says so."""
    return set(_everything(engine))


def _everything(engine: Engine) -> Iterator[str]:
    yield from _ec2(client(engine, "ec2"))
    yield from _iam(client(engine, "iam"))
    yield from _kms(client(engine, "kms"))
    for kind, found in (
        ("eks cluster", client(engine, "eks").list_clusters()["clusters"]),
        ("lambda function", [one["FunctionName"] for one in client(engine, "lambda").list_functions()["Functions"]]),
        ("s3 bucket", [one["Name"] for one in client(engine, "s3").list_buckets()["Buckets"]]),
        ("logs group", [one["logGroupName"] for one in client(engine, "logs").describe_log_groups()["logGroups"]]),
        ("sqs queue", client(engine, "sqs").list_queues().get("QueueUrls", [])),
        (
            "auto scaling group",
            [
                one["AutoScalingGroupName"]
                for one in client(engine, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
            ],
        ),
        ("trust anchor", [one["name"] for one in client(engine, "rolesanywhere").list_trust_anchors()["trustAnchors"]]),
        (
            "roles anywhere profile",
            [one["name"] for one in client(engine, "rolesanywhere").list_profiles()["profiles"]],
        ),
        (
            "ssm activation",
            [one["ActivationId"] for one in client(engine, "ssm").describe_activations()["ActivationList"]],
        ),
        ("events rule", [one["Name"] for one in client(engine, "events").list_rules()["Rules"]]),
    ):
        yield from (f"{kind} {one}" for one in found)


def _ec2(ec2: Any) -> Iterator[str]:
    for operation, (key, identity) in EC2.items():
        for one in getattr(ec2, operation)()[key]:
            yield f"ec2 {key} {one[identity]}"
    for reservation in ec2.describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            if one["State"]["Name"] != "terminated":
                yield f"ec2 Instances {one['InstanceId']}"


def _kms(kms: Any) -> Iterator[str]:
    for one in kms.list_keys()["Keys"]:
        found = kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
        if found.get("KeyManager") != "AWS":
            yield f"kms {found['KeyState']} {one['KeyId']}"
    for one in kms.list_aliases()["Aliases"]:
        if not one["AliasName"].startswith("alias/aws/"):
            yield f"kms alias {one['AliasName']}"


def _iam(iam: Any) -> Iterator[str]:
    for page in iam.get_paginator("list_roles").paginate():
        for one in page["Roles"]:
            if not one["Path"].startswith("/aws-service-role/"):
                yield f"iam role {one['RoleName']}"
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for one in page["Policies"]:
            yield f"iam policy {one['PolicyName']}"
    for page in iam.get_paginator("list_instance_profiles").paginate():
        for one in page["InstanceProfiles"]:
            yield f"iam profile {one['InstanceProfileName']}"
