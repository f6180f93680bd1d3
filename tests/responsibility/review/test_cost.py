"""The monthly cost floor: what is counted, what it rests on, what is left out and why."""

from typing import Any

import pytest

from responsibility.document import Cost
from responsibility.reading.reader import read
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template
from responsibility.review.cost import cost, load_prices
from tests.responsibility.review.cost_templates import (
    DAY,
    HOURS,
    cluster,
    facts,
    fargate,
    network,
    nodes,
    only,
    priced,
    ref,
    resource,
)


@pytest.mark.parametrize(
    ("version", "policy", "price"),
    [("1.36", "EXTENDED", 0.1), ("1.33", "EXTENDED", 0.6), ("1.33", "STANDARD", 0.1), ("9.9", "EXTENDED", 0.1)],
)
def test_a_control_plane_costs_what_its_versions_support_costs(version: str, policy: str, price: float) -> None:
    line = only(priced(cluster(Version=version, UpgradePolicy={"SupportType": policy})), "Control plane")
    assert (line.unit_price, line.monthly, line.quantity) == (price, round(price * HOURS, 2), HOURS)
    assert (line.cluster, line.kind, line.evidence.path) == ("main/Cluster", None, "Version")
    assert version in line.assumption


def test_an_unknown_version_is_counted_as_standard_and_says_so() -> None:
    line = only(priced(cluster(Version={"Ref": "Missing"})), "Control plane")
    assert line.unit_price == 0.1
    assert "standard support assumed" in line.assumption


def test_a_provisioned_control_plane_comes_on_top() -> None:
    found = priced(cluster(ControlPlaneScalingConfig={"Tier": "tier-2xl"}))
    assert only(found, "Provisioned").unit_price == 3.40
    assert not only(found, "Provisioned").verified
    assert found.total == round(3.5 * HOURS, 2)


def test_a_tier_without_a_price_is_named() -> None:
    found = priced(cluster(ControlPlaneScalingConfig={"Tier": "tier-ultra"}))
    assert any("`eks-provisioned-control-plane-ultra`" in words for words in found.not_priced)


def test_a_node_group_at_its_least() -> None:
    found = priced(
        nodes(InstanceTypes=["m7i.large", "m7i.xlarge"], ScalingConfig={"MinSize": "2", "DesiredSize": 3}, DiskSize=50)
    )
    line = only(found, "m7i.large")
    assert (line.quantity, line.kind, line.cluster) == (2 * HOURS, "managed_nodes", "main/Cluster")
    assert line.assumption == "2 nodes at least (MinSize); it starts with 3; the first of 2 instance types"
    disk = only(found, "Root volumes")
    assert (disk.quantity, disk.unit, disk.monthly, disk.evidence.path) == (100, "GB-months", 8, "DiskSize")


def test_a_node_group_that_says_nothing_has_the_defaults_of_eks() -> None:
    found = priced(nodes())
    assert "EKS's default" in only(found, "t3.medium").assumption
    assert only(found, "Root volumes").quantity == 20
    assert only(priced(nodes(AmiType="WINDOWS_CORE_2022_x86_64")), "Root volumes").quantity == 50


def test_spot_is_no_floor() -> None:
    found = priced(nodes(CapacityType="SPOT", InstanceTypes=["m5.large"]))
    assert not [line for line in found.lines if "m5.large" in line.what]
    assert any(words.startswith("1 Spot instance of node group Nodes") for words in found.not_priced)


@pytest.mark.parametrize(
    ("mix", "on_demand"),
    [
        ({}, 5),
        ({"OnDemandBaseCapacity": 2}, 5),
        ({"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 50}, 3),
        ({"OnDemandPercentageAboveBaseCapacity": 0}, 0),
    ],
)
def test_of_a_mix_the_instances_on_demand_are_the_floor(mix: dict[str, int], on_demand: int) -> None:
    chosen = {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1"}, "Overrides": [{"InstanceType": "m5.large"}]}
    policy = {"InstancesDistribution": mix, "LaunchTemplate": chosen}
    group = resource("AWS::AutoScaling::AutoScalingGroup", MinSize="5", MaxSize="9", MixedInstancesPolicy=policy)
    found = priced({**cluster(), "Group": group})
    assert sum(line.quantity for line in found.lines if "m5.large" in line.what) == on_demand * HOURS


def test_what_may_cost_money_and_has_no_price_is_named() -> None:
    kinds = (
        "SageMaker::Cluster",
        "OpenSearchService::Domain",
        "MSK::Cluster",
        "Nobody::Knows",
        "IAM::Role",
        "EC2::RouteTable",
    )
    found = priced({**cluster(), **{f"R{number}": resource(f"AWS::{kind}") for number, kind in enumerate(kinds)}})
    named = {words.split(": ")[0] for words in found.not_priced}
    assert {f"1 x AWS::{kind}" for kind in kinds[:4]} <= named
    assert not {f"1 x AWS::{kind}" for kind in kinds[4:]} & named


def test_a_node_group_that_may_be_empty_is_shown_at_nothing() -> None:
    found = priced(nodes(ScalingConfig={"MinSize": 0}, InstanceTypes=["m5.large"]))
    assert (only(found, "m5.large").monthly, found.total) == (0, 73)


def test_a_launch_template_says_instance_and_volumes() -> None:
    blocks = [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 4, "VolumeType": "gp3"}},
        {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": "80", "VolumeType": "gp2", "Throughput": 300}},
        {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
    ]
    found = priced(
        {
            **nodes(LaunchTemplate={"Id": ref("Template")}, ScalingConfig={"MinSize": 3}),
            "Template": resource(
                "AWS::EC2::LaunchTemplate",
                LaunchTemplateData={"InstanceType": "t4g.large", "BlockDeviceMappings": blocks},
            ),
        }
    )
    assert only(found, "t4g.large").quantity == 3 * HOURS
    volume = only(found, "/dev/xvdb")
    assert (volume.quantity, volume.unit_price, volume.cluster, volume.kind) == (
        240,
        0.1,
        "main/Cluster",
        "managed_nodes",
    )
    assert (volume.evidence.resource, volume.evidence.path) == ("Template", "LaunchTemplateData.BlockDeviceMappings.1")
    assert any("/dev/xvdb" in words and "throughput" in words for words in found.not_priced)


def test_an_instance_type_without_a_price_is_named_with_the_entry_it_needs() -> None:
    found = priced(nodes(InstanceTypes=["p9.giant"]))
    assert any("`ec2:p9.giant`" in words for words in found.not_priced)


def test_what_the_template_does_not_say_is_named_with_its_reason() -> None:
    found = priced(nodes(InstanceTypes=["m5.large"], ScalingConfig={"MinSize": {"Ref": "Missing"}}))
    assert any(
        words.startswith("node group Nodes: ScalingConfig.MinSize Missing is neither") for words in found.not_priced
    )
    found = priced(nodes(LaunchTemplate={"Id": "lt-1"}))
    assert any("node group Nodes: LaunchTemplate" in words for words in found.not_priced)


def test_self_managed_nodes() -> None:
    found = priced(
        {
            **cluster(),
            "Group": resource(
                "AWS::AutoScaling::AutoScalingGroup",
                MinSize="2",
                LaunchTemplate={"LaunchTemplateId": ref("Template")},
                Tags=[{"Key": "kubernetes.io/cluster/demo", "Value": "owned", "PropagateAtLaunch": True}],
            ),
            "Template": resource("AWS::EC2::LaunchTemplate", LaunchTemplateData={"InstanceType": "m6g.large"}),
        }
    )
    line = only(found, "m6g.large")
    assert (line.quantity, line.kind) == (2 * HOURS, "self_managed_nodes")
    assert only(found, "Root volumes").quantity == 40


def test_the_network() -> None:
    found = priced({**cluster(), **network()})
    assert only(found, "NAT gateway Nat").monthly == 32.85
    assert only(found, "Elastic IP").monthly == 3.65
    assert only(found, "endpoint ecr.dkr").quantity == 2 * HOURS
    assert len(found.lines) == 4, "a gateway endpoint is free, an address is counted once"
    assert "Data through NAT gateways: charged by GB" in found.not_priced


def test_a_nat_gateway_whose_address_is_made_elsewhere_still_has_one() -> None:
    found = priced({**cluster(), "Nat": resource("AWS::EC2::NatGateway", SubnetId="s-1", AllocationId="eipalloc-1")})
    assert only(found, "Public IPv4").monthly == 3.65
    private = {**cluster(), "Nat": resource("AWS::EC2::NatGateway", SubnetId="s-1", ConnectivityType="private")}
    assert [line.what for line in priced(private).lines if "IPv4" in line.what] == []


def test_a_network_of_its_own_is_paid_by_the_cluster_that_uses_it() -> None:
    def stack(name: str) -> dict[str, Any]:
        subnets = {"Fn::ImportValue": f"{name}-a"}
        return {name: resource("AWS::EKS::Cluster", Name=name, ResourcesVpcConfig={"SubnetIds": [subnets]})}

    templates = []
    for name in ("one", "two"):
        outputs = {"A": {"Value": ref("A"), "Export": {"Name": f"{name}-a"}}}
        templates += [
            Template(f"{name}-network", "n.json", {"Resources": network(), "Outputs": outputs}, ""),
            Template(f"{name}-cluster", "c.json", {"Resources": stack(name)}, ""),
        ]
    found = cost(read(Sources("test", templates), DAY), load_prices(), DAY)
    paid = {(line.evidence.stack, line.cluster) for line in found.lines}
    assert paid == {
        (f"{name}-{part}", f"{name}-cluster/{name}") for name in ("one", "two") for part in ("network", "cluster")
    }


def test_keys_instances_load_balancers() -> None:
    found = priced(
        {
            **cluster(),
            **network(),
            "Key": resource("AWS::KMS::Key", EnableKeyRotation=True),
            "Host": resource("AWS::EC2::Instance", InstanceType="t4g.nano", SubnetId=ref("A")),
            "Alb": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("A"), ref("B")]),
            "Inside": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", Type="network", Scheme="internal"),
        }
    )
    assert only(found, "KMS key").monthly == 1
    assert "rotations" in only(found, "KMS key").assumption
    assert only(found, "t4g.nano").monthly == 3.07
    assert only(found, "Public IPv4 of EC2 instance Host").quantity == HOURS
    assert any("root volume of EC2 instance Host" in words for words in found.not_priced)
    assert only(found, "Application load balancer Alb").unit_price == 0.0225
    assert only(found, "Public IPv4 of load balancer Alb").quantity == 2 * HOURS
    assert only(found, "Network load balancer Inside").unit_price == 0.0225


def test_auto_mode_has_no_node_at_least_and_a_fee_that_is_not_in_the_sum() -> None:
    found = priced(cluster(ComputeConfig={"Enabled": True}))
    line = only(found, "Auto Mode")
    assert (line.monthly, line.kind) == (0, "auto_mode")
    assert "no node at least" in line.assumption
    assert any("about 12% of each instance's price" in words for words in found.not_priced)


def test_hybrid_nodes_are_not_in_the_sum() -> None:
    found = priced(cluster(RemoteNetworkConfig={"RemoteNodeNetworks": [{"Cidrs": ["10.80.0.0/16"]}]}))
    assert any("hybrid nodes" in words and "0.02 USD per hour" in words for words in found.not_priced)


def test_what_controllers_make_is_named() -> None:
    service = {"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"type": "LoadBalancer"}}
    inside = {"kind": "Service", "metadata": {"name": "db", "namespace": "shop"}, "spec": {}}
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {}}
    found = priced(fargate(service, inside, claim)).not_priced
    assert any(words.startswith("Service shop/web: a controller makes a load balancer") for words in found)
    assert not any("shop/db" in words for words in found)
    assert any(words.startswith("PersistentVolumeClaim default/data") for words in found)


def test_what_is_charged_by_use_is_named_once_for_each_type() -> None:
    logs = {f"Log{number}": resource("AWS::Logs::LogGroup") for number in range(3)}
    assert "3 x AWS::Logs::LogGroup: charged by what is written and stored" in priced({**cluster(), **logs}).not_priced


def test_a_resource_that_may_not_exist_is_not_in_the_sum() -> None:
    template = {
        "Parameters": {"P": {"Type": "String"}},
        "Conditions": {"C": {"Fn::Equals": [ref("P"), "x"]}},
        "Resources": {**cluster(), "Key": {**resource("AWS::KMS::Key"), "Condition": "C"}},
    }
    found = cost(read(Sources("test", [Template("main", "m.json", template, "")]), DAY), load_prices(), DAY)
    assert found.total == 73
    assert any(words.startswith("KMS key Key: may not exist") for words in found.not_priced)


def test_another_region_is_said_on_every_line() -> None:
    found = priced(cluster(), region="eu-central-1")
    assert only(found, "Control plane").assumption.endswith("price of us-east-1, the stack is in eu-central-1")
    assert any("stacks in eu-central-1" in words for words in found.not_priced)
    assert any("some templates name none" in words for words in priced(cluster(), region="").not_priced)


def test_the_lines_of_sixty_clusters_add_up() -> None:
    stacks = {f"s{number}": {**nodes(InstanceTypes=["m5.large"]), **network()} for number in range(60)}
    for number, stack in enumerate(stacks.values()):
        stack["Cluster"] = resource("AWS::EKS::Cluster", Name=f"demo-{number}", Version="1.36")
    read_in = facts({}, "us-east-1", **stacks)
    found = cost(read_in, load_prices(), DAY)
    assert found.total == pytest.approx(sum(line.monthly for line in found.lines))
    assert all(line.monthly == round(line.quantity * line.unit_price, 2) for line in found.lines)
    assert {line.cluster for line in found.lines} == {f"s{number}/Cluster" for number in range(60)}


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("AWS::SageMaker::Cluster", "not in the price table"),
        ("AWS::Nobody::KnowsThisYet", "not in the price table"),
        ("Other::Maker::Thing", "not in the price table"),
        ("Custom::Database", "what its function makes is not in the templates"),
        ("AWS::CloudFormation::CustomResource", "what its function makes is not in the templates"),
        ("AWS::S3::Bucket", "charged by what is stored"),
    ],
)
def test_a_type_that_may_cost_money_is_named(type_: str, words: str) -> None:
    found = priced({"One": {"Type": type_}, "Two": {"Type": type_}}).not_priced
    assert f"2 x {type_}: {words}" in found


@pytest.mark.parametrize(
    "type_",
    ["AWS::IAM::Role", "AWS::EC2::Subnet", "AWS::KMS::Key", "AWS::EKS::Nodegroup", "Custom::AWSCDK-EKS-HelmChart"],
)
def test_what_is_free_or_has_a_line_is_not(type_: str) -> None:
    assert not [words for words in priced({"One": {"Type": type_}}).not_priced if type_ in words]


def static_pool(group: str, *types: str, capacity: str = "on-demand") -> dict[str, Any]:
    requirements = [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]}]
    if types:
        requirements.append({"key": "node.kubernetes.io/instance-type", "operator": "In", "values": list(types)})
    spec = {"nodeClassRef": {"group": group, "kind": "NodeClass", "name": "a"}, "requirements": requirements}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "waiting"},
        "spec": {"replicas": 2, "template": {"spec": spec}},
    }


def priced_with(pool: dict[str, Any]) -> Cost:
    template = Template("main", "main.json", {"Resources": cluster()}, "", "", "us-east-1")
    manifests = [ManifestFile("pool.yaml", "demo", [pool])]
    return cost(read(Sources("test", [template], manifests), DAY), load_prices(), DAY)


AUTO = "eks.amazonaws.com"


@pytest.mark.parametrize(
    ("types", "hourly", "share"),
    [
        (["m5.large"], 0.096, 0.12),
        (["g6.xlarge", "g6.2xlarge"], 0.8048, 0.078),
        (["p4d.24xlarge"], 21.957642, 0.048),
        (["trn1.2xlarge"], 1.34375, 0.048),
        (["inf2.xlarge"], 0.7582, 0.12),
    ],
)
def test_nodes_that_a_pool_keeps_are_in_the_floor_with_the_fee_of_their_series(
    types: list[str], hourly: float, share: float
) -> None:
    found = priced_with(static_pool(AUTO, *types))
    assert only(found, "of NodePool waiting").monthly == round(2 * hourly * HOURS, 2)
    assert only(found, "Auto Mode's fee").monthly == pytest.approx(2 * hourly * HOURS * share, abs=0.02)
    own = priced_with(static_pool("karpenter.k8s.aws", *types))
    assert not [line for line in own.lines if "fee for NodePool" in line.what]


@pytest.mark.parametrize(
    "pool", [static_pool(AUTO), static_pool(AUTO, "p9.big"), static_pool(AUTO, "m5.large", capacity="reserved")]
)
def test_nodes_whose_price_nobody_knows_are_named(pool: dict[str, Any]) -> None:
    found = priced_with(pool)
    assert any("NodePool waiting: keeps 2 nodes running" in words for words in found.not_priced)
    assert not [line for line in found.lines if "waiting" in line.what]


def test_a_capacity_block_is_paid_before() -> None:
    found = priced(nodes(CapacityType="CAPACITY_BLOCK", InstanceTypes=["p5.48xlarge"]))
    assert not [line for line in found.lines if "p5.48xlarge" in line.what]
    assert any("paid when it is bought" in words for words in found.not_priced)
