"""Each rule of stacks/synth_checks/policy.py on good and bad templates, and through the CDK."""

from pathlib import Path

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk import aws_eks as eks

from stacks.synth_checks.policy import RULES, PlatformPolicy, violations

FIXTURES = Path(__file__).parent / "policy"


def cases(kind):
    for rule in RULES:
        fixture = yaml.safe_load((FIXTURES / f"{rule}.yaml").read_text())
        for name, properties in fixture[kind].items():
            beside = fixture.get("beside", {})
            yield pytest.param(
                rule,
                {"Resources": {**beside, "It": {"Type": fixture["type"], "Properties": properties}}},
                id=f"{rule}: {name}",
            )


@pytest.mark.parametrize(("rule", "template"), list(cases("good")))
def test_good(rule, template):
    assert [one for one in violations(template) if one.rule == rule] == []


@pytest.mark.parametrize(("rule", "template"), list(cases("bad")))
def test_bad(rule, template):
    found = [one for one in violations(template) if one.rule == rule]
    assert {(one.logical_id, one.path.split("/")[0]) for one in found} == {("It", "Properties")}


def test_a_node_group_without_a_launch_template_is_found():
    template = {
        "Resources": {"Nodes": {"Type": "AWS::EKS::Nodegroup", "Properties": {"AmiType": "AL2023_x86_64_STANDARD"}}}
    }
    assert [(one.rule, one.path) for one in violations(template)] == [("EKS-PLATFORM-6", "Properties/LaunchTemplate")]


def test_every_rule_has_a_fixture_and_every_fixture_a_rule():
    assert {path.stem for path in FIXTURES.glob("*.yaml")} == set(RULES)


def test_the_cdk_refuses_the_most_naive_cluster(tmp_path):
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Naive")
    eks.CfnCluster(
        stack,
        "Cluster",
        role_arn="arn:aws:iam::123456789012:role/r",
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(subnet_ids=["subnet-1", "subnet-2"]),
    )
    cdk.Validations.of(app).add_plugins(PlatformPolicy())
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = (tmp_path / "validation-report.json").read_text()
    for rule in ("EKS-PLATFORM-1", "EKS-PLATFORM-2", "EKS-PLATFORM-3", "EKS-PLATFORM-4"):
        assert f'"{rule}"' in report
