"""What Windows nodes may have beside what bad_environments/windows-*.yaml refuses; and old accelerators that are still served."""

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from tests.support.environments import NODES, minimal, validated

WINDOWS = {"name": "win", "instance_types": ["m6i.xlarge"], "labels": {"for": "windows"}}


def with_windows(*, ami="WINDOWS_CORE_2022_x86_64", version="1.36", nodes=None, **cluster):
    group = {**WINDOWS, "ami_type": ami, **({"kubernetes_version": nodes} if nodes else {})}
    compute = {"managed_nodes": {"groups": [*NODES["groups"], group]}}
    return validated(minimal(compute, control_plane={"kubernetes_version": version}, **cluster))


def test_the_add_on_gives_windows_nodes_prefixes():
    settings = {"enableWindowsPrefixDelegation": "true", "warmWindowsPrefixTarget": 1, "minimumWindowsIPTarget": 2}
    cluster = with_windows(addons={"vpc-cni": {"configuration": settings}}).clusters[0]
    (cni,) = [addon for addon in cluster.planned_addons() if addon.name == "vpc-cni"]
    assert settings.items() <= cni.configuration.items()
    assert cni.configuration["enableWindowsIpam"] == "true"


@pytest.mark.parametrize("size", ["Core", "Full"])
def test_windows_2025_begins_with_its_kubernetes(size):
    ami = f"WINDOWS_{size.upper()}_2025_x86_64"
    assert with_windows(ami=ami, version="1.35")
    with pytest.raises(
        (BadInput, Misplaced, ValueError), match=r"for Kubernetes 1\.35 and newer, and these nodes have 1\.34"
    ):
        with_windows(ami=ami, version="1.35", nodes="1.34")


def test_the_neuron_ami_serves_inf1():
    group = {"name": "old", "ami_type": "AL2023_x86_64_NEURON", "instance_types": ["inf1.xlarge"]}
    cluster = validated(minimal({"managed_nodes": {"groups": [*NODES["groups"], group]}})).clusters[0]
    offered = dict(node for kind, its in cluster.compute.active() for node in kind.nodes(its))
    assert "aws.amazon.com/neuron" in offered["old"].devices
