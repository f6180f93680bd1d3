"""The Kubernetes versions that EKS offers, and until when it supports them."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from eks_facts.files import load


@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """A version that EKS offers; None where a date is not known."""

    released: date | None = None
    standard_until: date | None = None
    extended_until: date | None = None


@cache
def kubernetes_versions() -> dict[str, KubernetesVersion]:
    """Returns every version EKS offers, oldest first."""
    return {name: KubernetesVersion(**dates) for name, dates in load("kubernetes_versions")["versions"].items()}
