"""The order in which Kubernetes objects are applied: what others depend on first. Removal goes the other way."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from delivery.object_kind import KubernetesObject, kind_of

STAGES: Mapping[str, tuple[str, ...]] = {
    "namespaces": ("Namespace",),
    "definitions": ("CustomResourceDefinition",),
    "base": (
        *("PriorityClass", "RuntimeClass", "StorageClass", "VolumeSnapshotClass"),
        *("EC2NodeClass", "NodeClass", "NodePool"),
        *(
            "IngressClassParams",
            "IngressClass",
            "LoadBalancerConfiguration.gateway.k8s.aws",
            "TargetGroupConfiguration.gateway.k8s.aws",
            "GatewayClass",
        ),
        *("ResourceQuota", "LimitRange", "NetworkPolicy"),
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        *("Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"),
        *("Service", "DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "Pod", "Job", "CronJob"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler"),
    ),
    "custom": (),
    "entries": ("Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute", "TLSRoute"),
    "webhooks": ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
}
"""Kinds in their order, by stage. Objects of a later stage may be refused before those of an earlier one are there and served.

Kinds that are named nowhere here are custom resources, and so is a Job or Service of another API group: they come once their
controller runs. The name of a stage is part of ids in CloudFormation: another name there would replace what it applied, load
balancers and all.
"""

_NAMES = list(STAGES)
_RANKS = {kind: (_NAMES.index(stage), place) for stage, kinds in STAGES.items() for place, kind in enumerate(kinds)}
_CUSTOM = (_NAMES.index("custom"), 0)


def _rank(item: KubernetesObject) -> tuple[int, int]:
    return _RANKS.get(kind_of(item), _CUSTOM)


def in_order(objects: Iterable[KubernetesObject]) -> list[KubernetesObject]:
    """Returns the objects in the order in which they are applied; those of one kind stay as they are."""
    return sorted(objects, key=_rank)


def in_stages(objects: Iterable[KubernetesObject]) -> dict[str, list[KubernetesObject]]:
    """Returns the objects by stage, in order: each stage must be there, and served, before the next one is applied."""
    groups = groupby(in_order(objects), key=lambda item: _rank(item)[0])
    return {_NAMES[stage]: list(group) for stage, group in groups}
