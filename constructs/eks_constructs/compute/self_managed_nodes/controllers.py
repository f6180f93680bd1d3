"""The controllers beside self-managed nodes: AWS Node Termination Handler with its queue, and Cluster Autoscaler."""

from collections.abc import Iterator, Mapping
from typing import Any

from constructs import Construct

from eks_constructs.addon_plan import merge
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.interruption_queue import interruption_queue
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.compute.self_managed_nodes import rights
from eks_constructs.compute.self_managed_nodes.spec import ControllerChartSpec, SelfManagedNodesSpec
from eks_constructs.compute.self_managed_nodes.tags import handled_tag
from eks_constructs.identity import associated_role
from eks_constructs.manifests import HelmChart
from eks_constructs.roles import IamSpec
from eks_facts.files import load

NAMESPACE, HANDLER, AUTOSCALER = "kube-system", "aws-node-termination-handler", "cluster-autoscaler"
"""Names of their charts, releases and service accounts."""
QUEUE, QUEUE_OUTPUT = "TERMINATION_QUEUE_URL", "TerminationQueueUrl"
"""Placeholder in a chart's values, and the output with its value."""

_ORDER = 46
_EVENTS = ("Termination", "SpotInterruption", "InstanceState", "ScheduledChange")
"""Not Rebalance: Auto Scaling acts on it itself (capacity_rebalance), starts a new node, and then ends the old one by way of the
lifecycle hook. https://github.com/aws/aws-node-termination-handler#4-create-amazon-eventbridge-rules"""


class TerminationHandler(Construct):
    """The AWS resources of the AWS Node Termination Handler.

    Attributes:
        queue_url: of the queue that brings it EC2's warnings.
    """

    def __init__(self, scope: Construct, construct_id: str, *, iam: IamSpec, cluster: ClusterHandle) -> None:
        """Makes the queue with its rules, and the handler's role."""
        super().__init__(scope, construct_id)
        queue = interruption_queue(self, "the AWS Node Termination Handler", _EVENTS)
        self.queue_url = queue.ref
        associated_role(
            self,
            "Role",
            spec=iam,
            cluster=cluster,
            namespace=NAMESPACE,
            service_account=HANDLER,
            statements=rights.termination_handler(cluster.name, queue.attr_arn),
        )


class ClusterAutoscaler(Construct):
    """The AWS resources of Cluster Autoscaler."""

    def __init__(self, scope: Construct, construct_id: str, *, iam: IamSpec, cluster: ClusterHandle) -> None:
        """Makes its role."""
        super().__init__(scope, construct_id)
        associated_role(
            self,
            "Role",
            spec=iam,
            cluster=cluster,
            namespace=NAMESPACE,
            service_account=AUTOSCALER,
            statements=rights.cluster_autoscaler(cluster.name),
        )


def charts(spec: SelfManagedNodesSpec, context: ClusterContext) -> Iterator[HelmChart]:
    """Yields the charts of the controllers of a cluster."""
    tolerated = [dict(one) for one in context.mix.deployments_tolerations]
    tolerations: dict[str, Any] = {"tolerations": tolerated} if tolerated else {}
    selector = {**(context.mix.host.node_selector if context.mix.host else {}), "kubernetes.io/os": "linux"}
    if spec.termination_handler.enabled:
        values: dict[str, Any] = {
            "enableSqsTerminationDraining": True,
            "queueURL": f"${{{QUEUE}}}",
            "awsRegion": "${AWS_REGION}",
            "checkTagBeforeDraining": True,
            "managedTag": handled_tag(context.name),
            "serviceAccount": {"name": HANDLER},
            "nodeSelector": selector,
            **tolerations,
            "rbac": {"pspEnabled": False},
        }
        yield _chart(spec.termination_handler, HANDLER, _ORDER, values, {QUEUE: QUEUE_OUTPUT})
    if spec.cluster_autoscaler.enabled:
        row = load("charts")["controllers"][AUTOSCALER]
        # It simulates the scheduler, so each version is for the Kubernetes version of its number.
        minor = min(context.kubernetes_version, row["newest_kubernetes"], key=lambda one: int(one.partition(".")[2]))
        values = {
            "cloudProvider": "aws",
            "awsRegion": "${AWS_REGION}",
            "autoDiscovery": {"clusterName": context.name},
            "image": {"tag": f"v{minor}.0"},
            "fullnameOverride": AUTOSCALER,
            "rbac": {"serviceAccount": {"name": AUTOSCALER}},
            "nodeSelector": selector,
            **tolerations,
            # Alike groups in several AZs grow together; without it one fills up first.
            "extraArgs": {"balance-similar-node-groups": True},
        }
        yield _chart(spec.cluster_autoscaler, AUTOSCALER, _ORDER + 1, values, {})


def _chart(
    spec: ControllerChartSpec, name: str, order: int, values: Mapping[str, Any], outputs: Mapping[str, str]
) -> HelmChart:
    row = load("charts")["controllers"][name]
    return HelmChart(
        order=order,
        name=name,
        namespace=NAMESPACE,
        repository=row["repository"],
        chart=name,
        version=spec.version or row["version"],
        values=merge(values, spec.values),
        note=row["note"],
        outputs=outputs,
    )
