"""Which kinds an assembly needs that no local cluster has by itself."""

import json
from pathlib import Path

import pytest

from local_kubernetes.custom_kinds import RESOURCE, custom_kinds
from safe_io.errors import BadInput

STORE = {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "a", "namespace": "b"}}
OTHERS = [
    {"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": "a"}},
    {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "a", "namespace": "b"}},
]
NATIVE = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "b"}},
    {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a", "namespace": "b"}},
    {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "a"}},
]


def template(folder: Path, manifest: object) -> None:
    properties = {"Manifest": manifest, "ClusterName": "one"}
    body = {"Resources": {"A": {"Type": RESOURCE, "Properties": properties}, "B": {"Type": "AWS::S3::Bucket"}}}
    (folder / "a.template.json").write_text(json.dumps(body))


def test_kinds_of_both_deliveries_are_found_by_cluster(tmp_path: Path) -> None:
    before, after = json.dumps([STORE, *NATIVE]).split('"SecretStore"')
    template(
        tmp_path,
        {"Fn::Join": ["", [f'{before}"SecretStore", "spec": {{"region": "', {"Ref": "AWS::Region"}, f'"}}{after}']]},
    )
    folder = tmp_path / "manifests/two/platform"
    folder.mkdir(parents=True)
    older = {**STORE, "apiVersion": "external-secrets.io/v1beta1"}
    documents = [json.dumps(one) for one in (STORE, older, *OTHERS, *NATIVE)]
    (folder / "objects.yaml").write_text("\n---\n".join(documents))
    assert custom_kinds(tmp_path) == {
        "one": [{"group": "external-secrets.io", "kind": "SecretStore", "versions": ["v1"], "namespaced": True}],
        "two": [
            {"group": "external-secrets.io", "kind": "ClusterSecretStore", "versions": ["v1"], "namespaced": False},
            {"group": "external-secrets.io", "kind": "SecretStore", "versions": ["v1", "v1beta1"], "namespaced": True},
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "versions": ["v1"], "namespaced": True},
        ],
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.template.json").write_text("{")
    with pytest.raises(BadInput, match=r"a\.template\.json: it is not as a synth writes it"):
        custom_kinds(tmp_path)
