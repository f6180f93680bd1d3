"""Node groups of a revision: a compute stack beside the one that runs, without a name that both would need."""

import copy
import json

from tests.support.environments import NODES, minimal
from tests.support.templates import of_type

GREEN = {"name": "general-green", "revision": "green", "instance_types": ["m8i.large"], "min_size": 2}


def blue_and_green():
    data = minimal({"managed_nodes": copy.deepcopy(NODES)}, delivery="kubectl")
    data["iam"] = {"name_prefix": "org-"}
    before = copy.deepcopy(data)
    data["clusters"][0]["compute"]["managed_nodes"]["groups"].append(GREEN)
    return before, data


def test_a_revision_changes_nothing_of_what_runs(synth):
    before, after = map(synth, blue_and_green())
    assert set(after) - set(before) == {"t-compute-c-green"}
    assert all(after[stack] == template for stack, template in before.items())


def test_two_compute_stacks_need_no_name_twice(synth):
    _, data = blue_and_green()
    templates = synth(data)
    blue, green = templates["t-compute-c"], templates["t-compute-c-green"]
    names = [role["RoleName"] for one in (blue, green) for role in of_type(one, "AWS::IAM::Role").values()]
    assert len(names) == len(set(names))
    assert "org-t-c-nodes-green" in names or any(name.endswith("-nodes-green") for name in names)
    for template in (blue, green):
        (group,) = of_type(template, "AWS::EKS::Nodegroup").values()
        assert "NodegroupName" not in group
        (launch,) = of_type(template, "AWS::EC2::LaunchTemplate").values()
        assert "LaunchTemplateName" not in launch
    assert {one["Type"] for one in green["Resources"].values()} == {
        "AWS::EKS::Nodegroup",
        "AWS::EC2::LaunchTemplate",
        "AWS::IAM::Role",
    }, "add-ons are in one stack alone"
    (group,) = of_type(green, "AWS::EKS::Nodegroup").values()
    assert group["Labels"]["eks-platform/revision"] == "green"


def test_it_comes_after_the_add_ons_and_before_the_workloads(synth, tmp_path):
    synth(blue_and_green()[1])
    manifest = json.loads(next(tmp_path.glob("cdk.out-*/manifest.json")).read_text())["artifacts"]
    assert "t-compute-c" in manifest["t-compute-c-green"]["dependencies"]
    assert "t-compute-c-green" in manifest["t-workloads-c"]["dependencies"]


def test_the_last_groups_without_revision_can_go_where_others_host_the_add_ons(synth):
    data = minimal({"auto_mode": {}, "managed_nodes": {"groups": [GREEN]}})
    templates = synth(data)
    assert not of_type(templates["t-compute-c"], "AWS::EKS::Nodegroup")
    assert of_type(templates["t-compute-c-green"], "AWS::EKS::Nodegroup")
