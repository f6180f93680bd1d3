"""Objects of another shape than Kubernetes takes are refused with file, line and key; what has no value is not there."""

import copy
import json
from contextlib import suppress

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from stacks.objects.folder import read_objects
from tests.stacks.own_workloads import Workloads

POD = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
                }
            }
        },
        "containers": [
            {
                "name": "a",
                "image": "pause",
                "args": ["a"],
                "env": [{"name": "A", "value": "b"}],
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": 1}},
                "securityContext": {"privileged": False},
                "volumeMounts": [{"name": "a", "mountPath": "/a"}],
            }
        ],
        "volumes": [{"name": "a", "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {}}, "spec": {}}}}],
    },
}
OBJECTS = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": POD}},
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "annotations": {"a": "b"}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 443, "name": "https"}]},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a"},
        "spec": {"tls": [{"hosts": ["a.example.com"]}], "rules": [{"host": "a.example.com"}]},
    },
    {
        "apiVersion": "eks.amazonaws.com/v1",
        "kind": "IngressClassParams",
        "metadata": {"name": "a"},
        "spec": {"scheme": "internal"},
    },
]


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def ways(value, here=()):
    if here:
        yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from ways(part, (*here, key))


def put(item, way, value):
    item = copy.deepcopy(item)
    at = item
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = value
    return item


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item["kind"])
def test_anything_in_any_place_is_taken_or_refused(workloads, item):
    file = workloads.write("app", [item]) / "base/all.yaml"
    for way in ways(item):
        for value in (5, [None]):
            file.write_text(json.dumps(put(item, way, value)))
            read_objects.cache_clear()
            with suppress(BadInput, Misplaced):
                workloads.objects("app")


WRONG = [
    # object, way, what stands there, what is said
    (0, ("spec",), "a", r'spec of Deployment a: found "a"; must be a mapping'),
    (0, ("spec", "template", "spec", "containers"), {"name": "a"}, "found a mapping; must be a list"),
    (0, ("spec", "template", "spec", "containers"), [None], r"containers\[0\] .* found null; must be a mapping"),
    (
        0,
        ("spec", "template", "spec", "containers", 0, "env", 0, "value"),
        80,
        r'must be text; write it in quotes: "80"',
    ),
    (0, ("spec", "template", "spec", "nodeSelector", "disk"), True, r'found true; must be text; write .* "true"'),
    (0, ("spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"), [1], "a number or text"),
    (1, ("metadata", "annotations", "a"), False, r'metadata.annotations.a of Service a: .* quotes: "false"'),
    (1, ("spec", "ports"), 443, "spec.ports of Service a: found 443; must be a list"),
    (2, ("spec", "tls"), {"hosts": []}, "spec.tls of Ingress a: found a mapping; must be a list"),
]


@pytest.mark.parametrize(("number", "way", "value", "said"), WRONG, ids=[str(index) for index, _ in enumerate(WRONG)])
def test_another_type_is_refused_with_file_line_and_key(workloads, number, way, value, said):
    workloads.write("app", [put(OBJECTS[number], way, value)])
    with pytest.raises(BadInput, match=said) as refusal:
        workloads.objects("app")
    assert str(refusal.value).startswith(f"{workloads.folder}/app/base/all.yaml:")


def test_every_wrong_type_of_an_object_is_told_at_once(workloads):
    item = put(put(OBJECTS[1], ("metadata", "annotations", "a"), 1), ("spec", "ports"), "a")
    workloads.write("app", [item])
    with pytest.raises(BadInput) as refusal:
        workloads.objects("app")
    assert len(str(refusal.value).splitlines()) == 2


def test_a_key_without_a_value_is_filled_in_as_if_it_were_not_there(workloads):
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a", "labels": None}}
    claim["spec"] = {"storageClassName": None, "resources": {}}
    pod = put(OBJECTS[0], ("spec", "template", "spec", "nodeSelector"), None)
    workloads.write("app", [put(pod, ("spec", "template", "metadata"), None), claim])
    found = {one["kind"]: one for one in workloads.objects("app")}
    assert found["PersistentVolumeClaim"]["spec"]["storageClassName"] == "auto-gp3"
    spec = found["Deployment"]["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"eks.amazonaws.com/compute-type": "auto"}
