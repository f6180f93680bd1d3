"""`delivery: kubectl` end to end: the CDK's own handler changes a real Kubernetes API server of the emulated cluster."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from emulator import cdk, process
from emulator.standing import client
from tests.conftest import NEEDS_API_SERVER, environment_data
from tests.emulator.deployment import Deployment, stacks_of

pytestmark = [
    pytest.mark.xdist_group("emulator-process"),
    NEEDS_API_SERVER,
]

STACK = "demo-workloads-demo"


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    engine = process.start(tmp_path / "home")
    cdk.bootstrap(engine)
    yield Deployment(engine)
    process.stop(tmp_path / "home")


class Api:
    """The Kubernetes API of the cluster, asked with a token of a role, as `aws eks get-token` makes it."""

    def __init__(self, engine: process.Engine, role: str) -> None:
        cluster = client(engine, "eks").describe_cluster(name="demo")["cluster"]
        self._url, authority = cluster["endpoint"], cluster["certificateAuthority"]["data"]
        self._context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        session = client(engine, "sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        sts = boto3.session.Session(
            session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"], "us-west-2"
        ).client("sts", endpoint_url=engine.url)
        url = sts.generate_presigned_url("get_caller_identity")
        self._token = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(f"{self._url}{path}", headers=headers)  # noqa: S310 - on loopback
        with urllib.request.urlopen(request, context=self._context) as answer:  # noqa: S310 - on loopback
            return json.loads(answer.read())

    def names(self, path: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.get(path)["items"]}


def test_objects_come_with_the_stack_and_go_before_it(deployment: Deployment, assemble: Callable[..., Path]) -> None:
    data = environment_data("demo")
    data["clusters"][0]["workloads"] = []
    data["clusters"][0]["access"]["tunnel_host"] = False
    assembly = assemble(data, delivery="kubectl")
    deployment.deploy(assembly)
    resources = deployment.resources("demo-cluster-demo").items()
    roles = {logical_id: physical for logical_id, (kind, physical) in resources if kind == "AWS::IAM::Role"}
    admin = next(
        f"arn:aws:iam::{process.ACCOUNT}:role/{name}"
        for key, name in roles.items()
        if key.startswith("AccessAdminRole")
    )
    api = Api(deployment.engine, admin)
    storage, ingress = "/apis/storage.k8s.io/v1/storageclasses", "/apis/networking.k8s.io/v1/ingressclasses"
    assert api.names(storage) == {"auto-gp3", "gp3"}
    assert api.names(ingress) == {"auto-alb"}
    settings = api.get("/api/v1/namespaces/aws-observability/configmaps/aws-logging")
    assert "region us-west-2" in settings["data"]["output.conf"]

    stranger = next(f"arn:aws:iam::{process.ACCOUNT}:role/{name}" for key, name in roles.items() if "EbsCsi" in key)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        Api(deployment.engine, stranger).get("/api")

    # Taken out of the file, an object is deleted; changed, it is changed.
    data["clusters"][0]["compute"]["fargate"]["logging"] = False
    deployment.deploy(assemble(data, delivery="kubectl"))
    assert "aws-observability" not in api.names("/api/v1/namespaces")
    assert api.names(storage) == {"auto-gp3", "gp3"}

    before = len(deployment.events(STACK))
    identity = deployment.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]
    deployment.destroy(STACK)
    assert api.names(storage) == api.names(ingress) == set()
    events = deployment.events(identity)[before:]
    gone = [one["ResourceType"] for one in events if one["ResourceStatus"] == "DELETE_COMPLETE"]
    objects = [place for place, kind in enumerate(gone) if kind == "Custom::AWSCDK-EKS-KubernetesResource"]
    others = [gone.index(kind) for kind in ("AWS::EKS::AccessEntry", "AWS::Lambda::Function", "AWS::Logs::LogGroup")]
    assert max(objects) < min(others)
    for stack, _ in reversed(stacks_of(assembly)):
        if stack != STACK:
            deployment.destroy(stack)
    with pytest.raises(OSError, match="refused"):
        api.get("/api")
