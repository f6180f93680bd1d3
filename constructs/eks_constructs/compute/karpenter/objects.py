"""Karpenter in a cluster: its charts, and the Kubernetes objects that define its nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.device_settings import SHARING_LABEL, network_interfaces
from eks_constructs.compute.devices import devices_of_pool
from eks_constructs.compute.karpenter.construct import NAMESPACE, SERVICE_ACCOUNT
from eks_constructs.compute.karpenter.spec import (
    DEFAULT_CLASS,
    KarpenterNodePoolSpec,
    KarpenterNodesSpec,
    KarpenterSpec,
)
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.node_pool_object import node_pool
from eks_constructs.compute.user_data import merged, mime, toml
from eks_constructs.manifests import HelmChart, KubernetesObject, ManifestFile
from eks_facts.files import load
from eks_facts.instances import families_without_drivers

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


CHARTS = ("karpenter-crd", SERVICE_ACCOUNT)
"""Names of its releases."""


def charts(
    cluster: str,
    *,
    host: str,
    replicas: int,
    own_pod_subnets: bool = False,
    isolated: bool = False,
    gates: Sequence[str] = (),
) -> list[HelmChart]:
    """Returns Karpenter's charts: resource definitions apart, because helm never updates those that come within a chart.

    Args:
        cluster: its name.
        host: the kind of compute whose nodes run it.
        replicas: of the controller, each on a node of its own: nodes that Karpenter adds do not run it.
        own_pod_subnets: pods have subnets of their own, so that a node's first network interface has no address for them.
        isolated: there is no way to the internet, and so none to the price list, which has no VPC endpoint.
        gates: features that this version of Karpenter must be told to have.
    """
    values: dict[str, Any] = {
        "replicas": replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "settings": {
            "clusterName": cluster,
            "interruptionQueue": f"${{{QUEUE}}}",
            **_interfaces(own_pod_subnets),
            **({"isolatedVPC": True} if isolated else {}),
            # Alpha: https://karpenter.sh/docs/reference/settings/#feature-gates
            **({"featureGates": dict.fromkeys(gates, True)} if gates else {}),
        },
        "nodeSelector": {KIND_LABEL: host, "kubernetes.io/os": "linux"},
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
    ipv6: bool = False,
) -> ManifestFile:
    """Returns the file of the nodes that Karpenter may add.

    Args:
        spec: what the environment file says.
        cluster: its name.
        profile: name of the nodes' instance profile.
        network: where they go.
        tags: of the instances and volumes.
        prefixes: the CNI takes addresses by prefixes of 16, so that there are more pods to a node than Karpenter counts.
        ipv6: pods have IPv6 addresses.
    """
    pools = [
        node_pool(
            pool,
            node_class={"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": pool.node_class},
            label_domain="karpenter.k8s.aws",
            labels={**pool.labels, **NODES, **_sharing(spec.class_of(pool))},
            # An instance of one vCPU has fewer addresses than the number of pods below.
            more_vcpus_than=1 if prefixes and not ipv6 and not spec.class_of(pool).kubelet.max_pods else None,
            # Karpenter takes the newest AMI of EKS, which has no driver for them.
            without_families=()
            if spec.class_of(pool).ami_ids
            else families_without_drivers(pool.instance_categories, pool.instance_generation_above),
            nitro=ipv6,
        )
        for pool in spec.node_pools
    ]
    note = "Which nodes Karpenter may add. Deleting a pool drains and ends its nodes."
    named: list[tuple[str, KarpenterNodesSpec]] = [(one.name, one) for one in spec.node_classes]
    if not spec.node_pools or any(pool.node_class == DEFAULT_CLASS for pool in spec.node_pools):
        named.insert(0, (DEFAULT_CLASS, spec))
    classes = [
        _node_class(
            name,
            one,
            [pool for pool in spec.node_pools if pool.node_class == name],
            cluster=cluster,
            profile=profile,
            network=network,
            tags=tags,
            prefixes=prefixes,
        )
        for name, one in named
    ]
    objects = [*classes, *pools]
    return ManifestFile(_ORDER + 2, "karpenter-nodes", objects, note)


def _sharing(spec: KarpenterNodesSpec) -> dict[str, str]:
    """Returns the label by which NVIDIA's plugin, which Bottlerocket brings, finds how pods share GPUs."""
    sharing = spec.gpu_sharing
    return {SHARING_LABEL: sharing.config_name} if sharing and spec.system == "al2023" else {}


def _node_class(
    name: str,
    spec: KarpenterNodesSpec,
    pools: Sequence[KarpenterNodePoolSpec],
    *,
    cluster: str,
    profile: str,
    network: ClusterNetwork,
    tags: Mapping[str, str],
    prefixes: bool,
) -> KubernetesObject:
    """Returns an EC2NodeClass: like a managed node group's launch template. https://karpenter.sh/docs/concepts/nodeclasses/."""
    bottlerocket = spec.system == "bottlerocket"
    # What EKS sets on managed nodes, where it asks the CNI: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html
    kubelet = {"maxPods": load("devices")["max_pods_with_prefixes"]} if prefixes else {}
    kubelet |= spec.kubelet.settings()
    types = list(dict.fromkeys(one for pool in pools for one in pool.instance_types))
    devices = {device for pool in pools for device in devices_of_pool(pool, spec.system)}
    user_data = (
        toml(merged(spec.device_settings(devices, types), spec.user_data.bottlerocket))
        if bottlerocket
        else mime(list(spec.user_data.scripts), spec.user_data.node_config)
    )
    optional = {
        "amiFamily": ("Bottlerocket" if bottlerocket else "AL2023") if spec.ami_ids else None,
        "kubelet": kubelet,
        "userData": user_data,
        "instanceStorePolicy": spec.instance_store and spec.instance_store.upper(),
        "capacityReservationSelectorTerms": [{"id": one} for one in spec.capacity_reservation_ids],
        "placementGroupSelector": {"name": spec.placement_group} if spec.placement_group else None,
        "networkInterfaces": [
            {"networkCardIndex": one.card, "deviceIndex": one.device, "interfaceType": one.type}
            for one in network_interfaces(spec.efa_interfaces, types[0], adapter_first=False)
        ]
        if spec.efa_interfaces and types
        else None,
    }
    # EKS puts this tag on the security group it makes for the cluster.
    groups: list[KubernetesObject] = [{"tags": {"aws:eks:cluster-name": cluster}}]
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": name},
        "spec": {
            "amiSelectorTerms": [{"id": one} for one in spec.ami_ids] or [{"alias": spec.ami}],
            "instanceProfile": profile,
            "subnetSelectorTerms": network.selector_of(spec.subnet_ids, spec.local_zones),
            "securityGroupSelectorTerms": groups + [{"id": one} for one in spec.security_group_ids],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": _disks(spec),
            "tags": {**tags, **spec.tags, CLUSTER_TAG: cluster},
            **{key: value for key, value in optional.items() if value},
        },
    }


def _disks(spec: KarpenterNodesSpec) -> list[KubernetesObject]:
    # Bottlerocket keeps its operating system on a small first volume, and images and logs on a second one.
    data = f"{spec.volume_gib}Gi"
    sizes = {"/dev/xvda": "4Gi", "/dev/xvdb": data} if spec.system == "bottlerocket" else {"/dev/xvda": data}
    key = {"kmsKeyID": spec.volume_kms_key_arn} if spec.volume_kms_key_arn else {}
    return [
        {
            "deviceName": device,
            "ebs": {"volumeType": "gp3", "volumeSize": size, "encrypted": True, "deleteOnTermination": True, **key},
        }
        for device, size in sizes.items()
    ]
