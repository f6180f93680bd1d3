"""EKS Auto Mode: AWS runs the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts, key_of
from responsibility.reading.kinds.kind import Kind
from responsibility.reading.kubernetes import objects
from responsibility.reading.network import Subnet

_OBJECTS = ("NodePool", "NodeClass")
"""Kubernetes objects that say what its nodes are like (``EC2NodeClass`` is self-hosted Karpenter's)."""


class AutoMode(Kind):
    """On or off for a whole cluster."""

    id = "auto_mode"
    compute_type = "auto"
    entry_types = ("EC2",)

    def has(self, cluster: Cluster) -> bool:
        return cluster.resource.maybe("ComputeConfig.Enabled") in (True, "true")

    def settle(self, cluster: Cluster) -> None:
        cluster.get("ComputeConfig.Enabled")

    def roots(self, facts: Facts) -> list[Fact]:
        roles = (
            facts.get(Fact, key_of(cluster.resource.maybe("ComputeConfig.NodeRoleArn")))
            for cluster in facts.all(Cluster)
        )
        return [*(fact for kind in _OBJECTS for fact in facts.of_type(kind)), *filter(None, roles)]

    def words(self, cluster: Cluster) -> str:
        pools = [str(pool) for pool in cluster.resource.maybe("ComputeConfig.NodePools", [])]
        own = [
            item.bare_name for item in objects(cluster.facts, "NodePool") if item.cluster_key == cluster.resource.key
        ]
        parts = [f"built-in pools {', '.join(pools)}"] if pools else ["no built-in pool"]
        return "; ".join([*parts, *([f"own pools {', '.join(own)}"] if own else [])])

    def evidence(self, cluster: Cluster) -> list[Evidence]:
        return [cluster.at("ComputeConfig")]

    def places(self, facts: Facts) -> Iterator[tuple[Fact, list[Subnet]]]:
        """The built-in pools use the subnets of the cluster; without them (an empty list) no node is there by itself."""
        for cluster in facts.all(Cluster):
            if self.has(cluster) and cluster.resource.maybe("ComputeConfig.NodePools", None) != []:
                yield cluster, cluster.subnets
