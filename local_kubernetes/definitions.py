"""Resource definitions that EKS Auto Mode, capabilities and the charts of Karpenter bring, by name alone: the real ones are stricter."""

from collections.abc import Iterable, Iterator, Mapping

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
