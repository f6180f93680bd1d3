"""How EKS updates, repairs and prepares the nodes of a managed group."""

from typing import Annotated, Literal

from aws_cdk import aws_eks as eks
from pydantic import Field, model_validator

from eks_constructs.spec import Misplaced, Spec, pattern, repeated

_Name = Annotated[
    str, pattern(r"[A-Z][A-Za-z0-9]{0,99}", "must be a name of the node monitoring agent, such as KernelReady")
]


class RepairOverrideSpec(Spec):
    """Another repair for one reason that the node monitoring agent reports."""

    condition: _Name
    """Node condition: AcceleratedHardwareReady, ContainerRuntimeReady, KernelReady, NetworkingReady, StorageReady."""
    reason: _Name
    """Reason within the condition, such as NvidiaXID31Error
    (https://docs.aws.amazon.com/eks/latest/userguide/node-health-nma.html)."""
    wait_minutes: Annotated[int, Field(ge=1, le=1440)]
    """How long the condition must last first."""
    action: Literal["Replace", "Reboot", "NoAction"]
    """What EKS does with such a node."""


class NodeRepairSpec(Spec):
    """Automatic repair of unhealthy nodes. https://docs.aws.amazon.com/eks/latest/userguide/node-repair.html."""

    enabled: bool = True
    """Lets EKS replace or reboot unhealthy nodes."""
    stop_above_count: Annotated[int, Field(ge=1, le=450)] | None = None
    """EKS stops repairing while more nodes than this are unhealthy. Default: 20 % of a group of more than five nodes."""
    stop_above_percentage: Annotated[int, Field(ge=1, le=100)] | None = None
    """The same as a share of the group. Give one of the two."""
    parallel_count: Annotated[int, Field(ge=1, le=450)] | None = None
    """Nodes that may be repaired at the same time."""
    parallel_percentage: Annotated[int, Field(ge=1, le=100)] | None = None
    """The same as a share of the unhealthy nodes. Give one of the two."""
    overrides: Annotated[list[RepairOverrideSpec], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _one_of_each(self) -> "NodeRepairSpec":
        for one, other in (("stop_above_count", "stop_above_percentage"), ("parallel_count", "parallel_percentage")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise Misplaced(f"EKS takes {one} or {other}, not both; remove one", other)
        if (index := repeated(f"{one.condition} {one.reason}" for one in self.overrides)) is not None:
            raise Misplaced("there is a repair for this reason already; remove one", "overrides", index, "reason")
        if not self.enabled and self.model_fields_set - {"enabled"}:
            raise Misplaced(
                "nothing else has an effect with enabled: false; remove it, or enable the repair", "enabled"
            )
        return self


def repair_config(spec: NodeRepairSpec) -> eks.CfnNodegroup.NodeRepairConfigProperty:
    """Returns the repair settings of a node group."""
    return eks.CfnNodegroup.NodeRepairConfigProperty(
        enabled=spec.enabled,
        max_unhealthy_node_threshold_count=spec.stop_above_count,
        max_unhealthy_node_threshold_percentage=spec.stop_above_percentage,
        max_parallel_nodes_repaired_count=spec.parallel_count,
        max_parallel_nodes_repaired_percentage=spec.parallel_percentage,
        node_repair_config_overrides=[
            eks.CfnNodegroup.NodeRepairConfigOverridesProperty(
                node_monitoring_condition=one.condition,
                node_unhealthy_reason=one.reason,
                min_repair_wait_time_mins=one.wait_minutes,
                repair_action=one.action,
            )
            for one in spec.overrides
        ]
        or None,
    )


class WarmPoolSpec(Spec):
    """Instances that have booted and wait to join the cluster. They cost: stopped ones their volumes, running ones everything.

    https://docs.aws.amazon.com/eks/latest/userguide/warm-pools-managed-node-groups.html
    """

    enabled: bool = True
    """`false` takes the pool away. Taking the section out of the file may leave it (*unverified*)."""
    min_size: Annotated[int, Field(ge=0, le=450)] = 0
    """Instances that wait at least."""
    max_prepared: Annotated[int, Field(ge=1, le=450)] | None = None
    """Instances of group and pool together, at most. Default: the group's `max_size`."""
    state: Literal["STOPPED", "RUNNING", "HIBERNATED"] = "STOPPED"
    """What the instances wait as. Few instance types can hibernate, and Bottlerocket cannot."""
    reuse_on_scale_in: bool = False
    """Whether instances go back to the pool when the group shrinks. Not with Bottlerocket."""

    @model_validator(mode="after")
    def _sizes(self) -> "WarmPoolSpec":
        if self.max_prepared is not None and self.min_size > self.max_prepared:
            raise Misplaced(f"min_size {self.min_size} is more than max_prepared {self.max_prepared}", "min_size")
        return self

    def check(self, ami_type: str, *, own_ami: bool, capacity: str) -> None:
        """Raises Misplaced for what a group with an AMI (type) and a capacity does not support."""
        if self.enabled and own_ami:
            raise Misplaced(
                "EKS takes a warm pool with its own AMIs alone"
                " (https://docs.aws.amazon.com/eks/latest/userguide/warm-pools-managed-node-groups.html); remove one of the two",
                "warm_pool",
            )
        if self.enabled and capacity != "on-demand":
            raise Misplaced(
                f"instances wait in it stopped, and {capacity} capacity cannot"
                " (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html); remove one of the two",
                "warm_pool",
            )
        if not ami_type.startswith("BOTTLEROCKET") or not self.enabled:
            return
        if self.state == "HIBERNATED":
            raise Misplaced("Bottlerocket cannot hibernate; use STOPPED or RUNNING", "warm_pool", "state")
        if self.reuse_on_scale_in:
            raise Misplaced(
                "Bottlerocket instances cannot go back to the pool; remove it", "warm_pool", "reuse_on_scale_in"
            )


def warm_pool_config(spec: WarmPoolSpec | None) -> eks.CfnNodegroup.WarmPoolConfigProperty | None:
    """Returns the warm pool of a node group."""
    if spec is None:
        return None
    if not spec.enabled:
        return eks.CfnNodegroup.WarmPoolConfigProperty(enabled=False)
    return eks.CfnNodegroup.WarmPoolConfigProperty(
        enabled=True,
        min_size=spec.min_size,
        max_group_prepared_capacity=spec.max_prepared,
        pool_state=spec.state,
        reuse_on_scale_in=spec.reuse_on_scale_in,
    )
