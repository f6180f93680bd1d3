"""What holds for every environment that can be described: many of them, drawn over the whole model."""

import json
from datetime import date

import yaml
from hypothesis import HealthCheck, Phase, event, given, settings

from stacks.synth_checks.review import refused
from tests.stacks.arns import unknown
from tests.stacks.environments_strategy import environments
from tests.support.environments import validated
from tests.support.synth import assembled
from tests.support.templates import needs, of_type

WITHOUT_SHRINKING = (Phase.explicit, Phase.generate)
"""To make a failing environment smaller takes hundreds of synths."""


@settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
    phases=WITHOUT_SHRINKING,
)
@given(environments())
def test_every_environment_keeps_the_rules(data):
    environment = validated(data)
    made = assembled(data)
    templates = made.templates
    manifests = [
        item
        for files in made.files.values()
        for name, text in files.items()
        if name.endswith(".yaml")
        for item in yaml.load_all(text, yaml.CSafeLoader)
    ]
    for cluster in environment.clusters:
        event(" + ".join(cluster.compute.mix.kinds))

    for template in templates.values():
        assert 0 < len(template["Resources"]) <= 500
        for subnet in of_type(template, "AWS::EC2::Subnet").values():
            assert subnet["MapPublicIpOnLaunch"] is False
        for role in of_type(template, "AWS::IAM::Role").values():
            assert role["Path"] == environment.iam.path
            assert role.get("PermissionsBoundary") == environment.iam.permissions_boundary
            assert ("RoleName" in role) >= (environment.iam.name_prefix is not None)
            assert len(role.get("RoleName", "")) <= 64
    for cluster in environment.clusters:
        names = [f"{environment.name}-{side}-{cluster.name}" for side in ("control-plane", "compute")]
        sides = [templates[name]["Resources"] for name in names if name in templates]  # Auto Mode may do everything
        check_cluster(cluster, {"Resources": {key: one for side in sides for key, one in side.items()}})

    assert unknown(templates) == []
    anywhere = any(cluster.control_plane.endpoint.allow_anywhere for cluster in environment.clusters)
    found = refused(made.folder, date(2026, 11, 28))
    assert [one for one in found if not (one.code == "EKR001" and anywhere)] == []
    check_foundation(environment, templates["drawn-foundation"])
    check_addresses(templates)
    assert all(item["apiVersion"] and item["kind"] and item["metadata"]["name"] for item in manifests)


def check_cluster(cluster, template):
    properties = template["Resources"]["Cluster"]["Properties"]
    assert properties["Name"] == cluster.name
    assert properties["BootstrapSelfManagedAddons"] is False
    mix = cluster.compute.mix
    capabilities = {
        properties["ComputeConfig"]["Enabled"],
        properties["KubernetesNetworkConfig"]["ElasticLoadBalancing"]["Enabled"],
        properties["StorageConfig"]["BlockStorage"]["Enabled"],
    }
    assert capabilities == {("auto_mode" in mix.kinds)}, (
        "Auto Mode's three capabilities are on together or off together"
    )
    assert ("NodePools" in properties["ComputeConfig"]) == ("auto_mode" in mix.kinds)
    assert ("NodeRoleArn" in properties["ComputeConfig"]) == bool(properties["ComputeConfig"].get("NodePools"))

    addons = {value["AddonName"]: key for key, value in of_type(template, "AWS::EKS::Addon").items()}
    groups = of_type(template, "AWS::EKS::Nodegroup")
    assert bool(groups) == ("managed_nodes" in mix.kinds)
    assert ({"vpc-cni", "kube-proxy", "eks-pod-identity-agent"} <= set(addons)) == bool(
        {"managed_nodes", "self_managed_nodes"} & set(mix.kinds)
    )
    own = of_type(template, "AWS::AutoScaling::AutoScalingGroup")
    assert bool(own) == ("self_managed_nodes" in mix.kinds)
    for group in own:
        entries = set(of_type(template, "AWS::EKS::AccessEntry"))
        assert {addons["vpc-cni"], addons["kube-proxy"]} <= needs(template, group)
        assert entries & needs(template, group), "a node that comes before its access entry is refused"
    for group, value in groups.items():
        assert {addons["vpc-cni"], addons["kube-proxy"]} <= needs(template, group)
        assert group not in needs(template, addons["vpc-cni"])
        assert "AL2_" not in value["AmiType"]
    if mix.kinds == ["auto_mode"]:
        assert "coredns" not in addons
    elif mix.deployments_run_on:
        needed = bool({"managed_nodes", "self_managed_nodes", "fargate", "hybrid_nodes"} & set(mix.kinds))
        assert ("coredns" in addons) == (needed and not mix.deployments_wait_for_pools)
        assert {*groups, *own} <= needs(template, addons["coredns"]) if "coredns" in addons else True

    profiles = of_type(template, "AWS::EKS::FargateProfile")
    lengths = sorted(len(needs(template, one) & set(profiles)) for one in profiles)
    assert lengths == list(range(len(profiles))), "profiles are made one after the other"
    node_roles = [value for key, value in of_type(template, "AWS::IAM::Role").items() if "NodeRole" in key]
    assert "AmazonEKS_CNI_Policy" not in json.dumps(node_roles)


def check_foundation(environment, template):
    kept = "RetainExceptOnCreate" if environment.foundation.retain else "Delete"
    for resource in template["Resources"].values():
        if resource["Type"] in ("AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::IAM::Role"):
            assert resource["DeletionPolicy"] == kept
    names = {value["LogGroupName"] for value in of_type(template, "AWS::Logs::LogGroup").values()}
    assert {f"/aws/eks/{cluster.name}/cluster" for cluster in environment.clusters} <= names


def check_addresses(templates):
    from ipaddress import IPv4Network

    for name, template in templates.items():
        subnets = [IPv4Network(value["CidrBlock"]) for value in of_type(template, "AWS::EC2::Subnet").values()]
        assert not any(one.overlaps(other) for index, one in enumerate(subnets) for other in subnets[index + 1 :]), name
        assert all(subnet.prefixlen <= 28 for subnet in subnets)
