"""The specs of what moves a fleet: a pipeline of AWS CodePipeline, and roles for GitHub Actions."""

from typing import Annotated

from pydantic import model_validator

from eks_constructs.encryption import LogRetention
from eks_constructs.roles import IamSpec
from eks_constructs.spec import PARTITION, UUID, Misplaced, Spec, pattern
from fleet.wave_spec import AccountId
from stacks.environment.region import Region

GithubId = Annotated[str, pattern(r"[1-9]\d{0,18}", 'must be a number in quotes, such as "123456"')]


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
