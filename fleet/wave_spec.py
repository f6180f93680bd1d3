"""The spec of a wave: which environments, who approves it, and what must hold after it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import PARTITION, Misplaced, Spec, distinct_values, pattern, repeated
from stacks.environment.path import NAME
from stacks.environment.region import Region

AccountId = Annotated[str, pattern(r"\d{12}", 'must be 12 digits in quotes, such as "111122223333"')]
EnvironmentName = Annotated[str, pattern(NAME, "must be the name of an environment of this fleet")]
Name = Annotated[
    str,
    pattern(
        r"[a-z][a-z0-9-]{0,23}", "must begin with a letter and have at most 24 lower-case letters, digits and hyphens"
    ),
]
Approver = Annotated[
    str,
    pattern(r"[\w@]([\w+=,.@/: -]{0,126}\w)?", "must be the name of a person, team or role, such as role/PlatformLead"),
]
SnsTopic = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:sns:[a-z0-9-]{{1,30}}:\d{{12}}:[\w-]{{1,256}}",
        "must be the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
]

BUILD_MINUTES = 480
"""The longest that a CodeBuild action of a pipeline runs: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html"""
GATE_MINUTES = BUILD_MINUTES - 30
"""The longest time limit of a gate: its action sets itself up before, and says after it what keeps the gate shut."""
APPROVAL_MINUTES = 86_400
"""The longest that a manual approval waits, 60 days; the shortest is 5 minutes (same page)."""
SELECTORS = ("environments", "regions", "accounts", "percent")
REPLACEMENTS = "replacements"
"""After `fleet-`: the environment of GitHub whose reviewers approve what would be replaced. Those of waves end in their names."""
ALL_WAVES = "all"
"""In the place of a wave's name: every wave, in order."""
ALL = 100
"""Percent."""


class ApprovalSpec(Spec):
    """Somebody who has to say yes before a wave begins."""

    by: Annotated[list[Approver], Field(min_length=1), AfterValidator(distinct_values)]
    """Who approves. In CodePipeline: ARNs or names of roles whose policies allow codepipeline:PutApprovalResult; on GitHub: reviewers."""
    notify: SnsTopic | None = None
    """SNS topic that hears of a wave that waits (CodePipeline)."""
    time_limit_minutes: Annotated[int, Field(ge=5, le=APPROVAL_MINUTES)] = 10_080
    """Minutes after which a wave that nobody approves is stopped."""


class GateSpec(Spec):
    """What must hold of the clusters of a wave before the next wave begins. By EKS's word all of them must be healthy in any case."""

    audit: Literal["critical", "high", "medium", "low", "never"] = "high"
    """The least severity of an open duty, in the audit of the account, that keeps the gate shut."""
    insights: bool = True
    """Whether an upgrade insight of EKS in ERROR keeps it shut. https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html"""
    soak_minutes: Annotated[int, Field(ge=0, le=GATE_MINUTES)] = 0
    """Minutes for which all of it must hold, before the gate opens."""
    time_limit_minutes: Annotated[int, Field(ge=1, le=GATE_MINUTES)] = 60
    """Minutes after which a gate that is still shut stops the fleet."""

    @model_validator(mode="after")
    def _has_time(self) -> "GateSpec":
        if self.soak_minutes >= self.time_limit_minutes:
            raise Misplaced(
                f"is as long as the time limit of {self.time_limit_minutes} minutes, or longer: the gate would never open; raise"
                " time_limit_minutes",
                "soak_minutes",
            )
        return self


class WaveSpec(Spec):
    """Environments that are deployed together. One key says which: environments, regions, accounts or percent."""

    name: Name
    """Name of the wave: `make deploy ENV=FLEET WAVE=NAME`."""
    environments: Annotated[list[EnvironmentName], Field(min_length=1)] | None = None
    """Names of environments."""
    regions: Annotated[list[Region], Field(min_length=1)] | None = None
    """Every environment in these regions that no wave names."""
    accounts: Annotated[list[AccountId], Field(min_length=1)] | None = None
    """Every environment in these accounts that no wave names, and that is in no region of a wave."""
    percent: Annotated[int, Field(ge=1, le=ALL)] | None = None
    """This share of the environments that no other wave takes, in the order of the file. All shares together are 100."""
    approval: ApprovalSpec | None = None
    """Who approves before the wave begins; default: nobody, unless something would be replaced."""
    gate: GateSpec | None = None
    """What must hold after the wave; default: the fleet's gate."""

    @model_validator(mode="after")
    def _one_selector(self) -> "WaveSpec":
        if self.name == ALL_WAVES:
            raise Misplaced(f"{ALL_WAVES} means every wave (WAVE={ALL_WAVES}); choose another name", "name")
        said = [key for key in SELECTORS if getattr(self, key) is not None]
        if len(said) != 1:
            found = f"has {' and '.join(said)}" if said else "says nothing of its environments"
            raise Misplaced(f"{found}; a wave has one of {', '.join(SELECTORS)}", *said[1:2])
        for key in said:
            values = getattr(self, key)
            if isinstance(values, list) and (index := repeated(values)) is not None:
                raise Misplaced(f"{values[index]} is in the list twice; remove one", key, index)
        return self
