"""What blocks the deletion of an environment after real use: resources that CloudFormation did not make."""

from collections.abc import Iterator, Mapping
from functools import partial

from delivery.account import Asked
from eks_constructs.compute.hybrid_nodes.spec import ACTIVATION_TAG
from operations.blocker import Blocker, instances, seen, tags_of
from operations.deployed_stacks import DeployedStacks
from operations.environment import cluster_stacks, stack_names
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


def of_clusters(environment: Environment, deployed: DeployedStacks, account: Asked) -> list[Blocker]:
    """Returns what to remove before workloads and clusters are deleted; what cannot be seen is a note."""
    found = [*seen("stacks", partial(other_stacks, environment, deployed))]
    for cluster in environment.clusters:
        found += seen("protection", partial(_protection, environment, cluster, deployed, account))
        found += seen("buckets", partial(_buckets, environment, cluster, deployed, account))
        if any(deployed.find(stack) for stack in cluster_stacks(environment, cluster)):
            found += seen("load balancers", partial(_load_balancers, environment, cluster, account))
            found += seen("nodes of Karpenter", partial(_karpenter, environment, cluster, account))
            found += seen("volumes", partial(_volumes, cluster, account))
            found += seen("machines of sites", partial(_machines, cluster, account))
    found += seen("backups", partial(_backups, foundation_stack(environment.name), deployed, account))
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
    off = f"control_plane.deletion_protection: false for {cluster.name} in its file, then make deploy ENV={environment.env}"
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
                f"make unapply ENV={environment.env}",
                f"kubectl get ingress,gateway,service -A | grep -E 'LoadBalancer|{namespace}'",
            ),
        )


def _tagged_balancers(account: Asked) -> Iterator[tuple[str, Mapping[str, str]]]:
    arns = [one["LoadBalancerArn"] for one in account.items("elbv2", "describe_load_balancers", "LoadBalancers")]
    for start in range(0, len(arns), 20):  # AWS answers for twenty at a time
        described = account.one("elbv2", "describe_tags", "TagDescriptions", ResourceArns=arns[start : start + 20])
        for one in described or ():
            yield one["ResourceArn"], {tag["Key"]: tag.get("Value", "") for tag in one["Tags"]}


def _karpenter(environment: Environment, cluster: ClusterSpec, account: Asked) -> Iterator[Blocker]:
    """Nodes that Karpenter made: nothing ends them once it is gone."""
    if not cluster.compute.karpenter or cluster.delivered_by_stack:
        return  # with the stack its node pools go before it does
    ids = [
        one["InstanceId"]
        for one in instances(account, tag_key="karpenter.sh/nodepool")
        if cluster.name in (tags_of(one).get("eks:eks-cluster-name"), tags_of(one).get("karpenter.sh/discovery"))
        or f"kubernetes.io/cluster/{cluster.name}" in tags_of(one)
    ]
    if ids:
        yield Blocker(
            f"nodes that Karpenter made for {cluster.name} run: {', '.join(ids)}. While Karpenter runs, delete its pools:",
            (
                f"make unapply ENV={environment.env}",
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
        if cluster.name in tags_of(one).values() or f"kubernetes.io/cluster/{cluster.name}" in tags_of(one)
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
