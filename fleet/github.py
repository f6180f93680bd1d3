"""GitHub Actions for a fleet: the roles that its workflows assume without a stored key, and the workflow that calls each wave."""

import json

import aws_cdk as cdk
import yaml
from aws_cdk import aws_iam as iam
from constructs import Construct

from eks_constructs.roles import document, prescribe, role, role_name
from fleet.access import DEPLOYING, LOOKUP
from fleet.engine_spec import GithubSpec
from fleet.model import Fleet
from fleet.path import of_engine
from fleet.rights import acknowledge, may_assume
from safe_io.errors import BadInput
from stacks.environment.aws_names import partition_of
from stacks.environment.stack_names import fleet_github_stack

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
APPROVALS = "fleet-"
"""Begins the names of GitHub's environments whose reviewers approve waves."""
HOURS = 8
"""Of a session: a wave's environment takes up to an hour, and an upgrade several."""
WORKFLOW = ".github/workflows/fleet-wave.yml"
"""The reusable workflow of a wave, which alone may assume the roles."""
GATE_MINUTES = 330
"""The longest time limit of a gate: the job ends after 355 minutes, and sets itself up before."""
MATRIX = 256
"""Jobs of a matrix, at most: https://docs.github.com/actions/reference/limits"""
JOBS = {"look": (LOOKUP,), "deploy": DEPLOYING}


class GithubStack(cdk.Stack):
    """The roles that workflows of one repository and branch assume.

    https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    """

    def __init__(self, scope: Construct, construct_id: str, fleet: Fleet, spec: GithubSpec) -> None:
        """Makes the stack."""
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=spec.account, region=spec.region),
            description=f"EKS platform: roles that GitHub Actions assumes for the fleet {fleet.spec.name}",
        )
        provider = spec.oidc_provider_arn
        if provider is None:
            made = iam.CfnOIDCProvider(self, "Provider", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
            provider = made.attr_arn
        for job, kinds in JOBS.items():
            statement = {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": _claims(spec)},
            }
            assumed = may_assume(fleet.spec, kinds, partition_of(spec.region))
            made_role = role(
                self,
                f"{job.capitalize()}Role",
                spec=spec.iam,
                name=f"{construct_id}-{job}",
                description=f"GitHub Actions of {spec.repository}: {job} of the fleet {fleet.spec.name}",
                trust=document([statement]),
                statements=assumed[0],
                more=assumed[1:],
                named=True,
            )
            made_role.max_session_duration = HOURS * 3600
            acknowledge(self, f"{job.capitalize()}Role", assumed)
        prescribe(self, spec.iam)


def _claims(spec: GithubSpec) -> dict[str, str]:
    """Returns what a token has to say: one of this branch, for a job of the workflow that asks whoever approves.

    STS reads `job_workflow_ref` in the commercial regions:
    https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
    """
    claims = {"aud": AUDIENCE, "sub": spec.subject}
    if partition_of(spec.region) == "aws":
        claims["job_workflow_ref"] = f"{spec.repository}/{WORKFLOW}@refs/heads/{spec.branch}"
    return {f"{ISSUER}:{name}": value for name, value in claims.items()}


def workflow(fleet: Fleet) -> str:
    """Returns the workflow that deploys a fleet, wave after wave.

    Raises BadInput: its file has no `github` or is not in the repository, or a wave has more environments or a longer gate than GitHub
    takes.
    """
    if (spec := fleet.spec.github) is None:
        raise BadInput(f"{fleet.path}: has no github; add the key, with account, region and repository (docs/fleet.md)")
    place = f"arn:{partition_of(spec.region)}:iam::{spec.account}:role{spec.iam.path}"
    stack = fleet_github_stack(fleet.spec.name)
    roles = {f"{job}-role": f"{place}{role_name(spec.iam, f'{stack}-{job}')}" for job in JOBS}
    for wave in fleet.waves:
        if len(wave.members) > MATRIX:
            raise BadInput(
                f"{fleet.path}: wave {wave.spec.name} has {len(wave.members)} environments; GitHub runs {MATRIX} jobs of a matrix, so"
                " divide the wave"
            )
        if (minutes := fleet.spec.gate_of(wave.spec).time_limit_minutes) > GATE_MINUTES:
            raise BadInput(
                f"{fleet.path}: the gate of wave {wave.spec.name} has a time limit of {minutes} minutes; GitHub ends a job after 6 hours,"
                f" so set at most {GATE_MINUTES}"
            )
    file = of_engine(fleet)
    jobs: dict[str, object] = {}
    before = None
    for wave in fleet.waves:
        given = {
            "fleet": file,
            "wave": wave.spec.name,
            "environments": json.dumps([one.environment.name for one in wave.members]),
            **({"approval": f"{APPROVALS}{wave.spec.name}"} if wave.spec.approval else {}),
            **roles,
            "region": spec.region,
        }
        jobs[wave.spec.name] = {
            **({"needs": before} if before else {}),
            "permissions": {"actions": "read", "contents": "read", "id-token": "write"},
            "uses": f"./{WORKFLOW}",
            "with": given,
        }
        before = wave.spec.name
    content = {
        "name": f"Fleet {fleet.spec.name}",
        "on": {"push": {"branches": [spec.branch]}, "workflow_dispatch": {}},
        "permissions": {},
        "concurrency": {"group": f"fleet-{fleet.spec.name}", "cancel-in-progress": False},
        "jobs": jobs,
    }
    return yaml.safe_dump(content, sort_keys=False, width=140)
