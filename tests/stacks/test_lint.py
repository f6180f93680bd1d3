"""cfn-lint on every template of every environment. tests/workloads has the checks of Kubernetes objects."""

import copy
import json

import pytest
from cfnlint.api import ManualArgs, lint

from tests.support.environments import SHIPPED
from tests.support.synth import shipped

# W3005 (a DependsOn that a reference implies already): the CDK writes them for its own custom resource.
IGNORED = ["W3005"]


@pytest.mark.parametrize("name", SHIPPED)
def test_templates_are_clean(name):
    for template in shipped(name).templates.values():
        problems = lint(
            json.dumps(template), config=ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=IGNORED)
        )
        assert [f"{problem.rule.id} {problem.message}" for problem in problems] == []


@pytest.mark.xdist_group("shipped-demo")
def test_cfn_lint_would_see_a_mistake():
    template = copy.deepcopy(shipped("demo").templates["demo-control-plane-demo"])
    template["Resources"]["Cluster"]["Properties"]["Versoin"] = "1.36"
    assert [
        problem.rule.id
        for problem in lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"], ignore_checks=IGNORED))
    ] == ["E3002"]
