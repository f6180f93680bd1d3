"""Tags of the environment reach what controllers make later, and those who make it may set them."""

import json

import pytest
import yaml

from tests.support.environments import NODES, minimal
from tests.support.templates import of_type

TAGS = {"cost-center": "4711"}
AUTO = {
    "auto_mode": {
        "node_classes": [{"name": "own", "tags": {"team": "a"}}],
        "node_pools": [{"name": "own", "node_class": "own"}],
    }
}


def objects(folder):
    return {
        (item["kind"], item["metadata"]["name"]): item
        for path in sorted(folder.glob("*.yaml"))
        for item in yaml.safe_load_all(path.read_text())
    }


@pytest.fixture
def made(synth, tmp_path):
    def run(compute, **environment):
        templates = synth({**minimal(compute), **environment})
        return templates, objects(tmp_path / "cdk.out-0/manifests/c")

    return run


def tagging(template):
    return [
        action
        for policy in of_type(template, "AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    ]


def test_of_auto_mode(made):
    templates, found = made(AUTO, tags=TAGS)
    ours = {"eks-platform/environment": "t", **TAGS}
    assert found["NodeClass", "own"]["spec"]["tags"] == {**ours, "team": "a"}
    params = found["IngressClassParams", "auto-alb"]["spec"]
    assert {one["key"]: one["value"] for one in params["tags"]} == ours
    # Kubernetes changes no StorageClass: a new tag of the environment must not make a deploy fail.
    assert found["StorageClass", "auto-gp3"]["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert {"ec2:CreateFleet", "ec2:CreateVolume", "elasticloadbalancing:CreateLoadBalancer"} <= set(
        tagging(templates["t-foundation"])
    )


def test_the_right_to_tag_ends_at_the_cluster_whose_session_it_is(made):
    templates, _ = made(AUTO, tags=TAGS)
    for policy in of_type(templates["t-foundation"], "AWS::IAM::ManagedPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Condition"]["StringEquals"] == {
                "aws:RequestTag/eks:eks-cluster-name": "${aws:PrincipalTag/eks:eks-cluster-name}"
            }


@pytest.mark.parametrize(
    ("compute", "tags", "wanted"),
    [
        ({"auto_mode": {}}, {}, False),
        ({"auto_mode": {}}, TAGS, True),
        (AUTO, {}, True),
        ({"auto_mode": {"volume_tags": TAGS}}, {}, True),
        ({"managed_nodes": NODES}, TAGS, False),
    ],
)
def test_the_right_comes_with_the_first_tag(made, compute, tags, wanted):
    templates, _ = made(compute, tags=tags)
    assert bool(tagging(templates["t-foundation"])) is wanted


def test_the_policy_stays_as_long_as_its_role(synth):
    foundation = synth({**minimal(AUTO), "tags": TAGS})["t-foundation"]["Resources"]
    kept = {one["Type"]: one["DeletionPolicy"] for one in foundation.values() if one["Type"].startswith("AWS::IAM::")}
    assert kept == {"AWS::IAM::ManagedPolicy": "RetainExceptOnCreate", "AWS::IAM::Role": "RetainExceptOnCreate"}


def test_of_volumes_of_auto_mode(made):
    _, found = made({"auto_mode": {"volume_tags": TAGS}})
    assert found["StorageClass", "auto-gp3"]["parameters"]["tagSpecification_1"] == "cost-center=4711"


def test_of_volumes_on_managed_nodes(made):
    for tags, expected in ((TAGS, {"eks-platform/environment": "t", **TAGS}), ({}, None)):
        templates, _ = made({"managed_nodes": NODES}, tags=tags)
        (driver,) = [
            one for one in of_type(templates["t-compute-c"], "AWS::EKS::Addon").values() if "ebs" in one["AddonName"]
        ]
        settings = json.loads(driver.get("ConfigurationValues", "{}"))
        assert settings.get("controller", {}).get("extraVolumeTags") == expected
