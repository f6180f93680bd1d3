"""The model of a first deploy: chains inside of a stack, between stacks, and through exports and names of clusters."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.deploy_time import deploy_time

CLUSTER = {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "blue"}}
GROUP = {"Type": "AWS::EKS::Nodegroup", "Properties": {"ClusterName": "blue"}}
ROLE = {"Type": "AWS::IAM::Role"}
VPC = {"Type": "AWS::EC2::VPC"}


def modelled(folder: Path, stacks: dict[str, tuple[dict[str, Any], list[str]]], outputs: dict[str, Any] | None = None):
    artifacts = {}
    for name, (resources, needs) in stacks.items():
        template = {"Resources": resources, "Outputs": (outputs or {}).get(name, {})}
        (folder / f"{name}.json").write_text(json.dumps(template))
        properties = {"templateFile": f"{name}.json"}
        artifacts[name] = {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": needs}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return deploy_time(folder)


@pytest.mark.parametrize(
    "names",
    [{"Fn::GetAtt": ["Role", "Arn"]}, {"Fn::GetAtt": "Role.Arn"}, {"Ref": "Role"}, {"Fn::Sub": "arn:${Role.Arn}"}],
    ids=["getatt", "getatt-text", "ref", "sub"],
)
def test_a_resource_waits_for_those_that_it_names(tmp_path, names):
    cluster = {**CLUSTER, "Properties": {"RoleArn": names}}
    assert modelled(tmp_path, {"a": ({"Role": ROLE, "Cluster": cluster}, [])}).bound == 620


def test_a_resource_waits_for_what_it_depends_on(tmp_path):
    assert modelled(tmp_path, {"a": ({"Role": ROLE, "Cluster": {**CLUSTER, "DependsOn": "Role"}}, [])}).bound == 620


def test_text_that_looks_like_a_logical_id_is_no_dependency(tmp_path):
    vpc = {**VPC, "Properties": {"Tags": [{"Key": "Name", "Value": "Role"}]}}
    assert modelled(tmp_path, {"a": ({"Role": ROLE, "Vpc": vpc}, [])}).bound == 20


def test_stacks_without_a_dependency_deploy_side_by_side(tmp_path):
    time = modelled(tmp_path, {"a": ({"Vpc": VPC}, []), "b": ({"Role": ROLE}, []), "c": ({"Cluster": CLUSTER}, ["a"])})
    assert (time.side_by_side, time.one_by_one, time.bound) == (30 + 615, 30 + 35 + 615, 600)
    assert time.slowest == ("a", "c")


def test_an_add_on_of_another_stack_waits_for_the_cluster_of_its_name(tmp_path):
    time = modelled(tmp_path, {"a": ({"Cluster": CLUSTER}, []), "b": ({"Group": GROUP}, ["a"])})
    assert time.bound == 720


def test_an_import_waits_for_what_is_exported(tmp_path):
    outputs = {"a": {"Out": {"Value": {"Ref": "Vpc"}, "Export": {"Name": "a:Vpc"}}}}
    cluster = {**CLUSTER, "Properties": {"Vpc": {"Fn::ImportValue": "a:Vpc"}}}
    assert modelled(tmp_path, {"a": ({"Vpc": VPC}, []), "b": ({"Cluster": cluster}, ["a"])}, outputs).bound == 615


def test_a_nested_stack_takes_as_long_as_its_own_chain(tmp_path):
    (tmp_path / "nested.json").write_text(json.dumps({"Resources": {"Role": ROLE}}))
    nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "nested.json"}}
    assert modelled(tmp_path, {"a": ({"Nested": nested}, [])}).bound == 35
