"""Applies to an account: what is overdue, or will be: versions of Kubernetes, images, add-ons, launch templates, nodes."""

import re
from datetime import date

from eks_facts.versions import KUBELET_SKEW
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Addon, Cluster, NodeGroup
from responsibility.reading.resource import UnknownValue
from responsibility.reading.running import Node, day
from responsibility.reading.versions import order

_SOON = 90
"""Days: what an upgrade with its tests takes, and a quarter's plan."""
_OLD_RELEASE = 45
"""Days: AWS releases images every week or two, so at least three releases were missed."""
_OLD_NODE = 90
_LIFE, _NEAR = 21, 18
"""Days that an Auto Mode node lives at most (automode-learn-instances.html), and from which on it counts as late: the built-in
pools replace nodes after 14."""


@check("EKR132", Cluster)
def no_upgrade_by_itself(cluster: Cluster) -> Answer:
    """With the policy STANDARD at the end of standard support, else at the end of extended support."""
    standard = cluster.get("UpgradePolicy.SupportType") == "STANDARD"
    path = f"VersionSupport.EndOf{'Standard' if standard else 'Extended'}SupportDate"
    told = cluster.get(path)
    if not told:
        raise UnknownValue(cluster.at(path), f"EKS names no date for {cluster.version}")
    end = day(told)
    left = (end - cluster.facts.as_of).days
    words = f"is upgraded from {cluster.version} by EKS after {end}, {f'in {left} days' if left >= 0 else 'which has passed'}"
    return open_(words, cluster.at(path)) if left <= _SOON else met(words, cluster.at(path))


@check("EKR133", NodeGroup)
def nodes_are_within_the_skew(group: NodeGroup) -> Answer:
    """EKR019 asks whether they are behind at all."""
    nodes, cluster = group.get("Version"), group.cluster
    plane = cluster.get("Version") if cluster else None
    if len(order(nodes)) < 2 or len(order(plane)) < 2:
        raise UnknownValue(group.at("Version"), "its version, or that of its cluster, is not known")
    behind = order(plane)[1] - order(nodes)[1]
    words = f"runs {nodes}, {behind} behind {plane}" if behind else f"runs {nodes}, as its control plane"
    return (
        open_(f"{words}: too old for it", group.at("Version"))
        if behind > KUBELET_SKEW
        else met(words, group.at("Version"))
    )


@check("EKR134", NodeGroup)
def release_is_the_latest(group: NodeGroup) -> Answer:
    """Compared with AWS's public parameter for its type of image."""
    runs, latest = group.get("ReleaseVersion"), group.get("LatestReleaseVersion")
    if not latest:
        return not_applicable(f"runs {group.get('AmiType', 'a custom image')}: there is no release to compare it with")
    where = (group.at("ReleaseVersion"), group.at("LatestReleaseVersion"))
    if runs == latest:
        return met(f"runs {runs}, the latest", *where)
    return open_(f"runs {runs}; the latest is {latest}", *where)


@check("EKR135", NodeGroup)
def release_is_young(group: NodeGroup) -> Answer:
    """Amazon Linux and Windows end a release with its day; Bottlerocket does not: EKR134 asks about it."""
    runs = str(group.get("ReleaseVersion", ""))
    found = re.search(r"(20\d\d)(?:\.(\d\d)\.|(\d\d))(\d\d)$", runs)
    if not found:
        return not_applicable(f"its release, {runs or 'none'}, contains no date")
    released = date(int(found[1]), int(found[2] or found[3]), int(found[4]))
    age = (group.facts.as_of - released).days
    words = f"runs {runs}, {age} days old"
    return open_(words, group.at("ReleaseVersion")) if age > _OLD_RELEASE else met(words, group.at("ReleaseVersion"))


@check("EKR136", NodeGroup)
def launch_template_is_current(group: NodeGroup) -> Answer | None:
    """Applies to groups with a launch template of yours."""
    if not group.get("LaunchTemplate"):
        return None
    template = group.launch_template
    if not template:
        raise UnknownValue(group.at("LaunchTemplate"), "the launch template was not read")
    uses, default = template.whole("VersionNumber", 0), template.whole("DefaultVersionNumber", 0)
    newest = template.whole("LatestVersionNumber", 0)
    where = (group.at("LaunchTemplate.Version"), template.at("DefaultVersionNumber"))
    words = (
        f"uses version {uses} of {template.get('LaunchTemplateName')}; the default is {default}, the latest {newest}"
    )
    return open_(words, *where) if uses < default else met(words, *where)


@check("EKR137", Addon)
def addon_is_newest(addon: Addon) -> Answer:
    """Among the versions that EKS offers for the cluster's Kubernetes."""
    versions = _offered(addon, "Now")
    if not versions:
        return not_applicable("EKS offers no version of it: EKR138")
    where = (addon.at("AddonVersion"), addon.at("Offered.Now"))
    if order(addon.version) >= order(versions[0]):
        return met(f"is {addon.version}, the newest", *where)
    return open_(
        f"is {addon.version}; there is {versions[0]}, and the default is {addon.get('Offered.Now.Default')}", *where
    )


@check("EKR138", Addon)
def addon_fits(addon: Addon) -> Answer:
    """By eks:DescribeAddonVersions for the cluster's version."""
    return _fits(addon, "Now")


@check("EKR139", Addon)
def addon_fits_the_next(addon: Addon) -> Answer:
    """Not applicable while EKS offers nothing for the next version."""
    if not _offered(addon, "Next"):
        return not_applicable(f"EKS offers no version of it for Kubernetes {addon.get('Offered.Next.Kubernetes')} yet")
    return _fits(addon, "Next")


def _fits(addon: Addon, when: str) -> Answer:
    versions, kubernetes = _offered(addon, when), addon.get(f"Offered.{when}.Kubernetes")
    where = (addon.at("AddonVersion"), addon.at(f"Offered.{when}"))
    if addon.version in versions:
        return met(f"is {addon.version}, which fits Kubernetes {kubernetes}", *where)
    fitting = f"; {versions[-1]} to {versions[0]} do" if versions else ""
    return open_(f"is {addon.version}, which does not fit Kubernetes {kubernetes}{fitting}", *where)


def _offered(addon: Addon, when: str) -> list[str]:
    """Returns the versions that fit, newest first. Raises UnknownValue."""
    if addon.get("Offered") is None:
        raise UnknownValue(addon.at("AddonVersion"), "the version of its cluster is not known")
    return [str(version) for version in addon.get(f"Offered.{when}.Versions", [])]


@check("EKR140", Node)
def auto_mode_nodes_are_young(node: Node) -> Answer | None:
    """Applies to nodes with Auto Mode's tag."""
    if not node.pool:
        return None
    words = f"of pool {node.pool} runs for {node.age} of at most {_LIFE} days"
    return open_(words, node.at("LaunchTime")) if node.age >= _NEAR else met(words, node.at("LaunchTime"))


@check("EKR141", Node)
def nodes_are_young(node: Node) -> Answer | None:
    """Applies to nodes with a managed node group's tag."""
    if not node.group:
        return None
    words = f"of node group {node.group} runs for {node.age} days"
    return open_(words, node.at("LaunchTime")) if node.age > _OLD_NODE else met(words, node.at("LaunchTime"))
