"""What the account of the credentials says: the cluster, and what placeholders stand for."""

from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from delivery.plan import Plan
from delivery.problem import Refusal


@dataclass(frozen=True)
class Cluster:
    """A cluster as EKS describes it."""

    arn: str
    endpoint: str
    certificate_authority: str
    """Base64, as in a kubeconfig."""


def ask(plan: Plan, session: Any = None) -> tuple[Cluster, dict[str, str]]:
    """Returns the plan's cluster, and the values of placeholders and of the stack's outputs. Raises Refusal."""
    said = plan.description
    session = session or boto3.session.Session()
    region = said.region or session.region_name
    if not region:
        raise Refusal("no region is known: set AWS_REGION, or name one in the environment file")
    try:
        identity = session.client("sts", region_name=region).get_caller_identity()
        account = identity["Account"]
        if said.account and account != said.account:
            raise Refusal(f"the credentials are of account {account}; {said.environment} is for account {said.account}")
        cluster = session.client("eks", region_name=region).describe_cluster(name=said.cluster)["cluster"]
        values = {
            "AWS_ACCOUNT_ID": account,
            "AWS_PARTITION": identity["Arn"].split(":")[1],
            "AWS_REGION": region,
        }
        if plan.needs_outputs:
            values |= _outputs(session.client("cloudformation", region_name=region), said.stack)
    except ClientError as error:
        text = error.response["Error"].get("Message", str(error))
        if error.response["Error"].get("Code") == "ResourceNotFoundException":
            text = f"there is no cluster {said.cluster} in account {account}, region {region}"
        raise Refusal(f"{text}. Deploy first: make deploy ENV={said.environment}") from None
    except BotoCoreError as error:
        raise Refusal(f"AWS cannot be asked: {error}") from None
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        raise Refusal(f"the cluster {said.cluster} is {cluster['status']}; it must be ACTIVE")
    return Cluster(cluster["arn"], cluster["endpoint"], cluster["certificateAuthority"]["data"]), values


def _outputs(client: Any, stack: str) -> dict[str, str]:
    described = client.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
