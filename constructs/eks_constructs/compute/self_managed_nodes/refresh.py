"""How CloudFormation replaces the instances of an Auto Scaling group when its launch template changes: by an instance refresh.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
"""

from itertools import pairwise
from typing import Annotated

import aws_cdk as cdk
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import Misplaced, Spec, distinct_values, pattern

Percent = Annotated[int, Field(ge=1, le=100)]
Alarm = Annotated[
    str,
    pattern(
        r"[\w.:/=+@#-]([\w .:/=+@#-]{0,253}[\w.:/=+@#-])?",
        "must be the name of a CloudWatch alarm: letters, digits, spaces within and . : / = + @ # - _",
    ),
]


def _ascending(values: list[int]) -> list[int]:
    if any(one >= other for one, other in pairwise(values)):
        raise ValueError("must rise, such as [33, 66, 100]")
    if values and values[-1] != 100:
        raise ValueError("must end with 100, or the rest of the nodes stays as it is")
    return values


class RefreshSpec(Spec):
    """An instance refresh: new nodes start first, old ones are drained and end. If it fails, CloudFormation rolls the group back."""

    enabled: bool = True
    """`false`: a change of the launch template reaches only nodes that start later."""
    min_healthy_percentage: Annotated[int, Field(ge=0, le=100)] = 100
    """Share of the nodes that stays in service."""
    max_healthy_percentage: Annotated[int, Field(ge=100, le=200)] = 133
    """Share up to which nodes may exist meanwhile. EC2 replaces so many at once as lie between the two."""
    warmup_seconds: Annotated[int, Field(ge=0, le=3600)] = 180
    """From the start of an instance until it counts as in service: it must boot and join in this time, because nothing tells
    CloudFormation of a node that did not join (an instance refresh reads no cfn-signal)."""
    checkpoints: Annotated[list[Percent], Field(max_length=10), AfterValidator(_ascending)] = []
    """Shares of replaced nodes at which it waits for `checkpoint_minutes`."""
    checkpoint_minutes: Annotated[int, Field(ge=1, le=2880)] | None = None
    """Default: 60."""
    bake_minutes: Annotated[int, Field(ge=0, le=2880)] = 0
    """How long it watches the alarms after the last node."""
    alarms: Annotated[list[Alarm], Field(max_length=10), AfterValidator(distinct_values)] = []
    """Names of CloudWatch alarms: one that goes off during the refresh rolls it back."""

    @model_validator(mode="after")
    def _together(self) -> "RefreshSpec":
        if not self.enabled and self.model_fields_set - {"enabled"}:
            raise Misplaced(
                "nothing else has an effect with enabled: false; remove it, or enable the refresh", "enabled"
            )
        if self.min_healthy_percentage == self.max_healthy_percentage == 100:
            raise Misplaced(
                "no node could be replaced: none may be missing and none may be added; lower one or raise the other",
                "max_healthy_percentage",
            )
        # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
        if self.max_healthy_percentage - self.min_healthy_percentage > 100:
            raise Misplaced(
                "Auto Scaling allows 100 at most between min_healthy_percentage and this", "max_healthy_percentage"
            )
        if self.checkpoint_minutes and not self.checkpoints:
            raise Misplaced("waits at checkpoints, and there are none; add them, or remove it", "checkpoint_minutes")
        return self


def update_policy(spec: RefreshSpec) -> cdk.CfnUpdatePolicy | None:
    """Returns the update policy of a group; None: nothing replaces its instances."""
    if not spec.enabled:
        return None
    return cdk.CfnUpdatePolicy(
        auto_scaling_instance_refresh=cdk.CfnAutoScalingInstanceRefresh(
            strategy="Rolling",
            preferences=cdk.CfnAutoScalingInstanceRefreshPreferences(
                min_healthy_percentage=spec.min_healthy_percentage,
                max_healthy_percentage=spec.max_healthy_percentage,
                instance_warmup=spec.warmup_seconds,
                checkpoint_percentages=spec.checkpoints or None,
                checkpoint_delay=spec.checkpoint_minutes * 60 if spec.checkpoint_minutes else None,
                bake_time=spec.bake_minutes * 60 or None,
                alarm_specification=cdk.CfnAutoScalingInstanceRefreshAlarmSpecification(alarms=spec.alarms)
                if spec.alarms
                else None,
                skip_matching=True,
                # Nobody takes protection off or a node out of standby during a deploy: waiting would end in a time-out.
                scale_in_protected_instances="Refresh",
                standby_instances="Terminate",
            ),
        )
    )
