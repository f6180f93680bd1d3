"""Reads the account of the credentials: the cluster, and the values of placeholders."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from delivery.plan import Plan
from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from safe_io.errors import BadInput
from safe_io.terminal import one_line


class Asked(Protocol):
    """An account that can be queried: responsibility.account.session.Account."""

    region: str

    def one(self, service: str, method: str, key: str, **parameters: Any) -> Any:
        """Returns the value under a key of an answer."""

    def items(self, service: str, method: str, key: str, **parameters: Any) -> list[Any]:
        """Returns the items under a key on every page of an answer."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as EKS describes it."""

    arn: str
    endpoint: str
    certificate_authority: str
    """Base64, as in a kubeconfig."""


def ask(plan: Plan, account: Asked | None = None) -> tuple[Cluster, dict[str, str]]:
    """Returns the plan's cluster, and the values of placeholders and of the stack's outputs. Raises BadInput."""
    said = plan.description
    first = f"Deploy first: make deploy ENV={said.said}"
    try:
        account = account or Account("deliver", region=said.region)
        partition, number = _identity(account)
        if said.account and number != said.account:
            raise BadInput(f"the credentials are of account {number}; {said.environment} is for account {said.account}")
        values = {"AWS_ACCOUNT_ID": number, "AWS_PARTITION": partition, "AWS_REGION": account.region}
        try:
            described = account.one("eks", "describe_cluster", "cluster", name=said.cluster)
        except AccountError as error:
            if not error.missing:
                raise
            where = f"account {number}, region {account.region}"
            raise BadInput(f"there is no cluster {said.cluster} in {where}. {first}") from None
        cluster = _cluster(described, said.cluster)
        if plan.needs_outputs:
            values |= _outputs(account, said.stack, first)
    except AccountError as error:
        raise BadInput(one_line(str(error))) from None
    return cluster, values


def _identity(account: Asked) -> tuple[str, str]:
    """Returns partition and number of the account that the credentials are of."""
    arn = account.one("sts", "get_caller_identity", "Arn")
    found = re.fullmatch(r"arn:(aws[a-z-]*):[a-z]+::([0-9]{12}):.+", arn) if isinstance(arn, str) else None
    if found is None:
        raise BadInput("what answered sts:GetCallerIdentity is not AWS: it names no account. Check AWS_ENDPOINT_URL")
    return found[1], found[2]


def _cluster(described: Any, name: str) -> Cluster:
    described = described if isinstance(described, dict) else {}
    status = one_line(str(described.get("status")), 40)
    if status not in ("ACTIVE", "UPDATING"):
        raise BadInput(f"the cluster {name} is {status}; it must be ACTIVE")
    authority = described.get("certificateAuthority")
    data = authority.get("data") if isinstance(authority, dict) else None
    found = [one for one in (described.get("arn"), described.get("endpoint"), data) if isinstance(one, str)]
    if len(found) < 3 or not all(one and one.isprintable() for one in found):
        raise BadInput(f"what answered eks:DescribeCluster is not EKS: {name} has no address. Check AWS_ENDPOINT_URL")
    return Cluster(*found)


def _outputs(account: Asked, stack: str, first: str) -> dict[str, str]:
    try:
        stacks = account.items("cloudformation", "describe_stacks", "Stacks", StackName=stack)
    except AccountError as error:
        if "does not exist" not in str(error):
            raise
        raise BadInput(f"there is no stack {stack}. {first}") from None
    outputs = stacks[0].get("Outputs") if stacks and isinstance(stacks[0], dict) else None
    return {
        output["OutputKey"]: output["OutputValue"]
        for output in (outputs if isinstance(outputs, list) else ())
        if isinstance(output, dict) and all(isinstance(output.get(key), str) for key in ("OutputKey", "OutputValue"))
    }
