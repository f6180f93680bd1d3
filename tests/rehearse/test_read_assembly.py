"""What a rehearsal reads from templates: the nodes of each kind with what their user data says, add-ons, and what it cannot see."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from eks_facts.capacity import instance_type
from local_kubernetes.addons import addon_objects
from local_kubernetes.nodes.node import group_node
from rehearse.add_ons import stand_ins
from rehearse.case import Case
from rehearse.read_assembly import read_assembly

FLAGS = "--node-labels=tier=batch --register-with-taints=batch=true:NoSchedule"
TAG = {"Key": "kubernetes.io/cluster/one", "Value": "owned", "PropagateAtLaunch": True}


def subnet(number: int) -> dict[str, Any]:
    zone = {"Fn::Select": [number, {"Fn::GetAZs": ""}]}
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": "vpc-1", "CidrBlock": f"10.0.{number}.0/24", "AvailabilityZone": zone},
    }


def own(user_data: str) -> dict[str, Any]:
    data = {"InstanceType": "m7i.large", "UserData": {"Fn::Base64": user_data}}
    template = {"LaunchTemplateId": {"Ref": "Template"}, "Version": "1"}
    zones = [{"Ref": "A"}, {"Ref": "B"}]
    group = {"MinSize": "2", "MaxSize": "4", "VPCZoneIdentifier": zones, "LaunchTemplate": template, "Tags": [TAG]}
    return {
        "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
        "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group},
    }


def read(folder: Path, **resources: Any) -> Case:
    networks = {"RemoteNodeNetworks": [{"Cidrs": ["10.80.0.0/16"]}]} if "Entry" in resources else None
    cluster = {
        "Name": "one", "Version": "1.36", "ResourcesVpcConfig": {"SubnetIds": [{"Ref": "A"}, {"Ref": "B"}]},
        **({"RemoteNetworkConfig": networks} if networks else {}),
    }  # fmt: skip
    made = {
        "Cluster": {"Type": "AWS::EKS::Cluster", "Properties": cluster},
        "A": subnet(0),
        "B": subnet(1),
        **resources,
    }
    (folder / "one.template.json").write_text(json.dumps({"Resources": made}))
    return read_assembly(str(folder), None, date(2026, 11, 28))


def test_self_managed_nodes_have_what_their_user_data_says_in_zones_of_the_region(tmp_path: Path) -> None:
    (group,) = read(
        tmp_path, **own(f"/etc/eks/bootstrap.sh one --kubelet-extra-args '{FLAGS} --max-pods=20'")
    ).compute.groups()
    assert (group.desired, group.instance_type, group.labels) == (2, "m7i.large", {"tier": "batch"})
    assert group.taints == ({"key": "batch", "value": "true", "effect": "NoSchedule"},)
    assert all(zone[-1] in "ab" and " " not in zone for zone in group.zones)
    node = group_node(group, instance_type(group.instance_type), "a", group.zones[0], "1.36")
    assert (node.capacity["pods"], node.labels["tier"]) == ("20", "batch")


def test_self_managed_windows_nodes_are_windows_with_one_network_interface(tmp_path: Path) -> None:
    (group,) = read(
        tmp_path, **own("<powershell>& Start-EKSBootstrap.ps1 -EKSClusterName one</powershell>")
    ).compute.groups()
    node = group_node(group, instance_type(group.instance_type), "a", group.zones[0], "1.36")
    assert node.labels["kubernetes.io/os"] == "windows"
    assert node.labels["node.kubernetes.io/windows-build"] == "10.0.20348"
    assert node.capacity["pods"] == "9"  # ten addresses, one of them the node's own


def test_hybrid_nodes_are_two_machines_where_nobody_names_them(tmp_path: Path) -> None:
    entry = {
        "ClusterName": {"Ref": "Cluster"},
        "PrincipalArn": "arn:aws:iam::123456789012:role/site",
        "Type": "HYBRID_LINUX",
    }
    case = read(tmp_path, Entry={"Type": "AWS::EKS::AccessEntry", "Properties": entry})
    (group,) = case.compute.groups()
    assert (group.runner, group.desired) == ("hybrid_nodes", 2)
    assert "hybrid nodes are not in a template: 2 machines are played" in case.unknown
    assert not list(read(tmp_path).compute.groups())


def test_add_ons_are_played_by_their_own_settings_and_unknown_ones_are_named(tmp_path: Path) -> None:
    def add_on(name: str, **more: Any) -> dict[str, Any]:
        return {"Type": "AWS::EKS::Addon", "Properties": {"ClusterName": {"Ref": "Cluster"}, "AddonName": name, **more}}

    settings = json.dumps({"replicaCount": 3, "nodeSelector": {"tier": "system"}})
    case = read(tmp_path, Dns=add_on("coredns", ConfigurationValues=settings), Other=add_on("acme_agent"))
    assert any(one.startswith("add-on acme_agent: ") for one in case.unknown)
    deployment = next(one for one in stand_ins(case.compute) if one["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux", "tier": "system"}
    budgets = [one for one in stand_ins(case.compute) if one["kind"] == "PodDisruptionBudget"]
    assert [one["spec"]["maxUnavailable"] for one in budgets] == [1]
    assert addon_objects("acme_agent", "v1") == []
