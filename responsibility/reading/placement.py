"""Which subnets and VPCs clusters use, indexed from the subnet's side."""

from __future__ import annotations

from collections import defaultdict

from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import HelmChart, KubernetesObject
from responsibility.reading.network import Subnet, Vpc

Compute = NodeGroup | SelfManagedNodes | FargateProfile | Cluster
"""What takes addresses of a subnet for pods; a cluster: its Auto Mode nodes."""


class Placement:
    """Subnets and VPCs, by what uses them."""

    def __init__(self, facts: Facts) -> None:
        self.compute: dict[str, list[Compute]] = defaultdict(list)
        """What runs pods in a subnet, by the subnet's key."""
        self._interfaces: set[str] = set()
        self._vpcs: set[str] = set()
        for cluster in facts.all(Cluster):
            # Without subnets of its own, Auto Mode's NodeClass uses those of the cluster.
            self._add(cluster, cluster.subnets, runs_pods="auto_mode" in cluster.kinds)
            self._interfaces.update(subnet.resource.key for subnet in cluster.subnets)
        groups: list[Compute] = [*facts.all(NodeGroup), *facts.all(SelfManagedNodes), *facts.all(FargateProfile)]
        for group in groups:
            self._add(group, group.subnets, runs_pods=True)
        objects = [fact for kind in (KubernetesObject, HelmChart) for fact in facts.all(kind)]
        self.mentioned: set[str] = set().union(*(facts.references(fact.resource) for fact in objects))
        """What Kubernetes objects and charts mention of the templates' resources, by key: a file system, a bucket."""

    def _add(self, user: Compute, subnets: list[Subnet], *, runs_pods: bool) -> None:
        for subnet in subnets:
            if runs_pods:
                self.compute[subnet.resource.key].append(user)
            if vpc := subnet.vpc:
                self._vpcs.add(vpc.resource.key)

    def uses(self, where: Subnet | Vpc) -> bool:
        """Whether a cluster, or its nodes or pods, are there."""
        if isinstance(where, Vpc):
            return where.resource.key in self._vpcs
        return where.resource.key in self.compute or where.resource.key in self._interfaces
