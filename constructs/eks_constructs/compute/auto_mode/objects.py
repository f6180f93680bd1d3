"""The Kubernetes objects that configure EKS Auto Mode: node classes, node pools, ingress class, network policies."""

from collections.abc import Mapping, Sequence

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.spec import AutoNodePoolSpec, NodeClassSpec
from eks_constructs.compute.device_settings import network_interfaces
from eks_constructs.compute.node_pool_object import node_pool
from eks_constructs.manifests import KubernetesObject


def node_class_manifest(
    spec: NodeClassSpec,
    *,
    cluster: str,
    role_name: str,
    network: ClusterNetwork,
    tags: Mapping[str, str],
    instance_types: Sequence[str] = (),
) -> KubernetesObject:
    """Returns a NodeClass. https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html.

    ``instance_types``: those that its pools name.
    """
    # EKS puts this tag on the security group it makes for the cluster (seen in use; no AWS page says so).
    security_groups: list[KubernetesObject] = [{"tags": {"aws:eks:cluster-name": cluster}}]
    storage: KubernetesObject = {
        "size": f"{spec.ephemeral_storage_gib}Gi",
        "kmsKeyID": spec.ephemeral_storage_kms_key_arn,
        "iops": spec.ephemeral_storage_iops,
        "throughput": spec.ephemeral_storage_throughput,
    }
    body: KubernetesObject = {
        "role": role_name,
        "subnetSelectorTerms": network.selector_of(spec.subnet_ids, spec.local_zones),
        "securityGroupSelectorTerms": security_groups + [{"id": one} for one in spec.security_group_ids],
        "ephemeralStorage": {key: value for key, value in storage.items() if value},
        "networkPolicy": spec.network_policy,
        "networkPolicyEventLogs": spec.network_policy_event_logs,
    }
    if spec.tags or tags:
        body["tags"] = {**tags, **spec.tags}
    if spec.snat_policy != "Random":
        body["snatPolicy"] = spec.snat_policy
    if spec.fips or spec.kernel_lockdown:
        lockdown = {"kernelLockdown": spec.kernel_lockdown} if spec.kernel_lockdown else {}
        body["advancedSecurity"] = {"fips": spec.fips, **lockdown}
    kernel = {"kernel": {"sysctl": dict(spec.kernel_parameters)}} if spec.kernel_parameters else {}
    kubelet = {"kubelet": settings} if (settings := spec.kubelet.settings()) else {}
    if kernel or kubelet:
        body["advancedCompute"] = {**kubelet, **kernel}
    if spec.capacity_reservation_ids:
        body["capacityReservationSelectorTerms"] = [{"id": one} for one in spec.capacity_reservation_ids]
    if spec.placement_group:
        body["placementGroupSelector"] = {"name": spec.placement_group}
    if spec.efa_interfaces:
        body["advancedNetworking"] = {"networkInterfaces": _interfaces(spec, instance_types[0])}
    if network.pod_subnet_selector:
        body["podSubnetSelectorTerms"] = network.pod_subnet_selector
        body["podSecurityGroupSelectorTerms"] = security_groups
    return {"apiVersion": "eks.amazonaws.com/v1", "kind": "NodeClass", "metadata": {"name": spec.name}, "spec": body}


def _interfaces(spec: NodeClassSpec, instance_type: str) -> list[KubernetesObject]:
    return [
        {
            "networkCardIndex": one.card,
            "deviceIndex": one.device,
            "interfaceType": one.type,
            **({"secondaryIPv4PrefixCount": spec.pod_address_prefixes} if one.type == "interface" else {}),
        }
        for one in network_interfaces(spec.efa_interfaces or 0, instance_type, adapter_first=False)
    ]


def node_pool_manifest(spec: AutoNodePoolSpec, *, ipv6: bool = False) -> KubernetesObject:
    """Returns a NodePool. https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html."""
    node_class = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": spec.node_class}
    return node_pool(spec, node_class=node_class, label_domain="eks.amazonaws.com", labels=spec.labels, nitro=ipv6)


def network_policy_manifest() -> KubernetesObject:
    """Returns the ConfigMap that switches network policies on. https://docs.aws.amazon.com/eks/latest/userguide/auto-net-pol.html."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "amazon-vpc-cni", "namespace": "kube-system"},
        "data": {"enable-network-policy-controller": "true"},
    }


def ingress_class_manifests(
    scheme: str, *, ipv6: bool = False, tags: Mapping[str, str] | None = None
) -> list[KubernetesObject]:
    """Returns the IngressClass of Auto Mode's own controller. https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html."""
    params = {
        "apiVersion": "eks.amazonaws.com/v1",
        "kind": "IngressClassParams",
        "metadata": {"name": "auto-alb"},
        # Auto Mode reads both here alone. Only a load balancer of both families has pods with IPv6 addresses as targets.
        "spec": {
            "scheme": scheme,
            **({"ipAddressType": "dualstack"} if ipv6 else {}),
            **({"tags": [{"key": key, "value": value} for key, value in tags.items()]} if tags else {}),
        },
    }
    ingress_class = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "auto-alb"},
        "spec": {
            "controller": "eks.amazonaws.com/alb",
            "parameters": {"apiGroup": "eks.amazonaws.com", "kind": "IngressClassParams", "name": "auto-alb"},
        },
    }
    return [params, ingress_class]
