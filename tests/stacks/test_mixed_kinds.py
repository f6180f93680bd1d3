"""What kinds of compute may do beside each other and in one network, and what their groups of nodes may have."""

import pytest

from stacks.notes import in_several_zones
from tests.support.environments import NODES, minimal, validated

HYBRID = {"remote_node_networks": ["192.168.16.0/20"], "credentials": {"ssm": {}}}
PLANE = {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"}


def two_clusters(**of_first):
    """Two clusters of one VPC whose sites' pods are in one range."""
    pods = {**HYBRID, "remote_pod_networks": ["192.168.64.0/18"]}
    data = minimal({"managed_nodes": NODES, "hybrid_nodes": {**pods, "sites": [{"name": "berlin"}], **of_first}})
    data["network"] |= {"connections": [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}]}
    second = {"managed_nodes": NODES, "hybrid_nodes": {**pods, "sites": [{"name": "porto"}]}}
    data["clusters"].append({**data["clusters"][0], "name": "second", "compute": second})
    return data


def test_ranges_of_pods_move_to_another_cluster_once_the_first_has_let_go():
    with pytest.raises(ValueError, match=r"overlaps 192\.168\.64\.0/18 of cluster c"):
        validated(two_clusters())
    assert validated(two_clusters(enabled=False))


@pytest.mark.parametrize("kind", ["managed_nodes", "self_managed_nodes"])
def test_an_image_of_your_own_may_have_the_driver_that_g7_needs(kind):
    group = {"name": "gpu", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g7.2xlarge"]}
    group |= {"min_size": 1, "max_size": 2}

    def cluster(**fields):
        compute = {"managed_nodes": {"groups": list(NODES["groups"])}}
        compute.setdefault(kind, {"groups": []})["groups"].append({**group, **fields})
        return validated(minimal(compute, control_plane=PLANE)).clusters[0]

    with pytest.raises(ValueError, match="needs NVIDIA driver 595"):
        cluster()
    compute = cluster(ami={"id": "ami-0123456789abcdef0"}).compute
    offered = dict(node for each, its in compute.active() for node in each.nodes(its))
    assert "nvidia.com/gpu" in offered["gpu"].devices


def test_a_placement_group_in_several_zones_is_named():
    def groups(**fields):
        group = {"name": "close", "instance_types": ["m7i.large"], "placement_group": "close", **fields}
        return in_several_zones(
            validated(minimal({"managed_nodes": {"groups": [*NODES["groups"], group]}})).clusters[0]
        )

    assert groups() == ["close"]
    assert groups(placement_group=None) == []
    assert groups(subnet_ids=["subnet-0123456789abcdef0"]) == []
