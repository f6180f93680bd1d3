"""The samples in a cluster of IPv6, on each kind of compute: pods have no IPv4 address that anybody reaches."""

import pytest

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.objects.rendering import placed_workloads
from stacks.objects.rules.balancers import family_of_gateway
from tests.support.environments import NODES, ROOT, minimal, validated

POOLS = [{"name": "gpu", "instance_types": ["g6.xlarge"]}, {"name": "neuron", "instance_types": ["inf2.xlarge"]}]
GPU = {"ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g6.xlarge"]}
GROUPS = [
    *NODES["groups"],
    {"name": "gpu", **GPU},
    {"name": "claims", **GPU, "device_allocation": "dra"},
    {"name": "neuron", "ami_type": "AL2023_x86_64_NEURON", "instance_types": ["inf2.xlarge"]},
]
COMPUTE = {
    "auto_mode": {"gateway_api": True, "node_pools": POOLS},
    "managed_nodes": {"groups": GROUPS},
    "self_managed_nodes": {"groups": [{"name": "own", "instance_types": ["m7i.large"]}]},
    "fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]},
}
WITHOUT, WINDOWS = {"hybrid_nodes"}, "windows-web"
"""Clusters with hybrid nodes, and Windows, have IPv4 alone.

https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-prereqs.html, windows-support.html
"""
SAMPLES = sorted(path.parent.name for path in (ROOT / "workloads").glob("*/workload.yaml"))
FAMILY = {
    "Service": "service.beta.kubernetes.io/aws-load-balancer-ip-address-type",
    "Ingress": "alb.ingress.kubernetes.io/ip-address-type",
}
TARGETS = {
    "Service": "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type",
    "Ingress": "alb.ingress.kubernetes.io/target-type",
}
NETWORK = ClusterNetwork(
    vpc_id="vpc-1",
    private_subnet_ids=["subnet-1"],
    subnet_of_each_zone=["subnet-1"],
    subnet_selector=[{"id": "subnet-1"}],
)


def environment(workloads, family="ipv6"):
    control_plane = {"kubernetes_version": "1.36", "ip_family": family}
    # Nodes that join by themselves must know the range of services.
    control_plane |= {"service_cidr": "172.20.0.0/16"} if family == "ipv4" else {}
    data = minimal(COMPUTE, workloads=workloads, control_plane=control_plane)
    data["network"]["ipv6"] = True
    return validated(data)


def placements():
    """Every sample, in every variant, on every kind that takes it."""
    from stacks.objects.folder import describe, workload_folder

    for name in SAMPLES:
        described = describe(workload_folder(name))
        for variant in described.variants or [None]:
            for kind in sorted(set(described.kinds_of(variant)) - WITHOUT) if name != WINDOWS else ():
                yield pytest.param(name, variant, kind, id=f"{name}-{variant or 'base'}-{kind}")


def rendered(name, variant, kind, family="ipv6"):
    workload = {"name": name, "compute": kind, **({"variant": variant} if variant else {})}
    if name == "web":
        workload["plain_http"] = True
    found = environment([workload], family)
    return [item for one in placed_workloads(found.clusters[0], found) for item in one.objects]


def load_balancers(objects):
    for item in objects:
        if item["kind"] == "Ingress" or (item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer"):
            yield item


@pytest.mark.parametrize(("name", "variant", "kind"), [case for case in placements() if case.values[1] != "gateway"])
def test_a_sample_is_reached_and_reaches(name, variant, kind):
    objects = rendered(name, variant, kind)
    for item in load_balancers(objects):
        annotations = item["metadata"]["annotations"]
        by_class = item["kind"] == "Ingress" and kind == "auto_mode"  # which reads it from the class alone
        assert annotations.get(FAMILY[item["kind"]]) == (None if by_class else "dualstack")
        assert annotations[TARGETS[item["kind"]]] == "ip"
    for policy in (item for item in objects if item["kind"] == "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            blocks = [peer["ipBlock"]["cidr"] for peer in rule.get("to", []) if "ipBlock" in peer]
            assert not blocks or {":" in block for block in blocks} == {True, False}, "both families, or neither"


def test_the_ingress_class_of_auto_mode_makes_load_balancers_of_both_families():
    for family, expected in (("ipv6", "dualstack"), ("ipv4", None)):
        found = environment([], family)
        files = found.clusters[0].own_files(found.context_of(found.clusters[0]), NETWORK)
        (params,) = [item for file in files for item in file.objects if item["kind"] == "IngressClassParams"]
        assert params["spec"].get("ipAddressType") == expected


def test_in_a_cluster_of_ipv4_nothing_is_said_of_families():
    for variant in ("ingress", "nlb"):
        for item in load_balancers(rendered("web", variant, "managed_nodes", "ipv4")):
            assert FAMILY[item["kind"]] not in item["metadata"]["annotations"]


def test_the_pod_identity_agent_is_reached_in_both_families():
    (policy,) = [
        item for item in rendered("bucket-reader", None, "auto_mode") if item["metadata"]["name"] == "allow-aws"
    ]
    blocks = [peer["ipBlock"]["cidr"] for rule in policy["spec"]["egress"] for peer in rule.get("to", [])]
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
    assert blocks == ["169.254.170.23/32", "fd00:ec2::23/128"]


def test_a_gateway_that_could_not_reach_the_pods_is_refused():
    with pytest.raises((BadInput, Misplaced), match="a load balancer with IPv4 addresses alone"):
        rendered("web", "gateway", "auto_mode")


SETTINGS = {"group": "gateway.k8s.aws", "kind": "LoadBalancerConfiguration", "name": "both"}


@pytest.mark.parametrize(
    ("of_gateway", "of_class", "family", "said"),
    [
        (None, None, "dualstack", "IPv4 addresses alone"),
        (SETTINGS, None, "dualstack", None),
        (None, SETTINGS, "dualstack", None),
        (None, SETTINGS, "dualstack-without-public-ipv4", None),
        (SETTINGS, None, "ipv4", "does not say ipAddressType: dualstack"),
        (SETTINGS, None, None, "does not say ipAddressType: dualstack"),
        (None, SETTINGS, "ipv4", "does not say ipAddressType: dualstack"),
        (SETTINGS, {**SETTINGS, "name": "other"}, "ipv4", "does not say ipAddressType: dualstack"),
        ({**SETTINGS, "name": "elsewhere"}, None, "ipv4", None),
    ],
)
def test_settings_of_a_gateway_or_of_its_class_ask_for_both_families(of_gateway, of_class, family, said):
    gateway = {"kind": "Gateway", "metadata": {"name": "g"}, "spec": {"gatewayClassName": "c"}}
    gateway["spec"] |= {"infrastructure": {"parametersRef": of_gateway}} if of_gateway else {}
    others = [
        {"kind": "GatewayClass", "metadata": {"name": "c"}, "spec": {"parametersRef": of_class} if of_class else {}},
        {"kind": SETTINGS["kind"], "metadata": {"name": "both"}, "spec": {"ipAddressType": family} if family else {}},
    ]
    found = [text for _, text in family_of_gateway(gateway, others)]
    assert len(found) == (1 if said else 0)
    assert all(said in text for text in found)
