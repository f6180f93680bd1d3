"""What comes before what: on create in this order, on delete in the reverse. Orders that AWS would refuse fail here."""

import copy
import json

import pytest

from tests.support.environments import ENVIRONMENTS, FARGATE, NODES, environment_data, minimal
from tests.support.templates import arguments, needs, of_type


def cluster_template(templates, cluster="demo", environment="demo"):
    return templates[f"{environment}-compute-{cluster}"]


def addon(template, name):
    (logical_id,) = [key for key, value in of_type(template, "AWS::EKS::Addon").items() if value["AddonName"] == name]
    return logical_id


@pytest.mark.parametrize("name", ["demo", "production", "managed-nodes"])
def test_nodes_come_after_the_add_ons_they_are_not_ready_without(synth, name):
    template = cluster_template(synth(name), name, name)
    groups = of_type(template, "AWS::EKS::Nodegroup")
    assert groups
    for group in groups:
        assert {addon(template, one) for one in ("eks-pod-identity-agent", "vpc-cni", "kube-proxy")} <= needs(
            template, group
        )


def test_the_cni_comes_after_the_agent_that_gives_it_its_role(synth):
    template = cluster_template(synth("demo"))
    assert addon(template, "eks-pod-identity-agent") in needs(template, addon(template, "vpc-cni"))


@pytest.mark.parametrize("one", ["coredns", "aws-ebs-csi-driver", "metrics-server", "eks-node-monitoring-agent"])
def test_add_ons_that_need_a_node_come_after_every_node_group(synth, one):
    template = cluster_template(synth("demo"))
    assert set(of_type(template, "AWS::EKS::Nodegroup")) <= needs(template, addon(template, one))


def test_coredns_on_fargate_comes_after_the_profile_that_draws_it(synth):
    template = cluster_template(synth("fargate"), "fargate", "fargate")
    (system,) = [
        key
        for key, value in of_type(template, "AWS::EKS::FargateProfile").items()
        if value["Selectors"] == [{"Namespace": "kube-system", "Labels": [{"Key": "k8s-app", "Value": "kube-dns"}]}]
    ]
    assert system in needs(template, addon(template, "coredns"))


def test_fargate_profiles_are_made_one_after_the_other(synth):
    profiles = [{"name": f"p{n}", "selectors": [{"namespace": f"n{n}"}]} for n in range(5)]
    template = synth(minimal({"fargate": {"profiles": profiles}}))["t-compute-c"]
    chain = list(of_type(template, "AWS::EKS::FargateProfile"))
    assert len(chain) == 6, "five of the file and one for CoreDNS"
    reached = sorted(chain, key=lambda one: len(needs(template, one) & set(chain)))
    assert [len(needs(template, one) & set(chain)) for one in reached] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_resource_waits_for_itself_and_stacks_are_in_order(synth, name):
    templates = synth(name)
    for template in templates.values():
        for logical_id in template["Resources"]:
            assert logical_id not in needs(template, logical_id)
    order = list(templates)
    for place, template in enumerate(templates.values()):
        for producer in producers(template, exports(templates)):
            assert order.index(producer) < place


def test_routes_to_sites_come_after_the_attachment_that_leads_there(synth):
    template = synth("hybrid")["hybrid-egress"]
    (attachment,) = of_type(template, "AWS::EC2::TransitGatewayAttachment")
    routes = [key for key, one in of_type(template, "AWS::EC2::Route").items() if "TransitGatewayId" in one]
    assert routes
    for route in routes:
        assert attachment in needs(template, route), "EC2 refuses a route to a gateway that the VPC is not attached to"


def exports(templates):
    """The stack of each export, by its name."""
    outputs = [(stack, output) for stack, one in templates.items() for output in one.get("Outputs", {}).values()]
    return {output["Export"]["Name"]: stack for stack, output in outputs if "Export" in output}


def producers(value, exported):
    yield from (output["StackName"] for output in arguments(value, "Fn::GetStackOutput"))
    yield from (exported[name] for name in arguments(value, "Fn::ImportValue"))


def test_nat_gateways_and_routes_wait_for_the_internet_gateway(synth):
    template = synth("production")["production-egress"]
    (attachment,) = of_type(template, "AWS::EC2::VPCGatewayAttachment")
    public = [key for key, value in of_type(template, "AWS::EC2::Route").items() if "GatewayId" in value]
    assert len(of_type(template, "AWS::EC2::NatGateway")) == 3
    for logical_id in [*of_type(template, "AWS::EC2::NatGateway"), *public]:
        assert attachment in needs(template, logical_id)


def test_subnets_wait_for_the_address_ranges_they_are_cut_from(synth):
    data = minimal({"managed_nodes": NODES})
    data["network"] |= {"pod_cidr": "100.64.0.0/16", "ipv6": True}
    template = synth(data)["t-network"]
    blocks = {
        ("ipv6" if value.get("AmazonProvidedIpv6CidrBlock") else "pods"): key
        for key, value in of_type(template, "AWS::EC2::VPCCidrBlock").items()
    }
    for logical_id, subnet in of_type(template, "AWS::EC2::Subnet").items():
        assert blocks["ipv6"] in needs(template, logical_id)
        if subnet["CidrBlock"].startswith("100.64."):
            assert blocks["pods"] in needs(template, logical_id)


def test_roles_have_their_permissions_before_anybody_takes_them(synth):
    data = environment_data("demo")
    templates = synth(data)
    for template in templates.values():
        roles, policies = of_type(template, "AWS::IAM::Role"), of_type(template, "AWS::IAM::ManagedPolicy")
        inline = [role["Description"] for role in roles.values() if "Policies" in role]
        assert all("the CDK's function" in description for description in inline), "ours have no inline policies"
        used = {
            one["Ref"]
            for role in roles.values()
            for one in role.get("ManagedPolicyArns", [])
            if isinstance(one, dict) and "Ref" in one
        }
        assert used == set(policies), "every policy is attached by its role, so it exists before the role does"


def test_what_waits_for_which_stack(synth, tmp_path):
    data = copy.deepcopy(minimal({"managed_nodes": NODES, "fargate": FARGATE}))
    data["clusters"].append(
        {**copy.deepcopy(data["clusters"][0]), "name": "d", "network": {"cidr": "10.9.0.0/16", "nat": "one"}}
    )
    templates = synth(data)

    manifest = json.loads(next(tmp_path.glob("cdk.out-*/manifest.json")).read_text())["artifacts"]
    waits = {name: {one for one in manifest[name]["dependencies"] if one in templates} for name in templates}
    # A stack reads what it needs of earlier ones itself; what it waits for in between adds nothing.
    for cluster, network in (("c", "t-network"), ("d", "t-network-d")):
        early = {"t-foundation", network}
        assert waits.pop(f"t-access-{cluster}") - early == {f"t-control-plane-{cluster}"}
        egress = network.replace("network", "egress")
        assert waits.pop(f"t-compute-{cluster}") - early == {f"t-control-plane-{cluster}", egress}, (
            "not for people's roles"
        )
        assert waits.pop(egress) == {network}
        assert waits.pop(f"t-protection-{cluster}") == {f"t-access-{cluster}", f"t-compute-{cluster}"}
    assert waits == {
        "t-foundation": set(),
        "t-network": set(),
        "t-network-d": set(),
        "t-control-plane-c": {"t-foundation", "t-network"},
        "t-control-plane-d": {"t-foundation", "t-network-d"},
    }


def test_a_cluster_where_auto_mode_does_everything_has_no_compute_stack(synth, tmp_path):
    """CloudFormation refuses a template without resources."""
    templates = synth(minimal({"auto_mode": {}}, addons={"metrics-server": {"enabled": False}}))
    assert set(templates) == {
        "t-foundation",
        "t-network",
        "t-egress",
        "t-control-plane-c",
        "t-access-c",
        "t-protection-c",
    }
    assert all(template["Resources"] for template in templates.values())
    manifest = json.loads(next(tmp_path.glob("cdk.out-*/manifest.json")).read_text())["artifacts"]
    assert "t-access-c" in manifest["t-protection-c"]["dependencies"]


def test_a_control_plane_with_routes_of_its_own_waits_for_the_ways_out(synth, tmp_path):
    data = minimal({"managed_nodes": NODES})
    data["clusters"][0]["control_plane"]["egress"] = "CUSTOMER_ROUTED"
    synth(data)
    manifest = json.loads(next(tmp_path.glob("cdk.out-*/manifest.json")).read_text())["artifacts"]
    assert {"t-egress", "t-network"} <= set(manifest["t-control-plane-c"]["dependencies"])
