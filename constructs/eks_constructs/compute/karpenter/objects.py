"""Karpenter in a cluster: its charts, and the Kubernetes objects that define its nodes."""

from collections.abc import Mapping
from typing import Any

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.karpenter.construct import NAMESPACE, SERVICE_ACCOUNT
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.node_pools import node_pool
from eks_constructs.manifests import HelmChart, KubernetesObject, ManifestFile
from eks_facts.files import load

QUEUE = "KARPENTER_QUEUE"
"""Placeholder in the chart's values."""
QUEUE_OUTPUT = "KarpenterQueueName"

NODES = {KIND_LABEL: "karpenter"}
"""Label of the nodes, besides that of their pool: they are none of the managed node groups'."""

VERSION = "1.14.1"
"""Of both charts. https://github.com/aws/karpenter-provider-aws/releases (2026-08-26)."""
NEWEST_KUBERNETES = "1.36"
"""Above it this version refuses to start. https://github.com/aws/karpenter-provider-aws/pull/9223."""

CLUSTER_TAG = "ebs.csi.aws.com/cluster-name"
"""Tag of instances to which the EBS CSI driver may attach volumes: EKS tags those of managed groups (eks:cluster-name), Karpenter
tags its own with none of the two. docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEBSCSIDriverEKSClusterScopedPolicy.html"""

_ORDER = 44
_REPOSITORY = "oci://public.ecr.aws/karpenter"
_NODE_CLASS = "default"


CHARTS = ("karpenter-crd", SERVICE_ACCOUNT)
"""Names of its releases."""


def charts(cluster: str, *, replicas: int, own_pod_subnets: bool = False, isolated: bool = False) -> list[HelmChart]:
    """Returns Karpenter's charts: resource definitions apart, because helm never updates those that come within a chart.

    Args:
        cluster: its name.
        replicas: of the controller, each on a managed node of its own: nodes that Karpenter adds do not run it.
        own_pod_subnets: pods have subnets of their own, so that a node's first network interface has no address for them.
        isolated: there is no way to the internet, and so none to the price list, which has no VPC endpoint.
    """
    values: dict[str, Any] = {
        "replicas": replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "settings": {
            "clusterName": cluster,
            "interruptionQueue": f"${{{QUEUE}}}",
            **_interfaces(own_pod_subnets),
            **({"isolatedVPC": True} if isolated else {}),
        },
        "nodeSelector": {KIND_LABEL: "managed_nodes", "kubernetes.io/os": "linux"},
        "controller": {"resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}},
    }
    return [
        HelmChart(
            order=_ORDER,
            name="karpenter-crd",
            namespace=NAMESPACE,
            repository=_REPOSITORY,
            chart="karpenter-crd",
            version=VERSION,
            values={},
            note="Resource definitions of Karpenter.",
        ),
        HelmChart(
            order=_ORDER + 1,
            name=SERVICE_ACCOUNT,
            namespace=NAMESPACE,
            repository=_REPOSITORY,
            chart="karpenter",
            version=VERSION,
            values=values,
            note="Adds EC2 nodes for pods without room, and takes them away. Yours to run and to upgrade.",
            outputs={QUEUE: QUEUE_OUTPUT},
        ),
    ]


def _interfaces(own_pod_subnets: bool) -> dict[str, str]:
    # Karpenter, not EKS, counts the pods of its nodes, and passes the number to the kubelet; it does not ask the CNI.
    # https://karpenter.sh/docs/reference/settings/ (text, as in the chart's own values)
    return {"reservedENIs": "1"} if own_pod_subnets else {}


def nodes(
    spec: KarpenterSpec,
    *,
    cluster: str,
    profile: str,
    network: ClusterNetwork,
    tags: Mapping[str, str],
    prefixes: bool = False,
) -> ManifestFile:
    """Returns the file of the nodes that Karpenter may add.

    Args:
        spec: what the environment file says.
        cluster: its name.
        profile: name of the nodes' instance profile.
        network: where they go.
        tags: of the instances and volumes.
        prefixes: the CNI takes addresses by prefixes of 16, so that there are more pods to a node than Karpenter counts.
    """
    pools = [
        node_pool(
            pool,
            node_class={"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": _NODE_CLASS},
            label_domain="karpenter.k8s.aws",
            labels={**pool.labels, **NODES},
            # An instance of one vCPU has fewer addresses than the number of pods below.
            more_vcpus_than=1 if prefixes else None,
        )
        for pool in spec.node_pools
    ]
    note = "Which nodes Karpenter may add. Deleting a pool drains and ends its nodes."
    node_class = _node_class(spec, cluster=cluster, profile=profile, network=network, tags=tags)
    if prefixes:
        # What EKS sets on managed nodes, where it asks the CNI: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html
        node_class["spec"]["kubelet"] = {"maxPods": load("devices")["max_pods_with_prefixes"]}
    objects = [node_class, *pools]
    return ManifestFile(_ORDER + 2, "karpenter-nodes", objects, note)


def _node_class(
    spec: KarpenterSpec, *, cluster: str, profile: str, network: ClusterNetwork, tags: Mapping[str, str]
) -> KubernetesObject:
    """Returns the EC2NodeClass: like a managed node group's launch template. https://karpenter.sh/docs/concepts/nodeclasses/."""
    # Bottlerocket keeps its operating system on a small first volume, and images and logs on a second one.
    data = f"{spec.volume_gib}Gi"
    sizes = {"/dev/xvda": "4Gi", "/dev/xvdb": data} if spec.ami.startswith("bottlerocket") else {"/dev/xvda": data}
    disks = [
        {
            "deviceName": device,
            "ebs": {"volumeType": "gp3", "volumeSize": size, "encrypted": True, "deleteOnTermination": True},
        }
        for device, size in sizes.items()
    ]
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": _NODE_CLASS},
        "spec": {
            "amiSelectorTerms": [{"alias": spec.ami}],
            "instanceProfile": profile,
            "subnetSelectorTerms": network.subnet_selector,
            # EKS puts this tag on the security group it makes for the cluster.
            "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": cluster}}],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": disks,
            "tags": {**tags, CLUSTER_TAG: cluster},
        },
    }
