"""Pods that custom resources make: found wherever the kind keeps their template, and placed as those of Deployments."""

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from stacks.objects.pods import pod_templates
from tests.stacks.own_workloads import Workloads

FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def _custom(kind: str, group: str, spec: dict) -> dict:
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "app"}, "spec": spec}


_CONTAINERS = [{"name": "a", "image": "registry.example.com/a:1"}]
CUSTOM_PODS = [
    (_custom("Rollout", "argoproj.io", {"template": {"spec": {"containers": _CONTAINERS}}}), [("template",)]),
    (
        _custom(
            "RayCluster",
            "ray.io",
            {
                "headGroupSpec": {"template": {"spec": {"containers": _CONTAINERS}}},
                "workerGroupSpecs": [{"template": {"metadata": {}, "spec": {"containers": _CONTAINERS}}}],
            },
        ),
        [("headGroupSpec", "template"), ("workerGroupSpecs", 0, "template")],
    ),
    (
        _custom(
            "PyTorchJob",
            "kubeflow.org",
            {"pytorchReplicaSpecs": {"Worker": {"template": {"spec": {"containers": _CONTAINERS}}}}},
        ),
        [("pytorchReplicaSpecs", "Worker", "template")],
    ),
]


@pytest.mark.parametrize(("item", "ways"), CUSTOM_PODS, ids=[row[0]["kind"] for row in CUSTOM_PODS])
def test_pods_of_custom_kinds_are_placed_wherever_the_kind_keeps_them(workloads, item, ways):
    workloads.write("app", [item])
    group = item["apiVersion"].partition("/")[0]
    (made,) = [one for one in workloads.objects("app", provided_elsewhere=[group]) if one["kind"] == item["kind"]]
    for way in ways:
        pod = made["spec"]
        for key in way:
            pod = pod[key]
        assert pod["spec"]["nodeSelector"]["eks.amazonaws.com/compute-type"] == "auto"


def test_what_a_kind_of_compute_lacks_is_refused_in_pods_of_custom_kinds(workloads):
    pod = {"spec": {"hostNetwork": True, "containers": _CONTAINERS}}
    workloads.write("app", [_custom("Rollout", "argoproj.io", {"template": pod})])
    spec = {"name": "app", "compute": "fargate"}
    with pytest.raises((BadInput, Misplaced), match=r"spec\.template\.spec\.hostNetwork|host network"):
        workloads.objects(spec, compute={"fargate": FARGATE}, provided_elsewhere=["argoproj.io"])


def test_a_definition_that_only_talks_of_containers_makes_no_pods():
    schema = {"spec": {"containers": [{"image": "a"}]}}
    item = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"versions": [schema]},
    }
    assert not list(pod_templates(item))
