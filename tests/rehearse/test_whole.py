"""The command on what people have: an environment, and a running cluster, which is only read. And what an end leaves behind."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from emulator import tools
from local_kubernetes.client import Client
from local_kubernetes.control_plane import running
from rehearse.__main__ import main
from rehearse.control import options
from rehearse.document import Rehearsal
from tests.emulator.programs import until
from tests.rehearse.world import GROUP, objects
from tests.support.environments import ROOT
from tests.support.kept import kept_value
from tests.support.machine import NEEDS_BOTH_VERSIONS

pytestmark = [pytest.mark.whole, NEEDS_BOTH_VERSIONS, pytest.mark.xdist_group("rehearsal")]
ROWS: Mapping[str, Any] = {
    "stuck": {"budgets": [{"maxUnavailable": 0}]},
    "alone": {"replicas": 1, "budgets": []},
    "fine": {"replicas": 2},
}
ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "rolled", "uid": "1", "controller": True}


def of_others() -> Iterator[dict[str, Any]]:
    """What an operator makes: a ReplicaSet and a pod; and a claim that has a volume in a zone without nodes. All for nodes of ``stuck``."""
    space, deployment, budget = objects("rolled", {"budgets": [{"maxUnavailable": 0}]}, GROUP)
    template = deployment["spec"]["template"]
    template["spec"]["nodeSelector"] = {GROUP: "stuck"}
    made: dict[str, Any] = {"namespace": "rolled", "ownerReferences": [ROLLOUT]}
    yield from (space, budget, {**deployment, "kind": "ReplicaSet", "metadata": {"name": "rolled", **made}})
    yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "made", **made}, "spec": template["spec"]}
    space, deployment = objects("zoned", {"replicas": 1, "budgets": []}, GROUP)
    spec = deployment["spec"]["template"]["spec"]
    spec["nodeSelector"] = {GROUP: "stuck"}
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    zone = {"key": "topology.ebs.csi.aws.com/zone", "operator": "In", "values": ["eu-west-1z"]}
    both = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3"}
    volume = {
        **both, "capacity": {"storage": "1Gi"}, "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "zoned", "name": "data"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
    }  # fmt: skip
    claim = {**both, "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "old"}
    about = {"name": "data", "namespace": "zoned"}
    yield space
    yield {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "old"}, "spec": volume}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": claim}
    yield deployment


READ = (
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/events",
    "/apis/apps/v1/deployments",
    "/apis/policy/v1/poddisruptionbudgets",
)


def node(name: str, number: int) -> dict[str, Any]:
    host = f"ip-10-0-0-{number}.eu-west-1.compute.internal"
    labels = {
        GROUP: name,
        "topology.kubernetes.io/zone": "eu-west-1a",
        "kubernetes.io/hostname": host,
        "kubernetes.io/os": "linux",
    }
    room = {"cpu": "2", "memory": "4Gi", "pods": "17"}
    status = {"capacity": room, "allocatable": room, "nodeInfo": {"kubeletVersion": "v1.36.0"}}
    status["conditions"] = [{"type": "Ready", "status": "True"}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": host, "labels": labels}, "status": status}


def fill(client: Client) -> None:
    for number, (name, row) in enumerate(ROWS.items()):
        for item in objects(name, row):
            client.apply(item)
        for one in range(2):
            made = node(name, 10 * number + one)
            client.create("/api/v1/nodes", made)
            client.patch(f"/api/v1/nodes/{made['metadata']['name']}/status", {"status": made["status"]}, kind="merge")
    for item in of_others():
        client.apply(item)


def seen(client: Client) -> dict[str, Any]:
    """Every object's version: what somebody wrote has another one."""
    return {
        f"{path} {item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for path in READ
        for item in client.items(path)
    }


def settled(client: Client) -> dict[str, Any]:
    """What is there once the control plane has nothing to do any more."""
    before, deadline = seen(client), time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(1)
        if (now := seen(client)) == before:
            return now
        before = now
    raise AssertionError("the control plane does not come to rest")


def of_a_running_cluster() -> Any:
    with TemporaryDirectory() as home, running("1.36", Path(home) / "kubernetes", options=options()) as plane:
        fill(plane.client)
        before = settled(plane.client)
        report = Path(home) / "report.json"
        os.environ["PATH"], path = f"{tools.folder(Path(home))}{os.pathsep}{os.environ['PATH']}", os.environ["PATH"]
        try:
            code = main(
                [
                    "--to",
                    "1.37",
                    "--rollback",
                    "--cluster",
                    "prod",
                    "--kubeconfig",
                    str(plane.kubeconfig),
                    "--quiet",
                    "-o",
                    str(report),
                ]
            )
        finally:
            os.environ["PATH"] = path
        return {"code": code, "same": settled(plane.client) == before, "report": json.loads(report.read_text())}


def of_an_environment() -> Any:
    with TemporaryDirectory() as home:
        report = Path(home) / "report.json"
        code = main(["--to", "next", "--env", "demo", "--quiet", "-o", str(report)])
        return {"code": code, "report": json.loads(report.read_text())}


@cache
def cluster() -> Mapping[str, Any]:
    found: Mapping[str, Any] = kept_value(
        f"running cluster {ROWS} {[*of_others()]}", of_a_running_cluster, of="project"
    )
    return found


def test_a_running_cluster_is_only_read() -> None:
    assert cluster()["same"]


def test_a_running_cluster_says_what_blocks_and_what_is_down() -> None:
    document = Rehearsal.model_validate(cluster()["report"])
    assert cluster()["code"] == 1
    found = {(one.subject.split("/")[0].split()[-1], one.topic) for one in document.findings}
    assert found == {
        ("stuck", "disruption-budget"),
        ("alone", "single-replica"),
        ("rolled", "disruption-budget"),
        ("zoned", "not-ready-before"),
    }


def test_what_an_operator_makes_is_played_where_kubernetes_goes_on_with_it() -> None:
    document = Rehearsal.model_validate(cluster()["report"])
    details = {one.subject.split("/")[0].split()[-1]: one.detail for one in document.findings}
    assert "needs 2 healthy pods" in details["rolled"]
    assert "PersistentVolume" in details["zoned"]
    assert "Rollout rolled/rolled has 1 pods that its own controller makes: they are left out" in document.not_played


def test_the_way_back_is_played_too() -> None:
    document = Rehearsal.model_validate(cluster()["report"])
    assert document.question.endswith("and back")
    titles = [step.title for step in document.steps]
    assert titles[0] == "Upgrade the control plane to 1.37"
    assert titles[-1] == "Roll back the control plane to 1.36"
    # EKS takes a control plane back only when no node is newer than the version to come.
    assert titles.index("Roll back the managed nodes") < len(titles) - 1
    assert all(not step.failed or step.title.endswith("the managed nodes") for step in document.steps)


def test_an_environment_is_synthesised_and_played() -> None:
    found = kept_value("the environment demo", of_an_environment, of="project")
    document = Rehearsal.model_validate(found["report"])
    assert found["code"] == 0
    assert {one.verdict for one in document.findings} <= {"warning"}
    assert "environment demo" in json.dumps(found["report"])
    assert not [line for line in document.not_played if "had not settled" in line]


FAULTS: Mapping[str, tuple[int, str]] = {
    # what happens in the middle: the exit code, and what is said
    "ctrl-c": (130, "Interrupted."),
    "terminated": (130, "Interrupted."),
    "hung up": (130, "Interrupted."),
    "kube-apiserver": (2, "kube-apiserver has ended (exit code -9)"),
    "etcd": (2, "etcd has ended (exit code -9)"),
    "full disk": (2, "etcd has ended (exit code "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_ended_leaves_nothing_behind(tmp_path: Path, fault: str) -> None:
    template = {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "one", "Version": "1.36"}}}
    (tmp_path / "one.template.json").write_text(json.dumps({"Resources": template}))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-m", "rehearse", "--to", "1.37", "--assembly", str(tmp_path), "-o", str(tmp_path / "report.json")],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_small_files if fault == "full disk" else None,
    )  # fmt: skip
    signals = {"ctrl-c": signal.SIGINT, "terminated": signal.SIGTERM, "hung up": signal.SIGHUP}
    if fault != "full disk":
        part = "kube-apiserver" if fault in signals else fault
        assert until(lambda: bool(_pids(temporary, part)), 120)
        os.kill(run.pid if fault in signals else _pids(temporary, part)[0], signals.get(fault, signal.SIGKILL))
    _, said = run.communicate(timeout=120)
    code, words = FAULTS[fault]
    assert (run.returncode, "Traceback" in said) == (code, False), said
    assert words in said
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "report.json").exists()
    assert [line for line in _processes() if str(temporary) in line] == []


def _small_files() -> None:
    """Lets no file grow above a megabyte: the disk is full for the database, which wants more at once."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


def _pids(folder: Path, program: str) -> list[int]:
    """The processes of a program that run in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            cwd, command = (path / "cwd").readlink(), (path / "cmdline").read_bytes().split(b"\0")[0].decode()
        except OSError:
            continue
        if cwd.is_relative_to(folder) and command.endswith(f"/{program}"):
            found.append(int(path.name))
    return found


def _processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found
