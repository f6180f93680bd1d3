"""What software a cluster has, however it is installed: add-ons, Helm charts, manifests."""

from __future__ import annotations

from typing import Any

from responsibility.findings import Evidence
from responsibility.reading.access import AwsAuth
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.resource import UnknownValue, text


def names(cluster: Cluster) -> set[str]:
    """Returns the names of its add-ons, charts and workloads, in lower case, as far as the templates say."""
    key, facts = cluster.resource.key, cluster.facts
    found = set(cluster.addons)
    for chart in facts.belonging(HelmChart, key):
        found.update(text(chart.resource.maybe(path, "")) for path in ("Chart", "Release", "Name"))
    found.update(workload.bare_name for workload in facts.belonging(Workload, key))
    return {name.lower() for name in found if name}


def runs(cluster: Cluster, *words: str) -> str:
    """Returns the first name that holds one of the words; empty = there is none in the templates."""
    return next((name for name in sorted(names(cluster)) if any(word in name for word in words)), "")


def shows_software(cluster: Cluster) -> bool:
    """Whether charts or Kubernetes objects of the cluster were read at all: else it is installed by something else.

    The ConfigMap aws-auth is no software: a template that has it may have nothing else of Kubernetes.
    """
    key, facts = cluster.resource.key, cluster.facts
    objects = (one for one in facts.belonging(KubernetesObject, key) if not isinstance(one, AwsAuth))
    return bool(facts.belonging(HelmChart, key) or next(objects, None))


def known_cluster(item: KubernetesObject, where: Evidence) -> Cluster:
    """Returns the cluster of an object. Raises UnknownValue if it was not read."""
    cluster = item.facts.get(Cluster, item.cluster_key)
    if cluster is None:
        raise UnknownValue(where, "the cluster that it belongs to was not read")
    return cluster


def chart_values(cluster: Cluster, *words: str) -> dict[str, Any]:
    """Returns the values of the first chart whose name holds one of the words; empty: none, or not known."""
    for chart in cluster.facts.belonging(HelmChart, cluster.resource.key):
        if any(word in text(chart.resource.maybe("Chart", "")).lower() for word in words):
            values = chart.resource.maybe("Values")
            try:
                values = json_in(values) if isinstance(values, str) else values
            except NoData:
                return {}
            return values if isinstance(values, dict) else {}
    return {}


def has_ec2_nodes(cluster: Cluster) -> bool:
    """Whether EC2 instances of the customer join it."""
    return bool(cluster.node_groups or cluster.self_managed) or cluster.has_karpenter


def objects(cluster: Cluster, kind: str) -> list[KubernetesObject]:
    """Returns its Kubernetes objects of a kind."""
    found = cluster.facts.belonging(KubernetesObject, cluster.resource.key)
    return [item for item in found if item.resource.type == kind]
