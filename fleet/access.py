"""How an engine gets at the accounts of a fleet: it reads by the lookup role that `cdk bootstrap` made in each account and region.

The CDK CLI assumes the other roles of the bootstrap by itself. https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

from collections.abc import Iterable
from itertools import chain

from fleet.model import Fleet, Member
from fleet.spec import AccountSpec
from stacks.environment.aws_names import partition_of

LOOKUP = "lookup"
DEPLOYING = ("deploy", "file-publishing", LOOKUP)
"""What a deploy of templates and files uses; CloudFormation itself has the execution role, which no engine may assume."""


def bootstrap_roles(
    account: str, spec: AccountSpec, regions: Iterable[str], kinds: Iterable[str], partition: str = "aws"
) -> list[str]:
    """Returns the ARNs of roles of the bootstrap: one of each kind in each region."""
    wanted = list(kinds)
    return [
        f"arn:{partition}:iam::{account}:role/cdk-{spec.qualifier}-{kind}-role-{account}-{region}"
        for region in regions
        for kind in wanted
    ]


def lookup_profile(member: Member) -> str:
    """Returns the name of the profile that reads in the account and region of an environment."""
    return f"fleet-{member.account}-{member.region}"


def lookup_config(fleet: Fleet, source: str) -> str:
    """Returns an AWS config file with a profile for each account and region of a fleet.

    ``source`` says where the engine's own credentials are from: `EcsContainer` in CodeBuild, `Environment` on GitHub.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
    """
    places = dict.fromkeys((lookup_profile(one), one.account, one.region) for _, one in fleet.members)
    sections = (
        (
            f"[profile {name}]",
            f"role_arn = {bootstrap_roles(account, fleet.spec.accounts[account], [region], [LOOKUP], partition_of(region))[0]}",
            f"credential_source = {source}",
            f"region = {region}",
            "",
        )
        for name, account, region in places
    )
    return "\n".join(chain.from_iterable(sections))
