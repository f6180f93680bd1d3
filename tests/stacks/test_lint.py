"""cfn-lint on every template of every environment. tests/workloads has the checks of Kubernetes objects."""

import copy
import json

import pytest

from tests.support.environments import SHIPPED
from tests.support.kept import kept_value
from tests.support.synth import shipped

# W3005 (a DependsOn that a reference implies already): the CDK writes them for its own custom resource.
IGNORED = ["W3005"]


def problems(template):
    """What cfn-lint finds: the same for the same template, from whatever sources it was made."""
    text, config = json.dumps(template), {"regions": ["us-east-1", "eu-west-1"], "ignore_checks": IGNORED}

    def find():
        from cfnlint import api

        return [f"{problem.rule.id} {problem.message}" for problem in api.lint(text, config=api.ManualArgs(**config))]

    return kept_value(f"cfn-lint {config} {text}", find, of="packages")


@pytest.mark.parametrize("name", SHIPPED)
def test_templates_are_clean(name):
    for template in shipped(name).templates.values():
        assert problems(template) == []


@pytest.mark.xdist_group("shipped-demo")
def test_cfn_lint_would_see_a_mistake():
    template = copy.deepcopy(shipped("demo").templates["demo-control-plane-demo"])
    template["Resources"]["Cluster"]["Properties"]["Versoin"] = "1.36"
    assert [problem.split()[0] for problem in problems(template)] == ["E3002"]
