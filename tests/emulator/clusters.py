"""Clusters made by requests alone, for tests that need no stack."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.process import Engine
from emulator.status import client

TRUST = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
FAST = {"Delay": 0.05, "MaxAttempts": 200}


@contextmanager
def clusters(engine: Engine, *names: str) -> Iterator[None]:
    """Makes clusters in a VPC of their own; deletes all of it at the end."""
    eks, ec2, iam = (client(engine, name) for name in ("eks", "ec2", "iam"))
    role = iam.create_role(RoleName="clusters", AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))["Role"]
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(("us-west-2a", "us-west-2b"))
    ]
    try:
        for name in names:
            eks.create_cluster(
                name=name, roleArn=role["Arn"], version="1.36", resourcesVpcConfig={"subnetIds": subnets}
            )
        yield
    finally:
        for name in names:
            eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
            eks.delete_cluster(name=name)
        for name in names:
            eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig=FAST)
        for subnet in subnets:
            ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)
        iam.delete_role(RoleName=role["RoleName"])
