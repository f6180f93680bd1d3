"""Resource definitions that EKS Auto Mode, capabilities and the charts of Karpenter bring, by name alone: the real ones are stricter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from local_kubernetes.client import Client, Object

AUTO_MODE = (
    # group, version, kind, plural, namespaced
    ("eks.amazonaws.com", "v1", "NodeClass", "nodeclasses", False),
    ("eks.amazonaws.com", "v1", "IngressClassParams", "ingressclassparams", False),
    ("eks.amazonaws.com", "v1", "TargetGroupBinding", "targetgroupbindings", True),
    ("karpenter.sh", "v1", "NodePool", "nodepools", False),
    ("karpenter.sh", "v1", "NodeClaim", "nodeclaims", False),
)
KARPENTER = (
    ("karpenter.k8s.aws", "v1", "EC2NodeClass", "ec2nodeclasses", False),
    *(row for row in AUTO_MODE if row[0] == "karpenter.sh"),
)
CAPABILITIES: Mapping[str, tuple[tuple[str, str, str, str, bool], ...]] = {
    "ACK": (("s3.services.k8s.aws", "v1alpha1", "Bucket", "buckets", True),),
    "ARGOCD": (
        ("argoproj.io", "v1alpha1", "Application", "applications", True),
        ("argoproj.io", "v1alpha1", "ApplicationSet", "applicationsets", True),
        ("argoproj.io", "v1alpha1", "AppProject", "appprojects", True),
    ),
    "KRO": (("kro.run", "v1alpha1", "ResourceGraphDefinition", "resourcegraphdefinitions", False),),
}
"""By the type of a capability; of ACK's hundreds of kinds, the one that the samples have."""


def definitions(rows: Iterable[tuple[str, str, str, str, bool]] = AUTO_MODE) -> Iterator[Object]:
    """Yields definitions that take any field."""
    for group, version, kind, plural, namespaced in rows:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced" if namespaced else "Cluster",
                "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
                "versions": [served],
            },
        }


def define(client: Client, rows: Iterable[tuple[str, str, str, str, bool]] = AUTO_MODE) -> None:
    """Makes the definitions. Raises ApiError."""
    for definition in definitions(rows):
        client.apply(definition)


def is_custom(group: str) -> bool:
    """Returns whether the kinds of an API group are not the API server's own. Some of others are under k8s.io, too."""
    return ("." in group and not group.endswith(".k8s.io")) or group in (
        "gateway.networking.k8s.io",
        "gateway.k8s.aws",
        "karpenter.k8s.aws",
        "snapshot.storage.k8s.io",
        "elbv2.k8s.aws",
    )


def definition(group: str, kind: str, versions: Sequence[str], *, namespaced: bool) -> dict[str, Any]:
    """Returns a resource definition that takes any field."""
    lower = kind.lower()
    plural = f"{lower}es" if lower.endswith(("s", "x")) else f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # Groups under k8s.io are protected: https://kubernetes.io/docs/reference/labels-annotations-taints/
            "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"kind": kind, "plural": plural, "singular": lower, "listKind": f"{kind}List"},
            "versions": [
                {"name": one, "served": True, "storage": index == 0, "schema": {"openAPIV3Schema": schema}}
                for index, one in enumerate(versions)
            ],
        },
    }
