"""Amazon GuardDuty: the detector of an account and region, and its protection plans.

https://docs.aws.amazon.com/guardduty/latest/ug/kubernetes-protection.html
"""

from typing import Annotated, Literal

from aws_cdk import aws_guardduty as guardduty
from constructs import Construct
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import Misplaced, Spec, distinct_values

Plan = Literal[
    "EKS_AUDIT_LOGS",
    "RUNTIME_MONITORING",
    "S3_DATA_EVENTS",
    "EBS_MALWARE_PROTECTION",
    "LAMBDA_NETWORK_LOGS",
    "RDS_LOGIN_EVENTS",
]
PLANS: tuple[Plan, ...] = Plan.__args__  # type: ignore[attr-defined]


class GuardDutySpec(Spec):
    """The GuardDuty detector of the account and region, of which there is one: leave this out where it exists already, by hand or by an
    organisation (docs/services.md)."""

    plans: Annotated[list[Plan], Field(min_length=1), AfterValidator(distinct_values)] = ["EKS_AUDIT_LOGS"]
    """Protection plans that are on, for everything in the account and region. All others are off."""
    agent: Literal["own", "managed"] = "own"
    """Of RUNTIME_MONITORING: `own` is the add-on `aws-guardduty-agent` and the VPC endpoint `guardduty-data` of this file; with `managed`
    GuardDuty installs both itself, in every cluster, and its endpoint has to be deleted before the VPC can be."""
    publish: Literal["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"] = "FIFTEEN_MINUTES"
    """How often further occurrences of a finding are published to EventBridge."""

    @model_validator(mode="after")
    def _agent(self) -> "GuardDutySpec":
        if self.agent == "managed" and "RUNTIME_MONITORING" not in self.plans:
            raise Misplaced("is of the plan RUNTIME_MONITORING, which is not among plans; remove it", "agent")
        return self


def add_detector(scope: Construct, spec: GuardDutySpec) -> guardduty.CfnDetector:
    """Makes the detector directly below ``scope``."""
    managed = "ENABLED" if spec.agent == "managed" else "DISABLED"
    agents = [
        guardduty.CfnDetector.CFNFeatureAdditionalConfigurationProperty(name=name, status=status)
        for name, status in (
            ("EKS_ADDON_MANAGEMENT", managed),
            ("ECS_FARGATE_AGENT_MANAGEMENT", "DISABLED"),
            ("EC2_AGENT_MANAGEMENT", "DISABLED"),
        )
    ]
    return guardduty.CfnDetector(
        scope,
        "ThreatDetector",
        enable=True,
        finding_publishing_frequency=spec.publish,
        # A plan that is left out would be on.
        features=[
            guardduty.CfnDetector.CFNFeatureConfigurationProperty(
                name=plan,
                status="ENABLED" if plan in spec.plans else "DISABLED",
                additional_configuration=agents if plan == "RUNTIME_MONITORING" and plan in spec.plans else None,
            )
            for plan in PLANS
        ],
    )
