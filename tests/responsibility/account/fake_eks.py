"""An EKS endpoint on loopback, for the calls that the commands make. botocore's own model judges what it answers and is asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("eks")
OPERATIONS = {
    (MODEL.operation_model(name).http["method"], MODEL.operation_model(name).http["requestUri"]): name
    for name in ("DescribeAddonVersions", "DescribeAddonConfiguration", "DescribeClusterVersions")
}
TOKEN = "session-token-that-nobody-may-see"  # noqa: S105 - a dummy
SECRET = "secret-key-that-nobody-may-see"  # noqa: S105 - a dummy

Failure = tuple[int, str, str]
"""Status, error code and message of an answer."""


def offer(
    version: str,
    kubernetes: str = "1.36",
    *,
    default: bool = False,
    types: tuple[str, ...] = ("ec2", "auto", "fargate"),
) -> dict[str, Any]:
    """One version of an add-on, as DescribeAddonVersions tells of it."""
    return {
        "addonVersion": version,
        "architecture": ["amd64", "arm64"],
        "computeTypes": list(types),
        "compatibilities": [{"clusterVersion": kubernetes, "platformVersions": ["*"], "defaultVersion": default}],
        "requiresConfiguration": False,
        "requiresIamPermissions": False,
    }


def kubernetes(version: str, released: str, standard: str, extended: str, status: str = "STANDARD_SUPPORT") -> dict:
    """One version of Kubernetes, as DescribeClusterVersions tells of it."""
    return {
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultPlatformVersion": "eks.1",
        "defaultVersion": False,
        "releaseDate": datetime.fromisoformat(released).replace(tzinfo=UTC),
        "endOfStandardSupportDate": datetime.fromisoformat(standard).replace(tzinfo=UTC),
        "endOfExtendedSupportDate": datetime.fromisoformat(extended).replace(tzinfo=UTC),
        "versionStatus": status,
        "kubernetesPatchVersion": f"{version}.1",
    }


@dataclass
class FakeEks:
    """What the endpoint knows, and what it was asked."""

    addons: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """JSON schemas of add-ons' settings, by name."""
    failures: list[Failure] = field(default_factory=list)
    """Answers to the next requests, in place of the right ones."""
    always: Failure | None = None
    unknown: Failure | None = (404, "ResourceNotFoundException", "No such add-on")
    """The answer for an add-on that it does not know; None = an empty list."""
    page: int = 2
    asked: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    raw: bytes | None = None
    url: str = ""

    def answer(self, method: str, target: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Answers one request."""
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        name = OPERATIONS.get((method, url.path))
        self.asked.append(target)
        if name is None:
            self.problems.append(f"unexpected: {method} {target}")
            return self._fail((404, "UnknownOperationException", "no such call"))
        # Credential=AKIA.../20261124/eu-west-1/eks/aws4_request
        scope = authorization.split("Credential=")[-1].split(",")[0].split("/")
        self.regions.add(scope[2])
        self.calls.add(f"{scope[3]}:{name}")
        operation = MODEL.operation_model(name)
        known = {member.serialization["name"] for member in operation.input_shape.members.values()}
        self.problems += [f"{name}: unknown parameter {key}" for key in query.keys() - known]
        if self.raw is not None:
            return 200, {"content-type": "text/html"}, self.raw
        if failure := self.failures.pop(0) if self.failures else self.always:
            return self._fail(failure)
        if name == "DescribeAddonConfiguration":
            schema = self.settings.get(query["addonName"])
            answer = {"addonName": query["addonName"], "configurationSchema": json.dumps(schema) if schema else ""}
            return 200, {"content-type": "application/json"}, json.dumps(answer).encode()
        key, items = self._items(name, query)
        if items is None:
            return self._fail(self.unknown or (500, "", ""))
        start = int(query.get("nextToken", 0))
        body: dict[str, Any] = {key: items[start : start + self.page]}
        if start + self.page < len(items):
            body["nextToken"] = str(start + self.page)
        if report := ParamValidator().validate(body, operation.output_shape).generate_report():
            self.problems.append(f"{name}: {report}")
        return 200, {"content-type": "application/json"}, json.dumps(body, default=datetime.timestamp).encode()

    def _items(self, name: str, query: dict[str, str]) -> tuple[str, list[dict[str, Any]] | None]:
        if name == "DescribeClusterVersions":
            return "clusterVersions", self.versions
        addon = query["addonName"]
        if addon not in self.addons:
            return "addons", None if self.unknown else []
        wanted = query["kubernetesVersion"]
        fitting = [
            version
            for version in self.addons[addon]
            if any(one["clusterVersion"] == wanted for one in version["compatibilities"])
        ]
        # EKS pages by add-on; that the versions of one may come in several pages is the harder case.
        infos = [{"addonName": addon, "type": "networking", "addonVersions": [version]} for version in fitting]
        return "addons", infos

    def _fail(self, failure: Failure) -> tuple[int, dict[str, str], bytes]:
        status, code, message = failure
        headers = {"content-type": "application/json", "x-amzn-errortype": code}
        return status, headers, json.dumps({"message": message}).encode()


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[FakeEks]:
    """Serves a fake EKS, and makes it the one that boto3 finds, with credentials of its own and none of the machine's."""
    fake = FakeEks()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = fake.answer("GET", self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for key, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with on_loopback(monkeypatch, home, "EKS", Handler) as fake.url:
        yield fake
    assert not fake.problems


@contextmanager
def on_loopback(
    monkeypatch: pytest.MonkeyPatch, home: Path, service: str, handler: type[BaseHTTPRequestHandler]
) -> Iterator[str]:
    """Serves a service's endpoint and makes it the one that boto3 finds, with credentials of its own; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name in (
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        f"AWS_ENDPOINT_URL_{service}": url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Runs the command line in this process; returns its exit code."""
    from responsibility.cli.commands import main

    monkeypatch.setattr("sys.argv", ["responsibility", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
