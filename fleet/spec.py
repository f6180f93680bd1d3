"""The spec of a fleet file, and the rules that need no other file."""

from typing import Annotated

from pydantic import Field, model_validator

from eks_constructs.spec import Misplaced, Spec, pattern, repeated
from fleet.arns import Named, check_arns
from fleet.engine_spec import GithubSpec, PipelineSpec
from fleet.wave_spec import ALL, REPLACEMENTS, AccountId, GateSpec, Name, WaveSpec
from stacks.environment.aws_names import partition_of
from stacks.environment.region import Region

MAX_ENVIRONMENTS = 1_000
MAX_WAVES = 100


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
