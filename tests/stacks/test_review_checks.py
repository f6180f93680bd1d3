"""The checks of the review that a synth asks, through the CDK."""

import json
from datetime import date

import aws_cdk as cdk
import pytest
from aws_cdk import aws_eks as eks

from responsibility.checks.check import REGISTRY
from stacks.synth_checks.review import ReviewChecks

NAIVE = {"EKR001", "EKR002", "EKR004", "EKR005", "EKR007", "EKR014", "EKR015"}


def app(folder):
    made = cdk.App(outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(made, "Naive")
    cluster = eks.CfnCluster(
        stack,
        "Cluster",
        role_arn="arn:aws:iam::123456789012:role/r",
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(subnet_ids=["subnet-1", "subnet-2"]),
    )
    cdk.Validations.of(made).add_plugins(ReviewChecks(date(2026, 11, 28)))
    return made, cluster


def test_the_cdk_refuses_the_most_naive_cluster(tmp_path):
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app(tmp_path)[0].synth()
    (report,) = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    assert {violation["ruleName"] for violation in report["violations"]} == NAIVE
    first = next(one for one in report["violations"] if one["ruleName"] == "EKR002")
    assert [one["constructPath"] for one in first["violatingConstructs"]] == ["Naive/Cluster"]


def test_a_finding_can_be_acknowledged(tmp_path):
    made, cluster = app(tmp_path)
    cdk.Validations.of(cluster).acknowledge(
        *(cdk.Acknowledgment(id=f"Review::{code}", reason="a test") for code in NAIVE)
    )
    made.synth()
    (report,) = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    assert report["violations"] == []


def test_a_check_that_crashes_is_no_clean_synth(tmp_path, monkeypatch):
    def crash(_):
        raise KeyError("ours")

    check = REGISTRY["EKR002"]
    made, _ = app(tmp_path)
    monkeypatch.setattr(type(check), "judge", crash, raising=False)
    with pytest.raises(RuntimeError):
        made.synth()
