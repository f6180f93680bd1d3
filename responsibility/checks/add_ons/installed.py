"""Checks of EKS add-ons: which ones the compute needs, in which order, in which version."""

import re

from eks_facts.addons import addon_kinds
from eks_facts.versions import KUBELET_SKEW
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Addon, Cluster, NodeGroup
from responsibility.reading.resource import UnknownValue

_REPLACED_BY = {
    "vpc-cni": ("aws-vpc-cni", "aws-node", "cilium", "calico", "tigera-operator", "antrea", "kube-ovn", "weave"),
    "kube-proxy": ("kube-proxy", "cilium"),
    "coredns": ("coredns",),
}
"""The networking add-ons, and names of charts or workloads that do the same. The three are what EKS installs by itself
where BootstrapSelfManagedAddons is not false."""

_VERSION = re.compile(r"v\d+\.(\d+)\.\d+")


def _needed(cluster: Cluster) -> list[str]:
    """The networking add-ons that its compute needs; nodes that joined by themselves need what managed ones do."""
    kinds = {"managed_nodes" if kind == "self_managed_nodes" else kind for kind in cluster.kinds}
    kinds |= {"managed_nodes"} if cluster.has_karpenter else set()
    return [name for name in _REPLACED_BY if kinds & set(addon_kinds()[name])]


def _absent(cluster: Cluster) -> list[str]:
    """Those of them that nothing in the templates installs. Raises UnknownValue."""
    there = {str(addon.get("AddonName")) for addon in cluster.addons.values()}
    return [name for name in _needed(cluster) if name not in there and not software.runs(cluster, *_REPLACED_BY[name])]


@check("EKR060", Cluster)
def networking_is_there(cluster: Cluster) -> Answer | None:
    """Unknown where other tools made the nodes: then they may have made the add-ons (eksctl does, by the API)."""
    needed = _needed(cluster)
    if not needed:
        return None
    where = cluster.at("BootstrapSelfManagedAddons")
    absent = _absent(cluster)
    if not absent:
        return met(f"has {', '.join(needed)} or a replacement", where)
    if cluster.bootstrap_addons:
        return met("has what EKS installs", where)
    compute = [*cluster.node_groups, *cluster.self_managed, *cluster.fargate_profiles]
    if cluster.auto_mode and cluster.get("BootstrapSelfManagedAddons") is None:
        raise UnknownValue(where, "is not stated: what EKS installs beside Auto Mode is not known to this review")
    if not cluster.addons and all(item.resource.stack != cluster.resource.stack for item in compute):
        raise UnknownValue(where, "is false, and no add-on is in what was read: another tool may have installed them")
    return open_(f"starts without {', '.join(absent)}", where)


@check("EKR061", Cluster)
def networking_is_managed(cluster: Cluster) -> Answer | None:
    """A Helm chart in its place is managed, too: by you."""
    if not _needed(cluster):
        return None
    where = cluster.at("BootstrapSelfManagedAddons")
    left = _absent(cluster)
    if left and not cluster.bootstrap_addons:
        return not_applicable(f"EKS installs none by itself; {', '.join(left)}: EKR060")
    if left:
        return open_(f"leaves {', '.join(left)} as EKS installs them, self-managed", where)
    return met(f"has {', '.join(_needed(cluster))} as EKS add-ons or charts", where)


@check("EKR062", NodeGroup)
def cni_is_first(group: NodeGroup) -> Answer:
    """Applies where EKS does not install a CNI together with the cluster."""
    if group.resource.template is None:
        return not_applicable("order is a matter of templates")
    cluster = group.cluster
    if not cluster:
        raise UnknownValue(group.at("ClusterName"), "its cluster was not read")
    if cluster.bootstrap_addons:
        return not_applicable("EKS installs a CNI together with the cluster")
    cni = next((addon for addon in cluster.addons.values() if addon.get("AddonName") == "vpc-cni"), None)
    if not cni:
        return not_applicable("the vpc-cni add-on was not read")
    before = group.facts.waits_for(group.resource)
    stack = cni.resource.stack
    if cni.resource.key in before or (
        stack != group.resource.stack and any(key.startswith(f"{stack}/") for key in before)
    ):
        return met("waits for the vpc-cni add-on", group.at("DependsOn"))
    if group.resource.key in group.facts.waits_for(cni.resource):
        return open_("cannot become ready: the vpc-cni add-on waits for it", cni.at("DependsOn"))
    return open_("does not wait for the vpc-cni add-on", group.at("DependsOn"))


def _addons(cluster: Cluster) -> list[Addon]:
    return sorted(cluster.addons.values(), key=lambda addon: addon.name)


@check("EKR063", Cluster)
def addon_versions_are_stated(cluster: Cluster) -> Answer:
    """One answer for all add-ons of a cluster."""
    addons = _addons(cluster)
    if not addons:
        return not_applicable("no add-on of it is in what was read")
    unstated = [addon for addon in addons if not addon.version]
    if unstated:
        names = ", ".join(addon.name for addon in unstated)
        return open_(f"leaves the version to EKS for {names}", *(addon.at("AddonVersion") for addon in unstated))
    return met(f"states the version of {len(addons)} add-ons", *(addon.at("AddonVersion") for addon in addons))


@check("EKR424", Addon)
def version_fits_the_cluster(addon: Addon) -> Answer:
    """Of kube-proxy, the number is that of Kubernetes, and it may be as far behind as a kubelet (version-skew-policy)."""
    version, where = addon.version, addon.at("AddonVersion")
    if not version:
        return not_applicable("leaves the version to EKS")
    if not (match := _VERSION.match(version)):
        return open_(f"has the version {version}, which is no version of an add-on", where)
    if addon.name != "kube-proxy":
        return met(f"has the version {version}", where)
    cluster = addon.cluster
    if cluster is None:
        raise UnknownValue(addon.at("ClusterName"), "its cluster was not read")
    minor = cluster.version.partition(".")[2]
    if not minor.isdecimal():
        raise UnknownValue(cluster.at("Version"), "the Kubernetes version is not known")
    behind = int(minor) - int(match[1])
    if not 0 <= behind <= KUBELET_SKEW:
        return open_(f"has the version {version} on Kubernetes {cluster.version}", where)
    return met(f"has the version {version} on Kubernetes {cluster.version}", where)


@check("EKR064", Cluster)
def conflicts_are_decided(cluster: Cluster) -> Answer:
    """One answer for all add-ons of a cluster. A running one does not tell: it is part of the request."""
    addons = [addon for addon in _addons(cluster) if addon.resource.template]
    if not addons:
        return not_applicable("no template of its add-ons was read")
    undecided = [addon for addon in addons if not addon.conflicts]
    if undecided:
        names = ", ".join(addon.name for addon in undecided)
        return open_(f"does not say for {names}", *(addon.at("ResolveConflicts") for addon in undecided))
    return met(f"says for {len(addons)} add-ons", *(addon.at("ResolveConflicts") for addon in addons))
