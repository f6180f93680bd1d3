"""Finds the objects that others name."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from eks_facts.cluster_apis import group_of, is_cluster_scoped
from eks_facts.files import load
from eks_facts.labels import selects
from kubernetes_lint.objects import KubernetesObject, Pod, at, namespace_of, pod_of
from kubernetes_lint.problem import Found, Problems, Scope, open_text
from safe_io.where import Where

BUILT_IN = {
    "ConfigMap": {"kube-root-ca.crt"},
    "Namespace": {"default", "kube-system", "kube-public", "kube-node-lease"},
    "PriorityClass": {"system-cluster-critical", "system-node-critical"},
    "ClusterRole": {"cluster-admin", "admin", "edit", "view"},
    "ServiceAccount": {"default"},
    # Of Auto Mode: https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
    "NodeClass": {"default"},
}
"""What a cluster, or each namespace, has before anything is applied."""


_MAKES_NO_PODS = re.compile(
    r"(^|\.)(gateway\.networking\.k8s\.io|gateway\.k8s\.aws|eks\.amazonaws\.com|karpenter\.sh|karpenter\.k8s\.aws"
    r"|elbv2\.k8s\.aws|vpcresources\.k8s\.aws|networking\.k8s\.aws|external-secrets\.io|cert-manager\.io|x-k8s\.io"
    r"|monitoring\.coreos\.com|networking\.istio\.io|security\.istio\.io|cilium\.io|keda\.sh)$"
)
"""API groups whose objects make no pods and nothing that pods name but Secrets."""


@cache
def kubernetes_groups() -> frozenset[str]:
    """Returns the API groups of Kubernetes itself."""
    return frozenset(load("cluster_apis")["kubernetes"]["groups"])


class Index:
    """Objects by kind, namespace and name."""

    def __init__(self, objects: Sequence[KubernetesObject], sound: Sequence[bool], scope: Scope) -> None:
        """Args: objects; which of them have the right shape; what else there is."""
        self.all = objects
        self.objects = [item for item, fine in zip(objects, sound, strict=True) if fine]
        self._scope = scope
        self.is_whole = scope.whole
        self._found: dict[tuple[str, str | None, str], KubernetesObject] = {}
        self._count: dict[tuple[str, str, str | None, str], int] = {}
        for item in objects:
            kind, name = str(item.get("kind")), str(at(item, "metadata", "name"))
            where = None if is_cluster_scoped(kind) else namespace_of(item)
            self._found.setdefault((kind, where, name), item)
            identity = (group_of(item), kind, where, name)
            self._count[identity] = self._count.get(identity, 0) + 1
        self.pods = [pod for item in self.objects if (pod := pod_of(item))]
        defined = {str(at(item, "spec", "group")) for item in objects if item.get("kind") == "CustomResourceDefinition"}
        self._odd = {  # namespaces where pods, or what they name, may come from something that is not understood
            namespace_of(item)
            for item, fine in zip(objects, sound, strict=True)
            if not fine
            or not (
                (group := group_of(item)) in kubernetes_groups() or group in defined or _MAKES_NO_PODS.search(group)
            )
        }

    def get(self, kind: str, namespace: str | None, name: str) -> KubernetesObject | None:
        """Returns the object of a kind with a name."""
        return self._found.get((kind, None if is_cluster_scoped(kind) else namespace, name))

    def has(self, kind: str, namespace: str | None, name: str) -> bool:
        """Returns whether there is an object of a kind with a name."""
        elsewhere = self._scope.elsewhere
        known = BUILT_IN.get(kind, set()) | elsewhere.get(kind, set()) | elsewhere.get("*", set())
        return self.get(kind, namespace, name) is not None or name in known

    def missing(self, kind: str, namespace: str | None, name: Any, where: Where) -> Problems:
        """Says that there is no object with a name; Secrets and what is of the whole cluster often come by other ways."""
        if name and not open_text(name) and not self.has(kind, namespace, str(name)):
            certain = namespace is not None and kind != "Secret" and self.sees(namespace)
            there = f" in namespace {namespace}" if namespace else ""
            yield Found(where, f"there is no {kind} {name}{there}", certain)

    def is_twice(self, item: KubernetesObject) -> bool:
        """Returns whether another object has the same group, kind, namespace and name."""
        kind, name = str(item.get("kind")), str(at(item, "metadata", "name"))
        where = None if is_cluster_scoped(kind) else namespace_of(item)
        return self._count[group_of(item), kind, where, name] > 1

    def sees(self, namespace: str) -> bool:
        """Returns whether all that is in a namespace is in the input: what is not there, is not."""
        if namespace in BUILT_IN["Namespace"]:
            return False  # there is more in them than people write
        whole = self._scope.whole or self.get("Namespace", None, namespace) is not None
        return whole and namespace not in self._odd

    def sees_pods(self, namespace: str) -> bool:
        """Returns whether the pods of a namespace are in the input; where there are some, those that are meant should be."""
        return namespace not in self._odd and (
            self.sees(namespace) or any(pod.namespace == namespace for pod in self.pods)
        )

    def selected(self, selector: Mapping[str, Any] | None, namespace: str) -> list[Pod]:
        """Returns the pods in a namespace that a selector selects."""
        return [pod for pod in self.pods if pod.namespace == namespace and selects(selector, pod.labels)]
