"""Ways to other networks, endpoints with settings, subnets of control planes, and rules of the cluster's security group."""

import pytest

from eks_constructs.network_connections import ConnectionSpec, routed
from tests.support.environments import NODES, minimal
from tests.support.templates import of_type, only, whole_network

TGW, VGW, PCX = "tgw-0123456789abcdef0", "vgw-0123456789abcdef0", "pcx-0123456789abcdef0"


def network(synth, **keys):
    data = minimal()
    data["network"] |= {"availability_zones": 2, **keys}
    return whole_network(synth(data))


def routes_to(template, **target):
    ((key, value),) = target.items()
    return [one for one in of_type(template, "AWS::EC2::Route").values() if one.get(key) == value]


@pytest.mark.parametrize(
    ("gateway", "kind", "target"),
    [
        (TGW, "AWS::EC2::TransitGatewayAttachment", "TransitGatewayId"),
        (VGW, "AWS::EC2::VPCGatewayAttachment", "GatewayId"),
        (PCX, None, "VpcPeeringConnectionId"),
    ],
)
def test_each_private_table_leads_to_each_network_behind_a_gateway(synth, gateway, kind, target):
    destinations = ["10.200.0.0/16", "pl-0123456789abcdef0"]
    template = network(synth, connections=[{"gateway_id": gateway, "routes": destinations}])
    routes = routes_to(template, **{target: gateway})
    tables = {table["Ref"] for table in (one["RouteTableId"] for one in routes)}
    assert len(tables) == 2
    assert all("Private" in table for table in tables)
    found = [one.get("DestinationCidrBlock") or one["DestinationPrefixListId"] for one in routes]
    assert sorted(found) == sorted(destinations * 2)
    attached = [key for key, one in template["Resources"].items() if gateway in str(one) and one["Type"] == kind]
    assert len(attached) == (1 if kind else 0)
    after = [one["DependsOn"] for one in template["Resources"].values() if one.get("Properties") in routes and kind]
    assert all(attached[0] in one for one in after)


def test_a_gateway_that_somebody_else_attaches_gets_routes_alone(synth):
    template = network(synth, connections=[{"gateway_id": TGW, "routes": ["10.200.0.0/16"], "attach": False}])
    assert of_type(template, "AWS::EC2::TransitGatewayAttachment") == {}
    assert len(routes_to(template, TransitGatewayId=TGW)) == 2


def test_an_attachment_is_in_each_zone_and_knows_appliance_mode(synth):
    template = network(synth, connections=[{"gateway_id": TGW, "routes": ["10.0.0.0/8"], "appliance_mode": True}])
    (attachment,) = of_type(template, "AWS::EC2::TransitGatewayAttachment").values()
    assert len(attachment["SubnetIds"]) == 2
    assert attachment["Options"] == {"ApplianceModeSupport": "enable"}


def test_a_default_route_to_another_network_is_a_way_to_the_internet(synth):
    hub = [{"gateway_id": TGW, "routes": ["0.0.0.0/0"]}]
    template = network(synth, nat="none", public_subnets=False, interface_endpoints=False, connections=hub)
    assert len(routes_to(template, DestinationCidrBlock="0.0.0.0/0")) == 2
    assert of_type(template, "AWS::EC2::NatGateway") == {}


def test_what_connections_lead_to_is_known_unless_a_prefix_list_may():
    cidr, listed = (ConnectionSpec(gateway_id=TGW, routes=[one]) for one in ("10.200.0.0/16", "pl-0123456789abcdef0"))
    assert routed([cidr], "10.200.7.0/24") is True
    assert routed([cidr], "10.0.0.0/8") is False
    assert routed([cidr, listed], "10.0.0.0/8") is None


def test_resolver_rules_are_associated_with_the_vpc(synth):
    rule = "rslvr-rr-0123456789abcdef0"
    template = network(synth, resolver_rules=[rule])
    (one,) = of_type(template, "AWS::Route53Resolver::ResolverRuleAssociation").values()
    assert one["ResolverRuleId"] == rule
    assert one["VPCId"] == {"Ref": next(iter(of_type(template, "AWS::EC2::VPC")))}


def endpoints(template):
    return {
        (
            one["ServiceName"]
            if isinstance(one["ServiceName"], str)
            else one["ServiceName"]["Fn::Join"][1][2].strip(".")
        ): one
        for one in of_type(template, "AWS::EC2::VPCEndpoint").values()
    }


def test_any_service_has_an_endpoint_with_a_policy_and_names_of_its_own(synth):
    allow = [{"actions": ["bedrock:InvokeModel"], "resources": ["*"]}]
    own = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
    said = [{"service": "bedrock-runtime", "allow": allow}, {"service": own}, {"service": "kms", "private_dns": False}]
    found = endpoints(network(synth, additional_endpoints=said))
    (statement,) = found["bedrock-runtime"]["PolicyDocument"]["Statement"]
    assert (statement["Principal"], statement["Action"]) == ("*", ["bedrock:InvokeModel"])
    assert found["bedrock-runtime"]["PrivateDnsEnabled"] is True
    assert found[own]["PrivateDnsEnabled"] is False
    assert found["kms"]["PrivateDnsEnabled"] is False
    assert "PolicyDocument" not in found["kms"]


def test_an_endpoint_that_is_made_anyway_gets_the_settings(synth):
    allow = [{"actions": ["s3:GetObject"], "resources": ["*"]}]
    found = endpoints(network(synth, nat="none", additional_endpoints=[{"service": "s3", "allow": allow}, "dynamodb"]))
    assert found["s3"]["VpcEndpointType"] == found["dynamodb"]["VpcEndpointType"] == "Gateway"
    assert found["s3"]["PolicyDocument"]["Statement"][0]["Action"] == ["s3:GetObject"]
    assert len([name for name in found if name == "s3"]) == 1


def test_control_planes_have_subnets_of_their_own(synth):
    data = minimal()
    data["network"] |= {"availability_zones": 2, "control_plane_cidr": "100.64.0.0/26", "ipv6": True}
    data["clusters"][0]["compute"] = {"managed_nodes": NODES}
    data["clusters"][0]["control_plane"]["security_group_ids"] = ["sg-0123456789abcdef0"]
    templates = synth(data)
    subnets = {
        key: one for key, one in of_type(templates["t-network"], "AWS::EC2::Subnet").items() if "ControlPlane" in key
    }
    assert [one["CidrBlock"] for one in subnets.values()] == ["100.64.0.0/28", "100.64.0.16/28"]
    assert all(one["AssignIpv6AddressOnCreation"] for one in subnets.values())
    associated = [
        one for one in of_type(templates["t-network"], "AWS::EC2::SubnetRouteTableAssociation").values()
        if one["SubnetId"]["Ref"] in subnets
    ]  # fmt: skip
    assert len({str(one["RouteTableId"]) for one in associated}) == 2
    config = only(templates["t-control-plane-c"], "AWS::EKS::Cluster")["ResourcesVpcConfig"]
    assert all("ControlPlaneSubnet" in str(one) for one in config["SubnetIds"])
    assert config["SecurityGroupIds"] == ["sg-0123456789abcdef0"]


def test_control_plane_subnets_of_an_existing_network(synth):
    data, own = minimal({"managed_nodes": NODES}), ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
    private = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    data["network"] = {
        "vpc_id": "vpc-0123456789abcdef0",
        "cidr": "10.0.0.0/16",
        "private_subnet_ids": private,
        "control_plane_subnet_ids": own,
    }
    config = only(synth(data)["t-control-plane-c"], "AWS::EKS::Cluster")["ResourcesVpcConfig"]
    assert config["SubnetIds"] == own


def test_rules_of_the_clusters_security_group(synth):
    data = minimal()
    data["clusters"][0]["control_plane"]["security_group_rules"] = [
        {"description": "metrics", "ports": "9000-9100", "cidrs": ["10.9.0.0/16"], "prefix_lists": ["pl-0123456789abcdef0"]},
        {"description": "all", "protocol": "all", "security_groups": ["sg-0123456789abcdef0"]},
    ]  # fmt: skip
    rules = of_type(synth(data)["t-access-c"], "AWS::EC2::SecurityGroupIngress").values()
    found = {(one["IpProtocol"], one["FromPort"], one["ToPort"], one["Description"]) for one in rules}
    assert found == {("tcp", 9000, 9100, "metrics"), ("-1", -1, -1, "all")}
    sources = ("CidrIp", "SourcePrefixListId", "SourceSecurityGroupId")
    assert {one[key] for one in rules for key in sources if key in one} == {
        "10.9.0.0/16",
        "pl-0123456789abcdef0",
        "sg-0123456789abcdef0",
    }
