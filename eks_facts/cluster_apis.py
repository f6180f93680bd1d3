"""What the APIs of a cluster say of their kinds."""

from functools import cache

from eks_facts.files import load


@cache
def _cluster_scoped() -> frozenset[str]:
    return frozenset(load("cluster_apis")["cluster_scoped"])


def is_cluster_scoped(kind: str) -> bool:
    """Returns whether the objects of a kind of Kubernetes, EKS or what this project installs are in no namespace."""
    return kind in _cluster_scoped()
