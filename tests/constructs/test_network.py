"""Network: addresses that never move, ways in and out, endpoints."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_constructs.network_plan import secondary_cidr_problem, slots, subnet_cidrs
from eks_facts.files import load
from tests.support.environments import NODES, environment_data, minimal
from tests.support.templates import of_type, only, whole_network


@given(st.integers(16, 24))
def test_the_plan_fills_the_vpc_with_subnets_that_do_not_overlap(prefix):
    vpc = IPv4Network(f"10.0.0.0/{prefix}")
    slots = [IPv4Network(cidr) for tier in subnet_cidrs(str(vpc)).values() for cidr in tier]
    assert len(slots) == 12
    assert all(slot.subnet_of(vpc) for slot in slots)
    assert sum(slot.num_addresses for slot in slots) == vpc.num_addresses
    assert min(slot.num_addresses for slot in slots) >= 16, "EC2 makes no subnet smaller than /28"


@pytest.mark.parametrize(
    ("vpc", "pods", "refused"),
    [
        ("10.0.0.0/16", "100.64.0.0/16", None),
        ("10.0.0.0/16", "198.19.0.0/16", None),
        ("10.0.0.0/16", "10.1.0.0/16", None),
        ("10.0.0.0/16", "10.0.128.0/20", "overlaps"),
        ("10.0.0.0/16", "172.16.0.0/16", "only from 10.0.0.0/8"),
        ("192.168.0.0/16", "10.0.0.0/16", "only from 192.168.0.0/16"),
    ],
)
def test_secondary_ranges_follow_the_vpc_rules(vpc, pods, refused):
    problem = secondary_cidr_problem(vpc, pods)
    assert problem is None if refused is None else refused in problem


def test_a_third_zone_moves_no_address(synth):
    two, three = minimal(), minimal()
    two["network"]["availability_zones"], three["network"]["availability_zones"] = 2, 3
    before, after = (of_type(whole_network(synth(one)), "AWS::EC2::Subnet") for one in (two, three))
    assert len(after) == len(before) + 2
    assert {key: value["CidrBlock"] for key, value in before.items()}.items() <= {
        key: value["CidrBlock"] for key, value in after.items()
    }.items()


def test_named_zones_are_used_and_counted_ones_are_asked_of_the_region(synth):
    named = minimal()
    named |= {"region": "us-east-1"}
    named["network"]["availability_zones"] = ["us-east-1b", "us-east-1d"]
    zones = {value["AvailabilityZone"] for value in of_type(synth(named)["t-network"], "AWS::EC2::Subnet").values()}
    assert zones == {"us-east-1b", "us-east-1d"}
    counted = of_type(whole_network(synth(minimal())), "AWS::EC2::Subnet")
    assert all("Fn::GetAZs" in str(value["AvailabilityZone"]) for value in counted.values())


def test_counted_zones_are_refused_by_cloudformation_where_the_region_is_not_known_before(synth):
    for changes, ruled in (({}, True), ({"region": "eu-west-1"}, False)):
        rules = synth(minimal() | changes)["t-network"].get("Rules", {})
        assert ("CountedZones" in rules) == ruled
        for assertion in rules.get("CountedZones", {}).get("Assertions", []):
            regions, region = assertion["Assert"]["Fn::Not"][0]["Fn::Contains"]
            assert set(regions) == {"us-east-1", "us-west-1", "ca-central-1"}
            assert region == {"Ref": "AWS::Region"}
            assert "name availability_zones" in assertion["AssertDescription"]
    named = minimal() | {"region": "us-east-1"}
    named["network"]["availability_zones"] = ["us-east-1b", "us-east-1d"]
    assert "CountedZones" not in synth(named)["t-network"].get("Rules", {})


@pytest.mark.parametrize(("nat", "gateways"), [("none", 0), ("one", 1), ("per_az", 3)])
def test_ways_out(synth, nat, gateways):
    data = minimal()
    data["network"] |= {"nat": nat, "availability_zones": 3}
    template = whole_network(synth(data))
    routes = of_type(template, "AWS::EC2::Route").values()
    assert len(of_type(template, "AWS::EC2::NatGateway")) == gateways
    assert len([route for route in routes if "NatGatewayId" in route]) == (3 if gateways else 0)
    used = {str(route["NatGatewayId"]) for route in routes if "NatGatewayId" in route}
    assert len(used) == gateways


def test_without_public_subnets_there_is_no_internet_gateway(synth):
    data = minimal()
    data["network"] = {"cidr": "10.0.0.0/16", "nat": "none", "public_subnets": False}
    template = whole_network(synth(data))
    assert not of_type(template, "AWS::EC2::InternetGateway")
    assert not of_type(template, "AWS::EC2::Route")


def test_a_network_without_nat_has_every_endpoint_of_the_table(synth):
    data = minimal()
    data["network"] |= {"nat": "none", "additional_endpoints": ["sqs"]}
    endpoints = of_type(whole_network(synth(data)), "AWS::EC2::VPCEndpoint").values()
    services = {value["ServiceName"]["Fn::Join"][1][-1].removeprefix(".") for value in endpoints}
    expected = {name for name, row in load("vpc_endpoints")["interface"].items() if row["default"]} | {"s3", "sqs"}
    assert services == expected
    assert {"ec2", "ecr.api", "ecr.dkr", "sts", "eks", "eks-auth"} <= services
    for value in endpoints:
        if value["VpcEndpointType"] == "Interface":
            assert value["PrivateDnsEnabled"] is True
            assert len(value["SubnetIds"]) == 2


def test_endpoints_let_the_vpc_in_and_nobody_else(synth):
    data = minimal({"managed_nodes": NODES})
    data["network"] |= {"nat": "none", "pod_cidr": "100.64.0.0/16"}
    group = only(whole_network(synth(data)), "AWS::EC2::SecurityGroup")
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]] == [
        ("10.0.0.0/16", 443, 443),
        ("100.64.0.0/16", 443, 443),
    ]


def test_with_nat_there_is_only_the_free_endpoint(synth):
    endpoints = of_type(whole_network(synth(minimal())), "AWS::EC2::VPCEndpoint").values()
    assert [value["VpcEndpointType"] for value in endpoints] == ["Gateway"]


def test_subnets_carry_the_tags_load_balancers_look_for(synth):
    for value in of_type(whole_network(synth("production"), "production"), "AWS::EC2::Subnet").values():
        tags = {tag["Key"]: tag["Value"] for tag in value["Tags"]}
        role = {"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"}[
            tags["eks-platform/tier"]
        ]
        assert tags[role] == "1"
        assert tags["eks-platform/network"] == "production"


def test_flow_logs_go_to_a_group_that_exists(synth):
    templates = synth("demo")
    flow_log = only(templates["demo-network"], "AWS::EC2::FlowLog")
    groups = {value["LogGroupName"] for value in of_type(templates["demo-foundation"], "AWS::Logs::LogGroup").values()}
    assert flow_log["LogGroupName"] in groups
    assert flow_log["TrafficType"] == "ALL"


def test_the_default_security_group_is_emptied(synth):
    template = whole_network(synth("demo"), "demo")
    assert len(of_type(template, "Custom::VpcRestrictDefaultSG")) == 1


def test_ipv6_reaches_out_but_not_in(synth):
    data = minimal()
    data["network"]["ipv6"] = True
    template = whole_network(synth(data))
    routes = [
        value
        for value in of_type(template, "AWS::EC2::Route").values()
        if value.get("DestinationIpv6CidrBlock") == "::/0"
    ]
    assert sorted("GatewayId" in route for route in routes) == [False, False, True]
    assert sum("EgressOnlyInternetGatewayId" in route for route in routes) == 2
    subnets = of_type(template, "AWS::EC2::Subnet").values()
    blocks = [str(subnet["Ipv6CidrBlock"]) for subnet in subnets]
    assert len(set(blocks)) == len(blocks)


def test_an_existing_vpc_is_used_by_its_ids_alone(synth):
    data = minimal(
        {
            "managed_nodes": NODES,
            "auto_mode": {"node_classes": [{"name": "a"}], "node_pools": [{"name": "b", "node_class": "a"}]},
        }
    )
    data["network"] = {
        "vpc_id": "vpc-0123456789abcdef0",
        "cidr": "10.0.0.0/16",
        "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    templates = synth(data)
    assert set(templates) == {"t-foundation", "t-control-plane-c", "t-access-c", "t-compute-c", "t-protection-c"}
    cluster = only(templates["t-control-plane-c"], "AWS::EKS::Cluster")
    assert cluster["ResourcesVpcConfig"]["SubnetIds"] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]


@pytest.mark.parametrize(
    ("subnets", "mounted"),
    [
        ({"private_subnet_ids": ["subnet-00000001", "subnet-00000002"]}, ["subnet-00000001", "subnet-00000002"]),
        (
            {
                "private_subnets": [
                    {"availability_zone": f"eu-west-1{zone}", "subnet_id": f"subnet-0000000{number}"}
                    for number, zone in enumerate("aabc")
                ]
            },
            ["subnet-00000000", "subnet-00000002", "subnet-00000003"],
        ),
    ],
)
def test_file_systems_have_one_mount_target_in_each_zone_of_an_existing_vpc(synth, subnets, mounted):
    profiles = {"profiles": [{"name": "store", "selectors": [{"namespace": "store"}]}]}
    data = minimal({"fargate": profiles}, workloads=[{"name": "store", "variant": "efs", "compute": "fargate"}])
    data |= {"region": "eu-west-1", "network": {"vpc_id": "vpc-0123456789abcdef0", "cidr": "10.0.0.0/16", **subnets}}
    templates = synth(data)
    targets = of_type(templates["t-workloads-c"], "AWS::EFS::MountTarget").values()
    assert [target["SubnetId"] for target in targets] == mounted
    cluster = only(templates["t-control-plane-c"], "AWS::EKS::Cluster")
    assert len(cluster["ResourcesVpcConfig"]["SubnetIds"]) == (4 if "private_subnets" in subnets else 2)


def test_pods_get_addresses_of_their_own_range(synth):
    data = minimal({"managed_nodes": NODES})
    data["network"]["pod_cidr"] = "100.64.0.0/16"
    templates = synth(data)
    cidrs = {value["CidrBlock"] for value in of_type(whole_network(templates), "AWS::EC2::Subnet").values()}
    assert set(slots("100.64.0.0/16")[:2]) <= cidrs
    (cni,) = [
        value
        for value in of_type(templates["t-compute-c"], "AWS::EKS::Addon").values()
        if value["AddonName"] == "vpc-cni"
    ]
    text = "".join(part if isinstance(part, str) else "TOKEN" for part in cni["ConfigurationValues"]["Fn::Join"][1])
    import json

    settings = json.loads(text.replace('"TOKEN": {"id"', '"ZONE": {"id"', 1))
    assert settings["env"]["AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"] == "true"
    assert settings["eniConfig"]["create"] is True
    assert settings["eniConfig"]["subnets"]["ZONE"] == {"id": "TOKEN", "securityGroups": ["TOKEN"]}
    assert settings["enableNetworkPolicy"] == "true"


def test_every_shipped_network_spans_at_least_two_zones():
    for name in ("demo", "production", "auto-mode", "managed-nodes", "fargate"):
        assert environment_data(name)["network"].get("availability_zones", 3) >= 2


def test_nodes_of_each_kind_are_in_a_local_zone_and_nothing_else_is(synth):
    data = minimal(
        compute={
            "managed_nodes": {
                "groups": [
                    {"name": "general", "instance_types": ["m7i.large"]},
                    {"name": "edge", "instance_types": ["m7i.large"], "local_zones": ["us-west-2-lax-1a"]},
                    {
                        "name": "both",
                        "instance_types": ["m7i.large"],
                        "availability_zones": ["us-west-2b"],
                        "local_zones": ["us-west-2-phx-2a"],
                    },
                ]
            },
            "auto_mode": {
                "node_classes": [{"name": "edge", "local_zones": ["us-west-2-lax-1a"]}],
                "node_pools": [{"name": "auto-edge", "node_class": "edge"}],
            },
            "fargate": {"profiles": [{"name": "f", "selectors": [{"namespace": "f"}]}]},
        }
    ) | {"region": "us-west-2"}
    data["network"] |= {
        "availability_zones": ["us-west-2a", "us-west-2b"],
        "local_zones": ["us-west-2-lax-1a", "us-west-2-phx-2a"],
        "local_zone_cidr": "10.1.0.0/20",
        "nat": "one",
    }
    templates = synth(data)
    network = whole_network(templates)
    local = {
        key: one
        for key, one in of_type(network, "AWS::EC2::Subnet").items()
        if one["AvailabilityZone"] in data["network"]["local_zones"]
    }
    assert {one["CidrBlock"] for one in local.values()} == {"10.1.0.0/22", "10.1.4.0/22"}
    assert not any("kubernetes.io/role" in str(one["Tags"]) for one in local.values())
    tables = {
        one["RouteTableId"]["Ref"]
        for one in of_type(network, "AWS::EC2::SubnetRouteTableAssociation").values()
        if one["SubnetId"]["Ref"] in local
    }
    routes = [one for one in of_type(network, "AWS::EC2::Route").values() if one["RouteTableId"]["Ref"] in tables]
    assert len(tables) == 1
    assert ["NatGatewayId" in one for one in routes] == [True]

    compute = templates["t-compute-c"]
    groups = {one["Tags"]["Name"]: str(one["Subnets"]) for one in of_type(compute, "AWS::EKS::Nodegroup").values()}
    counts = {name: [text.count(f"LocalZoneSubnet{zone}") for zone in (1, 2)] for name, text in groups.items()}
    assert sorted(counts.values()) == [[0, 0], [0, 1], [1, 0]]
    for one in of_type(compute, "AWS::EKS::FargateProfile").values():
        assert "LocalZone" not in str(one["Subnets"])
    cluster = only(templates["t-control-plane-c"], "AWS::EKS::Cluster")
    assert "LocalZone" not in str(cluster["ResourcesVpcConfig"])
