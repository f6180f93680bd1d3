"""A folder of templates in which some are nested into others by `TemplateURL`."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from responsibility.reading import sources
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.reader import read
from responsibility.reading.resource import UnknownValue
from responsibility.reading.template import BadSource

VPC = {
    "Resources": {"A": {"Type": "AWS::EC2::Subnet"}, "B": {"Type": "AWS::EC2::Subnet"}},
    "Outputs": {"Ids": {"Value": {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}}},
}
CLUSTER = {
    "Parameters": {"Ids": {"Type": "List<AWS::EC2::Subnet::Id>"}, "Name": {"Type": "String", "Default": "x"}},
    "Resources": {
        "Cluster": {
            "Type": "AWS::EKS::Cluster",
            "Properties": {"Name": {"Ref": "Name"}, "ResourcesVpcConfig": {"SubnetIds": {"Ref": "Ids"}}},
        }
    },
    "Outputs": {"Name": {"Value": {"Ref": "Cluster"}}},
}
NODES = {
    "Parameters": {"Cluster": {"Type": "String"}},
    "Resources": {"Nodes": {"Type": "AWS::EKS::Nodegroup", "Properties": {"ClusterName": {"Ref": "Cluster"}}}},
}


def stack(url: Any, *, condition: str = "", **parameters: Any) -> dict[str, Any]:
    more = {"Condition": condition} if condition else {}
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": parameters},
        **more,
    }


def folder(path: Path, **templates: Any) -> sources.Sources:
    for name, body in templates.items():
        (path / f"{name}.template.json").write_text(json.dumps(body))
    return sources.read(str(path))


def test_parameters_and_outputs_join_the_stacks(tmp_path: Path) -> None:
    parent = {
        "Resources": {
            "Net": stack({"Fn::Sub": "https://${Bucket}.s3.amazonaws.com/eks/vpc.template.json"}),
            "Eks": stack(
                {"Fn::Join": ["", ["https://", {"Ref": "Bucket"}, "/eks/cluster.template.json"]]},
                Ids={"Fn::GetAtt": ["Net", "Outputs.Ids"]},
                Name="shop",
            ),
            "Nodes": stack("./nodes.template.json", Cluster={"Fn::GetAtt": ["Eks", "Outputs.Name"]}),
        }
    }
    found = folder(tmp_path, parent=parent, vpc=VPC, cluster=CLUSTER, nodes=NODES)
    assert [template.name for template in found.templates] == ["parent", "parent/Net", "parent/Eks", "parent/Nodes"]
    facts = read(found, date(2026, 11, 24))
    cluster = facts.all(Cluster)[0]
    assert (cluster.name, [subnet.resource.id for subnet in cluster.subnets]) == ("shop", ["A", "B"])
    assert facts.all(NodeGroup)[0].cluster is cluster


NAMED = {
    "Parameters": {"Name": {"Type": "String"}},
    "Resources": {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": {"Ref": "Name"}}}},
}


@pytest.mark.parametrize("name", [{"Ref": "Name"}, {"Fn::Sub": "${Name}-blue"}, {"Fn::ImportValue": "name"}])
def test_the_same_unknown_name_joins_nested_stacks(tmp_path: Path, name: Any) -> None:
    parent = {
        "Parameters": {"Name": {"Type": "String"}, "Other": {"Type": "String"}},
        "Resources": {
            "Eks": stack("named.template.json", Name=name),
            "Else": stack("named.template.json", Name={"Ref": "Other"}),
            "Nodes": stack("nodes.template.json", Cluster=name),
        },
    }
    facts = read(folder(tmp_path, parent=parent, named=NAMED, nodes=NODES), date(2026, 11, 24))
    assert [group.cluster_key for group in facts.all(NodeGroup)] == ["parent/Eks/Cluster"]


def test_unknown_names_of_two_deployments_are_two_names(tmp_path: Path) -> None:
    nodes = json.loads(json.dumps(NODES).replace('Cluster"}', 'Name"}').replace('"Cluster": {"Type', '"Name": {"Type'))
    facts = read(folder(tmp_path, a=NAMED, b=NAMED, nodes=nodes), date(2026, 11, 24))
    assert [group.cluster_key for group in facts.all(NodeGroup)] == [""]


def test_compute_that_names_another_cluster_is_not_of_the_one_that_is_here(tmp_path: Path) -> None:
    parent = {
        "Resources": {
            "Eks": stack("named.template.json", Name="blue"),
            "Here": stack("nodes.template.json", Cluster="blue"),
            "There": stack("nodes.template.json", Cluster="green"),
        }
    }
    facts = read(folder(tmp_path, parent=parent, named=NAMED, nodes=NODES), date(2026, 11, 24))
    assert [group.cluster_key for group in facts.all(NodeGroup)] == ["parent/Eks/Cluster", ""]


def test_one_template_may_make_several_stacks(tmp_path: Path) -> None:
    parent = {"Resources": {name: stack("https://b/cluster.template.json", Name=name) for name in ("blue", "green")}}
    facts = read(folder(tmp_path, cluster=CLUSTER, parent=parent), date(2026, 11, 24))
    assert {cluster.resource.key: cluster.name for cluster in facts.all(Cluster)} == {
        "parent/blue/Cluster": "blue",
        "parent/green/Cluster": "green",
    }
    with pytest.raises(UnknownValue, match="parameter Ids has no default"):
        facts.all(Cluster)[0].resource.items("ResourcesVpcConfig.SubnetIds")


def test_what_is_in_a_stack_that_is_not_made_is_not_there(tmp_path: Path) -> None:
    parent = {
        "Parameters": {"Ask": {"Type": "String"}},
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}, "Asked": {"Fn::Equals": [{"Ref": "Ask"}, "b"]}},
        "Resources": {
            "Never": stack("cluster.template.json", condition="No"),
            "Perhaps": stack("cluster.template.json", condition="Asked"),
        },
    }
    (found,) = read(folder(tmp_path, cluster=CLUSTER, parent=parent), date(2026, 11, 24)).all(Cluster)
    assert found.resource.stack == "parent/Perhaps"
    assert found.resource.conditional == "parameter Ask has no default"


def test_templates_that_nest_each_other_end(tmp_path: Path) -> None:
    one = {"Resources": {"S": stack("two.template.json")}}
    two = {"Resources": {"S": stack("one.template.json"), "Me": stack("two.template.json")}}
    found = folder(tmp_path, one=one, two=two, root={"Resources": {"S": stack("one.template.json")}})
    assert [template.name for template in found.templates] == ["root", "root/S", "root/S/S"]
    (tmp_path / "root.template.json").unlink()
    assert [template.name for template in sources.read(str(tmp_path)).templates] == ["one", "two"]


def test_stacks_without_end_are_refused(tmp_path: Path) -> None:
    layers = {
        f"l{n}": {"Resources": {f"S{twin}": stack(f"l{n + 1}.template.json") for twin in (1, 2)}} for n in range(20)
    }
    with pytest.raises(BadSource, match=r"more than 2,000 stacks \(bound: stacks\)"):
        folder(tmp_path, **layers, l20={"Resources": {}})


def test_an_assembly_that_holds_itself_is_refused(tmp_path: Path) -> None:
    inner = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "s.json"}}
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"s": artifact}}))
    (tmp_path / "s.json").write_text(json.dumps({"Resources": {"Inner": inner}}))
    with pytest.raises(BadSource, match=r"more than 20 stacks inside of one another \(bound: stack-depth\)"):
        sources.read(str(tmp_path))
