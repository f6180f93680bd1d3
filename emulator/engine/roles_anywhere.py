"""IAM Roles Anywhere, which ministack lacks: trust anchors and profiles, for CloudFormation and boto3 alike.

https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/Welcome.html
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.engine import port
from emulator.engine.provider import RESOURCE_TYPES, Attributes, Place, Properties, ResourceType

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
_SERVICE = "rolesanywhere"
_SHORTEST, _USUAL, _LONGEST = 900, 3600, 43_200
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_PAGE = "https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html"


class Refusal(Exception):
    """The service refuses a request: status, error code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Says why."""
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Kind:
    """What the service has: its name in paths and members, and in CloudFormation."""

    member: str
    path: str
    type: str
    fields: tuple[str, ...]

    @property
    def identity(self) -> str:
        """The member with its id."""
        return f"{self.member}Id"

    @property
    def attribute(self) -> str:
        """CloudFormation's word for it."""
        return self.member[0].upper() + self.member[1:]


KINDS = (
    Kind(
        "trustAnchor",
        "trustanchor",
        "AWS::RolesAnywhere::TrustAnchor",
        ("name", "enabled", "source", "notificationSettings"),
    ),
    Kind(
        "profile",
        "profile",
        "AWS::RolesAnywhere::Profile",
        (
            "name",
            "enabled",
            "roleArns",
            "durationSeconds",
            "acceptRoleSessionName",
            "requireInstanceProperties",
            "managedPolicyArns",
            "sessionPolicy",
            "attributeMappings",
        ),
    ),
)


def install() -> None:
    """Adds the service's requests and resource types."""
    port.service_patterns[_SERVICE] = {
        "host_patterns": [r"rolesanywhere\."],
        "path_prefixes": ["/trustanchor", "/profile"],
        "credential_scope": _SERVICE,
    }
    port.service_handlers[_SERVICE] = _handle
    port.action_prefixes[_SERVICE] = _SERVICE
    port.rest_models[_SERVICE] = [_SERVICE]
    for kind in KINDS:
        RESOURCE_TYPES[kind.type] = _resource_type(kind)


_MADE: dict[tuple[str, str, str], dict[str, Record]] = {}


def _here(kind: Kind) -> dict[str, Record]:
    return _MADE.setdefault((port.account_id(), port.region(), kind.member), {})


def _create(kind: Kind, asked: Mapping[str, Any]) -> Record:
    identifier, now = str(uuid.uuid4()), datetime.now(UTC).isoformat()
    arn = f"arn:aws:rolesanywhere:{port.region()}:{port.account_id()}:{kind.path.replace('trustanchor', 'trust-anchor')}/{identifier}"
    record = {
        kind.identity: identifier,
        f"{kind.member}Arn": arn,
        "enabled": False,
        "createdAt": now,
        "updatedAt": now,
        **({"durationSeconds": _USUAL, "acceptRoleSessionName": False} if kind.member == "profile" else {}),
    }
    _change(kind, record, asked)
    _here(kind)[identifier] = record | {"_tags": list(asked.get("tags") or [])}
    return record


def _change(kind: Kind, record: Record, asked: Mapping[str, Any]) -> None:
    """Changes what is asked for. Raises Refusal."""
    new = {key: asked[key] for key in kind.fields if asked.get(key) is not None}
    if (name := new.get("name")) is not None and not re.fullmatch(r"[ a-zA-Z0-9\-_]{1,255}", name):
        raise Refusal(
            400, "ValidationException", f"name {name!r} has other characters than letters, digits, spaces, - and _"
        )
    if "source" in new:
        _check_source(new["source"])
    if not _SHORTEST <= new.get("durationSeconds", _USUAL) <= _LONGEST:
        raise Refusal(400, "ValidationException", f"durationSeconds must be {_SHORTEST} to {_LONGEST}")
    for arn in new.get("roleArns", []):
        if arn not in [role["Arn"] for role in port.roles.values()]:
            raise Refusal(400, "ValidationException", f"Role {arn} does not exist")
    record |= new


def _check_source(source: Mapping[str, Any]) -> None:
    """Raises Refusal for a certificate bundle that is none. Whether it is a CA's is not looked at here."""
    data = source.get("sourceData") or {}
    if source.get("sourceType") == "AWS_ACM_PCA":
        if not str(data.get("acmPcaArn", "")).startswith("arn:aws:acm-pca:"):
            raise Refusal(400, "ValidationException", "acmPcaArn is not the ARN of a private CA")
        return
    blocks = _PEM.findall(str(data.get("x509CertificateData", "")))
    try:
        found = [base64.b64decode(re.sub(r"\s", "", block), validate=True) for block in blocks]
    except binascii.Error:
        found = []
    # DER: a certificate is a SEQUENCE.
    if not found or any(block[:1] != b"\x30" for block in found):
        raise Refusal(
            400,
            "ValidationException",
            f"Incorrect basic constraints for CA certificate: no certificate in PEM. {_PAGE}",
        )


async def _handle(method: str, path: str, _headers: Any, body: bytes, query: Any) -> Answer:
    try:
        status, content = _answered(method, path.strip("/").split("/"), json.loads(body or b"{}"), query or {})
    except Refusal as refusal:
        headers = {"Content-Type": "application/json", "x-amzn-errortype": refusal.code}
        return refusal.status, headers, json.dumps({"message": str(refusal)}).encode()
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()


def _answered(method: str, parts: list[str], asked: Record, query: Mapping[str, Any]) -> tuple[int, Record]:
    if parts == ["ListTagsForResource"]:
        arn = query["resourceArn"][0] if isinstance(query.get("resourceArn"), list) else query.get("resourceArn")
        return 200, {
            "tags": next(
                (one["_tags"] for kind in KINDS for one in _here(kind).values() if arn == one[f"{kind.member}Arn"]), []
            )
        }
    for kind in KINDS:
        if parts == [f"{kind.path}s"]:
            if method == "POST":
                return 201, {kind.member: _create(kind, asked)}
            return 200, {f"{kind.member}s": [_shown(one) for one in _here(kind).values()]}
        if parts[0] == kind.path and len(parts) in (2, 3):
            record = _here(kind).get(parts[1])
            if record is None:
                raise Refusal(404, "ResourceNotFoundException", f"{kind.attribute} {parts[1]} does not exist")
            if parts[2:] in (["enable"], ["disable"]):
                record["enabled"] = parts[2] == "enable"
            elif method == "PATCH":
                _change(kind, record, asked)
            elif method == "DELETE":
                del _here(kind)[parts[1]]
            return 200, {kind.member: _shown(record)}
    raise Refusal(400, "ValidationException", f"The emulator does not answer {method} /{'/'.join(parts)}")


def _shown(record: Record) -> Record:
    return {key: value for key, value in record.items() if not key.startswith("_")}


def _resource_type(kind: Kind) -> ResourceType:
    def attributes(record: Record) -> Attributes:
        return {f"{kind.attribute}Id": record[kind.identity], f"{kind.attribute}Arn": record[f"{kind.member}Arn"]}

    def create(props: Properties, _place: Place) -> tuple[str, Attributes]:
        try:
            # CloudFormation's handlers make them enabled unless the template says otherwise.
            record = _create(kind, {"enabled": True, **_api(kind, props)})
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
        return str(record[kind.identity]), attributes(record)

    def update(physical_id: str, _old: Properties, new: Properties, _place: Place) -> Attributes:
        record = _here(kind)[physical_id]
        try:
            _change(kind, record, _api(kind, new))
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
        return attributes(record)

    def delete(physical_id: str, _props: Properties) -> None:
        _here(kind).pop(physical_id, None)

    return ResourceType(create, delete, update)


def _api(kind: Kind, props: Properties) -> Record:
    """Returns properties in the words of the API."""
    words = {field[0].upper() + field[1:]: field for field in (*kind.fields, "tags")}
    found = {words[key]: value for key, value in props.items() if key in words}
    if source := found.get("source"):
        data = source.get("SourceData", {})
        found["source"] = {
            "sourceType": source.get("SourceType"),
            "sourceData": {
                {"X509CertificateData": "x509CertificateData", "AcmPcaArn": "acmPcaArn"}[key]: value
                for key, value in data.items()
            },
        }
    found["tags"] = [{"key": one["Key"], "value": one["Value"]} for one in found.get("tags") or []]
    return found
