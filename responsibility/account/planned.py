"""The add-ons that an assembly plans: for which Kubernetes version, and on which compute they run."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from eks_facts.addons import addons
from responsibility.model import ComputeKind
from responsibility.reading.eks import Addon, Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.kinds.registry import KINDS
from responsibility.reading.resource import UnknownValue
from responsibility.reading.template import BadSource


@dataclass(frozen=True)
class Plan:
    """What an assembly plans."""

    addons: dict[str, dict[str, frozenset[str]]]
    """By Kubernetes version and name of the add-on: the compute types it has to run on."""
    named: dict[tuple[str, str], frozenset[str]]
    """By Kubernetes version and name of the add-on: the versions that the templates name already."""
    region: str
    """The region of the clusters' stacks; empty = the templates do not say."""


def plan_of(facts: Facts, assembly: str) -> Plan:
    """Returns what the templates plan. Raises BadSource."""
    clusters = facts.all(Cluster)
    if not clusters:
        raise BadSource(f"{assembly}: has no EKS cluster, so there are no add-on versions to lock")
    if lost := [addon.name for addon in facts.all(Addon) if addon.cluster is None]:
        raise BadSource(f"{assembly}: does not say of which cluster these add-ons are: {', '.join(sorted(lost))}")
    types = {kind.id: kind.compute_type for kind in KINDS}
    wanted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for cluster in clusters:
        version = version_of(cluster)
        for name, addon in cluster.addons.items():
            wanted[version][name] |= {types[kind] for kind in _hosts(name, cluster)}
            if now := addon.resource.maybe("AddonVersion"):
                named[version, name].add(str(now))
    templates = [cluster.resource.template for cluster in clusters]
    regions = {template.region for template in templates if template and template.region}
    return Plan(
        addons={
            version: {name: frozenset(types) for name, types in addons.items()} for version, addons in wanted.items()
        },
        named={key: frozenset(versions) for key, versions in named.items()},
        region=regions.pop() if len(regions) == 1 else "",
    )


def version_of(cluster: Cluster) -> str:
    """Returns a cluster's Kubernetes version. Raises BadSource where the template does not say."""
    try:
        version = cluster.version
    except UnknownValue as unknown:
        raise BadSource(f"cluster {cluster.name}: its Kubernetes version is not known: {unknown.reason}") from None
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+", version):
        raise BadSource(f"cluster {cluster.name}: its template names no Kubernetes version, such as 1.36")
    return version


def _hosts(addon: str, cluster: Cluster) -> list[ComputeKind]:
    """Returns the kinds of compute that an add-on runs on; none for one that the catalog does not know: any version will do."""
    rule = addons().get(addon)
    if rule is None:
        return []
    possible = [kind for kind in cluster.kinds if kind in rule["compute"]]
    if rule["type"] == "daemonset":
        return possible
    # One kind hosts a Deployment: eks_constructs/compute/mix.py.
    pools = cluster.resource.maybe("ComputeConfig.NodePools") or []
    order: list[ComputeKind] = ["managed_nodes", "auto_mode", "fargate"]
    ready = [kind for kind in order if kind in possible and (kind != "auto_mode" or "general-purpose" in pools)]
    return ready[:1]
