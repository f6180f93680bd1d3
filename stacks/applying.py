"""`delivery: kubectl`: has CloudFormation apply the Kubernetes objects of a cluster, in an order that works."""

from collections.abc import Callable, Mapping, Sequence

import aws_cdk as cdk
from constructs import IDependable

from delivery.order import in_stages
from delivery.placeholders import fill, unescaped
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.construct_ids import pascal_case
from eks_constructs.kubectl import SIDE_BY_SIDE, Kubectl, Logging
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.pseudo import Aws
from stacks.control_plane import RunningCluster
from stacks.environment.model import Environment
from stacks.objects.rendering import PlacedWorkload

Late = Callable[[Sequence[IDependable]], list[IDependable]]


def apply_objects(
    stack: cdk.Stack,
    cluster: RunningCluster,
    environment: Environment,
    added: Sequence[HelmChart | ManifestFile],
    workloads: Sequence[PlacedWorkload],
    values: Mapping[str, Mapping[str, str]],
    controller_values: Mapping[str, str],
    *,
    logs_key_arn: str,
    late: Late,
) -> None:
    """The cluster's own objects one file after the other, then workloads side by side, each stage after the one before.

    Args:
        stack: that of the workloads, with what they need of AWS.
        cluster: whose objects they are.
        environment: that it belongs to.
        added: charts of controllers, and objects that are applied as they are.
        workloads: those of the cluster, in their order.
        values: of placeholders, by the workload's namespace.
        controller_values: of placeholders of charts and manifests.
        logs_key_arn: of the key for the log group.
        late: makes the add-ons that wait for node pools; returns what comes after them.
    """
    spec = cluster.spec
    kubectl = Kubectl(
        stack,
        "Kubectl",
        cluster=ClusterHandle(spec.name, spec.name),
        kubernetes_version=spec.control_plane.kubernetes_version,
        subnet_ids=cluster.network.private_subnet_ids,
        security_group_id=cluster.security_group_id,
        iam_spec=environment.iam,
        caches=environment.registry_rules.caches_to_fill,
        logging=Logging(
            f"/eks-platform/{environment.name}/clusters/{spec.name}/kubectl",
            logs_key_arn,
            environment.foundation.log_retention_days,
        ),
        charts=[item for item in added if isinstance(item, HelmChart)],
        handover=spec.delivery == "handover",
    )
    known = {"AWS_ACCOUNT_ID": Aws.ACCOUNT_ID, "AWS_REGION": Aws.REGION, "AWS_PARTITION": Aws.PARTITION}
    before: list[IDependable] = []
    for file in spec.own_files(environment.context_of(spec), cluster.network):
        before = [_stages(kubectl, file, known, before)]
    before = late(before)
    makers = [*map(pascal_case, spec.compute.sections), "LoadBalancerController"]
    rights = [child for name in makers if (child := stack.node.try_find_child(name))]
    for item in added:
        if isinstance(item, HelmChart):
            filled = unescaped(fill(dict(item.values), {**known, **controller_values}))
            before = [kubectl.install(item, filled, after=[*before, *rights])]
        else:
            before = [_stages(kubectl, item, {**known, **controller_values}, before)]
    # Clusters are deployed side by side, four stacks at most (operations/deploying.py), and share the account's functions.
    width = max(1, SIDE_BY_SIDE // sum(one.delivered_by_stack for one in environment.clusters))
    lanes = [before] * width
    made: dict[str, IDependable] = {}
    for number, workload in enumerate(workloads):
        lane = number % width
        own = stack.node.find_child(pascal_case(workload.placement.namespace))
        filled = {**known, **values[workload.placement.namespace]}
        used = [made[namespace] for namespace in sorted(workload.after)]
        made[workload.placement.namespace] = last = _stages(kubectl, workload.file, filled, [*lanes[lane], *used, own])
        lanes[lane] = [last]


def _stages(
    kubectl: Kubectl, file: ManifestFile, values: Mapping[str, str], after: Sequence[IDependable]
) -> IDependable:
    last: IDependable | None = None
    for stage, objects in in_stages(file.objects).items():
        filled = [unescaped(fill(item, values)) for item in objects]
        last = kubectl.apply(f"{file.name}-{stage}", filled, after=[last] if last else list(after), keep=file.keep)
    if last is None:
        raise ValueError(f"{file.name} has no objects")
    return last
