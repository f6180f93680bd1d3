"""What a change of the environment file does to resources that exist.

Which properties only a replacement can change is read from the CloudFormation resource schemas, not from a list of ours.
"""

import copy
import json
from functools import cache
from typing import Any

import pytest

from tests.support.environments import FARGATE, environment_data
from tests.support.kept import kept_value
from tests.support.templates import arguments, of_type

KEPT = (
    "AWS::EKS::Cluster",
    "AWS::EC2::VPC",
    "AWS::KMS::Key",
    "AWS::EC2::Subnet",
    "AWS::Logs::LogGroup",
    "AWS::EC2::NatGateway",
)
"""Kinds whose loss hurts: no supported change replaces or removes one (but for what it adds)."""


@cache
def create_only(kind: str) -> list[list[str]]:
    def read() -> Any:
        from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

        return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema

    schema = kept_value(f"schema of {kind}", read, of="packages")
    return [path.removeprefix("/properties/").split("/") for path in schema.get("createOnlyProperties", [])]


def at(properties: dict[str, Any], path: list[str]) -> Any:
    value: Any = properties
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def replaced(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Logical ids (STACK/ID) of resources that the change would replace, with the property that does it."""
    found = {}
    for stack, template in before.items():
        for logical_id, old in template["Resources"].items():
            new = after.get(stack, {}).get("Resources", {}).get(logical_id)
            if new is None or old["Type"].startswith("Custom::"):
                continue
            assert new["Type"] == old["Type"]
            for path in create_only(old["Type"]):
                if at(old["Properties"], path) != at(new["Properties"], path):
                    found[f"{stack}/{logical_id}"] = ".".join(path)
    return found


def removed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    return {
        f"{stack}/{logical_id}": resource["Type"]
        for stack, template in before.items()
        for logical_id, resource in template["Resources"].items()
        if logical_id not in after.get(stack, {}).get("Resources", {})
    }


def change(path: str, value: Any):
    """A change of one key, such as clusters.0.control_plane.kubernetes_version; None takes the key out."""

    def apply(data: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parents:
            data = data[part] if isinstance(data, list) else data.setdefault(part, {})
        if value is None:
            del data[last]
        else:
            data[last] = value

    return pytest.param(apply, id=f"{path}={value}"[:90])


PLANE, COMPUTE, GROUP = "clusters.0.control_plane", "clusters.0.compute", "clusters.0.compute.managed_nodes.groups.0"
POOL = {"node_classes": [{"name": "a"}], "node_pools": [{"name": "b", "node_class": "a"}]}

SUPPORTED = [
    change(f"{PLANE}.kubernetes_version", "1.37"),
    change(f"{PLANE}.support", "EXTENDED"),
    change(f"{PLANE}.endpoint", {"public_access_cidrs": ["203.0.113.0/24"]}),
    change(f"{PLANE}.deletion_protection", True),
    change(f"{PLANE}.zonal_shift", False),
    change(f"{PLANE}.scaling_tier", "tier-xl"),
    change(f"{PLANE}.api_server", {"event_ttl": "30m", "node_port_range": {"min_port": 30000, "max_port": 31000}}),
    change(f"{PLANE}.scheduler", {"scoring_strategy": "MostAllocated"}),
    change(f"{PLANE}.controller_manager", {"terminated_pod_gc_threshold": 500}),
    change(f"{COMPUTE}.auto_mode.enabled", False),
    change(f"{COMPUTE}.auto_mode", {"load_balancer_scheme": "internal", **POOL}),
    change(f"{COMPUTE}.managed_nodes", None),
    change(f"{COMPUTE}.fargate", None),
    change(f"{COMPUTE}.fargate.logging", False),
    change(f"{GROUP}.max_size", 9),
    change(f"{GROUP}.desired_size", 3),
    change(f"{GROUP}.labels", {"team": "a"}),
    change(f"{GROUP}.volume_gib", 100),
    change(f"{GROUP}.kubernetes_version", "1.35"),
    change(f"{GROUP}.node_repair", {"enabled": False}),
    change(f"{GROUP}.update_strategy", "MINIMAL"),
    change(f"{GROUP}.warm_pool", {"min_size": 1}),
    change(f"{COMPUTE}.managed_nodes.session_manager", True),
    change(
        "clusters.0.addons", {"coredns": {"configuration": {"replicaCount": 4}}, "metrics-server": {"enabled": False}}
    ),
    change(
        "clusters.0.addons", {"vpc-cni": {"version": "v1.20.4-eksbuild.2"}, "snapshot-controller": {"enabled": True}}
    ),
    change(
        "clusters.0.access.entries", [{"principal": "role/Dev", "policy": "AmazonEKSEditPolicy", "namespaces": ["dev"]}]
    ),
    change("clusters.0.access.tunnel_host", False),
    change("network.nat", "per_az"),
    change("network.isolated_subnets", True),
    change("network.interface_endpoints", True),
    change("network.pod_cidr", "100.64.0.0/16"),
    change("foundation.log_retention_days", 90),
    change("foundation.retain", True),
    change("tags", {"owner": "others", "new": "tag"}),
    change("iam.permissions_boundary", "arn:aws:iam::123456789012:policy/Boundary"),
]


@pytest.mark.parametrize("apply", SUPPORTED)
def test_supported_changes_replace_no_cluster_network_or_key(synth, apply):
    before = environment_data("demo")
    after = copy.deepcopy(before)
    apply(after)
    old, new = synth(before), synth(after)
    assert old != new, "the change reaches the templates or it is not a test"
    lost = {
        key: old[key.split("/")[0]]["Resources"][key.split("/")[1]]["Type"] for key in replaced(old, new)
    } | removed(old, new)
    assert not {key: kind for key, kind in lost.items() if kind in KEPT and "FargateLogs" not in key}


HYBRID = "clusters.0.compute.hybrid_nodes"


@pytest.mark.parametrize(
    "apply",
    [
        change(f"{HYBRID}.remote_node_networks", ["192.168.16.0/20", "10.112.0.0/20"]),
        change(f"{HYBRID}.remote_pod_networks", ["10.112.128.0/17"]),
        change(f"{HYBRID}.enabled", False),
        change(HYBRID, None),
        change(f"{HYBRID}.sites.0.bgp", {"local_asn": 65001, "peer_asn": 65000, "peer_address": "192.168.16.1"}),
    ],
)
def test_hybrid_nodes_come_change_and_go_beside_the_cluster_and_its_nodes(synth, apply):
    before = environment_data("hybrid")
    before["clusters"][0]["workloads"] = []
    before["clusters"][0]["compute"]["hybrid_nodes"]["remote_pod_networks"] = ["10.112.64.0/18"]
    after = copy.deepcopy(before)
    apply(after)
    old, new = synth(before), synth(after)
    kept = (*KEPT, "AWS::EKS::Nodegroup", "AWS::EKS::Addon", "AWS::EC2::TransitGatewayAttachment")
    assert not [
        key for key in replaced(old, new) if old[key.split("/")[0]]["Resources"][key.split("/")[1]]["Type"] in kept
    ]
    assert not [key for key, kind in removed(old, new).items() if kind in kept]


PRIVATE_CA = {
    "iam_roles_anywhere": {
        "private_ca_arn": "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/12345678-1234-1234-1234-123456789012"
    }
}


@pytest.mark.parametrize("back", [False, True], ids=["to certificates", "to Systems Manager"])
def test_nodes_of_sites_change_the_way_to_their_credentials_and_keep_their_role(synth, back):
    """Role, profile and trust anchor have names, so none may be replaced."""
    before = environment_data("hybrid")
    before["clusters"][0]["workloads"] = []
    after = copy.deepcopy(before)
    after["clusters"][0]["compute"]["hybrid_nodes"] |= {
        "credentials": PRIVATE_CA,
        "sites": [{"name": "berlin", "nodes": ["berlin-1.example.com"]}],
    }
    old, new = map(synth, (after, before) if back else (before, after))
    assert replaced(old, new) == {}
    gone = set(removed(old, new).values())
    assert gone == ({"AWS::RolesAnywhere::TrustAnchor", "AWS::RolesAnywhere::Profile"} if back else set())


ACCELERATED = f"{COMPUTE}.managed_nodes.groups.1"


@pytest.mark.parametrize(
    ("env", "apply", "why"),
    [
        ("accelerated", change(f"{ACCELERATED}.capacity_reservation", "cr-0123456789abcdef0"), {}),
        ("accelerated", change(f"{ACCELERATED}.placement_group", "rack"), {}),
        ("accelerated", change(f"{ACCELERATED}.gpu_sharing", {"time_slices": 4}), {}),
        ("accelerated", change(f"{ACCELERATED}.device_allocation", "dra"), {}),
        ("accelerated", change(f"{ACCELERATED}.ami_type", "BOTTLEROCKET_x86_64_NVIDIA"), {"Gpu": "AmiType"}),
        ("accelerated", change(f"{ACCELERATED}.instance_types", ["g6.2xlarge"]), {"Gpu": "InstanceTypes"}),
        ("windows", change(f"{ACCELERATED}.ami_type", "WINDOWS_CORE_2025_x86_64"), {"Windows": "AmiType"}),
        (
            "windows",
            change(f"{COMPUTE}.managed_nodes.windows_role_arn", "arn:aws:iam::123456789012:role/win"),
            {"Windows": "NodeRole"},
        ),
        (
            "windows",
            change(f"{COMPUTE}.self_managed_nodes.windows_role_arn", "arn:aws:iam::123456789012:role/win"),
            {"WindowsNodeAccess": "PrincipalArn"},
        ),
    ],
)
def test_groups_with_devices_or_windows_are_replaced_for_what_eks_fixes_alone(synth, env, apply, why):
    before = environment_data(env)
    for cluster in before["clusters"]:
        cluster["workloads"] = []
    after = copy.deepcopy(before)
    apply.values[0](after)
    old, new = synth(before), synth(after)
    found = {key.split("Nodes", 1)[1][:-8]: name for key, name in replaced(old, new).items()}
    assert found == why


OWN = f"{COMPUTE}.self_managed_nodes.groups.0"
ASG, TEMPLATE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"


def of_group(templates, kind, name):
    """The logical id and the resource of a self-managed group; CDK tags it with its name."""
    resources = templates["self-managed-compute-self-managed"]["Resources"]
    ((key, one),) = [(key, one) for key, one in resources.items() if one["Type"] == kind and name.title() in key]
    return key, one


@pytest.mark.parametrize(
    ("apply", "new_nodes"),
    [
        (change(f"{OWN}.max_size", 6), False),
        (change(f"{OWN}.min_size", 3), False),
        (change(f"{OWN}.desired_size", 3), False),
        (change(f"{OWN}.drain_seconds", 900), False),
        (change(f"{OWN}.refresh", {"max_healthy_percentage": 200}), False),
        (change(f"{OWN}.ami_release", "v20261112"), True),
        (change(f"{OWN}.ami", {"id": "ami-0123456789abcdef0"}), True),
        (change(f"{OWN}.kubernetes_version", "1.35"), True),
        (change(f"{OWN}.labels", {"team": "a"}), True),
        (change(f"{OWN}.taints", [{"key": "a", "effect": "NoSchedule"}]), True),
        (change(f"{OWN}.volume_gib", 100), True),
        (change(f"{OWN}.user_data", {"scripts": ["#!/bin/bash\ntrue"]}), True),
        (change(f"{OWN}.ami_type", "BOTTLEROCKET_x86_64"), True),
    ],
)
def test_a_group_of_ones_own_changes_where_it_is(synth, apply, new_nodes):
    """No change replaces the group; what its instances start from replaces them, by an instance refresh, and nothing else does."""
    before = environment_data("self-managed")
    # A second group has room meanwhile, where the first gets a taint.
    before["clusters"][0]["compute"]["self_managed_nodes"]["groups"].append(
        {"name": "rest", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 3}
    )
    after = copy.deepcopy(before)
    apply.values[0](after)
    old, new = synth(before), synth(after)
    assert replaced(old, new) == {}
    assert removed(old, new) == {}
    (key, _), (same, group) = of_group(old, ASG, "general"), of_group(new, ASG, "general")
    assert key == same
    data = [of_group(one, TEMPLATE, "general")[1]["Properties"]["LaunchTemplateData"] for one in (old, new)]
    assert (data[0] != data[1]) == new_nodes
    assert group["UpdatePolicy"]["AutoScalingInstanceRefresh"]["Strategy"] == "Rolling"
    launch = json.dumps(group["Properties"])
    assert "LatestVersionNumber" in launch, "so a new version of the launch template is a change of the group"


@pytest.mark.parametrize(
    ("types", "capacity"),
    [(["m7i.large", "m6i.large", "m5.large"], {}), (["m7i.large", "c7i.large"], {"capacity": "spot"})],
)
def test_other_instances_are_a_change_of_the_group_that_refreshes_it(synth, types, capacity):
    before = environment_data("self-managed")
    after = copy.deepcopy(before)
    after["clusters"][0]["compute"]["self_managed_nodes"]["groups"][0] |= {"instance_types": types, **capacity}
    old, new = synth(before), synth(after)
    assert replaced(old, new) == {}
    policies = [of_group(one, ASG, "general")[1]["Properties"]["MixedInstancesPolicy"] for one in (old, new)]
    assert policies[0] != policies[1]
    assert [one["InstanceType"] for one in policies[1]["LaunchTemplate"]["Overrides"]] == types


def test_a_group_of_ones_own_with_another_name_is_another_group_made_before_the_old_one_goes(synth):
    before = environment_data("self-managed")
    after = copy.deepcopy(before)
    after["clusters"][0]["compute"]["self_managed_nodes"]["groups"][0]["name"] = "renamed"
    old, new = synth(before), synth(after)
    assert replaced(old, new) == {}
    gone = removed(old, new)
    assert set(gone.values()) == {ASG, TEMPLATE, "AWS::AutoScaling::LifecycleHook"}
    for templates in (old, new):
        for template in templates.values():
            assert all("AutoScalingGroupName" not in one for one in of_type(template, ASG).values())


def test_a_size_that_an_autoscaler_has_set_is_in_no_template(synth):
    data = environment_data("self-managed")
    for one in of_type(synth(data)["self-managed-compute-self-managed"], ASG).values():
        assert "DesiredCapacity" not in one


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"auto_mode": {}}, {"auto_mode": {}, "fargate": FARGATE}),
        ({"fargate": FARGATE}, {"fargate": FARGATE, "auto_mode": {}}),
        (
            {"auto_mode": {}},
            {"auto_mode": {}, "managed_nodes": {"groups": [{"name": "g", "instance_types": ["m7i.large"]}]}},
        ),
    ],
    ids=["fargate joins", "auto mode joins", "nodes join"],
)
def test_a_kind_of_compute_joins_without_touching_the_cluster(synth, first, second):
    before = environment_data("auto-mode")
    before["clusters"][0]["compute"] = first
    after = copy.deepcopy(before)
    after["clusters"][0]["compute"] = second
    old, new = synth(before), synth(after)
    assert replaced(old, new) == {}
    gone = {
        key: kind
        for key, kind in removed(old, new).items()
        if kind in (*KEPT, "AWS::EKS::FargateProfile", "AWS::EKS::Nodegroup", "AWS::EKS::Addon")
    }
    # CoreDNS moves to Auto Mode's nodes when they come, so the profile that drew it to Fargate goes.
    assert all("FargateSystem" in key for key in gone)


REPLACING = [
    pytest.param(f"{GROUP}.instance_types", ["m7g.large"], "AWS::EKS::Nodegroup", "InstanceTypes", id="instance types"),
    pytest.param(f"{GROUP}.capacity", "spot", "AWS::EKS::Nodegroup", "CapacityType", id="capacity"),
    pytest.param(f"{GROUP}.ami_type", "BOTTLEROCKET_ARM_64", "AWS::EKS::Nodegroup", "AmiType", id="AMI type"),
    pytest.param(
        f"{COMPUTE}.fargate.profiles",
        [{"name": "apps", "selectors": [{"namespace": "x"}]}],
        "AWS::EKS::FargateProfile",
        "Selectors",
        id="selectors",
    ),
]


@pytest.mark.parametrize(("path", "value", "kind", "property_name"), REPLACING)
def test_what_must_be_replaced_is_made_before_the_old_one_goes(synth, path, value, kind, property_name):
    before = environment_data("demo")
    after = copy.deepcopy(before)
    change(path, value).values[0](after)
    old, new = synth(before), synth(after)
    assert {key.split("/")[1]: why for key, why in replaced(old, new).items() if property_name == why}, (
        "it is a replacement"
    )
    for template in new.values():
        for properties in of_type(template, kind).values():
            # CloudFormation makes the new one first only if the two need not have the same name.
            assert "NodegroupName" not in properties
            assert "FargateProfileName" not in properties


def test_a_zone_is_added_without_moving_the_control_plane(synth):
    before, after = environment_data("demo"), environment_data("demo")
    for data in (before, after):
        data["clusters"][0]["control_plane"]["zones"] = 2
    after["network"]["availability_zones"] = 3
    old, new = synth(before), synth(after)
    assert (
        old["demo-control-plane-demo"]["Resources"]["Cluster"] == new["demo-control-plane-demo"]["Resources"]["Cluster"]
    ), "EKS fixes its AZs"
    assert set(replaced(old, new).values()) == {"Subnets"}, "node groups and profiles get the new AZ by replacement"
    assert removed(old, new) == {}


def test_the_last_node_class_can_go_while_auto_mode_stays(synth):
    with_class, without = environment_data("demo"), environment_data("demo")
    with_class["clusters"][0]["compute"]["auto_mode"] = dict(POOL)
    before, after = synth(with_class), synth(without)
    exports = {o["Export"]["Name"] for o in after["demo-foundation"]["Outputs"].values() if "Export" in o}
    assert set(imported(before["demo-control-plane-demo"])) <= exports, "CloudFormation keeps exports that are in use"
    assert "demo-foundation/DemoAutoCustomNodeRole" in removed(before, after)


def test_the_control_plane_can_be_upgraded_before_the_nodes(synth):
    data = environment_data("demo")
    data["clusters"][0]["control_plane"]["kubernetes_version"] = "1.37"
    data["clusters"][0]["compute"]["managed_nodes"]["kubernetes_version"] = "1.36"
    templates = synth(data)
    assert templates["demo-control-plane-demo"]["Resources"]["Cluster"]["Properties"]["Version"] == "1.37"
    assert {value["Version"] for value in of_type(templates["demo-compute-demo"], "AWS::EKS::Nodegroup").values()} == {
        "1.36"
    }


def test_the_order_of_the_file_means_nothing(synth):
    data = environment_data("production")
    before = synth(data)
    cluster = data["clusters"][0]
    cluster["compute"]["managed_nodes"]["groups"].reverse()
    cluster["access"]["entries"].reverse()
    cluster["access"]["admins"].reverse()
    after = synth(data)
    assert replaced(before, after) == {}
    assert removed(before, after) == {}


def test_a_renamed_cluster_is_another_cluster_and_the_old_key_stays(synth):
    before, data = synth("production"), environment_data("production")
    data["clusters"][0]["name"] = "other"
    gone = removed(before, synth(data))
    assert {kind for key, kind in gone.items() if key.startswith("production-foundation")} >= {
        "AWS::KMS::Key",
        "AWS::IAM::Role",
    }
    for key in gone:
        stack, logical_id = key.split("/")
        resource = before[stack]["Resources"][logical_id]
        if stack == "production-foundation" and resource["Type"] != "AWS::KMS::Alias":
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_only_what_a_cluster_can_never_change_is_exported(synth):
    for name in ("demo", "production"):
        for stack, template in synth(name).items():
            exported = [output["Value"] for output in template.get("Outputs", {}).values() if "Export" in output]
            named = [one["Ref"] if "Ref" in one else one["Fn::GetAtt"][0] for one in exported]
            kinds = {template["Resources"][logical_id]["Type"] for logical_id in named}
            # No subnet list, no log group, no network: the deploy order alone ties the stacks together there.
            expected = {
                f"{name}-foundation": {"AWS::IAM::Role", "AWS::KMS::Key"},
                # Its issuer, and IAM's trust in it: roles whose policies are text.
                f"{name}-control-plane-{name}": {"AWS::EKS::Cluster"},
                f"{name}-access-{name}": {"AWS::IAM::OIDCProvider"},
            }
            assert kinds == expected.get(stack, set())


def test_a_cluster_lets_go_of_a_role_before_the_foundation_takes_it_back(synth):
    on, off, gone = (environment_data("demo") for _ in range(3))
    off["clusters"][0]["compute"]["auto_mode"]["enabled"] = False
    del gone["clusters"][0]["compute"]["auto_mode"]
    exports = [
        {o["Export"]["Name"] for o in t["demo-foundation"]["Outputs"].values() if "Export" in o}
        for t in map(synth, (on, off, gone))
    ]
    imports = [set(imported(t["demo-control-plane-demo"])) for t in map(synth, (on, off, gone))]
    # The foundation is deployed first: what the cluster still imports at that moment must still be there.
    assert imports[0] <= exports[0]
    assert imports[0] <= exports[1]
    assert imports[1] <= exports[2]
    assert not imports[0] <= exports[2], "CloudFormation refuses to skip the middle step"


def imported(template):
    return arguments(template, "Fn::ImportValue")
