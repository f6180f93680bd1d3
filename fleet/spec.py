"""The spec of a fleet file, and the rules that need no other file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.encryption import LogRetention
from eks_constructs.roles import IamSpec
from eks_constructs.spec import PARTITION, UUID, Misplaced, Spec, distinct_values, pattern, repeated
from fleet.arns import Named, check_arns
from stacks.environment.aws_names import partition_of
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
GithubId = Annotated[str, pattern(r"[1-9]\d{0,18}", 'must be a number in quotes, such as "123456"')]
SnsTopic = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:sns:[a-z0-9-]{{1,30}}:\d{{12}}:[\w-]{{1,256}}",
        "must be the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
]

MAX_ENVIRONMENTS = 1_000
MAX_WAVES = 100
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


class AccountSpec(Spec):
    """An AWS account of a fleet."""

    bootstrap: Annotated[list[Region], Field(min_length=1)]
    """Regions in which `cdk bootstrap` ran: environments can be deployed there alone (docs/fleet.md, Accounts)."""
    qualifier: Annotated[str, pattern(r"[A-Za-z0-9_-]{1,10}", "must be the qualifier that cdk bootstrap was given")] = (
        "hnb659fds"
    )
    """Of the bootstrap: `cdk bootstrap --qualifier`."""
    profile: Annotated[str, pattern(r"[^\s\[\]]{1,128}", "must be the name of an AWS profile")] | None = None
    """AWS profile with which a person's machine gets at the account; default: the credentials of the shell. A pipeline has roles."""


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


class SourceSpec(Spec):
    """The Git repository that a pipeline deploys, by AWS CodeConnections."""

    connection_arn: Annotated[
        str,
        pattern(
            rf"arn:{PARTITION}:(codeconnections|codestar-connections):[a-z0-9-]{{1,30}}:\d{{12}}:connection/{UUID}",
            "must be the ARN of a connection: arn:aws:codeconnections:REGION:ACCOUNT:connection/ID",
        ),
    ]
    """ARN of the connection; who makes it has to confirm it in the console."""
    repository: Annotated[str, pattern(r"[\w.-]{1,100}(/[\w.-]{1,100}){1,5}", "must be OWNER/NAME")]
    """The repository that has this project."""
    branch: Annotated[str, pattern(r"[\w./-]{1,200}", "must be the name of a branch")] = "main"
    """The branch whose commits are deployed."""


class PipelineSpec(Spec):
    """The pipeline that deploys the fleet: a stack of its own (docs/fleet.md, Pipeline)."""

    account: AccountId
    """Account of the pipeline, which may be one without clusters."""
    region: Region
    """Region of the pipeline."""
    source: SourceSpec
    """What is deployed."""
    iam: IamSpec = IamSpec()
    """Path, prefix and boundary of the pipeline's roles."""
    log_retention_days: LogRetention = 365
    """Days that logs are kept."""
    retain: bool = True
    """Keeps key, artifacts and logs when the stack is deleted."""


class GithubSpec(Spec):
    """Roles that a GitHub repository assumes by OpenID Connect: a stack of its own (docs/fleet.md, GitHub Actions)."""

    account: AccountId
    """Account of the roles."""
    region: Region
    """Region of their stack."""
    repository: Annotated[str, pattern(r"[\w.-]{1,100}/[\w.-]{1,100}", "must be OWNER/NAME")]
    """The repository whose workflows may assume them."""
    branch: Annotated[str, pattern(r"[\w./-]{1,200}", "must be the name of a branch")] = "main"
    """The branch whose workflows may assume them."""
    owner_id: GithubId | None = None
    """Number of the repository's owner, with `repository_id`: `gh api repos/OWNER/NAME --jq .owner.id`. GitHub's tokens name both numbers
    in a repository that was made or renamed since 2026-07-15, and in others that ask for it; elsewhere leave both out.
    https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/"""
    repository_id: GithubId | None = None
    """Number of the repository: `gh api repos/OWNER/NAME --jq .id`."""
    oidc_provider_arn: (
        Annotated[
            str,
            pattern(
                rf"arn:{PARTITION}:iam::\d{{12}}:oidc-provider/token\.actions\.githubusercontent\.com",
                "must be the ARN of GitHub's provider: arn:aws:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com",
            ),
        ]
        | None
    ) = None
    """ARN of GitHub's OIDC provider, of which an account has one; default: the stack makes it."""
    iam: IamSpec = IamSpec()
    """Path, prefix and boundary of the roles."""

    @model_validator(mode="after")
    def _both_numbers(self) -> "GithubSpec":
        for key, other in (("owner_id", "repository_id"), ("repository_id", "owner_id")):
            if getattr(self, key) and not getattr(self, other):
                raise Misplaced(f"is set, and {other} is not: GitHub's tokens name both or neither; set both", key)
        return self

    @property
    def subject(self) -> str:
        """What a token of the branch says of itself, if its job has no GitHub environment; one of a job that has names that instead."""
        owner, name = self.repository.split("/")
        numbered = f"{owner}@{self.owner_id}/{name}@{self.repository_id}" if self.owner_id else self.repository
        return f"repo:{numbered}:ref:refs/heads/{self.branch}"


class FleetSpec(Spec):
    """The content of one fleet file."""

    name: Name
    """Name of the fleet."""
    environments: Annotated[
        list[
            Annotated[
                str, pattern(r"[^\0]{1,500}\.ya?ml", "must be the path of a YAML file, in which * stands for any name")
            ]
        ],
        Field(min_length=1, max_length=MAX_ENVIRONMENTS),
    ]
    """Environment files, relative to this one. A `*` in the name of a file takes every file of the folder that fits, in order."""
    accounts: Annotated[dict[AccountId, AccountSpec], Field(min_length=1)]
    """The accounts of the fleet, by their numbers."""
    other_accounts: dict[AccountId, Annotated[str, Field(min_length=1, max_length=200)]] = {}
    """Other accounts that environment files name (a registry, a key, a transit gateway), and what for."""
    gate: GateSpec = GateSpec()
    """The gate after each wave that has none of its own."""
    waves: Annotated[list[WaveSpec], Field(min_length=1, max_length=MAX_WAVES)]
    """The waves, in order."""
    pipeline: PipelineSpec | None = None
    """AWS CodePipeline for this fleet; default: none."""
    github: GithubSpec | None = None
    """Roles for GitHub Actions; default: none."""

    @model_validator(mode="after")
    def _waves(self) -> "FleetSpec":
        if (index := repeated(wave.name for wave in self.waves)) is not None:
            raise Misplaced(
                f"{self.waves[index].name} is the name of two waves; choose another", "waves", index, "name"
            )
        for key in ("environments", "regions", "accounts"):
            taken: dict[str, str] = {}
            for index, wave in enumerate(self.waves):
                for place, value in enumerate(getattr(wave, key) or []):
                    if value in taken:
                        raise Misplaced(
                            f"{value} is in wave {taken[value]} already; remove it from one of the two",
                            *("waves", index, key, place),
                        )
                    taken[value] = wave.name
        shares = [(index, wave.percent) for index, wave in enumerate(self.waves) if wave.percent is not None]
        if shares and (total := sum(share for _, share in shares)) != ALL:
            raise Misplaced(
                f"the percentages of all waves come to {total}; make them 100 together",
                "waves",
                shares[-1][0],
                "percent",
            )
        return self

    @model_validator(mode="after")
    def _own_stacks(self) -> "FleetSpec":
        if self.name.endswith("-github"):
            raise Misplaced(
                f"a fleet {self.name.removesuffix('-github')} would have a stack of the same name, of its roles for GitHub; choose another",
                "name",
            )
        return self

    @model_validator(mode="after")
    def _accounts(self) -> "FleetSpec":
        for number in self.other_accounts:
            if number in self.accounts:
                raise Misplaced("is one of the fleet's accounts; remove it here", "other_accounts", number)
        for index, wave in enumerate(self.waves):
            for place, number in enumerate(wave.accounts or []):
                if number not in self.accounts:
                    raise Misplaced(
                        f"{number} is not in the fleet's accounts: {', '.join(self.accounts)}",
                        "waves",
                        index,
                        "accounts",
                        place,
                    )
        for number, account in self.accounts.items():
            if (place_ := repeated(account.bootstrap)) is not None:
                raise Misplaced(
                    f"{account.bootstrap[place_]} is in the list twice; remove one",
                    "accounts",
                    number,
                    "bootstrap",
                    place_,
                )
        return self

    @model_validator(mode="after")
    def _partitions(self) -> "FleetSpec":
        made = {
            key: partition_of(one.region)
            for key, one in (("pipeline", self.pipeline), ("github", self.github))
            if one is not None
        }
        for number, account in self.accounts.items():
            first = partition_of(account.bootstrap[0])
            for place, region in enumerate(account.bootstrap):
                found = partition_of(region)
                if found != first:
                    raise Misplaced(
                        f"{region} is in {found}, and {account.bootstrap[0]} in {first}: an account is in one partition",
                        *("accounts", number, "bootstrap", place),
                    )
                for key, partition in made.items():
                    if partition != found:
                        raise Misplaced(
                            f"{region} is in {found}, and the region of {key} in {partition}: no role of one is assumed from the other, so"
                            " make a fleet for each",
                            *("accounts", number, "bootstrap", place),
                        )
        return self

    @model_validator(mode="after")
    def _arns(self) -> "FleetSpec":
        if made := self.pipeline:
            own: list[Named] = [
                (("pipeline", "iam", "permissions_boundary"), made.iam.permissions_boundary),
                (("pipeline", "source", "connection_arn"), made.source.connection_arn),
            ]
            check_arns("pipeline", made.account, made.region, own)
            topics: list[Named] = [
                (("waves", index, "approval", "notify"), wave.approval.notify)
                for index, wave in enumerate(self.waves)
                if wave.approval
            ]
            check_arns("pipeline", None, made.region, topics)
        if roles := self.github:
            own = [
                (("github", "iam", "permissions_boundary"), roles.iam.permissions_boundary),
                # STS looks for the provider in the account of the role.
                (("github", "oidc_provider_arn"), roles.oidc_provider_arn),
            ]
            check_arns("github", roles.account, roles.region, own)
        return self

    @model_validator(mode="after")
    def _github(self) -> "FleetSpec":
        for index, wave in enumerate(self.waves if self.github else ()):
            if wave.name == REPLACEMENTS and wave.approval:
                raise Misplaced(
                    f"{REPLACEMENTS} is what GitHub asks for when something would be replaced, in whichever wave (the environment"
                    f" fleet-{REPLACEMENTS}); choose another",
                    *("waves", index, "name"),
                )
        return self

    @model_validator(mode="after")
    def _topics(self) -> "FleetSpec":
        if (pipeline := self.pipeline) is None:
            return self
        for index, wave in enumerate(self.waves):
            topic = wave.approval and wave.approval.notify
            if topic and topic.split(":")[3] != pipeline.region:
                raise Misplaced(
                    f"is in {topic.split(':')[3]}; the pipeline is in {pipeline.region}, and so must the topic be",
                    *("waves", index, "approval", "notify"),
                )
        return self

    def gate_of(self, wave: WaveSpec) -> GateSpec:
        """Returns what must hold after a wave."""
        return wave.gate or self.gate
