"""EKS Hybrid Nodes: machines outside of AWS."""

from __future__ import annotations

from responsibility.findings import Evidence
from responsibility.reading.eks import AccessEntry, Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.hybrid import remote_ranges
from responsibility.reading.kinds.kind import Kind

_NETWORKS = "RemoteNetworkConfig.RemoteNodeNetworks"
_TYPES = (
    "AWS::RolesAnywhere::TrustAnchor",
    "AWS::RolesAnywhere::Profile",
    "AWS::RolesAnywhere::CRL",
    "SSM::Activation",
)
"""What gives machines outside of AWS their credentials."""


class HybridNodes(Kind):
    """The cluster only names their networks."""

    id = "hybrid_nodes"
    compute_type = "hybrid"
    entry_types = ("HYBRID_LINUX",)
    rolled_back = "hybrid nodes"

    def has(self, cluster: Cluster) -> bool:
        return bool(cluster.resource.maybe(_NETWORKS)) or bool(_entries(cluster))

    def settle(self, cluster: Cluster) -> None:
        cluster.get(_NETWORKS)

    def roots(self, facts: Facts) -> list[Fact]:
        return [fact for kind in _TYPES for fact in facts.of_type(kind)]

    def words(self, cluster: Cluster) -> str:
        found, unknown = remote_ranges(cluster)
        parts = [
            f"{of}s of {', '.join(ranges)}"
            for of in ("node", "pod")
            if (ranges := [one.text for one in found if one.of == of])
        ]
        if unknown or not parts:
            parts.append("networks that are not known")
        return f"Machines outside of AWS: {'; '.join(parts)}"

    def evidence(self, cluster: Cluster) -> list[Evidence]:
        if cluster.resource.maybe(_NETWORKS) is None:
            return [entry.at("Type") for entry in _entries(cluster)]
        return [cluster.at("RemoteNetworkConfig")]


def _entries(cluster: Cluster) -> list[AccessEntry]:
    """Its access entries of hybrid nodes: of a cluster that another tool made, a template may have nothing else."""
    entries = cluster.facts.belonging(AccessEntry, cluster.resource.key)
    return [entry for entry in entries if entry.resource.maybe("Type") == "HYBRID_LINUX"]
