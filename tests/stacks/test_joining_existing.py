"""Kinds of nodes that join a cluster that somebody else made: what is made for them, and what its owner has to do."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from tests.support.environments import NODES, ROOT
from tests.support.synth import build_platform
from tests.support.templates import of_type

SHOP = yaml.safe_load((ROOT / "environments/existing/shop.yaml").read_text())
TODAY = date(2026, 11, 28)
JOINING = {"endpoint": "https://EXAMPLE.gr7.eu-west-1.eks.amazonaws.com", "certificate_authority": "QUJD"}
OWN = {"groups": [{"name": "own", "instance_types": ["m7i.large"]}]}
WINDOWS = {"name": "win", "ami_type": "WINDOWS_CORE_2022_x86_64", "instance_types": ["m6i.large"]}
HYBRID = {
    "remote_node_networks": ["192.168.16.0/20"],
    "remote_pod_networks": ["192.168.64.0/18"],
    "credentials": {"ssm": {}},
    "sites": [{"name": "berlin"}],
}
REMOTE = {
    "RemoteNodeNetworks": [{"Cidrs": ["192.168.16.0/20"]}],
    "RemotePodNetworks": [{"Cidrs": ["192.168.64.0/18"]}],
}


def written(folder: Path, compute: dict[str, Any], properties: Any = (), **looked_up: Any) -> Path:
    """An environment file that joins a cluster, and the look-up of that cluster beside it."""
    existing = {**copy.deepcopy(SHOP), **JOINING, **looked_up}
    existing["properties"] |= dict(properties)
    (folder / "shop.yaml").write_text(yaml.safe_dump(existing))
    cluster = {"name": "shop", "existing": "shop.yaml", "compute": compute}
    file = folder / "join.yaml"
    file.write_text(yaml.safe_dump({"name": "join", "region": "eu-west-1", "clusters": [cluster]}))
    return file


def made(folder: Path, compute: dict[str, Any], properties: Any = ()) -> dict[str, Any]:
    platform = build_platform(load_environment(written(folder, compute, properties), today=TODAY), folder / "out")
    assert platform.stacks
    templates = {path.stem: json.loads(path.read_text()) for path in (folder / "out").glob("*.template.json")}
    assert "AWS::EKS::Cluster" not in json.dumps(templates), "the cluster is somebody else's"
    return dict(templates["join-compute-shop.template"])


def test_self_managed_nodes_join_it_by_what_the_look_up_found(tmp_path: Path) -> None:
    template = made(tmp_path, {"self_managed_nodes": OWN})
    (launch,) = of_type(template, "AWS::EC2::LaunchTemplate").values()
    text = json.dumps(launch["LaunchTemplateData"]["UserData"])
    assert JOINING["endpoint"] in text
    assert "certificateAuthority: QUJD" in text
    assert "cidr: 172.20.0.0/16" in text
    assert SHOP["security_group_id"] in json.dumps(launch)
    (group,) = of_type(template, "AWS::AutoScaling::AutoScalingGroup").values()
    assert set(group["VPCZoneIdentifier"]) == {one["subnet_id"] for one in SHOP["subnets"]}
    (entry,) = of_type(template, "AWS::EKS::AccessEntry").values()
    assert (entry["ClusterName"], entry["Type"]) == ("shop", "EC2_LINUX")


def test_windows_nodes_of_both_kinds_join_it_beside_linux_ones(tmp_path: Path) -> None:
    compute = {
        "managed_nodes": {"groups": [*NODES["groups"], WINDOWS]},
        "self_managed_nodes": {"groups": [{**WINDOWS, "name": "own-win"}]},
    }
    template = made(tmp_path, compute)
    entries = {one["Type"] for one in of_type(template, "AWS::EKS::AccessEntry").values()}
    assert entries == {"EC2_WINDOWS"}
    groups = of_type(template, "AWS::EKS::Nodegroup").values()
    assert {one["AmiType"] for one in groups} == {"AL2023_x86_64_STANDARD", "WINDOWS_CORE_2022_x86_64"}
    assert len({json.dumps(one["NodeRole"]) for one in groups}) == 2


def test_hybrid_nodes_join_it_where_its_owner_has_added_their_networks(tmp_path: Path) -> None:
    template = made(tmp_path, {"managed_nodes": NODES, "hybrid_nodes": HYBRID}, {"RemoteNetworkConfig": REMOTE})
    assert "HYBRID_LINUX" in {one["Type"] for one in of_type(template, "AWS::EKS::AccessEntry").values()}
    rules = [*of_type(template, "AWS::EC2::SecurityGroupIngress").values()]
    assert {one["CidrIp"] for one in rules} == {"192.168.16.0/20", "192.168.64.0/18"}
    assert {one["GroupId"] for one in rules} == {SHOP["security_group_id"]}


@pytest.mark.parametrize(
    ("compute", "properties", "looked_up", "words"),
    [
        ({"managed_nodes": NODES, "hybrid_nodes": HYBRID}, {}, {}, "does not have 192.168.16.0/20: its owner adds it"),
        (
            {"managed_nodes": NODES, "hybrid_nodes": HYBRID},
            {"RemoteNetworkConfig": {**REMOTE, "RemotePodNetworks": []}},
            {},
            "does not have 192.168.64.0/18",
        ),
        ({"self_managed_nodes": OWN}, {}, {"endpoint": None}, "look"),
        (
            {"managed_nodes": NODES, "hybrid_nodes": HYBRID},
            {"RemoteNetworkConfig": REMOTE},
            {"authentication_mode": "CONFIG_MAP"},
            "CONFIG_MAP",
        ),
        ({"self_managed_nodes": OWN}, {}, {"authentication_mode": "CONFIG_MAP"}, "CONFIG_MAP"),
    ],
)
def test_what_its_owner_has_not_done_is_said(
    tmp_path: Path, compute: dict[str, Any], properties: dict[str, Any], looked_up: dict[str, Any], words: str
) -> None:
    file = written(tmp_path, compute, properties, **looked_up)
    with pytest.raises(BadInput, match=words):
        load_environment(file, today=TODAY)


def test_hybrid_nodes_find_a_cluster_with_both_endpoints_only_where_dns_is_forwarded(tmp_path: Path) -> None:
    access = {**SHOP["properties"]["ResourcesVpcConfig"], "EndpointPublicAccess": True}
    properties = {"RemoteNetworkConfig": REMOTE, "ResourcesVpcConfig": access}
    compute = {"managed_nodes": NODES, "hybrid_nodes": HYBRID}
    with pytest.raises(BadInput, match="dns_forwarded: true"):
        load_environment(written(tmp_path, compute, properties), today=TODAY)
    forwarded = {**compute, "hybrid_nodes": {**HYBRID, "dns_forwarded": True}}
    assert load_environment(written(tmp_path, forwarded, properties), today=TODAY)
    public = {**properties, "ResourcesVpcConfig": {**access, "EndpointPrivateAccess": False}}
    assert load_environment(written(tmp_path, compute, public), today=TODAY), "its name has public addresses everywhere"
