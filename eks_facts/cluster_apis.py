"""What the APIs of a cluster say of their kinds."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from eks_facts.files import load


@cache
def _cluster_scoped() -> frozenset[str]:
    return frozenset(load("cluster_apis")["cluster_scoped"])


def is_cluster_scoped(kind: str) -> bool:
    """Returns whether the objects of a kind of Kubernetes, EKS or what this project installs are in no namespace."""
    return kind in _cluster_scoped()


def group_of(item: Mapping[str, Any]) -> str:
    """Returns the API group of an object; that of the oldest kinds is empty."""
    return str(item.get("apiVersion", "")).rpartition("/")[0]
