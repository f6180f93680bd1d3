"""cfn-lint on every template of every environment, and the Kubernetes schemas on every manifest."""

import json

import pytest
import yaml
from cfnlint.api import ManualArgs, lint
from conftest import ENVIRONMENTS, build_platform, environment_data, validated
from kubernetes_validate import utils as kubernetes_validate

# W3005 (a DependsOn that a reference implies already): the CDK writes them for its own custom resource.
IGNORED = ["W3005"]
# What EKS adds to the Kubernetes API; kubernetes-validate knows upstream kinds only. tests/constructs checks their fields.
EKS_KINDS = {"NodeClass", "NodePool", "IngressClassParams"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_templates_are_clean(name, tmp_path):
    platform = build_platform(validated(environment_data(name)), tmp_path)
    for stack in platform.stacks:
        template = (tmp_path / stack.template_file).read_text()
        problems = lint(template, config=ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=IGNORED))
        assert [f"{problem.rule.id} {problem.message}" for problem in problems] == []


def test_cfn_lint_would_see_a_mistake(tmp_path):
    platform = build_platform(validated(environment_data("demo")), tmp_path)
    template = json.loads((tmp_path / platform.clusters[0].template_file).read_text())
    template["Resources"]["Cluster"]["Properties"]["Versoin"] = "1.36"
    assert [
        problem.rule.id
        for problem in lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"], ignore_checks=IGNORED))
    ] == ["E3002"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_manifests_are_valid_kubernetes(name, tmp_path):
    data = environment_data(name)
    for cluster in data["clusters"]:
        cluster["delivery"] = "files"  # the same objects as by kubectl
    environment = validated(data)
    platform = build_platform(environment, tmp_path)
    platform.write_manifests(tmp_path / "manifests")
    names, defined = [], set()
    for path in sorted((tmp_path / "manifests").glob("*/*.yaml")):
        for item in yaml.safe_load_all(path.read_text()):
            names.append((path.parent.name, item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]))
            if item["kind"] == "CustomResourceDefinition":
                defined.add(item["spec"]["names"]["kind"])
            if item["kind"] not in EKS_KINDS | defined:
                kubernetes_validate.validate(
                    item, environment.clusters[0].control_plane.kubernetes_version, strict=True
                )
    assert len(names) == len(set(names)), "no object stands twice"
    defaults = [
        item
        for path in (tmp_path / "manifests").glob("*/*.yaml")
        for item in yaml.safe_load_all(path.read_text())
        if item["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    ]
    assert len(defaults) == (0 if name == "fargate" else 1)
