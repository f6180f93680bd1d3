"""Checks of nodes that you start yourself, and of Windows nodes: what EKS does by itself for managed groups of Linux."""

import re

from eks_facts.files import load
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.model import KIND_NAMES
from responsibility.reading.eks import Cluster, NodeGroup, PodIdentity, SelfManagedNodes
from responsibility.reading.iam import Role
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.partly_known import joined, searched
from responsibility.reading.resource import UnknownValue

_OWNED = "kubernetes.io/cluster/"
_HANDLER, _CONTROLLER = "node-termination-handler", "AmazonEKSVPCResourceController"
_TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
_TOLD: dict[str, tuple[str, ...]] = {
    "al2023": ("apiServerEndpoint", "certificateAuthority", "cidr"),
    "bottlerocket": ("api-server", "cluster-certificate", "cluster-name"),
}
"""What user data must say of the cluster, by the family of the image: these images look nothing up."""
_OLD_SCRIPT = "/etc/eks/bootstrap.sh"
"""What Amazon Linux 2 starts with; Amazon Linux 2023 has nodeadm in its place (al2023.html)."""
_WINDOWS_VERSION = re.compile(r"(?:Windows_Server-|WINDOWS_(?:CORE|FULL)_)(\w+?)[-_]")
_IPAM = re.compile(r"enable-?windows-?ipam[\"']?\s*[:=]\s*[\"']?true", re.IGNORECASE)


@check("EKR345", SelfManagedNodes)
def user_data_says_how_to_join(nodes: SelfManagedNodes) -> Answer:
    """Amazon Linux 2023 and Bottlerocket; the scripts in other images look the cluster up."""
    family, instance = nodes.family, nodes.instance
    if family not in _TOLD or instance is None:
        return not_applicable("its image looks the cluster up, or is one that is not known here")
    where, text = instance.at("UserData"), instance.user_data
    if family == "al2023" and _OLD_SCRIPT in text:
        return open_(
            f"its user data runs {_OLD_SCRIPT}, which Amazon Linux 2023 does not have: its nodes do not join", where
        )
    instance.get("UserData")  # a part that is not known may say it
    if missing := [word for word in _TOLD[family] if word not in text]:
        return open_(f"its user data does not say {' and '.join(missing)}: its nodes do not join", where)
    return met(f"its user data says {', '.join(_TOLD[family])}", where)


@check("EKR346", SelfManagedNodes)
def instances_have_the_tag_of_the_cluster(nodes: SelfManagedNodes) -> Answer:
    """On the instances: by the group, which passes it on, or by the launch template."""
    found = ""
    for path, _ in nodes.resource.items("Tags"):
        if str(nodes.resource.partly(f"{path}.Key", "")).startswith(_OWNED):
            found = path
            if str(nodes.get(f"{path}.PropagateAtLaunch", "")).lower() == "true":
                return met("passes the cluster's tag on to its instances", nodes.at(path))
    instance = nodes.instance
    for path, _ in instance.items("TagSpecifications") if instance else []:
        if instance and instance.get(f"{path}.ResourceType") == "instance":
            keys = [
                str(instance.source.resource.partly(f"{instance.prefix}{at}.Key", ""))
                for at, _ in instance.items(f"{path}.Tags")
            ]
            if any(key.startswith(_OWNED) for key in keys):
                return met("its launch template gives instances the cluster's tag", instance.at(path))
    words = "has the cluster's tag and does not pass it on" if found else "gives its instances no tag of the cluster"
    return open_(words, nodes.at(found or "Tags"))


@check("EKR347", SelfManagedNodes)
def nodes_are_drained(nodes: SelfManagedNodes) -> Answer:
    """EC2 waits by a lifecycle hook, and something in the cluster drains meanwhile. Unknown where no software of it was read."""
    listed = nodes.resource.items("LifecycleHookSpecificationList")
    hooks = [nodes.get(f"{path}.LifecycleTransition") for path, _ in listed]
    beside = nodes.facts.pointing("AWS::AutoScaling::LifecycleHook", "AutoScalingGroupName", nodes)
    hooks += [one.get("LifecycleTransition") for one in beside]
    if _TERMINATING not in hooks:
        return open_(
            "its nodes end without a wait: it has no lifecycle hook for it", nodes.at("LifecycleHookSpecificationList")
        )
    cluster = _cluster_of(nodes)
    accounts = [
        str(one.resource.maybe("ServiceAccount", ""))
        for one in nodes.facts.belonging(PodIdentity, cluster.resource.key)
    ]
    if name := software.runs(cluster, _HANDLER) or next((one for one in accounts if _HANDLER in one), ""):
        return met(f"is drained by {name} before its nodes end", nodes.at())
    if not software.shows_software(cluster):
        raise UnknownValue(
            nodes.at(), "no chart or manifest of the cluster was read: it may have a termination handler"
        )
    return open_("waits before its nodes end, and nothing drains them meanwhile", nodes.at())


@check("EKR348", SelfManagedNodes)
def spot_is_rebalanced(nodes: SelfManagedNodes) -> Answer:
    """Applies to groups whose mixed instances policy or launch template asks for Spot."""
    at = "MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity"
    mixed = bool(nodes.get("MixedInstancesPolicy")) and int(nodes.get(at, 100)) < 100
    instance = nodes.instance
    if not mixed and (instance is None or instance.get("InstanceMarketOptions.MarketType", "") != "spot"):
        return not_applicable("asks for no Spot instances")
    where = nodes.at("CapacityRebalance")
    if str(nodes.get("CapacityRebalance", False)).lower() == "true":
        return met("starts a new node as soon as a Spot instance is at risk", where)
    return open_("replaces a Spot instance only when EC2 has taken it", where)


@check("EKR349", Ec2Nodes)
def linux_pods_stay_away(nodes: Ec2Nodes) -> Answer:
    """Applies to Windows nodes. Any taint that keeps pods off will do."""
    if nodes.family != "windows":
        return not_applicable("has no Windows nodes")
    if isinstance(nodes, NodeGroup):
        where = nodes.at("Taints")
        taints = nodes.resource.items("Taints")
        kept = any(nodes.get(f"{path}.Effect") in ("NO_SCHEDULE", "NO_EXECUTE") for path, _ in taints)
    else:
        instance = nodes.instance
        if instance is None:
            raise UnknownValue(nodes.at(), "its user data was not read")
        where, kept = instance.at("UserData"), "--register-with-taints" in str(instance.get("UserData", ""))
    if kept:
        return met("its taint keeps pods off that do not tolerate it", where)
    return open_("Linux pods that say nothing of the system land on its Windows nodes, and cannot start", where)


@check("EKR350", Cluster)
def windows_pods_get_addresses(cluster: Cluster) -> Answer:
    """Applies to clusters with Windows nodes. By the vpc-cni add-on's configuration, or the ConfigMap amazon-vpc-cni."""
    if not _has_windows(cluster):
        return not_applicable("has no Windows nodes")
    plugin = cluster.addons.get("vpc-cni")
    if plugin and searched(_IPAM, str(plugin.get("ConfigurationValues", "")).replace("\\", "")):
        return met("hands addresses to Windows pods", plugin.at("ConfigurationValues"))
    for item in software.objects(cluster, "ConfigMap"):
        if item.get("metadata.name", "") == "amazon-vpc-cni":
            data = item.get("data", {})
            if searched(
                _IPAM, joined(*(joined(str(key), ": ", str(value)) for key, value in dict(data).items()), between=" ")
            ):
                return met("hands addresses to Windows pods", item.at("data"))
    if plugin is None and not software.shows_software(cluster):
        raise UnknownValue(cluster.at(), "neither the vpc-cni add-on nor a ConfigMap of it was read")
    return open_("its Windows pods get no addresses", plugin.at("ConfigurationValues") if plugin else cluster.at())


@check("EKR421", Cluster)
def something_runs_linux(cluster: Cluster) -> Answer:
    """Applies to clusters with Windows nodes. What Karpenter starts counts as Linux: its pools say which."""
    if not _has_windows(cluster):
        return not_applicable("has no Windows nodes")
    groups: list[Ec2Nodes] = [*cluster.node_groups, *cluster.self_managed]
    if linux := next((nodes for nodes in groups if nodes.family != "windows"), None):
        return met(f"has Linux nodes too: {linux.words}", linux.at())
    for kind in ("auto_mode", "fargate", "hybrid_nodes"):
        if kind in cluster.kinds:
            return met(f"runs Linux pods on {KIND_NAMES[kind]}")
    if software.runs(cluster, "karpenter") or not software.shows_software(cluster):
        raise UnknownValue(cluster.at(), "Karpenter or another tool may start Linux nodes")
    return open_("has Windows nodes alone: CoreDNS cannot start", *(nodes.at() for nodes in groups))


@check("EKR351", Role)
def cluster_role_serves_windows(role: Role) -> Answer | None:
    """Applies to the roles of clusters with Windows nodes."""
    clusters = [use.by for use in role.uses if use.purpose == "cluster" and isinstance(use.by, Cluster)]
    if not clusters:
        return None
    if not any(_has_windows(cluster) for cluster in clusters):
        return not_applicable("its cluster has no Windows nodes")
    named, unsaid = role.attached
    for name, evidence in named:
        if name == _CONTROLLER:
            return met(f"has {name}", evidence)
    if unsaid:
        raise unsaid[0]
    return open_(f"lacks {_CONTROLLER}: Windows pods get no addresses", role.at("ManagedPolicyArns"))


@check("EKR352", Ec2Nodes)
def windows_version_is_supported(nodes: Ec2Nodes) -> Answer:
    """As of the day of the review, by the AMI type or the public parameter of the image."""
    if nodes.family != "windows":
        return not_applicable("has no Windows nodes")
    name = nodes.image or nodes.ami_type_or_default
    match = _WINDOWS_VERSION.search(name)
    release = load("instance_families")["windows_releases"].get(match[1] if match else "")
    if not match or release is None:
        raise UnknownValue(nodes.at(), f"which version of Windows is in {name} is not known here")
    ends = release.get("ends")
    if ends and nodes.facts.as_of > ends:
        return open_(f"runs Windows Server {match[1]}, of which EKS has built no image since {ends}", nodes.at())
    return met(f"runs Windows Server {match[1]}, of which EKS builds images", nodes.at())


def _has_windows(cluster: Cluster) -> bool:
    """Returns whether some nodes have Windows. Raises UnknownValue."""
    unknown: UnknownValue | None = None
    groups: list[Ec2Nodes] = [*cluster.node_groups, *cluster.self_managed]
    for nodes in groups:
        try:
            if nodes.family == "windows":
                return True
        except UnknownValue as problem:
            unknown = problem
    if unknown:
        raise unknown
    return False


def _cluster_of(nodes: Ec2Nodes) -> Cluster:
    cluster = nodes.facts.get(Cluster, nodes.cluster_key)
    if not cluster:
        raise UnknownValue(nodes.at(), "its cluster was not read")
    return cluster
