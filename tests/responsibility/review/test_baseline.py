"""What changed since a baseline: resources, and what they take with them."""

import copy
from datetime import date
from typing import Any

import pytest

from responsibility.document import ResourceChange
from responsibility.reading.facts import Facts
from responsibility.reading.reader import read
from responsibility.reading.sources import Sources
from responsibility.reading.template import Template
from responsibility.review.baseline_changes import changes

DAY = date(2026, 11, 24)


def facts(*stacks: dict[str, Any], **named: dict[str, Any]) -> Facts:
    every = {**dict(zip(("main", "other"), stacks, strict=False)), **named}
    templates = [Template(name, f"{name}.json", {"Resources": body}, "") for name, body in every.items()]
    return read(Sources("test", templates), DAY)


def resource(kind: str, attributes: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties, **(attributes or {})}


def ref(name: str, attribute: str = "") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}


def platform() -> dict[str, Any]:
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", Tags=[{"Key": "Name", "Value": "demo"}]),
        "SubnetA": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/20"),
        "SubnetB": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.16.0/20"),
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument={}),
        "Cluster": resource(
            "AWS::EKS::Cluster",
            Version="1.35",
            RoleArn=ref("Role", "Arn"),
            ResourcesVpcConfig={"SubnetIds": [ref("SubnetA"), ref("SubnetB")]},
        ),
        "Nodes": resource(
            "AWS::EKS::Nodegroup",
            ClusterName=ref("Cluster"),
            NodeRole=ref("Role", "Arn"),
            Subnets=[ref("SubnetA"), ref("SubnetB")],
            AmiType="AL2023_x86_64_STANDARD",
            InstanceTypes=["m7i.large", "m7i.xlarge"],
            ScalingConfig={"MinSize": 2},
        ),
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, ResourceChange]:
    return {change.evidence.resource: change for change in changes(facts(before), facts(after))}


def altered(name: str, **properties: Any) -> dict[str, ResourceChange]:
    after = platform()
    after[name]["Properties"].update(properties)
    return changed(platform(), after)


def test_nothing_changed() -> None:
    assert changed(platform(), platform()) == {}


def test_added_removed_modified() -> None:
    after = platform()
    del after["Nodes"]
    after["Key"] = resource("AWS::KMS::Key")
    after["Cluster"]["Properties"]["Version"] = "1.36"
    found = changed(platform(), after)
    assert {name: (change.change, change.paths) for name, change in found.items()} == {
        "Cluster": ("modified", ["Version"]),
        "Key": ("added", []),
        "Nodes": ("removed", []),
    }
    assert not found["Nodes"].keeps_data
    assert found["Cluster"].keeps_data


def test_numbers_as_text_and_the_order_of_lists_that_have_none_are_no_change() -> None:
    turned = [ref("SubnetB"), ref("SubnetA")]
    assert altered("Nodes", ScalingConfig={"MinSize": "2"}, Subnets=turned) == {}


def test_tags_are_compared_by_key() -> None:
    tags = [{"Key": "Team", "Value": "a"}, {"Key": "Name", "Value": "demo"}]
    assert altered("Vpc", Tags=tags)["Vpc"].paths == ["Tags.Team"]


def test_items_of_a_list_are_compared_one_by_one() -> None:
    rules = [{"CidrIp": "10.0.0.0/8", "IpProtocol": "tcp"}, {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp"}]
    before = {"Group": resource("AWS::EC2::SecurityGroup", GroupDescription="x", SecurityGroupIngress=rules)}
    after = copy.deepcopy(before)
    after["Group"]["Properties"]["SecurityGroupIngress"][1]["CidrIp"] = "10.1.0.0/16"
    assert changed(before, after)["Group"].paths == ["SecurityGroupIngress.1.CidrIp"]


def test_code_of_a_function() -> None:
    before = {"F": resource("AWS::Lambda::Function", Code={"S3Bucket": "b", "S3Key": "1.zip"})}
    after = {"F": resource("AWS::Lambda::Function", Code={"S3Bucket": "b", "S3Key": "2.zip"})}
    assert (changed(before, after)["F"].change, changed(before, after)["F"].paths) == ("modified", ["Code.S3Key"])


def test_a_create_only_property_replaces_and_what_it_holds_is_lost() -> None:
    found = altered("Nodes", InstanceTypes=["m7g.large"])
    assert list(found) == ["Nodes"]
    assert (found["Nodes"].change, found["Nodes"].because) == ("replaced", ["InstanceTypes"])
    assert found["Nodes"].evidence.path == "InstanceTypes"
    assert not found["Nodes"].keeps_data


def test_a_part_of_a_property_may_be_create_only() -> None:
    found = altered("Cluster", KubernetesNetworkConfig={"IpFamily": "ipv6"})
    assert found["Cluster"].because == ["KubernetesNetworkConfig.IpFamily"]
    assert (
        altered("Cluster", KubernetesNetworkConfig={"ElasticLoadBalancing": {"Enabled": True}})["Cluster"].change
        == "modified"
    )


def test_a_replacement_goes_on_to_what_refers_to_it() -> None:
    found = altered("Vpc", CidrBlock="10.9.0.0/16")
    assert {name: change.because for name, change in found.items()} == {
        "Vpc": ["CidrBlock"],
        "SubnetA": ["VpcId"],
        "SubnetB": ["VpcId"],
        "Nodes": ["Subnets"],
        "Cluster": [],
    }
    # A cluster's subnets can be changed in place, but not to those of another VPC.
    assert found["Cluster"].change == "modified"
    assert "EKS refuses" in found["Cluster"].paths[0]
    assert found["SubnetA"].paths == ["VpcId (Vpc is replaced)"]
    assert not found["Nodes"].keeps_data


def test_a_replaced_cluster_takes_its_node_groups_with_it() -> None:
    found = altered("Role", Path="/eks/")
    assert {name: change.because for name, change in found.items()} == {
        "Role": ["Path"],
        "Cluster": ["RoleArn"],
        "Nodes": ["NodeRole", "ClusterName"],
    }


def test_references_between_stacks_are_followed() -> None:
    def stacks(cidr: str) -> Facts:
        network = {
            "Resources": {"Vpc": resource("AWS::EC2::VPC", CidrBlock=cidr)},
            "Outputs": {"Id": {"Value": ref("Vpc"), "Export": {"Name": "vpc"}}},
        }
        group = resource("AWS::EC2::SecurityGroup", GroupDescription="x", VpcId={"Fn::ImportValue": "vpc"})
        templates = [
            Template("network", "n.json", network, ""),
            Template("app", "a.json", {"Resources": {"Group": group}}, ""),
        ]
        return read(Sources("test", templates), DAY)

    found = {
        change.evidence.resource: change.because for change in changes(stacks("10.0.0.0/16"), stacks("10.1.0.0/16"))
    }
    assert found == {"Vpc": ["CidrBlock"], "Group": ["VpcId"]}


def test_what_keeps_its_name_keeps_its_reference_and_cannot_be_replaced() -> None:
    before = platform()
    before["Cluster"]["Properties"]["Name"] = "demo"
    after = copy.deepcopy(before)
    after["Cluster"]["Properties"]["BootstrapSelfManagedAddons"] = False
    found = changed(before, after)
    assert list(found) == ["Cluster"]
    assert found["Cluster"].paths[-1].startswith("(fails while Name stays the same")


def test_a_named_node_group_cannot_be_replaced_either() -> None:
    before = platform()
    before["Nodes"]["Properties"]["NodegroupName"] = "general"
    after = copy.deepcopy(before)
    after["Nodes"]["Properties"]["AmiType"] = "BOTTLEROCKET_x86_64"
    assert "fails while NodegroupName stays the same" in changed(before, after)["Nodes"].paths[-1]


def test_what_another_read_of_a_replaced_thing_under_its_old_name_stays() -> None:
    def side(path: str) -> dict[str, Any]:
        return {
            "Role": resource("AWS::IAM::Role", RoleName="r", Path=path),
            "ByName": resource("AWS::IAM::InstanceProfile", Roles=[ref("Role")]),
            "Profile": resource("AWS::EKS::PodIdentityAssociation", ClusterName=ref("Role"), Namespace="a"),
            "ById": resource("AWS::EKS::PodIdentityAssociation", ClusterName=ref("Role", "RoleId"), Namespace="a"),
        }

    assert set(changed(side("/"), side("/x/"))) == {"Role", "ById"}


def test_conditions_and_unknown_values_may_replace() -> None:
    assert altered("Vpc", InstanceTenancy="dedicated")["Vpc"].paths == ["InstanceTenancy (may replace it)"]
    found = altered("Nodes", AmiType={"Ref": "Missing"})["Nodes"]
    assert (found.change, found.paths) == ("modified", ["AmiType (may replace it)"])


def test_a_replaced_subnet_may_replace_an_auto_scaling_group() -> None:
    def side(cidr: str) -> dict[str, Any]:
        return {
            "Subnet": resource("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock=cidr),
            "Group": resource("AWS::AutoScaling::AutoScalingGroup", MinSize="1", VPCZoneIdentifier=[ref("Subnet")]),
        }

    found = changed(side("10.0.0.0/24"), side("10.0.1.0/24"))["Group"]
    assert (found.change, found.paths) == ("modified", ["VPCZoneIdentifier (Subnet is replaced: may replace it)"])


def test_of_a_custom_resource_nobody_knows() -> None:
    before = {"Thing": resource("Custom::Thing", Size=1)}
    after = {"Thing": resource("Custom::Thing", Size=2)}
    found = changed(before, after)["Thing"]
    assert (found.change, found.paths) == ("modified", ["Size (no schema says whether this replaces it)"])


def test_a_cluster_of_older_cdk_versions_is_judged_like_the_native_type() -> None:
    def side(role: str) -> dict[str, Any]:
        return {"C": resource("Custom::AWSCDK-EKS-Cluster", Config={"roleArn": role, "version": "1.35"})}

    found = changed(side("arn:aws:iam::1:role/a"), side("arn:aws:iam::1:role/b"))["C"]
    assert (found.change, found.because) == ("replaced", ["RoleArn"])
    assert found.paths == ["RoleArn (by the native type's rules)"]
    assert found.evidence.path == "Config.roleArn"


def test_another_type_under_the_same_logical_id() -> None:
    found = changed({"A": resource("AWS::SQS::Queue")}, {"A": resource("AWS::SNS::Topic")})["A"]
    assert (found.change, found.because) == ("replaced", ["Type"])


@pytest.mark.parametrize(
    ("kind", "policy", "kept"),
    [
        ("AWS::KMS::Key", "Delete", False),
        ("AWS::KMS::Key", "Retain", True),
        ("AWS::EC2::Volume", "Snapshot", True),
        ("AWS::EKS::Cluster", "RetainExceptOnCreate", True),
        ("AWS::IAM::Role", "Delete", True),
    ],
)
def test_a_removed_resource_keeps_what_it_holds_if_it_is_retained(kind: str, policy: str, kept: bool) -> None:
    before = {"A": resource(kind, {"DeletionPolicy": policy}), "B": resource("AWS::SNS::Topic")}
    assert changed(before, {"B": before["B"]})["A"].keeps_data is kept


@pytest.mark.parametrize(("kind", "kept"), [("AWS::Logs::LogGroup", True), ("AWS::EKS::Cluster", False)])
def test_a_copy_left_behind_helps_with_data_but_not_with_what_must_run(kind: str, kept: bool) -> None:
    name = "LogGroupName" if kind == "AWS::Logs::LogGroup" else "Name"
    before, after = ({"A": resource(kind, {"UpdateReplacePolicy": "Retain"}, **{name: value})} for value in "ab")
    assert changed(before, after)["A"].keeps_data is kept
    assert not changed({"A": resource(kind, **{name: "a"})}, {"A": resource(kind, **{name: "b"})})["A"].keeps_data


def manifest(name: str, replicas: int) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": replicas}}


def test_kubernetes_objects_are_known_by_their_names_not_by_what_carries_them() -> None:
    before = {"Old": resource("Custom::AWSCDK-EKS-KubernetesResource", Manifest=[manifest("web", 1)])}
    after = {"New": resource("Custom::AWSCDK-EKS-KubernetesResource", Manifest=[manifest("web", 2)])}
    found = [(one.change, one.evidence.type, one.paths) for one in changes(facts(before), facts(after))]
    assert ("modified", "Deployment", ["spec.replicas"]) in found
    same = {"Old": resource("Custom::AWSCDK-EKS-KubernetesResource", Manifest=[manifest("web", 2)])}
    assert [one.evidence.type for one in changes(facts(before), facts(same))] == ["Deployment"]


def test_a_namespace_that_goes_takes_everything_in_it() -> None:
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    before = {"N": resource("Custom::AWSCDK-EKS-KubernetesResource", Manifest=[item])}
    found = [one for one in changes(facts(before), facts({})) if one.evidence.type == "Namespace"]
    assert [one.keeps_data for one in found] == [False]


def test_a_renamed_stack_is_another_one() -> None:
    found = changes(facts(old=platform()), facts(new=platform()))
    assert {change.change for change in found} == {"added", "removed"}
    assert len(found) == 2 * len(platform())


def test_sixty_stacks_are_each_compared_with_their_own() -> None:
    after = platform()
    after["Vpc"]["Properties"]["CidrBlock"] = "10.9.0.0/16"
    first = facts(**{f"s{number}": {**platform(), **_filler()} for number in range(60)})
    second = facts(**{f"s{number}": {**after, **_filler()} for number in range(60)})
    found = changes(first, second)
    assert sum(change.change == "replaced" for change in found) == 60 * 4
    assert {change.evidence.resource for change in found if change.change == "modified"} == {"Cluster"}


def _filler() -> dict[str, Any]:
    return {f"Role{number}": resource("AWS::IAM::Role", Tags=[{"Key": "a", "Value": "b"}]) for number in range(60)}


ZONES = {f"Subnet{zone}": {"AvailabilityZone": f"eu-west-1{zone.lower()}"} for zone in "ABC"}


def zoned(*used: str, **properties: Any) -> dict[str, Any]:
    """The platform with a subnet in each of three zones, of which the cluster uses some."""
    body = platform()
    body["SubnetC"] = resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.32.0/20")
    for name, where in ZONES.items():
        body[name]["Properties"].update(where)
    body["Cluster"]["Properties"]["ResourcesVpcConfig"]["SubnetIds"] = [ref(name) for name in used]
    body["Cluster"]["Properties"].update(properties)
    return body


def paths_of(name: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    change = changed(before, after).get(name)
    return change.paths if change else []


def test_a_cluster_keeps_the_zones_that_it_was_made_with() -> None:
    two = zoned("SubnetA", "SubnetB")
    assert paths_of("Cluster", two, zoned("SubnetB", "SubnetA")) == ["ResourcesVpcConfig.SubnetIds"]
    for after in (zoned("SubnetA", "SubnetB", "SubnetC"), zoned("SubnetA", "SubnetC")):
        (path,) = paths_of("Cluster", two, after)
        assert "made with eu-west-1a, eu-west-1b: EKS refuses any other set of AZs, the deploy fails" in path
    beside = zoned("SubnetA", "SubnetB", "SubnetC")
    beside["SubnetC"]["Properties"]["AvailabilityZone"] = "eu-west-1b"
    assert paths_of("Cluster", two, beside) == ["ResourcesVpcConfig.SubnetIds"]
    blind = zoned("SubnetA", "SubnetB", "SubnetC")
    del blind["SubnetC"]["Properties"]["AvailabilityZone"]
    assert "their AZs are not known" in paths_of("Cluster", two, blind)[0]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"Version": "1.34"}, {"Version": "1.36"}, "skips 1 minor version"),
        ({"Version": "1.35"}, {"Version": "1.34"}, "goes back"),
        ({"AccessConfig": {"AuthenticationMode": "API"}}, {"AccessConfig": {"AuthenticationMode": "CONFIG_MAP"}}, "never takes API back"),
    ],
)  # fmt: skip
def test_what_eks_refuses_of_a_cluster_is_said(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    (path,) = paths_of("Cluster", zoned("SubnetA", **before), zoned("SubnetA", **after))
    assert said in path


def test_a_change_of_one_size_sets_the_desired_one() -> None:
    def sizes(**values: int) -> dict[str, Any]:
        body = platform()
        body["Nodes"]["Properties"]["ScalingConfig"] = values
        return body

    before = sizes(MinSize=2, DesiredSize=2, MaxSize=6)
    larger = paths_of("Nodes", before, sizes(MinSize=2, DesiredSize=2, MaxSize=10))
    assert larger[0] == "ScalingConfig.MaxSize"
    assert "sets the desired size to 2 again" in larger[1]
    assert "sets the desired size to 3:" in paths_of("Nodes", before, sizes(MinSize=2, DesiredSize=3, MaxSize=6))[0]
    taken_out = set(paths_of("Nodes", before, sizes(MinSize=2, MaxSize=10)))
    assert taken_out == {"ScalingConfig.MaxSize", "ScalingConfig.DesiredSize"}, "EKS leaves the number of nodes"
    assert paths_of("Nodes", before, before) == []
