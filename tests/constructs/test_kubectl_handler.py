"""The layer in front of the CDK's kubectl handler: what leaves a manifest is deleted, whatever its kind, unless it has moved."""

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import environment_data, validated
from tests.support.synth import build_platform

pytestmark = pytest.mark.xdist_group("cdk")  # one Node, in one process
LAYER = Path(__file__).parents[2] / "constructs/eks_constructs/kubectl_layer/python"
LABEL = "aws.cdk.eks/prune-1"
CHART = "Custom::AWSCDK-EKS-HelmChart"

# Stands in for aws, kubectl and helm: writes down how it was called, with the files it was given, and fails if it shall.
PROGRAM = """#!{python} -IS
import json, os, pathlib, sys
home = pathlib.Path({home!r})
call = [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]
given = [pathlib.Path(word).read_text() for word in call if word.endswith("manifest.yaml")]
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(call + given) + chr(10))
for text, said in json.loads((home / "failing").read_text()).items():
    if text in " ".join(call):
        sys.exit(said)
"""


@pytest.fixture(scope="module")
def cdk_handler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the CDK's handler, as the assembly names it."""
    folder = tmp_path_factory.mktemp("assembly")
    platform = build_platform(validated(environment_data("workloads")), folder)
    for file in folder.glob("*.assets.json"):
        for asset in json.loads(file.read_text())["files"].values():
            source = folder / asset["source"]["path"]
            if (source / "index.py").is_file() and (source / "apply").is_dir():
                assert platform.workloads
                return source
    raise AssertionError("no asset is the CDK's kubectl handler")


class Function:
    """The handler with its layer, as Lambda runs it."""

    def __init__(self, home: Path, handler: Callable[..., Any]) -> None:
        self._home, self._handler = home, handler
        self.failing: dict[str, str] = {}

    def __call__(self, request: str, now: list[Any] | None = None, before: list[Any] | None = None, **more: Any) -> Any:
        (self._home / "calls").unlink(missing_ok=True)
        (self._home / "failing").write_text(json.dumps(self.failing))
        event = {
            "RequestType": request,
            "ResourceType": "Custom::AWSCDK-EKS-KubernetesResource",
            "ResourceProperties": properties(now),
            **({"OldResourceProperties": properties(before)} if before is not None else {}),
            **more,
        }
        return self._handler(event, None)

    @property
    def calls(self) -> list[list[str]]:
        file = self._home / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def deleted(self) -> list[str]:
        """What kubectl was told to delete, as KIND NAMESPACE NAME, each with the label of the manifest."""
        found = []
        for call in self.calls:
            if "delete" in call:
                option = dict(pairwise(call))
                assert option["--selector"] == LABEL
                found.append(
                    f"{option['delete']} {option.get('--namespace', '-')} {option['--field-selector'].removeprefix('metadata.name=')}"
                )
        return found


def properties(manifest: list[Any] | None) -> dict[str, str]:
    text = json.dumps(manifest or [])
    return {"ClusterName": "c", "Manifest": text, "PruneLabel": LABEL, "Overwrite": "true"}


@pytest.fixture
def function(tmp_path: Path, cdk_handler: Path, monkeypatch: pytest.MonkeyPatch) -> Function:
    for name in ("aws", "kubectl", "helm"):
        (tmp_path / name).write_text(PROGRAM.format(python=sys.executable, home=str(tmp_path)))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return Function(tmp_path, load_handler(monkeypatch, cdk_handler, tmp_path))


def load_handler(monkeypatch: pytest.MonkeyPatch, cdk_handler: Path, folder: Path) -> Callable[..., Any]:
    """Imports the handler as Lambda does, with a folder for its files."""
    monkeypatch.setenv("TEST_OUTDIR", str(folder))
    monkeypatch.syspath_prepend(str(cdk_handler))
    monkeypatch.syspath_prepend(str(LAYER))
    for name in ("index", "apply", "helm", "get", "patch", "complete_deletion"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import complete_deletion  # type: ignore[import-not-found]

    handler: Callable[..., Any] = complete_deletion.handler
    return handler


def thing(version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
    }


THINGS = [
    thing("v1", "Namespace", "web"),
    thing("v1", "ServiceAccount", "web", "web"),
    thing("rbac.authorization.k8s.io/v1", "ClusterRole", "web"),
    thing("networking.k8s.io/v1", "NetworkPolicy", "web", "web"),
    thing("karpenter.sh/v1", "NodePool", "web"),
    thing("platform.example.com/v1", "ScheduledScale", "web", "web"),
]
BACKWARDS = [
    "ScheduledScale.platform.example.com web web",
    "NodePool.karpenter.sh - web",
    "NetworkPolicy.networking.k8s.io web web",
    "ClusterRole.rbac.authorization.k8s.io - web",
    "ServiceAccount web web",
    "Namespace - web",
]


def test_objects_are_applied_by_the_cdks_handler_without_kubectls_pruning(function: Function) -> None:
    function("Create", THINGS)
    login, apply = function.calls
    assert login[:5] == ["aws", "eks", "update-kubeconfig", "--name", "c"]
    assert apply[:2] == ["kubectl", "apply"]
    assert "--prune" not in apply
    assert apply[-1] == "".join(json.dumps(item) for item in THINGS)


def test_what_leaves_a_manifest_is_deleted_backwards_whatever_its_kind(function: Function) -> None:
    kept = thing("v1", "ConfigMap", "kept", "web")
    function("Update", [kept], [*THINGS, kept])
    assert [call[1] for call in function.calls[:2]] == ["eks", "apply"], "what stays is applied first"
    assert function.deleted == BACKWARDS


def test_what_stays_is_not_deleted(function: Function) -> None:
    newer = [{**item, "apiVersion": item["apiVersion"].replace("v1", "v2")} for item in THINGS]
    function("Update", [*reversed(newer)], THINGS)
    assert function.deleted == []
    moved = [thing("v1", "ConfigMap", "a", "one"), thing("apps/v1", "ConfigMap", "a", "two")]
    function("Update", [thing("v1", "ConfigMap", "a", "default")], [thing("v1", "ConfigMap", "a")])
    assert function.deleted == [], "who names no namespace means the default one"
    function("Update", moved, [thing("v1", "ConfigMap", "a", "two")])
    assert function.deleted == ["ConfigMap two a"], "the same name of another namespace or group is another object"


def test_with_its_resource_everything_goes(function: Function) -> None:
    function("Delete", THINGS)
    assert function.deleted == BACKWARDS
    assert not any("apply" in call for call in function.calls)


def test_what_does_not_go_fails_with_its_reason(function: Function) -> None:
    function.failing = {"delete NetworkPolicy": "error: timed out waiting for the condition"}
    with pytest.raises(RuntimeError, match=r"NetworkPolicy web of namespace web does not go: error: timed out"):
        function("Delete", THINGS)
    function.failing = {"update-kubeconfig": "Unable to locate credentials"}
    with pytest.raises(RuntimeError, match="Unable to locate credentials"):
        function("Delete", THINGS)


def test_what_is_gone_already_is_fine(function: Function) -> None:
    function.failing = {"delete ScheduledScale": 'error: the server doesn\'t have a resource type "ScheduledScale"'}
    function("Delete", THINGS)
    assert function.deleted == BACKWARDS
    function.failing = {"update-kubeconfig": "An error occurred (ResourceNotFoundException): No cluster found for c"}
    function("Delete", THINGS)
    assert function.deleted == []


def test_charts_are_the_cdks_affair(function: Function) -> None:
    chart = {"ClusterName": "c", "Release": "karpenter", "Chart": "karpenter", "Namespace": "kube-system"}
    function("Create", ResourceType=CHART, ResourceProperties=chart)
    assert ["helm", "upgrade", "karpenter"] in [call[:3] for call in function.calls]
    function("Delete", ResourceType=CHART, ResourceProperties=chart)
    assert ["helm", "uninstall", "karpenter"] in [call[:3] for call in function.calls]
