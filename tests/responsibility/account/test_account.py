"""What can go wrong with an account: each time one message that names the API and the way out, and the old data stay."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.account import cluster_versions, permissions
from responsibility.account.session import ATTEMPTS, Account
from tests.responsibility.account import fake_eks
from tests.responsibility.account.fake_eks import SECRET, TOKEN, FakeEks, kubernetes, run
from tests.support.environments import ROOT

THROTTLED = (400, "ThrottlingException", "Rate exceeded")

POLICY = permissions.policy("lock-addons", "refresh versions", "refresh prices")


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeEks]:
    with fake_eks.serving(monkeypatch, tmp_path) as fake:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        fake.versions = [kubernetes("1.36", "2026-06-02", "2027-08-02", "2028-08-02")]
        yield fake


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "kubernetes_versions.yaml"
    file.write_text(cluster_versions.FILE.read_text())
    monkeypatch.setattr(cluster_versions, "FILE", file)
    return file


def failed(monkeypatch: pytest.MonkeyPatch, capsys: Any, catalog: Path, *arguments: str) -> str:
    """Runs `refresh versions`, which must fail and leave everything as it was; returns its message."""
    before = catalog.read_text()
    assert run(monkeypatch, "refresh", "versions", *arguments) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert len(printed.err.splitlines()) == 1, printed.err
    assert "eks:DescribeClusterVersions" in printed.err
    assert SECRET not in printed.err
    assert TOKEN not in printed.err
    assert catalog.read_text() == before
    assert not list(catalog.parent.glob(".*.part"))
    return str(printed.err)


ANSWERS = {
    (403, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized"): (
        "not allowed: User: arn:aws:iam::123456789012:user/x is not authorized. Ask for the IAM action"
        " eks:DescribeClusterVersions"
    ),
    (403, "ExpiredTokenException", "The security token included in the request is expired"): "have expired. Sign in",
    (403, "UnrecognizedClientException", "The security token included in the request is invalid."): (
        "does not take the credentials (UnrecognizedClientException)"
    ),
    (
        403,
        "InvalidSignatureException",
        f"The Canonical String was x-amz-security-token:{TOKEN}",
    ): "clock of this machine",
    (400, "InvalidRequestException", f"bad\x1b[31m {SECRET}"): "AWS answered 400 InvalidRequestException: bad ...",
}


@pytest.mark.parametrize(("answer", "words"), ANSWERS.items(), ids=[answer[1] for answer in ANSWERS])
def test_aws_says_no(
    eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, answer: Any, words: str
) -> None:
    eks.always = answer
    message = failed(monkeypatch, capsys, catalog)
    assert words in message
    assert message.rstrip().endswith("stays as it is")
    assert len(eks.asked) == 1  # to ask again would not help


@pytest.mark.usefixtures("catalog")
def test_throttled_for_a_while(eks: FakeEks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    eks.failures = [THROTTLED, (503, "ServiceUnavailable", "")]
    assert run(monkeypatch, "refresh", "versions") == 0
    assert len(eks.asked) == 3


@pytest.mark.parametrize(
    ("answer", "words"), [(THROTTLED, "throttled, 2 tries long"), ((500, "ServerException", "x"), "AWS answered 500")]
)
def test_tries_run_out(
    eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, answer: Any, words: str
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    eks.always = answer
    assert words in failed(monkeypatch, capsys, catalog)
    assert len(eks.asked) == 2


@pytest.mark.usefixtures("eks")
def test_retries_are_adaptive(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Account("refresh versions")._client("eks").meta.config.retries == {
        "mode": "adaptive",
        "total_max_attempts": ATTEMPTS,
    }
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    assert Account("refresh versions")._client("eks").meta.config.retries["total_max_attempts"] == 9


def test_no_credentials(eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    assert "there are no AWS credentials. Sign in (`aws sso login`)" in failed(monkeypatch, capsys, catalog)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    message = failed(monkeypatch, capsys, catalog)
    assert "AWS_SECRET_ACCESS_KEY" in message
    assert "AKIAIOSFODNN7EXAMPLE" not in message
    assert not eks.asked


CONFIG = """\
[profile signed-out]
sso_start_url = https://example.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Reader
region = eu-west-1
[profile program]
credential_process = sh -c 'echo {secret} >&2; exit 1'
[profile there]
region = eu-south-1
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = x
"""


def test_profiles(eks: FakeEks, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "aws-config").write_text(CONFIG.format(secret=SECRET))
    assert "list-profiles" in failed(monkeypatch, capsys, catalog, "--profile", "none")
    assert "you are signed out" in failed(monkeypatch, capsys, catalog, "--profile", "signed-out")
    assert "no credentials came from custom-process" in failed(monkeypatch, capsys, catalog, "--profile", "program")
    monkeypatch.delenv("AWS_REGION")
    assert run(monkeypatch, "refresh", "versions", "--profile", "there") == 0
    assert eks.regions == {"eu-south-1"}


def test_regions(eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("AWS_REGION")
    assert "no region is named. Set AWS_REGION" in failed(monkeypatch, capsys, catalog)
    assert "'eu west 1' is not the name of a region" in failed(monkeypatch, capsys, catalog, "--region", "eu west 1")
    assert not eks.asked


@pytest.mark.usefixtures("eks")
def test_nobody_answers(catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", f"http://user:{SECRET}@127.0.0.1:{port}")
        message = failed(monkeypatch, capsys, catalog, "--region", "eu-nowhere-1")
    assert f"http://127.0.0.1:{port}" in message
    assert "whether EKS is in a region called 'eu-nowhere-1'" in message


def test_somebody_else_answers(eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    eks.raw = b"<html>Please sign in to the hotel's network</html>"
    assert "what answered is not EKS" in failed(monkeypatch, capsys, catalog)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://[::1"])
@pytest.mark.usefixtures("eks")
def test_no_address(catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, url: str) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", url)
    failed(monkeypatch, capsys, catalog)


def test_pages_that_never_end(eks: FakeEks, catalog: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    eks.raw = json.dumps({"clusterVersions": [], "nextToken": "again"}).encode()
    assert "token" in failed(monkeypatch, capsys, catalog)


@pytest.mark.usefixtures("catalog")
def test_the_endpoint_for_every_service(eks: FakeEks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_EKS")
    monkeypatch.setenv("AWS_ENDPOINT_URL", eks.url)
    assert run(monkeypatch, "refresh", "versions") == 0
    assert len(eks.asked) == 1


def test_calls_outside_of_the_policy_are_not_made(eks: FakeEks) -> None:
    account = Account("refresh versions")
    with pytest.raises(LookupError, match="eks:ListClusters is not listed"):
        account.items("eks", "list_clusters", "clusters")
    assert not eks.asked


@pytest.mark.usefixtures("catalog")
def test_the_policy_in_the_docs_is_what_the_commands_need(
    eks: FakeEks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/lock.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert block == json.dumps(POLICY, indent=2) + "\n", "write what permissions.policy() gives"

    eks.addons["coredns"] = [fake_eks.offer("v1.2.3-eksbuild.1", default=True)]
    template = tmp_path / "template.json"
    cluster = {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "c", "Version": "1.36"}}
    addon = {"Type": "AWS::EKS::Addon", "Properties": {"AddonName": "coredns", "ClusterName": {"Ref": "C"}}}
    template.write_text(json.dumps({"Resources": {"C": cluster, "A": addon}}))
    assert run(monkeypatch, "lock-addons", "-a", template, "-o", tmp_path / "x.lock.yaml") == 0
    assert run(monkeypatch, "refresh", "versions") == 0
    (statement,) = POLICY["Statement"]
    assert eks.calls | {"pricing:GetProducts"} == set(statement["Action"])  # test_prices.py makes that one


def test_boto3_is_imported_by_these_commands_alone() -> None:
    probe = "import sys, responsibility.cli.commands, responsibility.review.command; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0
