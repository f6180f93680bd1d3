"""`check-network` on the local AWS: EC2's own answers, before and after the tags are there."""

import pytest

from emulator.status import client
from operations.checking_network import check_network
from responsibility.account.session import Account
from tests.emulator.deployment import Deployment
from tests.support.environments import minimal, validated

pytestmark = pytest.mark.xdist_group("emulator")


def test_tags_of_a_vpc_that_somebody_made(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(key, raising=False)
    for key, value in deployment.engine.environment({}).items():
        monkeypatch.setenv(key, value)
    ec2 = client(deployment.engine, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zones = [one["ZoneName"] for one in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(zones)
    ]
    data = minimal()
    data["network"] = {"vpc_id": vpc, "cidr": "10.77.0.0/16", "private_subnet_ids": subnets}
    environment, lines = validated(data), list[str]()

    assert check_network(environment, Account("check-network"), say=lines.append) == 1
    assert sorted(line.split()[1] for line in lines if "internal-elb" in line) == sorted(subnets)
    ec2.create_tags(Resources=subnets, Tags=[{"Key": "kubernetes.io/role/internal-elb", "Value": "1"}])
    lines.clear()
    assert check_network(environment, Account("check-network"), say=lines.append) == 0, lines

    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
