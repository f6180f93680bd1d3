"""Finds the objects that others name."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.workloads.objects import CLUSTER_SCOPED, KubernetesObject, Pod, at, pods, selects

BUILT_IN = {
    "Namespace": {"default", "kube-system", "kube-public", "kube-node-lease"},
    "PriorityClass": {"system-cluster-critical", "system-node-critical"},
    "ClusterRole": {"cluster-admin", "admin", "edit", "view"},
    # Of Auto Mode: https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
    "NodeClass": {"default"},
}
"""What a cluster has before anything is applied."""


class Index:
    """Objects by kind, namespace and name."""

    def __init__(self, objects: Sequence[KubernetesObject], elsewhere: Mapping[str, set[str]] | None = None) -> None:
        self.objects = objects
        self._elsewhere = elsewhere or {}
        self._found = {
            (item["kind"], at(item, "metadata", "namespace"), item["metadata"]["name"]): item for item in objects
        }
        self.pods = pods(objects)

    def get(self, kind: str, namespace: str | None, name: str) -> KubernetesObject | None:
        return self._found.get((kind, None if kind in CLUSTER_SCOPED else namespace, name))

    def has(self, kind: str, namespace: str | None, name: str) -> bool:
        known = BUILT_IN.get(kind, set()) | self._elsewhere.get(kind, set())
        return self.get(kind, namespace, name) is not None or name in known

    def selected(self, selector: Mapping[str, Any] | None, namespace: str) -> list[Pod]:
        return [pod for pod in self.pods if pod.namespace == namespace and selects(selector, pod.labels)]

    def has_account(self, name: str, namespace: str) -> bool:
        """Whether there is a ServiceAccount; each namespace has one called default."""
        return (
            self.has("Namespace", None, namespace) if name == "default" else self.has("ServiceAccount", namespace, name)
        )
