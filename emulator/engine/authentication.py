"""Authenticates requests to the local AWS: signed with one of its keys, by a program and not a web page.

Signature Version 4 is computed by ministack's own functions. This module asks it of every request, whatever the service and
path: ministack's strict mode leaves some out, takes well-known key ids for root, and does not check a body against its hash.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from emulator.engine import port

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Signature = Any
"""A credential as ministack reads it from a request: ``access_key_id``, ``signed_headers``, ``amz_date``, ``service``."""
App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_BODY = 1 << 30
LONGEST_PRESIGNED = 604_800
"""Seconds: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""

TOKEN_MINUTES = 15
"""How long a Kubernetes token is good, whatever X-Amz-Expires says:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go"""

WEBHOOK = re.compile(r"/_ministack/eks-auth/\d{12}/[a-z0-9-]+/[A-Za-z0-9_-]+/([A-Za-z0-9_-]+)")
_CUSTOM_RESOURCE = "/_ministack/cfn-response/"


class Refused(Exception):
    """The request is refused. ``code`` is AWS's error code, the text is for a person."""

    def __init__(self, code: str, text: str) -> None:
        """Keeps both."""
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Request:
    """What is signed of a request, without its body."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Request":
        """Reads an ASGI scope. Raises Refused: a header that decides who asks is there twice."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), port.decode_header_value(raw_value)
            if name in headers and name in ("host", "authorization", "x-amz-date", "x-amz-security-token"):
                raise Refused("AccessDenied", f"header {name} is there twice")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], path, query, headers)


class Authentication:
    """An ASGI application in front of another: passes on what is signed, and no header that lets a web page read an answer."""

    def __init__(self, app: App, *, owner: str, hosts: frozenset[str]) -> None:
        """Passes on to ``app``.

        Args:
            app: the application behind.
            owner: id of the owner's key; ministack has id and secret from its environment.
            hosts: names and ports by which it may be asked.
        """
        self._app, self._owner, self._hosts = app, owner, hosts
        self.webhook_token = secrets.token_urlsafe(32)
        """In the path by which the Kubernetes API servers ask who a token is: over http they show none in a header."""

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing of this project speaks WebSocket
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        request = None
        try:
            request = Request.of(scope)
            self._refuse_web_pages(request)
            if not self._bears_a_token(request):
                receive = await self._signed(request, receive)
        except Refused as refusal:
            await _refuse(send, request, refusal)
            return
        await self._app(scope, receive, _without_cors(send))

    def principal_of(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Returns the ARN of who presigned ``url``, as long as a Kubernetes token is good, or None.

        Args:
            url: of a GET request to this endpoint.
            headers: what the request would carry beside Host; each has to be signed.
        """
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        request = Request("GET", parts.path, query, {"host": parts.netloc, **headers})
        try:
            signature = _presigned(request)
            signed = set(signature.signed_headers.split(";"))
            if not {"host", *headers} <= signed or parts.netloc not in self._hosts or parts.path != "/":
                return None
            _refuse_old(signature, TOKEN_MINUTES * 60)
            credential = self._credential(signature.access_key_id, request)
            _refuse_forged(signature, credential.secret_access_key, request, b"", presigned=True)
        except Refused:
            return None
        return str(credential.principal_arn)

    def _refuse_web_pages(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if host not in self._hosts:  # a name that somebody has pointed to loopback, as DNS rebinding does
            raise Refused("AccessDenied", f"the local AWS is not {host or 'nameless'}")
        if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
            raise Refused("AccessDenied", "the local AWS does not answer web pages")

    def _bears_a_token(self, request: Request) -> bool:
        """Returns whether the request is one of the two that AWS has signed for its caller: here the token is in their place."""
        if request.method == "PUT" and request.path.startswith(_CUSTOM_RESOURCE):
            return request.path[len(_CUSTOM_RESOURCE) :] in port.pending_custom_resources
        asked = WEBHOOK.fullmatch(request.path)
        return request.method == "POST" and bool(asked and hmac.compare_digest(asked[1], self.webhook_token))

    async def _signed(self, request: Request, receive: Receive) -> Receive:
        """Checks the signature against the body; returns a replay of the body. Raises Refused."""
        presigned = "authorization" not in request.headers
        if presigned:
            signature = _presigned(request)
            _refuse_old(signature, _seconds(request))
        else:
            if not request.headers["authorization"].startswith(f"{ALGORITHM} "):
                raise Refused("AccessDenied", f"requests are signed with {ALGORITHM}")
            signature = _parsed(port.parse_header_signature(request.headers))
            if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", signature.amz_date):
                raise Refused("IncompleteSignature", "X-Amz-Date is YYYYMMDDTHHMMSSZ")
            _parsed(port.request_time_failure(signature))
        if "host" not in signature.signed_headers.split(";"):
            raise Refused("AccessDenied", "the header Host is signed")
        # Before the body is read, so that a caller without a key cannot fill the memory.
        credential = self._credential(signature.access_key_id, request)
        body = await _body(receive)
        if not presigned:
            _refuse_another_body(signature, request, body)
        _refuse_forged(signature, credential.secret_access_key, request, body, presigned=presigned)
        return _again(body, receive)

    def _credential(self, key_id: str, request: Request) -> Any:
        """Returns what ministack knows of a key: the owner's, a user's or a session's. Raises Refused."""
        token = request.headers.get("x-amz-security-token") or "".join(request.query.get("X-Amz-Security-Token", []))
        # ministack takes `test` and account numbers for root too.
        if key_id != self._owner and port.is_root_access_key(key_id):
            raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.")
        try:
            port.set_request_account_id(port.account_of_key(key_id))
        except port.AmbiguousAccessKeyError:
            raise Refused("InvalidClientTokenId", "Two accounts have this key.") from None
        found = port.resolve_credential(key_id, None, token)
        if isinstance(found, port.CredentialResolutionError):
            raise Refused(found.code, found.message)
        return found


def _parsed(outcome: Any) -> Any:
    """Returns what ministack's function found. Raises Refused: it answered with a code and a message."""
    if isinstance(outcome, tuple):
        raise Refused(*outcome)
    return outcome


def _presigned(request: Request) -> Signature:
    if request.query.get("X-Amz-Algorithm") != [ALGORITHM]:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
    return _parsed(port.parse_query_signature(request.query))


def _seconds(request: Request) -> int:
    """Returns how long a presigned request is good. Raises Refused."""
    said = (request.query.get("X-Amz-Expires") or [""])[0]
    if not re.fullmatch(r"[0-9]{1,6}", said) or int(said) > LONGEST_PRESIGNED:
        raise Refused("AuthorizationQueryParametersError", f"X-Amz-Expires is 0 to {LONGEST_PRESIGNED}")
    return int(said)


def _refuse_old(signature: Signature, seconds: int) -> None:
    try:
        expired = port.presigned_request_is_expired(signature.amz_date, seconds)
        early = not port.presigned_request_is_expired(signature.amz_date, -15 * 60)
    except ValueError:
        raise Refused("AuthorizationQueryParametersError", "X-Amz-Date is YYYYMMDDTHHMMSSZ") from None
    if expired or early:
        raise Refused("AccessDenied", "Request has expired" if expired else "Request is not valid yet")


def _refuse_another_body(signature: Signature, request: Request, body: bytes) -> None:
    """Raises Refused where the signed hash is not the body's. S3 alone takes bodies that are signed in chunks, or not at all."""
    claimed = request.headers.get("x-amz-content-sha256")
    if claimed is None:  # then the signature itself is over the body's hash
        return
    if signature.service == "s3" and (claimed == port.UNSIGNED_PAYLOAD or claimed.startswith("STREAMING-")):
        return
    if not hmac.compare_digest(claimed.lower().encode(), hashlib.sha256(body).hexdigest().encode()):
        raise Refused("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header is not the body's hash.")


def _refuse_forged(signature: Signature, secret: str, request: Request, body: bytes, *, presigned: bool) -> None:
    failure = port.header_signature_failure(
        signature, secret, request.method, request.path, request.query, request.headers, body, presigned=presigned
    )
    if failure:
        raise Refused(*failure)


async def _body(receive: Receive) -> bytes:
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused("RequestTimeout", "the request ended before its body did")
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > LONGEST_BODY:
            raise Refused("EntityTooLarge", f"a body has at most {LONGEST_BODY} bytes")
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read once more, then what comes after it."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def once_more() -> Message:
        return next(messages, None) or await receive()

    return once_more


def _without_cors(send: Send) -> Send:
    async def without(message: Message) -> None:
        if "headers" in message:
            kept = [one for one in message["headers"] if not one[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return without


async def _refuse(send: Send, request: Request | None, refusal: Refused) -> None:
    """Answers 403, in the words of the service that was asked."""
    service = _service(request)
    if service:
        denied = port.AuthError(refusal.code, str(refusal))
        _, headers, body = port.credential_failure(service, "", str(uuid.uuid4()), denied, request.headers)  # type: ignore[union-attr]
    else:
        headers = {"Content-Type": "application/json", "x-amzn-errortype": refusal.code}
        body = json.dumps({"__type": refusal.code, "message": str(refusal)}).encode()
    pairs = [(str(name).encode(), str(value).encode("utf-8", "replace")) for name, value in headers.items()]
    pairs += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 403, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _service(request: Request | None) -> str:
    scope = (
        re.search(r"Credential=[^/]+/\d+/[^/]*/([a-z0-9-]+)/", request.headers.get("authorization", ""))
        if request
        else None
    )
    return scope[1] if scope else ""
