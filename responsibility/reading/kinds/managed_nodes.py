"""Managed node groups: EC2 instances that EKS starts, updates and stops for you."""

from __future__ import annotations

from responsibility.reading.eks import NodeGroup
from responsibility.reading.kinds.kind import GroupKind
from responsibility.reading.values import has_gap


class ManagedNodes(GroupKind[NodeGroup]):
    """EKS makes the access entry of its nodes by itself."""

    id = "managed_nodes"
    compute_type = "ec2"
    rolled_back = "node groups"
    group = NodeGroup
    noun = "node group"

    def describe(self, group: NodeGroup) -> str:
        scaling = group.resource.maybe("ScalingConfig", {})
        low, high = scaling.get("MinSize", "?"), scaling.get("MaxSize", "?")
        named = [str(kind) for kind in group.resource.maybe("InstanceTypes", [])]
        types = "nodes of a type that is not known" if any(map(has_gap, named)) else "/".join(named) or "nodes"
        spot = " Spot" if group.resource.maybe("CapacityType") == "SPOT" else ""
        return f"{group.name} ({low} to {high}{spot} {types})"
