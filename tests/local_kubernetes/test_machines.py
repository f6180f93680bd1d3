"""Hybrid nodes of a local cluster: what the files for a site say, as nodeadm would take it."""

from pathlib import Path
from typing import Any

import pytest

from eks_constructs.compute.hybrid_nodes.handouts import handouts
from eks_facts.capacity import instance_type
from local_kubernetes.machines import machines
from local_kubernetes.nodes.compute import Compute
from local_kubernetes.nodes.node import Node, group_node
from safe_io.errors import BadInput
from tests.support.environments import minimal, validated

SSM: dict[str, Any] = {"ssm": {}}
ANCHOR = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/1234abcd-12ab-34cd-56ef-1234567890ab"
CERTIFICATES = {"iam_roles_anywhere": {"trust_anchor_arn": ANCHOR}}
TAINT = {"key": "line", "value": "press", "effect": "NoSchedule"}
PORTO = {
    "name": "porto",
    "cidr": "192.168.17.0/24",
    "kubernetes_version": "1.35",
    "architecture": "arm64",
    "labels": {"line": "press"},
    "taints": [TAINT],
}


def written(folder: Path, sites: list[dict[str, Any]], credentials: dict[str, Any] = SSM) -> Path:
    """What a synth writes for these sites."""
    hybrid = {
        "remote_node_networks": ["192.168.16.0/20"],
        "unrouted_pod_networks": ["10.112.0.0/16"],
        "credentials": credentials,
        "sites": sites,
    }
    data = minimal({"auto_mode": {}, "hybrid_nodes": hybrid})
    data["network"]["connections"] = [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}]
    environment = validated(data)
    cluster = environment.clusters[0]
    assert cluster.compute.hybrid_nodes
    for name, text in handouts(cluster.compute.hybrid_nodes, environment.context_of(cluster)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def joined(assembly: Path) -> list[Node]:
    groups = Compute({"version": "1.36"}, instances=machines(assembly)["c"]).groups()
    return [
        group_node(one, instance_type(one.instance_type), (one.names or ("mi-1",))[0], one.zones[0], one.version)
        for one in groups
    ]


def test_a_machine_has_the_labels_taints_version_and_addresses_of_its_site(tmp_path: Path) -> None:
    (node,) = joined(written(tmp_path, [PORTO]))
    made = node.manifest("now")
    assert {"topology.kubernetes.io/zone": "porto", "line": "press"}.items() <= made["metadata"]["labels"].items()
    assert made["metadata"]["labels"]["eks.amazonaws.com/compute-type"] == "hybrid"
    assert made["spec"]["taints"] == [TAINT]
    assert made["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.35.")
    assert made["status"]["addresses"][0]["address"].startswith("192.168.17.")
    assert node.pod_networks == ("10.112.0.0/16",)
    assert made["spec"]["providerID"] == "eks-hybrid:///porto/mi-1"


def test_a_site_has_as_many_machines_as_an_activation_registers_or_as_certificates_name(tmp_path: Path) -> None:
    by_ssm = machines(written(tmp_path / "a", [{"name": "one", "max_nodes": 1}, {"name": "more"}]))["c"]
    assert [(site["name"], site["count"]) for site in by_ssm] == [("one", 1), ("more", 2)]
    named = written(tmp_path / "b", [{"name": "s", "nodes": ["n1", "n2", "n3"]}], CERTIFICATES)
    assert machines(named)["c"][0]["count"] == 3
    assert [node.name for node in joined(named)] == ["n1"]


@pytest.mark.parametrize("text", ["", "[]", "spec: {kubelet: 1}", "spec: [", "{"])
def test_files_that_no_synth_wrote_are_refused_in_a_line(tmp_path: Path, text: str) -> None:
    (written(tmp_path, [PORTO]) / "hybrid/c/porto/nodeConfig.yaml").write_text(text)
    with pytest.raises(BadInput, match=r"sites\.json: it, or a file of nodes beside it, is not as a synth writes it"):
        machines(tmp_path)


def test_an_assembly_without_sites_has_no_machines(tmp_path: Path) -> None:
    assert machines(tmp_path) == {}
