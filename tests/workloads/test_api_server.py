"""Every object of every environment, applied to a real Kubernetes API server on loopback with strict validation."""

import time
import types
import urllib.error
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from delivery.order import in_order
from kubernetes_lint.objects import KubernetesObject, at, name_of
from local_kubernetes import control_plane
from local_kubernetes.client import ApiError, Client
from local_kubernetes.control_plane import ControlPlane
from tests.support.environments import ENVIRONMENTS
from tests.support.machine import NEEDS_CONTROL_PLANE
from tests.workloads.clusters import deployed

pytestmark = [
    pytest.mark.whole,
    pytest.mark.xdist_group("api-server"),
    NEEDS_CONTROL_PLANE,
]
ELSEWHERE = ("eks.amazonaws.com", "karpenter.sh", "karpenter.k8s.aws", "gateway.networking.k8s.io")
"""Groups whose definitions EKS or charts bring: kubernetes_lint/custom_kinds.yaml has their fields."""
OF_AGE = ("is not served", "field not declared in schema", "doesn't have default value")
"""What a server older than the cluster says of what it does not know yet, the default of a port's protocol among it."""
APPLY = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane.running("1.36", tmp_path_factory.mktemp("api")) as started:
        yield started


@pytest.fixture(scope="module")
def server(plane: ControlPlane) -> Client:
    return plane.client


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_server_takes_every_object(environment: str, server: Client) -> None:
    said = server.get("/version")
    minor = int(said["minor"].rstrip("+") or 0)  # one that somebody built by hand may not know its own
    refused, too_new = [], []
    for cluster in deployed(environment):
        older = minor < int(cluster.version.split(".")[1])
        for item in in_order(cluster.objects):
            if item["apiVersion"].split("/")[0] in ELSEWHERE:
                continue
            problem = apply(server, item)
            if older and any(text in problem for text in OF_AGE):
                too_new.append(name_of(item))
            elif problem:
                refused.append(f"{name_of(item)}: {problem}")
    assert refused == []
    if too_new:
        pytest.skip(
            f"the server, {said['gitVersion']}, is older than the cluster and does not know: {', '.join(too_new)}; all others pass"
        )


def apply(server: Client, item: KubernetesObject) -> str:
    """Applies an object; returns why it was refused, or nothing."""
    collection = path_of(server, item)
    if not collection:
        return f"{item['apiVersion']} {item['kind']} is not served"
    try:
        server.patch(f"{collection}/{item['metadata']['name']}", item, kind="apply", **APPLY)
    except ApiError as refused:
        return refused.message
    return ""


def path_of(server: Client, item: KubernetesObject) -> str:
    """Path of an object's collection, as the server's discovery says; empty: it does not serve the kind."""
    deadline = time.monotonic() + 10
    custom = ".example.com/" in item["apiVersion"]
    while True:
        with suppress(ApiError):
            return server.collection(item["apiVersion"], item["kind"], item["metadata"].get("namespace", ""))
        if not custom or time.monotonic() > deadline:  # a definition is served a moment after it was taken
            return ""
        time.sleep(0.2)


def test_the_controller_of_the_extension_works_with_its_own_rights(
    plane: ControlPlane, server: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cluster,) = deployed("workloads")
    namespace = "extension-managed-nodes"
    objects = [
        item
        for item in in_order(cluster.objects)
        if namespace in (item["metadata"]["name"], at(item, "metadata", "namespace"))
    ]
    (definition,) = [item for item in cluster.objects if item["kind"] == "CustomResourceDefinition"]
    for item in [*objects[:1], known_to(server, definition), *objects[1:]]:
        problem = apply(server, item)
        assert not problem or any(text in problem for text in OF_AGE), problem
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/controller/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": None}}
    token = server.create(account, request)["status"]["token"]
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_text(plane.authority)

    monkeypatch.setenv("NAMESPACE", namespace)
    monkeypatch.setenv("API_SERVER", server.url)
    module: Any = types.ModuleType("controller")
    (source,) = [item["data"]["controller.py"] for item in objects if item["kind"] == "ConfigMap"]
    exec(compile(source, "controller.py", "exec"), module.__dict__)  # noqa: S102 - our own file
    module.ACCOUNT = str(tmp_path)

    scales = f"/apis/platform.example.com/v1/namespaces/{namespace}/scheduledscales"
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/sleeper"
    for hour, replicas in ((12, 2), (23, 0)):
        (found,) = server.items(scales)
        module.reconcile(found, datetime(2026, 11, 26, hour, tzinfo=UTC))
        assert server.get(deployment)["spec"]["replicas"] == replicas
        assert server.get(f"{scales}/sleeper")["status"]["replicas"] == replicas
    with pytest.raises(urllib.error.HTTPError, match="403"):
        module.call("GET", "/api/v1/namespaces/kube-system/secrets")


def known_to(server: Client, definition: KubernetesObject) -> KubernetesObject:
    """A definition without the rules in CEL, for a server that is too old for them."""
    if apply(server, definition) == "":
        return definition

    def without_rules(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_rules(one) for key, one in value.items() if key != "x-kubernetes-validations"}
        return [without_rules(one) for one in value] if isinstance(value, list) else value

    return dict(without_rules(definition))
