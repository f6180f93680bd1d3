"""A control plane on loopback: who may ask it, what its parts do, what is left of it, and how it moves to the next version."""

import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_kubernetes import control_plane, programs
from local_kubernetes.client import ApiError, Client
from local_kubernetes.control_plane import ControlPlane
from safe_io.errors import BadInput
from safe_io.loopback import free_port
from tests.emulator.programs import alive, listeners, until
from tests.support.machine import NEEDS_CONTROL_PLANE, NEXT

pytestmark = [pytest.mark.whole, NEEDS_CONTROL_PLANE, pytest.mark.xdist_group("control-plane")]

POD = {"containers": [{"name": "web", "image": "registry.example/web:1"}]}
LABELS = {"app": "web"}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": POD},
    },
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("plane")
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        patch.setattr(control_plane, "_TRIES", 1)
        patch.setattr(control_plane, "free_port", lambda: busy)
        with pytest.raises(BadInput, match=rf"(?s)^kube-apiserver has ended .*:{busy}: bind: address already in use"):
            control_plane.start("1.36", folder)
        assert list(folder.glob("child-*")) == []
        patch.setattr(control_plane, "_TRIES", 2)
        ports = iter([busy, free_port()])
        patch.setattr(control_plane, "free_port", lambda: next(ports))  # somebody was quicker, once
        started = control_plane.start("1.36", folder)
    yield started
    pids = list(started.pids.values())
    started.stop()
    assert len(pids) == 4
    assert not any(alive(Path(f"/proc/{pid}")) for pid in pids)


def pods(client: Client) -> list[str]:
    return [pod["metadata"]["name"] for pod in client.items("/api/v1/namespaces/default/pods")]


def test_only_who_has_a_certificate_of_its_authority_is_answered(plane: ControlPlane) -> None:
    trusting = ssl.create_default_context(cadata=plane.authority)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{plane.url}/version", context=trusting)  # noqa: S310 - on loopback
    stranger = plane.identity("jane", ["team"])
    with pytest.raises(ApiError, match='User "jane" cannot list resource "pods"') as refused:
        pods(stranger)
    assert refused.value.code == 403
    assert plane.folder.stat().st_mode & 0o077 == 0
    assert plane.kubeconfig.stat().st_mode & 0o077 == 0


def test_the_api_alone_has_a_port_and_it_is_on_loopback(plane: ControlPlane) -> None:
    (group,) = {os.getpgid(pid) for pid in plane.pids.values()}
    (address,) = listeners(group)
    assert address == f"0100007F:{int(plane.url.rpartition(':')[2]):04X}"


def test_the_controllers_and_the_scheduler_act(plane: ControlPlane) -> None:
    plane.client.apply(DEPLOYMENT)
    assert until(lambda: len(pods(plane.client)) == 2)

    def why() -> list[str]:
        return [
            condition["message"]
            for pod in plane.client.items("/api/v1/pods")
            for condition in pod["status"].get("conditions", [])
        ]

    assert until(lambda: len(why()) == 2)
    assert "no nodes available to schedule pods" in why()[0]


def test_the_client_reads_pages_watches_and_says_what_the_api_says(plane: ControlPlane) -> None:
    namespaces, version = plane.client.snapshot("/api/v1/namespaces", limit="1")
    assert {one["metadata"]["name"] for one in namespaces} >= {"default", "kube-system"}
    assert {(one["apiVersion"], one["kind"]) for one in namespaces} == {("v1", "Namespace")}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}}
    plane.client.create("/api/v1/namespaces", made)
    kind, seen = next(plane.client.watch("/api/v1/namespaces", version, fieldSelector="metadata.name=later"))
    assert (kind, seen["metadata"]["name"]) == ("ADDED", "later")
    with pytest.raises(ApiError, match='namespaces "later" already exists') as refused:
        plane.client.create("/api/v1/namespaces", made)
    assert (refused.value.code, refused.value.reason) == (409, "AlreadyExists")
    with pytest.raises(ApiError, match="apps/v1 has no kind Nothing"):
        plane.client.collection("apps/v1", "Nothing")


def test_it_moves_to_the_next_version_and_back_with_its_data(plane: ControlPlane) -> None:
    if not programs.find(NEXT):
        pytest.skip(f"no programs of Kubernetes {NEXT}: `python -m local_kubernetes programs --version {NEXT}`")
    before, url = pods(plane.client), plane.url
    for minor in (NEXT, "1.36"):
        plane.move(minor)
        assert plane.client.get("/version")["gitVersion"].startswith(f"v{minor}.")
        assert (plane.version, plane.url) == (minor, url)
    assert pods(plane.client) == before != []
    (dead,) = before[:1]
    plane.client.delete(f"/api/v1/namespaces/default/pods/{dead}")
    assert until(lambda: len(set(pods(plane.client)) - {dead}) == 2)  # the controllers act, too


def test_a_part_that_has_ended_is_named_with_the_end_of_its_log(plane: ControlPlane) -> None:
    assert plane.healthy() == ""
    plane._children["kube-scheduler"].kill()
    assert until(lambda: plane.healthy().startswith("kube-scheduler has ended (exit code -9): "))


def test_what_does_not_come_up_is_one_error_and_nothing_is_left(tmp_path: Path) -> None:
    options = control_plane.Options(flags={"kube-apiserver": ["--service-cluster-ip-range", "nonsense"]})
    with pytest.raises(BadInput, match=r"(?s)^kube-apiserver has ended \(exit code 1\): .*not a valid cidr"):
        control_plane.start("1.36", tmp_path / "plane", options=options)
    assert list((tmp_path / "plane").glob("child-*")) == []


def test_missing_programs_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(programs.VARIABLE, raising=False)
    with pytest.raises(BadInput, match=r"1\.37 are not on this machine\. `python -m local_kubernetes programs` gets"):
        control_plane.start("1.37", tmp_path / "plane")
