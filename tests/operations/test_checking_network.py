"""`check-network`: what an existing VPC lacks, a line for each thing, and nothing else."""

import copy
from typing import Any

import pytest

from operations.checking_network import check_network
from safe_io.errors import BadInput
from tests.operations.fake_account import DENIED, FakeAccount
from tests.support.environments import minimal, validated

IDS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
TAG = [{"Key": "kubernetes.io/role/internal-elb", "Value": "1"}]
GOOD: dict[str, Any] = {
    "describe_vpcs": [{"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/16"}],
    "describe_vpc_attribute": {"Value": True},
    "describe_subnets": [
        {
            "SubnetId": name,
            "VpcId": "vpc-0123456789abcdef0",
            "AvailabilityZone": f"eu-west-1{zone}",
            "AvailableIpAddressCount": 200,
            "MapPublicIpOnLaunch": False,
            "Tags": TAG,
        }
        for name, zone in zip(IDS, "ab", strict=True)
    ],
}


def checked(answers: dict[str, Any], **network: Any) -> tuple[int, list[str]]:
    data = minimal() | {"region": "eu-west-1"}
    said = {"private_subnet_ids": IDS} if "private_subnets" not in network else {}
    data["network"] = {"vpc_id": "vpc-0123456789abcdef0", "cidr": "10.0.0.0/16", **said, **network}
    lines: list[str] = []
    return check_network(validated(data), FakeAccount(answers), say=lines.append), lines


def test_a_vpc_as_it_should_be() -> None:
    assert checked(GOOD) == (0, ["network: vpc-0123456789abcdef0 is as it should be"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Tags": []}, "has no tag kubernetes.io/role/internal-elb"),
        ({"Tags": [{"Key": "kubernetes.io/role/internal-elb", "Value": "0"}]}, "has no tag"),
        ({"VpcId": "vpc-0123456789abcdef9"}, "is in vpc-0123456789abcdef9"),
        ({"AvailableIpAddressCount": 3}, "has 3 free addresses"),
        ({"MapPublicIpOnLaunch": True}, "gives instances public addresses"),
    ],
)
def test_what_a_subnet_lacks(changes: dict[str, Any], words: str) -> None:
    answers = copy.deepcopy(GOOD)
    answers["describe_subnets"][0] |= changes
    code, lines = checked(answers)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith(f"network: {IDS[0]} ")
    assert words in lines[0]


def test_one_tagged_subnet_in_each_zone_is_enough() -> None:
    answers = copy.deepcopy(GOOD)
    third = {**answers["describe_subnets"][0], "SubnetId": "subnet-0123456789abcdef2", "Tags": []}
    answers["describe_subnets"].append(third)
    assert checked(answers, private_subnet_ids=[*IDS, "subnet-0123456789abcdef2"])[0] == 0


def test_what_the_vpc_lacks() -> None:
    answers = GOOD | {"describe_vpc_attribute": {"Value": False}, "describe_vpcs": [{"CidrBlock": "10.9.0.0/16"}]}
    code, lines = checked(answers)
    assert code == 1
    assert [word in " ".join(lines) for word in ("10.9.0.0/16", "enableDnsSupport", "enableDnsHostnames")] == [True] * 3


def test_zones_are_those_of_the_file_and_two() -> None:
    answers = copy.deepcopy(GOOD)
    answers["describe_subnets"][1]["AvailabilityZone"] = "eu-west-1a"
    subnets = [
        {"availability_zone": f"eu-west-1{zone}", "subnet_id": name} for name, zone in zip(IDS, "ab", strict=True)
    ]
    _, lines = checked(answers, private_subnets=subnets)
    assert f"network: {IDS[1]} is in eu-west-1a, and the file says eu-west-1b" in lines
    assert "network: private subnets are all in eu-west-1a; EKS wants two AZs" in lines


def test_an_environment_that_makes_its_network_and_an_account_that_refuses() -> None:
    with pytest.raises(BadInput, match="no existing VPC"):
        check_network(validated(minimal()), FakeAccount({}), say=print)
    with pytest.raises(BadInput, match="cannot be asked"):
        checked({"describe_vpcs": DENIED})
