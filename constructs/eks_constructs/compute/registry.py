"""The kinds of compute. A new one is a folder, a line here, and a field of ComputeSpec."""

from collections.abc import Mapping
from typing import Any

from eks_constructs.compute.auto_mode.kind import AutoMode
from eks_constructs.compute.fargate.kind import FargatePods
from eks_constructs.compute.hybrid_nodes.kind import HybridNodesKind
from eks_constructs.compute.karpenter.kind import KarpenterNodes
from eks_constructs.compute.kind import ComputeKind
from eks_constructs.compute.managed_nodes.kind import ManagedNodeGroups
from eks_constructs.compute.placement import Rule
from eks_constructs.compute.self_managed_nodes.kind import SelfManagedNodeGroups

KINDS: dict[str, ComputeKind[Any]] = {
    kind.name: kind
    for kind in (
        AutoMode(),
        ManagedNodeGroups(),
        SelfManagedNodeGroups(),
        FargatePods(),
        KarpenterNodes(),
        HybridNodesKind(),
    )
}
"""By the key of the environment file, in the order in which they are named."""


def rules() -> Mapping[str, Rule]:
    """Returns the rules for workloads on each kind that they may name."""
    return {name: kind.rule for name, kind in KINDS.items() if kind.rule}
