"""EKS Hybrid Nodes: machines outside of AWS."""

from __future__ import annotations

from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster
from responsibility.reading.kinds.kind import Kind

_NETWORKS = "RemoteNetworkConfig.RemoteNodeNetworks"


class HybridNodes(Kind):
    """The cluster only names their networks."""

    id = "hybrid_nodes"
    compute_type = "hybrid"
    entry_types = ("HYBRID_LINUX",)
    rolled_back = "hybrid nodes"

    def has(self, cluster: Cluster) -> bool:
        return bool(cluster.resource.maybe(_NETWORKS))

    def settle(self, cluster: Cluster) -> None:
        cluster.get(_NETWORKS)

    def words(self, cluster: Cluster) -> str:
        return "Nodes of your own data centre"

    def evidence(self, cluster: Cluster) -> list[Evidence]:
        return [cluster.at("RemoteNetworkConfig")]
