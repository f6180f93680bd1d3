"""The Kubernetes versions that EKS offers, and until when it supports them."""

import re
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


KUBELET_SKEW = 3
"""Minor versions that a kubelet may be behind the API server: https://kubernetes.io/releases/version-skew-policy/"""


def minors_behind(control_plane: str, kubelet: str) -> int:
    """Returns how many minor versions a kubelet is behind a control plane; below 0: ahead of it."""
    return int(control_plane.split(".")[1]) - int(kubelet.split(".")[1])


_NAMES_VERSION = re.compile(
    r"(?:optimized-ami/|amazon-linux[^/]{0,50}/|aws-k8s-|ubuntu/eks(?:-pro)?/\d\d\.04/)(1\.\d+)|EKS_Optimized-(1\.\d+)|^(1\.\d+)\."
)
"""Where the names of public image parameters, and of releases, have the Kubernetes version."""


def version_in(name: str) -> str:
    """Returns the Kubernetes version that the name of an image parameter or a release holds; empty = none."""
    match = _NAMES_VERSION.search(name)
    return next(filter(None, match.groups()), "") if match else ""
