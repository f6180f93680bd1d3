"""The layer in front of the CDK's kubectl handler, with the kubectl of its layer and a real Kubernetes API server."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import tools
from local_kubernetes import control_plane
from local_kubernetes.control_plane import ControlPlane
from local_kubernetes.definitions import define
from tests.constructs.test_kubectl_handler import cdk_handler, load_handler, properties, thing
from tests.support.machine import NEEDS_CONTROL_PLANE

__all__ = ["cdk_handler"]

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("api-server"), NEEDS_CONTROL_PLANE]

DEFINITION = {
    **thing("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com"),
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}
SPACE = thing("v1", "Namespace", "web")
POLICY = {**thing("networking.k8s.io/v1", "NetworkPolicy", "web", "web"), "spec": {"podSelector": {}}}
ROLE = {**thing("rbac.authorization.k8s.io/v1", "ClusterRole", "web"), "rules": []}
CLASS = {**thing("storage.k8s.io/v1", "StorageClass", "web"), "provisioner": "ebs.csi.aws.com"}
POOL = thing("karpenter.sh/v1", "NodePool", "web")
ACCOUNT = thing("v1", "ServiceAccount", "web", "web")
CUSTOM = thing("example.com/v1", "Thing", "web", "web")
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
RULE = {"apiGroup": "rbac.authorization.k8s.io"}
ADMISSION = "admissionregistration.k8s.io/v1"
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["DELETE"]}
OTHERS: list[Any] = [
    {
        **thing("autoscaling/v2", "HorizontalPodAutoscaler", "web", "web"),
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 2},
    },
    {**thing("policy/v1", "PodDisruptionBudget", "web", "web"), "spec": {"maxUnavailable": 1, "selector": {}}},
    {**thing("rbac.authorization.k8s.io/v1", "Role", "web", "web"), "rules": []},
    {
        **thing("rbac.authorization.k8s.io/v1", "RoleBinding", "web", "web"),
        "roleRef": {**RULE, "kind": "Role", "name": "web"},
    },
    {
        **thing("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "web"),
        "roleRef": {**RULE, "kind": "ClusterRole", "name": "web"},
    },
    {**thing("networking.k8s.io/v1", "IngressClass", "web"), "spec": {"controller": "eks.amazonaws.com/alb"}},
    {**thing("scheduling.k8s.io/v1", "PriorityClass", "web"), "value": 1},
    {
        **thing(ADMISSION, "ValidatingAdmissionPolicy", "web"),
        "spec": {"matchConstraints": {"resourceRules": [PODS]}, "validations": [{"expression": "true"}]},
    },
    {
        **thing(ADMISSION, "ValidatingAdmissionPolicyBinding", "web"),
        "spec": {"policyName": "web", "validationActions": ["Audit"]},
    },
    {**thing("v1", "ResourceQuota", "web", "web"), "spec": {"hard": {"pods": "9"}}},
    {**thing("v1", "LimitRange", "web", "web"), "spec": {"limits": []}},
]
PATHS = {
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/web/networkpolicies",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "NodePool": "/apis/karpenter.sh/v1/nodepools",
    "ServiceAccount": "/api/v1/namespaces/web/serviceaccounts",
    "Thing": "/apis/example.com/v1/namespaces/web/things",
    "Namespace": "/api/v1/namespaces",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/web/horizontalpodautoscalers",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/web/poddisruptionbudgets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/web/rolebindings",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "IngressClass": "/apis/networking.k8s.io/v1/ingressclasses",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "ValidatingAdmissionPolicy": f"/apis/{ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"/apis/{ADMISSION}/validatingadmissionpolicybindings",
    "ResourceQuota": "/api/v1/namespaces/web/resourcequotas",
    "LimitRange": "/api/v1/namespaces/web/limitranges",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane.running("1.36", tmp_path_factory.mktemp("api")) as started:
        define(started.client)
        yield started


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the kubectl that the function has."""
    return tools.folder(tmp_path_factory.mktemp("layer"))


@pytest.fixture
def function(
    server: ControlPlane, kubectl: Path, cdk_handler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs an event as Lambda does; `aws eks update-kubeconfig` is a stand-in that knows the server."""
    (tmp_path / "aws").write_text(
        f"#!{sys.executable} -IS\nimport shutil, sys\nshutil.copy({str(server.kubeconfig)!r}, sys.argv[-1])\n"
    )
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{kubectl}")
    monkeypatch.setenv("HOME", str(tmp_path))
    handler = load_handler(monkeypatch, cdk_handler, tmp_path)

    def run(request: str, now: list[Any], before: list[Any] | None = None, label: str = "aws.cdk.eks/prune-1") -> Any:
        # As the CDK does, each object has the label of its manifest.
        def labelled(items: list[Any]) -> list[Any]:
            return [{**one, "metadata": {**one["metadata"], "labels": {label: ""}}} for one in items]

        event = {
            "RequestType": request,
            "ResourceType": "Custom::AWSCDK-EKS-KubernetesResource",
            "ResourceProperties": {**properties(labelled(now)), "PruneLabel": label},
        }
        if before is not None:
            event["OldResourceProperties"] = {**properties(labelled(before)), "PruneLabel": label}
        return handler(event, None)

    return run


def there(server: ControlPlane, *kinds: str) -> set[str]:
    """Which kinds have an object named web."""
    found = set()
    for kind in kinds:
        names = {item["metadata"]["name"] for item in server.client.items(PATHS[kind])}
        found |= {kind} & ({kind} if "web" in names else set())
    return found


MINE = [POLICY, ROLE, CLASS, POOL, ACCOUNT, *OTHERS]
KINDS = [item["kind"] for item in MINE]


def test_every_kind_goes_with_its_place_in_the_manifest(function: Callable[..., Any], server: ControlPlane) -> None:
    function("Create", [SPACE, DEFINITION], label="aws.cdk.eks/prune-0")
    function("Create", MINE)
    function("Create", [CUSTOM], label="aws.cdk.eks/prune-2")
    assert there(server, *KINDS, "Thing") == {*KINDS, "Thing"}
    function("Update", MINE[:1], MINE)
    assert there(server, *KINDS, "Thing") == {"NetworkPolicy", "Thing"}

    # What another manifest has taken over stays, whether its first one loses it or goes.
    function("Create", MINE[:1], label="aws.cdk.eks/prune-3")
    function("Update", MINE[-1:], MINE[:1])
    function("Delete", MINE[:1])
    assert there(server, "NetworkPolicy") == {"NetworkPolicy"}
    function("Delete", MINE[:1], label="aws.cdk.eks/prune-3")
    assert there(server, "NetworkPolicy") == set()

    # A definition takes its objects with it; deleting those after it is not a failure.
    function("Delete", [SPACE, DEFINITION], label="aws.cdk.eks/prune-0")
    function("Delete", [CUSTOM], label="aws.cdk.eks/prune-2")
    assert there(server, "Namespace") == set()
    function("Delete", MINE)
