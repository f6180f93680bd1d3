"""Moves objects into the namespace of their workload, and tells which ones have none."""

from collections.abc import Sequence
from typing import Any

from eks_constructs.manifests import KubernetesObject
from safe_io.yaml_file import YamlFile

_CLUSTER_SCOPED = frozenset(
    (
        *("APIService", "CSIDriver", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "EC2NodeClass"),
        *("GatewayClass", "IngressClass", "IngressClassParams", "MutatingAdmissionPolicy"),
        *(
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "Namespace",
            "NodeClass",
            "EC2NodeClass",
            "NodePool",
        ),
        *("PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeSnapshotClass"),
        "VolumeSnapshotContent",
    )
)
_NAME_LABEL = "kubernetes.io/metadata.name"
"""What Kubernetes labels each namespace with: its name."""


def is_cluster_scoped(item: KubernetesObject, among: Sequence[KubernetesObject]) -> bool:
    """Tells whether an object stands outside of namespaces; of custom kinds, the definitions ``among`` the objects say so."""
    for other in among:
        spec = other.get("spec") or {}
        if other["kind"] == "CustomResourceDefinition" and (spec.get("names") or {}).get("kind") == item["kind"]:
            return bool(spec.get("scope") == "Cluster")
    return item["kind"] in _CLUSTER_SCOPED


def into_namespace(
    item: KubernetesObject, namespace: str, among: Sequence[KubernetesObject], file: YamlFile
) -> KubernetesObject:
    """Returns an object with its namespace, and references to that of its workload, changed to ``namespace``.

    Raises BadInput: the workload has not exactly one Namespace, or an object names another.
    """
    own = [one["metadata"]["name"] for one in among if one["kind"] == "Namespace"]
    if len(own) != 1:
        file.fail((), f"its workload has {len(own) or 'no'} Namespace objects; it needs one, whose name is filled in")
    if item["kind"] == "Namespace":
        item["metadata"]["name"] = namespace
        return item
    item = _renamed(item, own[0], namespace)
    if is_cluster_scoped(item, among):
        return item
    if item["metadata"].get("namespace", namespace) != namespace:
        file.fail(
            ("metadata", "namespace"), f"the namespace of a workload is filled in, and it has no other than {own[0]}"
        )
    metadata = {"name": item["metadata"]["name"], "namespace": namespace}
    return item | {"metadata": metadata | item["metadata"]}


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list):
        return [_renamed(part, old, new) for part in value]
    if not isinstance(value, dict):
        return value
    result = {
        key: new if key in ("namespace", _NAME_LABEL) and part == old else _renamed(part, old, new)
        for key, part in value.items()
    }
    if result.get("kind") == "ServiceAccount" and set(result) <= {"kind", "name", "namespace", "apiGroup"}:
        result.setdefault("namespace", new)  # a subject of a role binding
    return result
