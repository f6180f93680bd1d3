"""Which subnets and VPCs clusters use, indexed from the subnet's side."""

from __future__ import annotations

from collections import defaultdict

from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.kinds.registry import KINDS
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.network import Subnet, Vpc


class Placement:
    """Subnets and VPCs, by what uses them."""

    def __init__(self, facts: Facts) -> None:
        self.compute: dict[str, list[Fact]] = defaultdict(list)
        """What runs pods in a subnet, by the subnet's key: groups, profiles; a cluster = its Auto Mode nodes."""
        self._interfaces: set[str] = set()
        self._vpcs: set[str] = set()
        for kind in KINDS:
            for user, subnets in kind.places(facts):
                self._add(subnets)
                for subnet in subnets:
                    self.compute[subnet.resource.key].append(user)
        for cluster in facts.all(Cluster):
            self._add(cluster.subnets)
            self._interfaces.update(subnet.resource.key for subnet in cluster.subnets)
        objects = [fact for kind in (KubernetesObject, HelmChart) for fact in facts.all(kind)]
        self.mentioned: set[str] = set().union(*(facts.references(fact.resource) for fact in objects))
        """What Kubernetes objects and charts mention of the templates' resources, by key: a file system, a bucket."""

    def _add(self, subnets: list[Subnet]) -> None:
        self._vpcs.update(vpc.resource.key for subnet in subnets if (vpc := subnet.vpc))

    def uses(self, where: Subnet | Vpc) -> bool:
        """Whether a cluster, or its nodes or pods, are there."""
        if isinstance(where, Vpc):
            return where.resource.key in self._vpcs
        return where.resource.key in self.compute or where.resource.key in self._interfaces
