"""The kinds of compute a cluster can mix, and what the parts that depend on the mix need to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ComputeKind = Literal["auto_mode", "managed_nodes", "fargate"]

KIND_LABEL = "eks-platform/compute-kind"
"""Label of the nodes whose labels are ours to set."""

NODE_SELECTORS: Mapping[ComputeKind, dict[str, str]] = {
    # https://docs.aws.amazon.com/eks/latest/userguide/associate-workload.html
    "auto_mode": {"eks.amazonaws.com/compute-type": "auto"},
    "managed_nodes": {KIND_LABEL: "managed_nodes"},
    "fargate": {},
}
"""Labels of the nodes of a kind, and of no others. Pods on Fargate have none: their profile decides."""


@dataclass(frozen=True)
class ComputeMix:
    """Which kinds of compute a cluster has once its stack is deployed."""

    auto_mode: bool = False
    """Auto Mode is on."""
    auto_mode_pools: bool = False
    """... with the pool `general-purpose`: ordinary pods find a node before any Kubernetes object is applied."""
    auto_mode_own_pools: bool = False
    """... with pools of the environment file that ordinary pods may use: they find a node once those are applied."""
    managed_nodes: bool = False
    managed_nodes_closed: bool = False
    """... none of which takes ordinary pods at once: every group has taints, or no nodes yet."""
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
        """The kind that hosts the Deployments of add-ons and controllers: the first of these that has room for them.

        Managed nodes; Auto Mode's own pool; Fargate; pools of the environment file, which are there later.
        """
        if self.managed_nodes and not self.managed_nodes_closed:
            return "managed_nodes"
        if self.auto_mode_pools:
            return "auto_mode"
        if self.fargate:
            return "fargate"
        return "auto_mode" if self.auto_mode_own_pools else None

    @property
    def deployments_wait_for_pools(self) -> bool:
        """Whether those Deployments find a node only once the node pools of the environment file are applied."""
        return self.deployments_run_on == "auto_mode" and not self.auto_mode_pools

    @property
    def deployments_selector(self) -> dict[str, str]:
        """Labels of the nodes for those Deployments, where there are others beside them; on Fargate profiles select pods."""
        others = [self.managed_nodes, self.auto_mode, self.karpenter].count(True) > 1
        return NODE_SELECTORS[self.deployments_run_on or "fargate"] if others else {}
