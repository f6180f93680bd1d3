"""Single requests to an engine, as a program of whatever kind would send them."""

import http.client
import ssl
from dataclasses import dataclass

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.process import REGION, Engine
from emulator.status import client
from safe_io.loopback import LOOPBACK


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(engine: Engine, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    """Sends a request as it is; ``headers`` may say another Host."""
    if engine.tls:
        trusted = ssl.create_default_context(cafile=engine.certificate)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            LOOPBACK, engine.port, timeout=10, context=trusted
        )
    else:
        connection = http.client.HTTPConnection(LOOPBACK, engine.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def signature(
    engine: Engine, method: str, path: str, body: bytes = b"", service: str = "eks", key: tuple[str, str] | None = None
) -> dict[str, str]:
    """The headers of a signed request: of the owner, or with another key."""
    request = AWSRequest(method, f"{engine.url}{path}", data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(*(key or engine.key)), service, REGION).add_auth(request)
    return dict(request.headers.items())


def signed(engine: Engine, method: str, path: str, body: bytes = b"", service: str = "eks") -> Answer:
    """Sends a request that its owner has signed."""
    return ask(engine, method, path, body, signature(engine, method, path, body, service))


def make_bucket(engine: Engine, name: str) -> None:
    """Makes a bucket in the engine's region."""
    client(engine, "s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
