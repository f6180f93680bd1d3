"""The kinds of compute a cluster can mix, and what the parts that depend on the mix need to know of it."""

from dataclasses import dataclass
from typing import Literal

ComputeKind = Literal["auto_mode", "managed_nodes", "fargate"]

KIND_LABEL = "eks-platform/compute-kind"
"""Label of the nodes whose labels are ours to set."""


@dataclass(frozen=True)
class ComputeMix:
    """Which kinds of compute a cluster has once its stack is deployed."""

    auto_mode: bool = False
    """Auto Mode is on."""
    auto_mode_pools: bool = False
    """... with the pool `general-purpose`: ordinary pods find a node before any Kubernetes object is applied."""
    managed_nodes: bool = False
    karpenter: bool = False
    """Karpenter adds nodes beside the managed ones."""
    fargate: bool = False

    @property
    def kinds(self) -> list[ComputeKind]:
        """The kinds in the mix."""
        kinds: list[ComputeKind] = ["auto_mode", "managed_nodes", "fargate"]
        return [kind for kind in kinds if getattr(self, kind)]

    @property
    def deployments_run_on(self) -> ComputeKind | None:
        """The kind that hosts the add-ons' Deployments: managed nodes first, then Auto Mode, then Fargate."""
        if self.managed_nodes:
            return "managed_nodes"
        if self.auto_mode_pools:
            return "auto_mode"
        return "fargate" if self.fargate else None
