"""What is in a network that its stack did not make."""

from collections.abc import Iterator
from functools import partial

from delivery.account import Asked
from operations.blocker import Blocker, instances, seen, tags_of
from operations.deployed_stacks import DeployedStacks, Resource
from operations.environment import cluster_stacks, network_stacks
from responsibility.account.errors import AccountError
from stacks.environment.model import Environment

_GUARDDUTY = (
    "https://docs.aws.amazon.com/guardduty/latest/ug/using-iac-with-gdu-automated-agents-runtime-monitoring.html"
)


def of_networks(environment: Environment, deployed: DeployedStacks, account: Asked) -> list[Blocker]:
    """Returns what is in the way of the networks; what cannot be seen is a note.

    While clusters are there, of endpoints alone: the rest may be theirs, and go with them.
    """
    gone = not any(deployed.find(stack) for one in environment.clusters for stack in cluster_stacks(environment, one))
    found: list[Blocker] = []
    ours: list[Resource] = []
    for stack in filter(deployed.find, network_stacks(environment)):
        try:
            ours += deployed.resources(stack)
        except AccountError as problem:
            found.append(Blocker(f"the resources of {stack} cannot be read: {problem}", stops=False))
    if found:  # what a stack made would look like somebody else's
        return found
    made = {one.PhysicalResourceId for one in ours}
    for vpc in (one.PhysicalResourceId for one in ours if one.ResourceType == "AWS::EC2::VPC"):
        for what, look in (
            ("endpoints", _endpoints),
            ("load balancers", _balancers_of_vpc),
            ("instances", _instances_of_vpc),
            ("network interfaces", _interfaces),
            ("security groups", _security_groups),
        ):
            if gone or look is _endpoints:
                found += seen(what, partial(look, vpc, made, account))
    return found


def _endpoints(vpc: str, made: set[str], account: Asked) -> Iterator[Blocker]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    for one in account.items("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=filters):
        if one["VpcEndpointId"] in made or one.get("State") in ("deleted", "deleting"):
            continue
        who = (
            f"GuardDuty's, which deletes it only when Runtime Monitoring is switched off ({_GUARDDUTY})"
            if "guardduty-data" in one["ServiceName"]
            else f"for {one['ServiceName']}"
        )
        yield Blocker(
            f"VPC endpoint {one['VpcEndpointId']} in {vpc}: {who}",
            (f"aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {one['VpcEndpointId']}",),
        )


def _balancers_of_vpc(vpc: str, _made: set[str], account: Asked) -> Iterator[Blocker]:
    for one in account.items("elbv2", "describe_load_balancers", "LoadBalancers"):
        if one.get("VpcId") == vpc:
            arn = one["LoadBalancerArn"]
            yield Blocker(
                f"load balancer {arn} in {vpc}", (f"aws elbv2 delete-load-balancer --load-balancer-arn {arn}",)
            )


def _instances_of_vpc(vpc: str, made: set[str], account: Asked) -> Iterator[Blocker]:
    for one in instances(account, vpc_id=vpc):
        if one["InstanceId"] not in made:
            command = f"aws ec2 terminate-instances --instance-ids {one['InstanceId']}"
            yield Blocker(
                f"instance {one['InstanceId']} in {vpc}, {tags_of(one).get('Name', 'without a name')}", (command,)
            )


def _interfaces(vpc: str, _made: set[str], account: Asked) -> Iterator[Blocker]:
    """Interfaces that are attached to nothing. Those in use go with what uses them."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "status", "Values": ["available"]}]
    for one in account.items("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=filters):
        identity = one["NetworkInterfaceId"]
        yield Blocker(
            f"network interface {identity} in {vpc}, left over ({one.get('Description') or 'no description'})",
            (f"aws ec2 delete-network-interface --network-interface-id {identity}",),
        )


def _security_groups(vpc: str, made: set[str], account: Asked) -> Iterator[Blocker]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    for one in account.items("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        ours = one["GroupId"] in made or "aws:cloudformation:stack-name" in tags_of(one)
        if one["GroupName"] != "default" and not ours:
            yield Blocker(
                f"security group {one['GroupId']} in {vpc} ({one['GroupName']}), made by none of these stacks",
                (f"aws ec2 delete-security-group --group-id {one['GroupId']}",),
            )
