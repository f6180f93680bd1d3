"""`check-network`: whether existing VPCs of an environment are as EKS and load balancers need them. It only reads the account."""

from collections.abc import Callable, Iterator
from typing import Any

from delivery.account import Asked
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from stacks.environment.model import Environment

NEEDED = 6
"""Free addresses that EKS needs in each subnet of a control plane; it recommends 16.
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html"""
INTERNAL = "kubernetes.io/role/internal-elb"
"""https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html"""


def check_network(environment: Environment, account: Asked, *, say: Callable[[str], None]) -> int:
    """Prints a line for each thing that is not as it should be; returns the exit code (1: there is one).

    Raises BadInput: the environment has no existing VPC, or the account cannot be asked.
    """
    networks = {"network": environment.network}
    networks |= {f"clusters[{index}].network": one.network for index, one in enumerate(environment.clusters)}
    named = {key: network for key, network in networks.items() if isinstance(network, ExistingNetworkSpec)}
    if not named:
        raise BadInput(f"{environment.name} makes its networks itself: there is no existing VPC to check")
    found: list[str] = []
    for key, network in named.items():
        try:
            problems = list(_problems(network, account))
        except AccountError as problem:
            raise BadInput(one_line(f"{key}: {network.vpc_id} cannot be asked: {problem}")) from None
        found += [f"{key}: {problem}" for problem in problems]
        if not problems:
            say(one_line(f"{key}: {network.vpc_id} is as it should be"))
    for line in found:
        say(one_line(line))
    return 1 if found else 0


def _problems(network: ExistingNetworkSpec, account: Asked) -> Iterator[str]:
    (vpc,) = account.items("ec2", "describe_vpcs", "Vpcs", VpcIds=[network.vpc_id])
    if vpc["CidrBlock"] != network.cidr:
        yield f"{network.vpc_id} has the range {vpc['CidrBlock']}, and the file says {network.cidr}"
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        key = attribute[0].upper() + attribute[1:]
        answer = account.one("ec2", "describe_vpc_attribute", key, VpcId=network.vpc_id, Attribute=attribute)
        if not answer["Value"]:
            yield f"{network.vpc_id} has {attribute} off; nodes cannot join without it (aws ec2 modify-vpc-attribute)"
    apart = list(network.control_plane_subnet_ids or [])
    pods = [one.subnet_id for one in network.pod_subnets]
    ids = [*network.subnet_ids, *apart, *pods]
    subnets: dict[str, dict[str, Any]] = {
        one["SubnetId"]: one for one in account.items("ec2", "describe_subnets", "Subnets", SubnetIds=ids)
    }
    said = {one.subnet_id: one.availability_zone for one in [*network.private_subnets, *network.pod_subnets]}
    for name in ids:
        yield from _of_subnet(subnets[name], network, said.get(name))
    for what, of in (("private subnets", network.subnet_ids), ("control_plane_subnet_ids", apart)):
        if of and len({subnets[name]["AvailabilityZone"] for name in of}) < 2:
            yield f"{what} are all in {subnets[of[0]]['AvailabilityZone']}; EKS wants two AZs"
    for name in apart or network.subnet_ids:
        if (free := subnets[name]["AvailableIpAddressCount"]) < NEEDED:
            yield f"{name} has {free} free addresses; EKS needs {NEEDED} in each subnet of a control plane"
    yield from _without_tags([subnets[name] for name in network.subnet_ids])


def _without_tags(subnets: list[dict[str, Any]]) -> Iterator[str]:
    """One tagged subnet in each AZ is enough."""
    zones = {subnet["AvailabilityZone"] for subnet in subnets if _tagged(subnet)}
    for name, zone in ((subnet["SubnetId"], subnet["AvailabilityZone"]) for subnet in subnets):
        if zone not in zones:
            yield (
                f"{name} has no tag {INTERNAL}: internal load balancers find no subnet in {zone}"
                f" (aws ec2 create-tags --resources {name} --tags Key={INTERNAL},Value=1)"
            )


def _of_subnet(subnet: dict[str, Any], network: ExistingNetworkSpec, zone: str | None) -> Iterator[str]:
    name = subnet["SubnetId"]
    if subnet["VpcId"] != network.vpc_id:
        yield f"{name} is in {subnet['VpcId']}, not in {network.vpc_id}"
    if zone and subnet["AvailabilityZone"] != zone:
        yield f"{name} is in {subnet['AvailabilityZone']}, and the file says {zone}"
    if subnet.get("MapPublicIpOnLaunch"):
        yield f"{name} gives instances public addresses: nodes belong into private subnets"
    if network.ipv6 and not subnet.get("Ipv6CidrBlockAssociationSet"):
        yield f"{name} has no IPv6 range, and the file says ipv6: true"


def _tagged(subnet: dict[str, Any]) -> bool:
    return any(tag["Key"] == INTERNAL and tag["Value"] in ("1", "") for tag in subnet.get("Tags") or [])
