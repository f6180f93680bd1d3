"""What EC2 and IAM refuse: templates with one mistake each, and deletions of what is still in use."""

from typing import Any

import pytest

from emulator.status import client
from tests.emulator.deployment import Deployment, StackFailed

pytestmark = pytest.mark.xdist_group("emulator")

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"}}
ADDRESS = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}


def stack(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def changed(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**resource, "Properties": {**resource["Properties"], **properties}}


LOGS = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/twice"}}
REFUSED = {
    "log_group_is_new": (stack(First=LOGS, Second={**LOGS, "DependsOn": "First"}), "log group already exists"),
    "managed_policy_exists": (
        stack(Role=changed(ROLE, ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonEKSWorkerNodPolicy"])),
        "AmazonEKSWorkerNodPolicy does not exist or is not attachable",
    ),
    "a name that is too long": (stack(Role=changed(ROLE, RoleName="r" * 65)), "RoleName: .* is too long"),
    "subnet_in_vpc": (stack(Vpc=VPC, Subnet=changed(SUBNET, CidrBlock="10.1.0.0/24")), "The CIDR '10.1.0.0/24' is invalid"),
    "subnet_in_vpc (overlap)": (
        stack(Vpc=VPC, Subnet=SUBNET, Other={**changed(SUBNET, CidrBlock="10.0.1.128/25"), "DependsOn": "Subnet"}),
        "conflicts with another subnet",
    ),
    "subnet_in_vpc (IPv6)": (
        stack(Vpc=VPC, Subnet=changed(SUBNET, Ipv6CidrBlock="2600:1f18::/64")), "IPv6 CIDR '2600:1f18::/64' is not in the VPC's",
    ),
    "nat_gateway_reaches_out": (
        stack(Vpc=VPC, Subnet=SUBNET, Address=ADDRESS, Nat={
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
        }), "has no Internet gateway attached",
    ),
    "flow_log_delivers": (
        stack(Vpc=VPC, Role=ROLE, Log={
            "Type": "AWS::EC2::FlowLog",
            "Properties": {"ResourceId": {"Ref": "Vpc"}, "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "x",
                           "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]}},
        }), "not a role that VPC Flow Logs can assume",
    ),
    "gateway_attached": (
        stack(Vpc=VPC, Table={"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}}, Route={
            "Type": "AWS::EC2::Route",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "10.80.0.0/16", "TransitGatewayId": "tgw-1"},
        }), "'tgw-1' does not exist: vpc-.* is not attached to it",
    ),
    "a type that nobody knows": (stack(Thing={"Type": "AWS::Braket::Thing"}), "does not know resource type|[Uu]nrecognized resource type"),
    "an unknown property": (stack(Vpc=changed(VPC, Colour="red")), r"extraneous key \[Colour\] is not permitted"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_fails_the_stack(deployment: Deployment, name: str) -> None:
    template, message = REFUSED[name]
    with pytest.raises(Exception, match=message) as failure:
        deployment.deploy_stack("mistake", template)
    if isinstance(failure.value, StackFailed):
        assert "ROLLBACK_COMPLETE" in str(failure.value)
    if "mistake" in deployment.states():
        deployment.destroy("mistake")


IN_USE = {
    "subnet_empty": (stack(Vpc=VPC, Subnet=SUBNET), "has dependencies and cannot be deleted"),
    "vpc_empty": (stack(Vpc=VPC), "has dependencies and cannot be deleted"),
    "role_in_no_profile": (stack(Role=ROLE), "must remove roles from instance profile first"),
    "group_unused": (
        stack(Vpc=VPC, Group={"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "g"}}),
        "has a dependent object",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_USE)
def test_what_is_in_use_is_not_deleted(deployment: Deployment, name: str) -> None:
    template, message = IN_USE[name]
    deployment.deploy_stack("in-use", template)
    made = {logical_id: physical for logical_id, (_, physical) in deployment.resources("in-use").items()}
    ec2, iam = client(deployment.engine, "ec2"), client(deployment.engine, "iam")
    instance = group = None
    if name == "subnet_empty":
        run = ec2.run_instances(
            ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=made["Subnet"], InstanceType="t3.nano"
        )
        instance = run["Instances"][0]["InstanceId"]
    elif name == "role_in_no_profile":
        iam.create_instance_profile(InstanceProfileName="user")
        iam.add_role_to_instance_profile(InstanceProfileName="user", RoleName=made["Role"])
    else:
        group = ec2.create_security_group(GroupName="user", Description="u", VpcId=made["Vpc"])["GroupId"]
        if name == "group_unused":
            pair = {"GroupId": made["Group"]}
            ec2.authorize_security_group_ingress(
                GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [pair]}]
            )
    with pytest.raises(StackFailed, match=message):
        deployment.destroy("in-use")
    if instance:
        ec2.terminate_instances(InstanceIds=[instance])
    if group:
        ec2.delete_security_group(GroupId=group)
    if name == "role_in_no_profile":
        iam.remove_role_from_instance_profile(InstanceProfileName="user", RoleName=made["Role"])
        iam.delete_instance_profile(InstanceProfileName="user")
    deployment.destroy("in-use")


def test_addresses_and_gateways_go_in_order(deployment: Deployment) -> None:
    """A NAT gateway holds its address and the VPC's attachment: what a stack deletes too early is refused."""
    gateway = {"Type": "AWS::EC2::InternetGateway"}
    attachment = {
        "Type": "AWS::EC2::VPCGatewayAttachment",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
    }
    outside = stack(Vpc=VPC, Subnet=SUBNET, Address=ADDRESS, Gateway=gateway, Attachment=attachment)
    outside["Outputs"] = {
        "Subnet": {"Value": {"Ref": "Subnet"}},
        "Allocation": {"Value": {"Fn::GetAtt": ["Address", "AllocationId"]}},
    }
    deployment.deploy_stack("outside", outside)
    outputs = deployment.cloudformation.describe_stacks(StackName="outside")["Stacks"][0]["Outputs"]
    values = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    nat = {
        "Type": "AWS::EC2::NatGateway",
        "Properties": {"SubnetId": values["Subnet"], "AllocationId": values["Allocation"]},
    }
    deployment.deploy_stack("nat", stack(Nat=nat))
    with pytest.raises(StackFailed, match=r"is currently in use|mapped public address"):
        deployment.destroy("outside")
    deployment.destroy("nat")
    deployment.destroy("outside")
