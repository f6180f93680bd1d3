"""In which order Kubernetes objects are applied: what others stand on first. Removal goes the other way."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

KubernetesObject = dict[str, Any]

STAGES: tuple[tuple[str, ...], ...] = (
    ("Namespace",),
    ("CustomResourceDefinition",),
    (
        *("PriorityClass", "RuntimeClass", "StorageClass", "VolumeSnapshotClass"),
        *("EC2NodeClass", "NodeClass", "NodePool"),
        *(
            "IngressClassParams",
            "IngressClass",
            "LoadBalancerConfiguration",
            "TargetGroupConfiguration",
            "GatewayClass",
        ),
        *("ResourceQuota", "LimitRange", "NetworkPolicy"),
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        *("Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"),
        *("Service", "DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "Pod", "Job", "CronJob"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler"),
    ),
    # Objects of kinds that are named nowhere here come between: custom resources, once their controller runs.
    ("Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute", "TLSRoute"),
    ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
"""Kinds in their order. Objects of a later stage may be refused before those of an earlier one are there and served."""

_CUSTOM = 3
_RANKS = {
    kind: (stage + (stage >= _CUSTOM), place) for stage, kinds in enumerate(STAGES) for place, kind in enumerate(kinds)
}


def _rank(item: KubernetesObject) -> tuple[int, int]:
    return _RANKS.get(str(item["kind"]), (_CUSTOM, 0))


def in_order(objects: Iterable[KubernetesObject]) -> list[KubernetesObject]:
    """Returns the objects in the order in which they are applied; those of one kind stay as they are."""
    return sorted(objects, key=_rank)


def in_stages(objects: Iterable[KubernetesObject]) -> list[list[KubernetesObject]]:
    """Returns the objects in groups: each must be there, and served, before the next one is applied."""
    return [list(group) for _, group in groupby(in_order(objects), key=lambda item: _rank(item)[0])]
