"""What a cluster needs from outside, held against what its network reaches, and what stands in for the internet."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from eks_constructs.registries import Registries, RegistrySpec
from eks_facts.files import load
from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from stacks.objects import folder as workload_folder
from tests.stacks.own_workloads import Workloads
from tests.support.environments import TODAY, minimal
from tests.support.templates import arguments, of_type

MIRROR = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror"
ALONE = {"nat": "none", "public_subnets": False}
NODES = {"groups": [{"name": "g", "instance_types": ["m7i.large"]}]}
EVERYTHING = {
    "managed_nodes": NODES,
    "karpenter": {"node_pools": [{"name": "p"}]},
}


def environment(compute=None, **changes):
    data = minimal(compute or {"auto_mode": {}}, **changes.pop("cluster", {}))
    return data | {"account": "111122223333", "region": "eu-west-1", "network": dict(ALONE)} | changes


def refusals(data, folder: Path) -> list[str]:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    try:
        load_environment(path, today=TODAY)
    except BadInput as problem:
        return str(problem).splitlines()
    return []


def web(compute="managed_nodes"):
    return {"name": "web", "compute": compute, "plain_http": True}


def reached():
    """Everything that asks for the internet, and everything that stands in for it."""
    cluster = {"delivery": "kubectl", "workloads": [web(), {"name": "bucket-reader", "compute": "managed_nodes"}]}
    data = environment(EVERYTHING, cluster=cluster)
    data["network"]["additional_endpoints"] = ["sqs"]
    data["registries"] = {
        "public.ecr.aws": {"mirror": MIRROR},
        "https://aws.github.io/eks-charts": {"mirror": f"oci://{MIRROR}/charts"},
    }
    return data


FARGATE = {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}
GPU = {
    "groups": [*NODES["groups"], {"name": "gpu", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g6.xlarge"]}]
}


@pytest.mark.parametrize("compute", [{"auto_mode": {}}, {"managed_nodes": NODES}, {"fargate": FARGATE}])
def test_what_a_cluster_without_extras_needs_is_there(tmp_path, compute):
    assert refusals(environment(compute), tmp_path) == []


OUT_OF_REACH = {
    "Karpenter's queue and image": (
        EVERYTHING,
        {},
        ["Karpenter needs sqs", "the image public.ecr.aws/karpenter/controller"],
    ),
    "charts of the kubectl function": (
        EVERYTHING,
        {"delivery": "kubectl"},
        ["karpenter comes from oci://public.ecr.aws/karpenter"],
    ),
    "a workload, and the controller that it needs": (
        {"managed_nodes": NODES},
        {"workloads": [web()]},
        ["web has the image public.ecr.aws/docker/library/python", "aws-load-balancer-controller has the image"],
    ),
    "a workload on Auto Mode": ({"auto_mode": {}}, {"workloads": [web("auto_mode")]}, ["web has the image"]),
    "the plugin of a device": ({"managed_nodes": GPU}, {}, ["nvidia-device-plugin has the image nvcr.io"]),
    "an add-on without an endpoint": (
        {"auto_mode": {}},
        {"addons": {"external-dns": {"enabled": True}}},
        ["external-dns needs the internet"],
    ),
}


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_what_is_not_reached_is_refused(tmp_path, name):
    compute, cluster, said = OUT_OF_REACH[name]
    lines = "\n".join(refusals(environment(compute, cluster=cluster), tmp_path))
    for one in said:
        assert one in lines
    assert refusals(environment(compute, cluster=cluster, network={"nat": "one"}), tmp_path) == []


def test_charts_are_asked_of_the_network_only_where_a_function_in_it_installs_them(tmp_path):
    lines = "\n".join(refusals(environment(EVERYTHING), tmp_path))
    assert "comes from" not in lines


def test_a_certificate_that_is_looked_up_by_its_host_is_out_of_reach(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "app", "annotations": {}},
        "spec": {"tls": [{"hosts": ["www.example.com"]}], "rules": [{"host": "www.example.com"}]},
    }
    data = reached()
    data["clusters"][0]["workloads"] = [{"name": "own", "compute": "managed_nodes"}]
    Workloads(tmp_path).write("own", [ingress])
    assert "needs the internet, for AWS Certificate Manager" in "\n".join(refusals(data, tmp_path))
    named = "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
    ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/certificate-arn"] = named
    Workloads(tmp_path).write("own", [ingress])
    workload_folder.describe.cache_clear()
    workload_folder.read_objects.cache_clear()
    assert "AWS Certificate Manager" not in "\n".join(refusals(data, tmp_path))


def test_mirrors_stand_in_for_registries(tmp_path, synth):
    data = reached()
    assert refusals(data, tmp_path) == []
    template = synth(data)["t-workloads-c"]
    charts = {one["Release"]: one for one in of_type(template, "Custom::AWSCDK-EKS-HelmChart").values()}
    assert charts["karpenter"]["Repository"] == f"oci://{MIRROR}/karpenter/karpenter"
    assert charts["aws-load-balancer-controller"]["Repository"].startswith(f"oci://{MIRROR}/charts/")
    values = {name: json.dumps(one["Values"]) for name, one in charts.items()}
    assert f"{MIRROR}/karpenter/controller" in values["karpenter"]
    assert "isolatedVPC" in values["karpenter"]
    assert f"{MIRROR}/eks/aws-load-balancer-controller" in values["aws-load-balancer-controller"]
    assert "enableWafv2" in values["aws-load-balancer-controller"]
    assert "public.ecr.aws" not in json.dumps(template)


def test_the_function_may_pull_charts_from_the_accounts_own_registry_and_no_more(synth):
    template = synth(reached())["t-workloads-c"]
    (policy,) = [one for key, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if "KubectlHandler" in key]
    rights = {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}
    assert rights["SignInToEcr"]["Action"] == ["ecr:GetAuthorizationToken"]
    named = list(arguments(rights["PullCharts"]["Resource"], "Fn::Join"))
    assert {parts[-1].partition("repository/")[2] for _, parts in named} == {
        "mirror/karpenter/karpenter",
        "mirror/karpenter/karpenter-crd",
        "mirror/charts/aws-load-balancer-controller",
    }
    assert "SignInToPublicEcr" not in rights


def test_a_cache_must_have_been_filled_before_a_network_without_internet_can_use_it(tmp_path):
    data = reached()
    data["registries"]["public.ecr.aws"] = {"pull_through_cache": "ecr-public"}
    lines = "\n".join(refusals(data, tmp_path))
    assert "needs the internet: pull each image and chart once from elsewhere" in lines
    assert "registries.public.ecr.aws.filled: true" in lines
    data["registries"]["public.ecr.aws"]["filled"] = True
    assert refusals(data, tmp_path) == []
    nat = copy.deepcopy(data) | {"network": {"nat": "one"}}
    nat["registries"]["public.ecr.aws"] = {"pull_through_cache": "ecr-public"}
    assert refusals(nat, tmp_path) == []


def test_endpoints_serve_the_registry_of_their_own_region_alone(tmp_path):
    data = reached()
    data["registries"]["public.ecr.aws"] = {"mirror": MIRROR.replace("eu-west-1", "us-east-1")}
    assert "is in another region, which VPC endpoints of eu-west-1 do not serve" in "\n".join(refusals(data, tmp_path))


def test_an_existing_vpc_says_what_it_reaches(tmp_path):
    vpc = {
        "vpc_id": "vpc-0123456789abcdef0",
        "cidr": "10.0.0.0/16",
        "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    assert refusals(environment({"managed_nodes": NODES}, network=vpc), tmp_path) == []
    alone = vpc | {"internet": False}
    lines = "\n".join(refusals(environment({"managed_nodes": NODES}, network=alone), tmp_path))
    assert "managed_nodes needs ec2, ecr.api, ecr.dkr, s3" in lines
    assert "the add-on vpc-cni needs eks-auth" in lines
    enough = alone | {"endpoints": ["ec2", "ecr.api", "ecr.dkr", "s3", "eks-auth"]}
    assert refusals(environment({"managed_nodes": NODES}, network=enough), tmp_path) == []


VPC = {
    "vpc_id": "vpc-0123456789abcdef0",
    "cidr": "10.0.0.0/16",
    "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "internet": False,
    "endpoints": ["ec2", "ecr.api", "ecr.dkr", "s3", "logs", "elasticloadbalancing", "ssm", "ssmmessages"],
}
CART = {"service_account": "cart", "policies": ["AmazonSQSReadOnlyAccess"]}
SITES = {"remote_node_networks": ["192.168.16.0/20"], "credentials": {"ssm": {}}, "sites": [{"name": "berlin"}]}
CREDENTIALS = {
    "an application's on nodes": (
        {"auto_mode": {}},
        {"pod_identities": [{**CART, "namespace": "shop"}]},
        ["clusters[0].pod_identities[0]: shop/cart needs eks-auth"],
    ),
    "an application's on Fargate": (
        {"fargate": FARGATE},
        {"pod_identities": [{**CART, "namespace": "a"}]},
        ["a/cart needs sts"],
    ),
    "an application's wherever a label sends it": (
        {
            "auto_mode": {},
            "fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a", "labels": {"b": "c"}}]}]},
        },
        {"pod_identities": [{**CART, "namespace": "a"}]},
        ["a/cart needs eks-auth", "a/cart needs sts"],
    ),
    "a team's": (
        {"auto_mode": {}},
        {"teams": [{"name": "t", "namespaces": ["shop"], "pod_identities": [{**CART, "namespace": "shop"}]}]},
        ["clusters[0].teams[0].pod_identities[0]: shop/cart needs eks-auth"],
    ),
    "a workload's": (
        {"auto_mode": {}},
        {"workloads": [{"name": "bucket-reader", "compute": "auto_mode"}]},
        ["bucket-reader needs eks-auth"],
    ),
    "the load balancer controller's on Fargate": (
        {"fargate": FARGATE},
        {"load_balancer_controller": {"enabled": True}},
        ["the AWS Load Balancer Controller needs sts"],
    ),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_whoever_takes_a_role_reaches_the_service_that_gives_it(tmp_path, name):
    compute, cluster, said = CREDENTIALS[name]
    lines = refusals(environment(compute, cluster=cluster, network=VPC), tmp_path)
    for one in said:
        assert any(one in line for line in lines)
    enough = VPC | {"endpoints": [*VPC["endpoints"], "eks-auth", "sts"]}
    lines = refusals(environment(compute, cluster=cluster, network=enough), tmp_path)
    assert not any("eks-auth" in line or "sts" in line for line in lines)


def test_pods_at_sites_leave_by_the_ways_of_their_sites(tmp_path):
    sites = {**SITES, "unrouted_pod_networks": ["10.112.0.0/16"]}
    compute = {"managed_nodes": NODES, "hybrid_nodes": sites}
    network = VPC | {"cidr": "10.20.0.0/16", "endpoints": [*VPC["endpoints"], "eks-auth"]}
    at_a_site = {"workloads": [{"name": "batch", "compute": "hybrid_nodes"}]}
    assert refusals(environment(compute, cluster=at_a_site, network=network), tmp_path) == []
    in_the_vpc = {"workloads": [{"name": "batch", "compute": "managed_nodes"}]}
    assert "batch has the image" in "\n".join(
        refusals(environment(compute, cluster=in_the_vpc, network=network), tmp_path)
    )


IDENTITY_CENTER = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
HUB = {
    "capabilities": {
        "argo_cd": {"identity_center": IDENTITY_CENTER, "admins": [{"group": "12345678-90ab-cdef-1234-567890abcdef"}]}
    }
}


@pytest.mark.parametrize(
    ("gitops", "cluster", "inside"),
    [
        ({"engine": "flux"}, {}, True),
        ({}, {}, True),
        ({"hub": "in-cluster"}, {}, True),
        ({"hub": "other"}, {}, False),
        ({}, HUB, False),
    ],
    ids=["Flux", "Argo CD of one's own", "Argo CD here, by name", "Argo CD elsewhere", "EKS's Argo CD"],
)
def test_what_applies_from_git_in_the_cluster_reaches_the_repository_and_the_charts(tmp_path, gitops, cluster, inside):
    cluster = {**cluster, "delivery": "gitops", "charts": [{"name": "external-secrets", "endpoints": []}]}
    data = environment({"auto_mode": {}}, cluster=cluster)
    data["gitops"] = {"repository": "https://github.com/example/objects", **gitops}
    lines = "\n".join(refusals(data, tmp_path))
    assert ("gitops.repository" in lines) is inside
    assert ("comes from https://charts.external-secrets.io" in lines) is inside


@pytest.mark.parametrize(
    ("repository", "registries", "said"),
    [
        ("https://git.example.com/objects", {}, "git.example.com is on the internet"),
        ("https://git.example.com/objects", {"https://git.example.com": {}}, None),
        ("ssh://git@git.example.com:7999/objects.git", {}, "registries: {git.example.com: {}}"),
        ("ssh://git@git.example.com:7999/objects.git", {"git.example.com": {}}, None),
        ("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/objects", {}, "needs git-codecommit"),
    ],
)
def test_a_repository_is_reached_where_the_file_says_so(tmp_path, repository, registries, said):
    data = environment({"auto_mode": {}}, cluster={"delivery": "gitops"})
    data |= {"gitops": {"engine": "flux", "repository": repository}, "registries": registries}
    lines = "\n".join(refusals(data, tmp_path))
    assert said in lines if said else lines == ""


@pytest.mark.parametrize(
    ("written", "pulled"),
    [
        ("nginx:1.29", "harbor.example.com/hub/library/nginx:1.29"),
        ("grafana/grafana:12.0.0", "harbor.example.com/hub/grafana/grafana:12.0.0"),
        ("quay.io/a/b@sha256:0", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/quay/a/b@sha256:0"),
        ("quay.io.example.com/a/b:1", "quay.io.example.com/a/b:1"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("registry.k8s.io/coredns/coredns:1", "harbor.example.com/dns/coredns:1"),
    ],
)
def test_the_longest_name_decides_what_stands_in_for_an_image(written, pulled):
    specs = {
        "docker.io": RegistrySpec(mirror="harbor.example.com/hub"),
        "quay.io": RegistrySpec(pull_through_cache="quay"),
        "registry.k8s.io": RegistrySpec(),
        "registry.k8s.io/coredns": RegistrySpec(mirror="harbor.example.com/dns"),
    }
    assert Registries(specs, account="111122223333", region="eu-west-1").image(written).reference == pulled


def test_images_of_workloads_keep_their_digests(tmp_path, synth):
    data = environment({"auto_mode": {}}, cluster={"workloads": [web("auto_mode")]})
    data["registries"] = {"public.ecr.aws": {"mirror": MIRROR}}
    synth(data)
    (manifest,) = tmp_path.glob("*/manifests/c/60-*.yaml")
    assert f"image: {MIRROR}/docker/library/python:3.13-slim@sha256:" in manifest.read_text()


def test_every_part_names_endpoints_that_there_are():
    known = {*load("vpc_endpoints")["interface"], *load("vpc_endpoints")["gateway"]}
    for part in load("reach")["parts"].values():
        assert set(part["endpoints"]) <= known


def test_karpenter_knows_whether_it_is_alone(synth):
    data = reached() | {"network": {"nat": "one"}}
    charts = of_type(synth(data)["t-workloads-c"], "Custom::AWSCDK-EKS-HelmChart").values()
    assert not any("isolatedVPC" in json.dumps(one["Values"]) for one in charts)
