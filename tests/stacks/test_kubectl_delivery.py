"""`delivery: kubectl`: which custom resource applies which objects, how many run side by side, what an edit moves."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from eks_constructs.kubectl import SIDE_BY_SIDE
from stacks.objects import rendering as workload_objects
from stacks.objects.folder import workload_folder
from tests.stacks.test_order import needs
from tests.support.environments import NODES, environment_data, minimal
from tests.support.templates import Template, Templates


def workloads_of(templates: Templates) -> Template:
    return next(template for stack, template in templates.items() if "-workloads-" in stack)


def custom_resources(template: Template) -> list[str]:
    return [key for key, one in template["Resources"].items() if one["Type"].startswith("Custom::")]


def applied(template: Template) -> dict[str, str]:
    """The resource that applies each object, by kind, namespace and name."""
    found = {}
    for key in custom_resources(template):
        for item in objects(template, key):
            metadata = item["metadata"]
            found[f"{item['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"] = key
    return found


def objects(template: Template, key: str) -> list[dict[str, Any]]:
    manifest = template["Resources"][key]["Properties"].get("Manifest", "[]")
    if isinstance(manifest, dict):
        manifest = "".join(part if isinstance(part, str) else "?" for part in manifest["Fn::Join"][1])
    return json.loads(manifest)


def widest(template: Template, keys: Iterable[str]) -> int:
    """How many of some resources CloudFormation may make at the same time: the widest set of which none needs another.

    By Dilworth's theorem as many as the chains that cover all of them: resources less the pairs of a largest matching.
    """
    keys = set(keys)
    after = {key: needs(template, key) & keys for key in keys}
    taken: dict[str, str] = {}

    def match(key: str, seen: set[str]) -> bool:
        for one in after[key]:
            if one not in seen:
                seen.add(one)
                if one not in taken or match(taken[one], seen):
                    taken[one] = key
                    return True
        return False

    return len(keys) - sum(match(key, set()) for key in keys)


def many(number: int) -> dict[str, Any]:
    names = ("web", "store", "batch", "guardrails")
    workloads = [{"name": names[n % 4], "compute": "auto_mode", "namespace": f"team-{n}"} for n in range(number)]
    for one in workloads:
        one |= {"plain_http": True} if one["name"] == "web" else {}
    return minimal(workloads=workloads, delivery="kubectl")


@pytest.mark.parametrize("name", ["workloads", "50 workloads"])
def test_few_manifests_run_side_by_side(synth, name: str) -> None:
    template = workloads_of(synth("workloads" if name == "workloads" else many(50)))
    found = custom_resources(template)
    assert len(found) > 3 * SIDE_BY_SIDE
    assert widest(template, found) == SIDE_BY_SIDE
    assert 2 * SIDE_BY_SIDE < 10, "a new account may have ten functions at once, and others run too"


@pytest.mark.parametrize(("clusters", "each"), [(2, 2), (3, 1), (5, 1)])
def test_clusters_share_what_an_account_runs_side_by_side(synth, clusters: int, each: int) -> None:
    data = many(8)
    data["clusters"] = [{**data["clusters"][0], "name": f"c{number}"} for number in range(clusters)]
    for template in [one for name, one in synth(data).items() if "-workloads-" in name]:
        assert widest(template, custom_resources(template)) == each


def test_a_new_stage_moves_no_object_to_another_resource(
    synth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that changes its resource is deleted and made anew: a load balancer would get another name."""
    folder = tmp_path / "workloads/own/base"
    folder.mkdir(parents=True)
    (folder.parent / "workload.yaml").write_text("what: A test.\nkinds: [auto_mode]\n")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own"}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "own"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "own"}, "spec": {"ports": [{"port": 80}]}}
    backend = {"service": {"name": "own", "port": {"number": 80}}}
    (folder / "own.yaml").write_text(
        "\n---\n".join(json.dumps(one) for one in (space, service, {**ingress, "spec": {"defaultBackend": backend}}))
    )
    home = tmp_path / "workloads"
    monkeypatch.setattr(workload_objects, "workload_folder", lambda name: workload_folder(name, home))
    data = minimal(workloads=[{"name": "own", "compute": "auto_mode", "plain_http": True}], delivery="kubectl")
    before = applied(synth(data)["t-workloads-c"])

    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}}
    home = shutil.copytree(home, tmp_path / "changed")
    (home / "own/base/more.yaml").write_text("\n---\n".join(json.dumps(one) for one in (definition, thing)))
    after = applied(synth(data)["t-workloads-c"])
    assert len(after) == len(before) + 2
    assert {key: after[key] for key in before} == before
    others = {after[key] for key in set(after) - set(before)}
    assert not others & set(before.values())


def test_the_handler_deletes_whatever_leaves_a_manifest(synth) -> None:
    template = workloads_of(synth("workloads"))
    functions = {
        key: one["Properties"] for key, one in template["Resources"].items() if one["Type"] == "AWS::Lambda::Function"
    }
    (handler,) = [
        one for one in functions.values() if "Description" in one and "kubectl and helm" in one["Description"]
    ]
    assert handler["Handler"] == "complete_deletion.handler"
    layers = {one["Ref"] for one in handler["Layers"]}
    assert any(key.startswith("KubectlCompleteDeletion") for key in layers)
    labels = [template["Resources"][key]["Properties"].get("PruneLabel") for key in custom_resources(template)]
    manifests = [key for key in custom_resources(template) if objects(template, key)]
    assert len({label for label in labels if label}) == len(manifests), "each manifest has a label of its own"
    for key in manifests:
        label = template["Resources"][key]["Properties"]["PruneLabel"]
        assert all(label in item["metadata"]["labels"] for item in objects(template, key))


def test_environments_differ_in_what_they_apply_alone(synth) -> None:
    """Taking a workload out leaves the resources of the others as they are, but for what they wait for."""
    data = environment_data("workloads")
    before = workloads_of(synth(data))["Resources"]
    data["clusters"][0]["workloads"].pop(1)
    after = workloads_of(synth(data))["Resources"]
    assert set(after) < set(before)
    assert all(after[key].get("Properties") == before[key].get("Properties") for key in after)


def test_what_an_add_on_takes_over_is_let_go_of_not_deleted(synth) -> None:
    """With managed nodes the vpc-cni add-on owns the ConfigMap that switches network policies on."""
    key, name = "ConfigMap/kube-system/amazon-vpc-cni", "t-workloads-c"
    alone = synth(minimal(delivery="kubectl"))[name]
    resource = alone["Resources"][applied(alone)[key]]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert len(objects(alone, applied(alone)[key])) == 1, "what is kept keeps nothing else"
    others = [one for one in custom_resources(alone) if one != applied(alone)[key]]
    assert all(alone["Resources"][one]["DeletionPolicy"] == "Delete" for one in others)
    mixed = synth(minimal({"auto_mode": {}, "managed_nodes": NODES}, delivery="kubectl"))[name]
    assert key not in applied(mixed)


def test_a_handover_lets_go_of_everything(synth) -> None:
    """Then `delivery: files` takes the resources out of the template, and the objects stay."""
    data = environment_data("workloads")
    before = workloads_of(synth(data))["Resources"]
    data["clusters"][0]["delivery"] = "handover"
    template = workloads_of(synth(data))
    after = template["Resources"]
    assert set(after) == set(before)
    assert any(one["Type"] == "Custom::AWSCDK-EKS-HelmChart" for one in after.values())
    for key, resource in after.items():
        if key in custom_resources(template):
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
            others = {name: value for name, value in resource["Properties"].items() if name != "HandedOver"}
            assert others == before[key]["Properties"]
            assert resource["Properties"] != before[key]["Properties"], "or CloudFormation would see nothing to change"
        else:
            assert resource == before[key]


def test_what_is_synthesised_to_look_at_cannot_be_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-c delivery=files` would take every object away from a cluster with `delivery: kubectl`."""
    import app

    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path / "cdk.out"))
    for delivery in (None, "files"):
        context = {
            "env": "workloads",
            "checks": "off",
            "today": "2026-11-23",
            **({"delivery": delivery} if delivery else {}),
        }
        monkeypatch.setenv("CDK_CONTEXT_JSON", json.dumps(context))
        assert app.main() == 0, capsys.readouterr().err
        template = json.loads((tmp_path / "cdk.out/workloads-workloads-workloads.template.json").read_text())
        required = {key for key, one in template.get("Parameters", {}).items() if "Default" not in one}
        assert required == ({"OnlyToLookAt"} if delivery else set())


def test_cloudformation_refuses_the_switch_that_deletes_everything(synth) -> None:
    """The CDK CLI sends a parameter's value of the last deploy, which has to be allowed by the new template."""

    def parameter(delivery: str) -> dict[str, Any]:
        data = minimal({"managed_nodes": NODES}, delivery=delivery)
        data["clusters"][0]["workloads"] = [{"name": "bucket-reader", "compute": "managed_nodes"}]
        return synth(data)["t-workloads-c"].get("Parameters", {}).get("Delivery", {})

    kubectl, files, handover = (parameter(delivery) for delivery in ("kubectl", "files", "handover"))
    assert kubectl["Default"] not in files["AllowedValues"]
    assert "handover" in files["ConstraintDescription"]
    assert handover == {}, "then the value is forgotten, and the next deploy begins with its default"
    assert files["Default"] in files["AllowedValues"]
    assert {kubectl["Default"], files["Default"]} <= set(kubectl["AllowedValues"]), "the other way is no danger"
