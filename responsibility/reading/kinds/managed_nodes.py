"""Managed node groups: EC2 instances that EKS starts, updates and stops for you."""

from __future__ import annotations

from responsibility.reading.eks import NodeGroup
from responsibility.reading.kinds.kind import GroupKind


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
        types = "/".join(str(kind) for kind in group.resource.maybe("InstanceTypes", [])) or "nodes"
        spot = " Spot" if group.resource.maybe("CapacityType") == "SPOT" else ""
        return f"{group.name} ({low} to {high}{spot} {types})"
