"""`delivery: kubectl` end to end: the CDK's own handler changes a real Kubernetes API server of the emulated cluster."""

import base64
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator import kubeconfig, objects, process
from emulator.status import client
from tests.emulator.deployment import Deployment, stacks_of
from tests.emulator.programs import listeners
from tests.support.environments import ROOT, environment_data
from tests.support.machine import NEEDS_CONTROL_PLANE

pytestmark = [
    pytest.mark.whole,
    pytest.mark.xdist_group("emulator-process"),
    NEEDS_CONTROL_PLANE,
]

STACK = "demo-workloads-demo"
CALLER = "Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    home = tmp_path_factory.mktemp("kubectl") / "home"
    engine = process.start(home, kubernetes=True)
    deployment = Deployment(engine)
    deployment.bootstrap()
    yield deployment
    process.stop(home)


def token(
    engine: process.Engine, key: dict[str, Any], cluster: str = "demo", query: str = CALLER, url: str = ""
) -> str:
    """A token as `aws eks get-token` makes it: a presigned request that names the cluster in a signed header."""
    named = {"x-k8s-aws-id": cluster} if cluster else {}
    request = AWSRequest("GET", f"{url or engine.url}/?{query}", headers=named)
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    SigV4QueryAuth(credentials, "sts", process.REGION, expires=60).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


class Api:
    """The Kubernetes API of the cluster, asked with a token of a role."""

    def __init__(self, engine: process.Engine, role: str) -> None:
        cluster = client(engine, "eks").describe_cluster(name="demo")["cluster"]
        self._url, authority = cluster["endpoint"], cluster["certificateAuthority"]["data"]
        self._context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        self.key = client(engine, "sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        self._token = token(engine, self.key)

    def get(self, path: str, bearer: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token if bearer is None else bearer}"} if bearer != "" else {}
        request = urllib.request.Request(f"{self._url}{path}", headers=headers)  # noqa: S310 - on loopback
        with urllib.request.urlopen(request, context=self._context) as answer:  # noqa: S310 - on loopback
            return json.loads(answer.read())

    def names(self, path: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.get(path)["items"]}

    def status(self, path: str, bearer: str) -> int:
        try:
            self.get(path, bearer)
        except urllib.error.HTTPError as error:
            return error.code
        return 200


def refuses_whom_it_does_not_know(engine: process.Engine, api: Api) -> None:
    good = token(engine, api.key)
    assert api.status("/api", good) == 200
    forged = {**api.key, "SecretAccessKey": "forged"}
    without = {**api.key, "SessionToken": None}
    for bearer in (
        "", "x", "k8s-aws-v1.x", token(engine, forged), token(engine, without), token(engine, api.key, "another"),
        token(engine, api.key, ""), token(engine, api.key, query="Action=GetSessionToken&Version=2011-06-15"),
        token(engine, api.key, url="http://127.0.0.1:1"), token(engine, api.key, url=f"{engine.url}/elsewhere"),
    ):  # fmt: skip
        for path in ("/api", "/version", "/healthz", "/metrics"):
            assert api.status(path, bearer) == 401, (bearer, path)
    # The API server alone has a port of the control plane, and the engine one.
    (lock,) = (engine.home / "tmp/kubernetes-demo").glob("child-*.lock")
    found = {*listeners(engine.pid), *listeners(int(lock.read_text()))}
    assert found == {f"0100007F:{port:04X}" for port in (engine.port, int(api._url.rpartition(":")[2]))}


def test_objects_come_with_the_stack_and_go_before_it(deployment: Deployment, assemble: Callable[..., Path]) -> None:
    data = environment_data("demo")
    data["clusters"][0]["workloads"] = []
    data["clusters"][0]["access"]["tunnel_host"] = False
    assembly = assemble(data, delivery="kubectl")
    deployment.deploy(assembly)
    stacks = ("demo-control-plane-demo", "demo-access-demo", "demo-compute-demo")
    resources = [one for stack in stacks for one in deployment.resources(stack).items()]
    roles = {logical_id: physical for logical_id, (kind, physical) in resources if kind == "AWS::IAM::Role"}
    admin = next(
        f"arn:aws:iam::{process.ACCOUNT}:role/{name}"
        for key, name in roles.items()
        if key.startswith("AccessAdminRole")
    )
    api = Api(deployment.engine, admin)
    refuses_whom_it_does_not_know(deployment.engine, api)
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


def test_make_apply_and_unapply_put_pods_on_nodes_and_take_them_away(
    deployment: Deployment, assemble: Callable[..., Path]
) -> None:
    """As `make apply` and `make unapply` run it: the real kubectl, the files of the assembly, the account's answers."""
    data = environment_data("managed-nodes")
    data["clusters"][0]["workloads"] = [
        {"name": "web", "compute": "managed_nodes", "plain_http": True},
        {"name": "store", "compute": "managed_nodes"},
    ]
    assembly = assemble(data)
    deployment.deploy(assembly)
    engine, name = deployment.engine, data["clusters"][0]["name"]
    objects.apply(engine, assembly)
    api = kubeconfig.client(kubeconfig.clusters(engine.home)[name])
    pods = api.items("/api/v1/pods")
    assert [pod["metadata"]["name"] for pod in pods if not objects._settled(pod)] == []
    placed = {pod["metadata"]["namespace"] for pod in pods}
    assert placed >= {"kube-system", "web-managed-nodes", "store-managed-nodes"}
    (ingress,) = api.items("/apis/networking.k8s.io/v1/ingresses")
    assert ingress["status"]["loadBalancer"]["ingress"]
    assert {one["status"]["phase"] for one in api.items("/api/v1/persistentvolumeclaims")} == {"Bound"}

    command = ["delivery", "remove", str(assembly), "--cluster", name, "--context", name, "--yes", "--pause", "0.2"]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=objects.environment(engine),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    left = {one["metadata"]["name"] for one in api.items("/api/v1/namespaces")}
    assert not left & {"web-managed-nodes", "store-managed-nodes"}
