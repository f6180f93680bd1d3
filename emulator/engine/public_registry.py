"""Amazon ECR Public, which ministack lacks: the token that `helm registry login` takes before it pulls a chart from public.ecr.aws.

https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
"""

import json
import secrets
import time
from base64 import b64encode
from typing import Any

from emulator.engine import port

_SERVICE = "ecr-public"
_HOURS = 12


def install() -> None:
    """Adds the service's one operation."""
    port.service_patterns[_SERVICE] = {
        "host_patterns": [r"api\.ecr-public\."],
        "target_prefixes": ["SpencerFrontendService"],
        "credential_scope": _SERVICE,
    }
    port.service_handlers[_SERVICE] = _answer
    port.action_prefixes[_SERVICE] = _SERVICE


async def _answer(
    _method: str, _path: str, headers: Any, _body: bytes, _query: Any
) -> tuple[int, dict[str, str], bytes]:
    name = headers.get("x-amz-target", "").partition(".")[2]
    if name == "GetAuthorizationToken":
        token = b64encode(f"AWS:{secrets.token_urlsafe(32)}".encode()).decode()
        expires = int(time.time()) + _HOURS * 3600
        return _json(200, {"authorizationData": {"authorizationToken": token, "expiresAt": expires}})
    return _json(400, {"__type": "InvalidParameterException", "message": f"the local AWS has no {name} of ECR Public"})


def _json(status: int, content: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
