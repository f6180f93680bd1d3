"""`make apply` and `make unapply` of the sample workloads, with a stand-in for kubectl and helm (kubectl.py)."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery import __main__ as front_door
from delivery import account, tools
from delivery.account import Cluster, ask
from delivery.plan import read_plan
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.delivery.kubectl import Programs
from tests.support.environments import environment_data
from tests.support.synth import assembled

VALUES = {"AWS_ACCOUNT_ID": "111122223333", "AWS_PARTITION": "aws", "AWS_REGION": "eu-west-1"}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    data = environment_data("workloads")
    data["clusters"][0]["delivery"] = "files"
    return assembled(data).copy(folder)


class Home(Programs):
    """A cluster with its kubectl and helm, and the front door that uses them."""

    assembly: Path

    def run(self, action: str, *arguments: str) -> int:
        return front_door.main([action, str(self.assembly), "--pause", "0", *arguments])


@pytest.fixture
def home(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home()
    home.assembly = assembly
    monkeypatch.setattr(tools, "run", home)
    monkeypatch.setattr(tools, "find", lambda name: name)
    plan = read_plan(assembly, None)
    outputs = {output: f"value-of-{output}" for step in plan.description.steps for output in step.outputs.values()}
    cluster = Cluster("arn:aws:eks:eu-west-1:111122223333:cluster/workloads", "https://example.com", "Y2E=")
    monkeypatch.setattr(account, "ask", lambda _: (cluster, {**VALUES, **outputs}))
    return home


def objects(assembly: Path) -> list[dict[str, Any]]:
    files = sorted((assembly / "manifests/workloads").glob("*.yaml"))
    return [item for file in files for item in yaml.safe_load_all(file.read_text()) if item]


def test_everything_is_applied_in_an_order_that_works(home: Home) -> None:
    assert home.run("apply") == 0
    for item in objects(home.assembly):
        metadata = item["metadata"]
        assert f"{item['kind'].lower()}/{metadata.get('namespace', '')}/{metadata['name']}" in home.state
    definition = home.at("wait --for=condition=Established crd/scheduledscales.platform.example.com")
    controller = home.at("rollout status deployment/controller --namespace extension-managed-nodes")
    assert definition < controller < home.at("scheduledscale/")
    assert home.at("helm upgrade") < home.at("ingress/web-managed-nodes/")
    assert home.at("rollout status deployment/web --namespace web-managed-nodes") < home.at(
        "ingress/web-managed-nodes/"
    )
    told = home.state["chart//aws-load-balancer-controller"]
    assert told["clusterName"] == "workloads"
    assert told["vpcId"] == "value-of-VpcId"
    assert "${" not in json.dumps([told, home.state["serviceaccount/fargate-bucket-reader/bucket-reader"]])


def test_again_is_fine_and_a_changed_job_is_replaced(home: Home, tmp_path: Path) -> None:
    home.assembly = shutil.copytree(home.assembly / "manifests", tmp_path / "mine/manifests").parent
    file = home.assembly / "manifests/workloads/10-fargate-logging.yaml"  # as good as any
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "namespace": "default"}}
    file.write_text(yaml.dump({**job, "spec": {"template": {"spec": {"restartPolicy": "Never"}}}}))
    assert home.run("apply") == 0
    before = dict(home.state)
    home.calls.clear()
    assert home.run("apply") == 0
    assert home.state == before
    assert not any(" delete " in call for call in home.calls)

    file.write_text(yaml.dump({**job, "spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}}))
    assert home.run("apply") == 0
    assert home.state["job/default/once"]["spec"]["template"]["spec"] == {"restartPolicy": "OnFailure"}
    assert [call for call in home.calls if " delete " in call] == ["kubectl delete job/default/once"]


def test_removal_goes_backwards_and_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.run("apply") == 0
    assert any(name.startswith("persistentvolumeclaim/store-auto-mode/") for name in home.state)
    home.calls.clear()
    monkeypatch.setattr("sys.stdin", io.StringIO("workloads\n"))
    assert home.run("remove") == 0
    assert home.state == {}
    assert home.at("delete ingress/web-managed-nodes/") < home.at("delete deployment/web-managed-nodes/")
    assert home.at("delete statefulset/store-auto-mode/") < home.at(
        "persistentvolumeclaims --all --namespace store-auto"
    )
    assert home.at("persistentvolumeclaims --all --namespace store-auto") < home.at("delete namespace//store-auto-mode")
    assert home.at("scheduledscale/") < home.at("delete customresourcedefinition/")
    assert home.at("delete namespace//web-managed-nodes") < home.at("helm uninstall")


@pytest.mark.parametrize("answer", ["", "y\n", "demo\n"])
def test_removal_needs_the_name_of_the_cluster(
    answer: str, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert home.run("remove") == 2
    said = capsys.readouterr()
    assert "data on volumes too" in said.out
    assert "Nothing was changed." in said.err
    assert home.calls == []


def test_another_clusters_context_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("arn", "https://example.com", "b3RoZXI=")
    monkeypatch.setattr(account, "ask", lambda _: (cluster, VALUES))
    assert home.run("apply") == 2
    said = capsys.readouterr().err
    assert "the context here leads to https://localhost:8443, which is not the cluster workloads" in said
    assert "KUBE_CONTEXT" in said
    assert home.calls == []


def test_what_does_not_become_ready_stops_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.failing = "rollout status deployment/web --namespace web-managed-nodes"
    assert home.run("apply") == 1
    said = capsys.readouterr().err
    assert "60-web-managed-nodes.yaml: kubectl rollout status deployment/web: error" in said
    assert "The files before it are applied. Repair it and run the same again" in said
    assert "ingress/web-managed-nodes/web" not in home.state
    assert "namespace//fargate-web" not in home.state  # a later file

    home.failing = ""
    assert home.run("apply") == 0


def test_an_output_that_is_not_there_stops_it_before_it_begins(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster("arn", "https://example.com", "Y2E=")
    monkeypatch.setattr(account, "ask", lambda _: (cluster, VALUES))
    assert home.run("apply") == 2
    assert "nothing says what VPC_ID is" in capsys.readouterr().err
    assert home.calls == []


@pytest.mark.parametrize("missing", ["kubectl", "helm"])
def test_a_missing_program_is_named(
    missing: str, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(tools, "run", home)
    for name in {"kubectl", "helm"} - {missing}:
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert home.run("apply") == 2
    assert f"{missing} is not installed, or not on PATH" in capsys.readouterr().err


class Account:
    """An account whose cluster has a status; without one there is no cluster."""

    region = "eu-west-1"

    def __init__(self, status: str | None) -> None:
        self.status = status

    def one(self, _service: str, method: str, *_: str, **__: Any) -> Any:
        if method == "get_caller_identity":
            return "arn:aws-cn:sts::111122223333:assumed-role/admin/me"
        if self.status is None:
            raise AccountError("eks:DescribeCluster in eu-west-1: AWS answered 404", "ResourceNotFoundException")
        described = {"arn": "arn", "endpoint": "https://example.com", "certificateAuthority": {"data": "Y2E="}}
        return {**described, "status": self.status}

    def items(self, *_: str, **__: str) -> list[Any]:
        return [{"Outputs": [{"OutputKey": "VpcId", "OutputValue": "vpc-1"}]}]


def test_the_account_says_what_placeholders_stand_for(assembly: Path) -> None:
    cluster, values = ask(read_plan(assembly, None), Account("ACTIVE"))
    assert cluster.endpoint == "https://example.com"
    assert values == {
        "AWS_ACCOUNT_ID": "111122223333", "AWS_PARTITION": "aws-cn", "AWS_REGION": "eu-west-1", "VpcId": "vpc-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "said"),
    [(None, "there is no cluster workloads in account 111122223333, region eu-west-1"), ("DELETING", "is DELETING")],
)
def test_a_cluster_that_is_not_there_is_refused(status: str | None, said: str, assembly: Path) -> None:
    with pytest.raises(BadInput, match=said):
        ask(read_plan(assembly, None), Account(status))
