"""cfn-lint on every template of every environment. tests/workloads has the checks of Kubernetes objects."""

import json

import pytest
from cfnlint.api import ManualArgs, lint
from conftest import ENVIRONMENTS, build_platform, environment_data, validated

# W3005 (a DependsOn that a reference implies already): the CDK writes them for its own custom resource.
IGNORED = ["W3005"]


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
