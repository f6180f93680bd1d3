"""Systems Manager's hybrid activations, which ministack lacks: how a machine that is not AWS's becomes a managed node.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateActivation.html
"""

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.engine import port
from emulator.engine.account import Account

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
_LONGEST, _USUAL = timedelta(days=30), timedelta(hours=24)
_MOST = 1000


class Refusal(Exception):
    """Systems Manager refuses a request; the first argument is the error code."""


class Activations:
    """The activations of each account and region."""

    def __init__(self, account: Account) -> None:
        """Looks roles up in ``account``."""
        self._account = account
        self._made: dict[tuple[str, str], dict[str, Record]] = {}

    def create(self, asked: Record) -> Record:
        """Makes an activation; its code is told once. Raises Refusal."""
        now = datetime.now(UTC)
        arn = f"arn:aws:iam::{port.account_id()}:role/{asked['IamRole']}"
        name = str(asked["IamRole"]).rsplit("/", 1)[-1]
        role = next((one for one in port.roles.values() if one["RoleName"] == name), None)
        found = self._account.role(role["Arn"]) if role else None
        if not found or not found.trusts("ssm.amazonaws.com", "sts:AssumeRole"):
            raise Refusal(
                "ValidationException", f"Nonexistent role or missing ssm service principal in trust policy: {arn}"
            )
        limit = int(asked.get("RegistrationLimit") or 1)
        if not 1 <= limit <= _MOST:
            raise Refusal("ValidationException", f"RegistrationLimit must be 1 to {_MOST}")
        expires = datetime.fromtimestamp(asked["ExpirationDate"], UTC) if asked.get("ExpirationDate") else now + _USUAL
        if not now < expires <= now + _LONGEST:
            raise Refusal("ValidationException", "ExpirationDate must be in the future, and at most 30 days from now")
        identifier = str(uuid.uuid4())
        self._here()[identifier] = {
            "ActivationId": identifier,
            **{key: asked[key] for key in ("Description", "DefaultInstanceName", "Tags") if key in asked},
            "IamRole": name,
            "RegistrationLimit": limit,
            "RegistrationsCount": 0,
            "ExpirationDate": expires.timestamp(),
            "CreatedDate": now.timestamp(),
        }
        return {"ActivationId": identifier, "ActivationCode": secrets.token_urlsafe(15)}

    def describe(self, asked: Record) -> Record:
        """Lists activations, by id, role or default name where filters say so."""
        keys = {"ActivationIds": "ActivationId", "DefaultInstanceName": "DefaultInstanceName", "IamRole": "IamRole"}
        found = list(self._here().values())
        for one in asked.get("Filters") or []:
            found = [row for row in found if row.get(keys[one["FilterKey"]]) in one["FilterValues"]]
        now = datetime.now(UTC).timestamp()
        return {"ActivationList": [{**row, "Expired": row["ExpirationDate"] <= now} for row in found]}

    def delete(self, asked: Record) -> Record:
        """Deletes an activation; machines that registered with it stay. Raises Refusal."""
        if self._here().pop(asked["ActivationId"], None) is None:
            raise Refusal("InvalidActivation", f"Activation {asked['ActivationId']} does not exist")
        return {}

    def install(self) -> None:
        """Answers their operations before ministack's Systems Manager."""
        operations: dict[str, Callable[[Record], Record]] = {
            "CreateActivation": self.create,
            "DescribeActivations": self.describe,
            "DeleteActivation": self.delete,
        }

        def replacement(original: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
            async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
                name = headers.get("x-amz-target", "").partition(".")[2]
                if name not in operations:
                    return await original(method, path, headers, body, query)
                try:
                    return _json(200, operations[name](json.loads(body or b"{}")))
                except Refusal as refusal:
                    return _json(400, {"__type": refusal.args[0], "message": refusal.args[1]})

            return answer

        port.replace("answer_ssm", replacement)

    def _here(self) -> dict[str, Record]:
        return self._made.setdefault((port.account_id(), port.region()), {})


def _json(status: int, content: Record) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
