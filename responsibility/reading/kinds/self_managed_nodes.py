"""EC2 instances that you start, and that join a cluster by themselves."""

from __future__ import annotations

from responsibility.reading.eks import SelfManagedNodes
from responsibility.reading.kinds.kind import GroupKind


class SelfManaged(GroupKind[SelfManagedNodes]):
    """Auto Scaling groups that are tagged for the cluster."""

    id = "self_managed_nodes"
    compute_type = "ec2"
    entry_types = ("EC2_LINUX", "EC2_WINDOWS")
    rolled_back = "self-managed nodes"
    group = SelfManagedNodes
    noun = "Auto Scaling group"
