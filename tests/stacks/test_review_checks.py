"""The checks of the review that a synth runs, and what it refuses with them, through the CDK."""

import dataclasses
import json
import re
from datetime import date

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from cdk_nag import NIST80053R5Checks

import app as front_door
from responsibility.checks.check import REGISTRY
from stacks.synth_checks.review import ReviewChecks

CLUSTER = {
    "Version": "1.36",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "ResourcesVpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"]},
}
FOUR_LOGS = [{"Type": one} for one in ("api", "audit", "controllerManager", "scheduler")]
GROUP = {"ClusterName": "c", "NodeRole": "arn:aws:iam::123456789012:role/n", "Subnets": ["subnet-1", "subnet-2"]}
VOLUME = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}
TOKENS = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def nodes(metadata=TOKENS, volumes=(VOLUME,), **properties):
    """A node group and its launch template."""
    data = {"MetadataOptions": metadata, "BlockDeviceMappings": list(volumes)}
    template = ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": data})
    launch = {"LaunchTemplate": {"Id": {"Ref": "Template"}, "Version": "1"}}
    return {
        "It": ("AWS::EKS::Nodegroup", {**GROUP, "AmiType": "AL2023_x86_64_STANDARD", **launch, **properties}),
        "Template": template,
    }


def cluster(**properties):
    return {"It": ("AWS::EKS::Cluster", {**CLUSTER, **properties})}


def trust(service, *actions):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", *actions]}
    return {"It": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}})}


def kubectl(version):
    return {
        **cluster(),
        "Layer": (
            "AWS::Lambda::LayerVersion",
            {"Content": {"S3Bucket": "b", "S3Key": "k"}, "Description": f"/opt/kubectl/kubectl {version}; /opt/helm"},
        ),
        "Function": (
            "AWS::Lambda::Function",
            {"Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::123456789012:role/l", "Layers": [{"Ref": "Layer"}]},
        ),
        "Object": (
            "Custom::AWSCDK-EKS-KubernetesResource",
            {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ClusterName": {"Ref": "It"}, "Manifest": "[]"},
        ),
    }


REFUSED = {
    "public for everybody by default": (cluster(), "EKR001"),
    "public without networks": (cluster(ResourcesVpcConfig={"EndpointPublicAccess": True}), "EKR001"),
    "not private": (cluster(), "EKR002"),
    "no logs": (cluster(), "EKR004"),
    "four logs": (cluster(Logging={"ClusterLogging": {"EnabledTypes": FOUR_LOGS}}), "EKR004"),
    "no scheduler's logs": (cluster(Logging={"ClusterLogging": {"EnabledTypes": FOUR_LOGS[:3]}}), "EKR005"),
    "no key": (cluster(EncryptionConfig=[]), "EKR007"),
    "aws-auth too": (cluster(AccessConfig={"AuthenticationMode": "API_AND_CONFIG_MAP"}), "EKR014"),
    "the creator is admin": (cluster(AccessConfig={"AuthenticationMode": "API"}), "EKR015"),
    "Amazon Linux 2": (nodes(AmiType="AL2_x86_64"), "EKR040"),
    "no AMI type": (nodes(AmiType=None), "EKR041"),
    "an image that nobody knows": (nodes(AmiType="CUSTOM"), "EKR040"),
    "forced updates": (nodes(ForceUpdateEnabled=True), "EKR044"),
    "no launch template": (nodes(LaunchTemplate=None), "EKR047"),
    "IMDSv1": (nodes({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}), "EKR045"),
    "two hops": (nodes({"HttpTokens": "required", "HttpPutResponseHopLimit": 2}), "EKR046"),
    "no limit of hops": (nodes({"HttpTokens": "required"}), "EKR046"),
    "no volume": (nodes(volumes=()), "EKR047"),
    "a volume in the clear": (
        nodes(volumes=(VOLUME, {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 20}})),
        "EKR047",
    ),
    "kubectl two behind": (kubectl("1.34.2"), "EKR217"),
    "kubectl two ahead": (kubectl("1.38.0"), "EKR217"),
    "a cluster role for any cluster": (trust("eks.amazonaws.com"), "EKR033"),
    "an execution role for any cluster": (trust("eks-fargate-pods.amazonaws.com"), "EKR033"),
    "a role for any pods": (trust("pods.eks.amazonaws.com", "sts:TagSession"), "EKR123"),
    "a role for flow logs of any account": (trust("vpc-flow-logs.amazonaws.com"), "EKR230"),
}


def made(folder, stacks):
    """An app with a stack of resources for each name, and the plugins of a synth."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False)
    for name, resources in stacks.items():
        stack = cdk.Stack(app, name)
        for construct_id, (kind, properties) in resources.items():
            cdk.CfnResource(stack, construct_id, type=kind, properties=properties).override_logical_id(construct_id)
    cdk.Validations.of(app).add_plugins(NIST80053R5Checks(app), ReviewChecks(date(2026, 11, 28)))
    return app


@pytest.fixture(scope="module")
def violations(tmp_path_factory):
    """What is found in each stack: rule and description."""
    folder = tmp_path_factory.mktemp("refused")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        made(folder, {f"s{number}": resources for number, (resources, _) in enumerate(REFUSED.values())}).synth()
    return [
        (construct["constructPath"].split("/")[0], violation["ruleName"], violation["description"])
        for report in json.loads((folder / "validation-report.json").read_text())["pluginReports"]
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_a_synth_refuses(name, violations):
    stack = f"s{list(REFUSED).index(name)}"
    assert REFUSED[name][1] in {rule for at, rule, _ in violations if at == stack}


def test_what_a_template_does_not_say_is_refused_as_unknown(violations):
    stack = f"s{list(REFUSED).index('an image that nobody knows')}"
    (words,) = [words for at, rule, words in violations if at == stack and rule == "EKR040"]
    assert words.endswith("(unknown: the template does not say)")


def test_log_groups_have_a_key_and_a_retention(tmp_path):
    app = made(tmp_path, {})
    logs.CfnLogGroup(cdk.Stack(app, "forever"), "It", kms_key_id="arn:aws:kms:eu-west-1:123456789012:key/1")
    logs.CfnLogGroup(cdk.Stack(app, "open"), "It", retention_in_days=30)
    with pytest.raises(RuntimeError) as ended:
        app.synth()
    found = re.findall(r"(\w+)/It aws-cdk-lib.*\n.*-(\w+)'", str(ended.value))
    assert found == [("forever", "CloudWatchLogGroupRetentionPeriod"), ("open", "CloudWatchLogGroupEncrypted")]


def test_a_finding_can_be_acknowledged(tmp_path):
    app = made(tmp_path, {"s": trust("vpc-flow-logs.amazonaws.com")})
    cdk.Validations.of(app).acknowledge(
        cdk.Acknowledgment(id="Review::EKR230", reason="a test"),
    )
    app.synth()
    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports if report["violations"]] == []


def test_a_check_that_crashes_is_a_defect_and_no_finding(tmp_path, monkeypatch):
    def crash(_):
        raise KeyError("ours")

    monkeypatch.setitem(REGISTRY, "EKR002", dataclasses.replace(REGISTRY["EKR002"], judge=crash))
    with pytest.raises(RuntimeError) as ended:
        made(tmp_path, {"s": cluster()}).synth()
    told = front_door.failed(ended.value)
    assert not isinstance(told, front_door.ChecksFailed)
    assert "EKR002" in str(told)
