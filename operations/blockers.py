"""What blocks the deletion of an environment after real use: resources that CloudFormation did not make."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from delivery.account import Asked
from eks_constructs.compute.hybrid_nodes.spec import ACTIVATION_TAG
from operations.deployed_stacks import DeployedStacks
from operations.environment import cluster_stacks, network_stacks, stack_names
from responsibility.account.errors import AccountError
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.stack_names import (
    compute_stack,
    control_plane_stack,
    foundation_stack,
    protection_stack,
    workloads_stack,
)

_AUTO_MODE = "https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html"
_GUARDDUTY = (
    "https://docs.aws.amazon.com/guardduty/latest/ug/using-iac-with-gdu-automated-agents-runtime-monitoring.html"
)


@dataclass(frozen=True)
class Blocker:
    """Something that blocks a deletion, or that stays and costs money."""

    what: str
    commands: tuple[str, ...] = ()
    """What removes it."""
    stops: bool = True
    """Whether the deletion fails because of it."""
    certain: bool = False
    """Whether it always does, half-way: ANYWAY=yes does not help."""


def of_clusters(environment: Environment, deployed: DeployedStacks, account: Asked) -> list[Blocker]:
    """Returns what to remove before workloads and clusters are deleted; what cannot be seen is a note."""
    found = [*_seen("stacks", partial(other_stacks, environment, deployed))]
    for cluster in environment.clusters:
        found += _seen("protection", partial(_protection, environment, cluster, deployed, account))
        found += _seen("buckets", partial(_buckets, environment, cluster, deployed, account))
        if any(deployed.find(stack) for stack in cluster_stacks(environment, cluster)):
            found += _seen("load balancers", partial(_load_balancers, environment, cluster, account))
            found += _seen("nodes of Karpenter", partial(_karpenter, environment, cluster, account))
            found += _seen("volumes", partial(_volumes, cluster, account))
            found += _seen("machines of sites", partial(_machines, cluster, account))
    found += _seen("backups", partial(_backups, foundation_stack(environment.name), deployed, account))
    return found


def of_networks(environment: Environment, deployed: DeployedStacks, account: Asked) -> list[Blocker]:
    """Returns what is in the way of the networks; what cannot be seen is a note.

    While clusters are there, of endpoints alone: the rest may be theirs, and go with them.
    """
    gone = not any(deployed.find(stack) for one in environment.clusters for stack in cluster_stacks(environment, one))
    found: list[Blocker] = []
    for stack in network_stacks(environment):
        if deployed.find(stack) is None:
            continue
        try:
            vpcs = [one.PhysicalResourceId for one in deployed.resources(stack) if one.ResourceType == "AWS::EC2::VPC"]
        except AccountError as problem:
            found.append(Blocker(f"the VPC of {stack} cannot be read: {problem}", stops=False))
            continue
        for vpc in vpcs:
            made = {one.PhysicalResourceId for one in deployed.resources(stack)}
            for what, look in (
                ("endpoints", _endpoints),
                ("load balancers", _balancers_of_vpc),
                ("instances", _instances_of_vpc),
                ("network interfaces", _interfaces),
                ("security groups", _security_groups),
            ):
                if gone or look is _endpoints:
                    found += _seen(what, partial(look, vpc, made, account))
    return found


def _seen(what: str, look: Callable[[], Iterator[Blocker]]) -> list[Blocker]:
    found = []
    try:
        for one in look():
            found.append(one)
    except AccountError as problem:
        found.append(Blocker(f"{what}: cannot be read: {problem}", stops=False))
    except (KeyError, TypeError, AttributeError):
        found.append(Blocker(f"{what}: cannot be read: the answer does not have the shape of AWS's", stops=False))
    return found


def other_stacks(environment: Environment, deployed: DeployedStacks) -> Iterator[Blocker]:
    """Stacks of the environment whose cluster, network or workloads are no longer in its file."""
    from stacks.workloads import needs_stack

    known = stack_names(environment)
    for cluster in environment.clusters:
        if not needs_stack(cluster, environment, before_pools=False):
            known.remove(workloads_stack(environment.name, cluster.name))
        if not cluster.has_compute_resources:
            known.discard(compute_stack(environment.name, cluster.name))
    for stack in deployed:
        if stack.StackName in known:
            continue
        objects = ""
        if "-workloads-" in stack.StackName:
            deletes = deployed.deletes_objects(stack.StackName)
            objects = (
                ", and deletes every Kubernetes object that it applied"
                if deletes
                else ", and leaves the Kubernetes objects"
            )
        yield Blocker(
            f"stack {stack.StackName} belongs to this environment, but is no longer in its file; this deletes it{objects}",
            (f"aws cloudformation delete-stack --stack-name {stack.StackName}",),
        )


def _protection(
    environment: Environment, cluster: ClusterSpec, deployed: DeployedStacks, account: Asked
) -> Iterator[Blocker]:
    name = protection_stack(environment.name, cluster.name)
    stack = deployed.find(name)
    off = f"control_plane.deletion_protection: false for {cluster.name} in its file, then make deploy ENV={environment.name}"
    if stack and stack.EnableTerminationProtection:
        yield Blocker(
            f"stack {name} has termination protection. Take it off, with the cluster's deletion protection:",
            (off,),
            certain=True,
        )
        return
    if not deployed.find(control_plane_stack(environment.name, cluster.name)):
        return
    described = account.one("eks", "describe_cluster", "cluster", name=cluster.name)
    if described.get("deletionProtection"):
        command = f"aws eks update-cluster-config --name {cluster.name} --no-deletion-protection"
        yield Blocker(f"cluster {cluster.name} has deletion protection", (off, command), certain=True)


def _buckets(
    environment: Environment, cluster: ClusterSpec, deployed: DeployedStacks, account: Asked
) -> Iterator[Blocker]:
    """Buckets that are deleted with the stack, and are not empty: old versions count."""
    name = workloads_stack(environment.name, cluster.name)
    if deployed.find(name) is None:
        return
    resources = deployed.template(name)
    for one in deployed.resources(name):
        written = resources.get(one.LogicalResourceId)
        kept = written is not None and written.DeletionPolicy != "Delete"
        if one.ResourceType != "AWS::S3::Bucket" or kept or not one.PhysicalResourceId:
            continue
        versions = [
            account.one("s3", "list_object_versions", key, Bucket=one.PhysicalResourceId, MaxKeys=1)
            for key in ("Versions", "DeleteMarkers")
        ]
        if any(versions):
            yield Blocker(
                f"bucket {one.PhysicalResourceId} of {cluster.name} has objects, or old versions of them (aws s3 rm leaves those);"
                " this asks, then deletes them all",
                (f"python -m operations empty-bucket {one.PhysicalResourceId}",),
            )


def _load_balancers(environment: Environment, cluster: ClusterSpec, account: Asked) -> Iterator[Blocker]:
    """Load balancers that a controller of the cluster made: only it also deletes their target groups and security groups."""
    for arn, tags in _tagged_balancers(account):
        ours = cluster.name in (tags.get("elbv2.k8s.aws/cluster"), tags.get("eks:eks-cluster-name"))
        if not ours and f"kubernetes.io/cluster/{cluster.name}" not in tags:
            continue
        object_ = next((value for key, value in tags.items() if key.endswith("/stack")), "")
        if "eks:eks-cluster-name" in tags:
            yield Blocker(
                f"load balancer {arn} of Auto Mode ({object_}) goes with the cluster: {_AUTO_MODE}", stops=False
            )
            continue
        namespace = object_.partition("/")[0]
        if cluster.delivered_by_stack and namespace in {one.namespace or one.name for one in cluster.workloads}:
            continue  # its Ingress or Service goes first, with the stack
        yield Blocker(
            f"load balancer {arn} of {cluster.name}, made for {object_ or 'an object'}: delete the Ingress, Gateway or Service",
            (
                f"make unapply ENV={environment.name}",
                f"kubectl get ingress,gateway,service -A | grep -E 'LoadBalancer|{namespace}'",
            ),
        )


def _tagged_balancers(account: Asked) -> Iterator[tuple[str, Mapping[str, str]]]:
    arns = [one["LoadBalancerArn"] for one in account.items("elbv2", "describe_load_balancers", "LoadBalancers")]
    for start in range(0, len(arns), 20):  # AWS answers for twenty at a time
        described = account.one("elbv2", "describe_tags", "TagDescriptions", ResourceArns=arns[start : start + 20])
        for one in described or ():
            yield one["ResourceArn"], {tag["Key"]: tag.get("Value", "") for tag in one["Tags"]}


def _instances(account: Asked, **filters: str) -> Iterator[Mapping[str, Any]]:
    wanted = [{"Name": key.replace("_", "-"), "Values": [value]} for key, value in filters.items()]
    wanted.append({"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]})
    for reservation in account.items("ec2", "describe_instances", "Reservations", Filters=wanted):
        yield from reservation["Instances"]


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags") or ()}


def _karpenter(environment: Environment, cluster: ClusterSpec, account: Asked) -> Iterator[Blocker]:
    """Nodes that Karpenter made: nothing ends them once it is gone."""
    if not cluster.compute.karpenter or cluster.delivered_by_stack:
        return  # with the stack its node pools go before it does
    ids = [
        one["InstanceId"]
        for one in _instances(account, tag_key="karpenter.sh/nodepool")
        if cluster.name in (_tags(one).get("eks:eks-cluster-name"), _tags(one).get("karpenter.sh/discovery"))
        or f"kubernetes.io/cluster/{cluster.name}" in _tags(one)
    ]
    if ids:
        yield Blocker(
            f"nodes that Karpenter made for {cluster.name} run: {', '.join(ids)}. While Karpenter runs, delete its pools:",
            (
                f"make unapply ENV={environment.name}",
                "kubectl delete nodepools --all",
                f"aws ec2 terminate-instances --instance-ids {' '.join(ids)}",
            ),
        )


def _volumes(cluster: ClusterSpec, account: Asked) -> Iterator[Blocker]:
    keys = [
        "ebs.csi.aws.com/cluster-name",
        "ebs.csi.aws.com/cluster",
        "eks:eks-cluster-name",
        f"kubernetes.io/cluster/{cluster.name}",
    ]
    volumes = account.items("ec2", "describe_volumes", "Volumes", Filters=[{"Name": "tag-key", "Values": keys}])
    ids = [
        one["VolumeId"]
        for one in volumes
        if cluster.name in _tags(one).values() or f"kubernetes.io/cluster/{cluster.name}" in _tags(one)
    ]
    if ids:
        yield Blocker(
            f"volumes of {cluster.name} that are not deleted with it: {', '.join(ids)}. Look at their data; then, for each:",
            ("aws ec2 delete-volume --volume-id ID",),
            stops=False,
        )


def _machines(cluster: ClusterSpec, account: Asked) -> Iterator[Blocker]:
    """Machines of sites that Systems Manager knows: whoever has a shell there through it keeps it."""
    if not cluster.compute.hybrid_nodes:
        return
    arn = account.one("eks", "describe_cluster", "cluster", name=cluster.name)["arn"]
    filters = [{"Key": f"tag:{ACTIVATION_TAG}", "Values": [arn]}]
    known = account.items("ssm", "describe_instance_information", "InstanceInformationList", Filters=filters)
    if ids := [one["InstanceId"] for one in known]:
        yield Blocker(
            f"machines of {cluster.name} that stay registered with Systems Manager: {', '.join(ids)}. On each: nodeadm uninstall; or:",
            ("aws ssm deregister-managed-instance --instance-id ID",),
            stops=False,
        )


def _backups(stack: str, deployed: DeployedStacks, account: Asked) -> Iterator[Blocker]:
    """Vaults that go with the foundation, and have backups: AWS deletes none of those.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault.html#delete-a-vault
    """
    if deployed.find(stack) is None:
        return
    vaults = [one for one in deployed.resources(stack) if one.ResourceType == "AWS::Backup::BackupVault"]
    for one in vaults:
        written = deployed.template(stack).get(one.LogicalResourceId)
        if written and written.DeletionPolicy != "Delete":
            continue
        vault = one.PhysicalResourceId
        points = account.items(
            "backup", "list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=vault
        )
        if points:
            yield Blocker(
                f"vault {vault} has {len(points)} backups, and make destroy-foundation stops at it. If nobody needs them, for each:",
                (
                    f"aws backup delete-recovery-point --backup-vault-name {vault} --recovery-point-arn {points[0]['RecoveryPointArn']}",
                ),
                stops=False,
            )


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
    for one in _instances(account, vpc_id=vpc):
        if one["InstanceId"] not in made:
            command = f"aws ec2 terminate-instances --instance-ids {one['InstanceId']}"
            yield Blocker(
                f"instance {one['InstanceId']} in {vpc}, {_tags(one).get('Name', 'without a name')}", (command,)
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
        ours = one["GroupId"] in made or "aws:cloudformation:stack-name" in _tags(one)
        if one["GroupName"] != "default" and not ours:
            yield Blocker(
                f"security group {one['GroupId']} in {vpc} ({one['GroupName']}), made by none of these stacks",
                (f"aws ec2 delete-security-group --group-id {one['GroupId']}",),
            )
