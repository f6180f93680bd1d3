"""Checks of the Kubernetes version: whether it is supported on the day of the review, and whether nodes follow it."""

import re
from datetime import date, timedelta

from eks_facts.versions import KUBELET_SKEW, KubernetesVersion, kubernetes_versions, version_in
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.facts import Fact
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.resource import UnknownValue
from responsibility.reading.running import day

_NOTICE = 60
"""Days: EKS announces an end of standard support at least as long before."""
_APART = timedelta(days=130)
"""A version's support ends about four months after that of the one before it."""

Minor = tuple[int, int]


def _minor(fact: Fact) -> Minor | None:
    """Returns the version that a cluster or node group states; None: it states none. Raises UnknownValue."""
    value = fact.get("Version")
    if value in (None, ""):
        return None
    match = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", str(value))
    if not match:
        raise UnknownValue(fact.at("Version"), f"{value} is not a Kubernetes version")
    if isinstance(value, float) and len(match[2]) == 1:
        raise UnknownValue(fact.at("Version"), f"is the number {value}, which may mean {value}0: write it in quotes")
    return int(match[1]), int(match[2])


def _name(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"


def _support(cluster: Cluster, minor: Minor) -> tuple[date, date] | None:
    """Returns the ends of standard and extended support; None: EKS does not offer the version any more.

    Raises UnknownValue for a version whose dates are not known.
    """
    told = cluster.resource.maybe("VersionSupport") or {}  # by a running cluster's EKS
    ends = [told.get(f"EndOf{kind}SupportDate") for kind in ("Standard", "Extended")]
    if all(ends):
        return day(ends[0]), day(ends[1])
    known = kubernetes_versions().get(_name(minor), KubernetesVersion())
    if known.standard_until and known.extended_until:
        return known.standard_until, known.extended_until
    oldest = next(iter(kubernetes_versions()))
    end = kubernetes_versions()[oldest].extended_until
    if minor < tuple(map(int, oldest.split("."))) and end and cluster.facts.as_of > end - _APART:
        return None
    raise UnknownValue(cluster.at("Version"), f"the support dates of {_name(minor)} are not known to this review")


@check("EKR010", Cluster)
def version_is_supported(cluster: Cluster) -> Answer:
    """Standard or extended support; as of the day of the review."""
    minor = _minor(cluster)
    if not minor:
        return not_applicable("states no version: EKR013")
    ends = _support(cluster, minor)
    if not ends:
        return open_(f"asks for {_name(minor)}, which EKS does not offer any more", cluster.at("Version"))
    if cluster.facts.as_of > ends[1]:
        return open_(f"asks for {_name(minor)}, whose support ended on {ends[1]}", cluster.at("Version"))
    return met(f"runs {_name(minor)}, supported until {ends[1]}", cluster.at("Version"))


@check("EKR011", Cluster)
def version_is_in_standard_support(cluster: Cluster) -> Answer:
    """As of the day of the review."""
    minor = _minor(cluster)
    if not minor:
        return not_applicable("states no version: EKR013")
    ends = _support(cluster, minor)
    if not ends or cluster.facts.as_of > ends[1]:
        return not_applicable("is not supported at all: EKR010")
    if cluster.facts.as_of > ends[0]:
        words = f"runs {_name(minor)}, whose standard support ended on {ends[0]}; extended support ends on {ends[1]}"
        if cluster.resource.maybe("UpgradePolicy.SupportType") == "STANDARD":
            words += ", but by its upgrade policy EKS upgrades it before"
        return open_(words, cluster.at("Version"))
    return met(f"runs {_name(minor)}, in standard support until {ends[0]}", cluster.at("Version"))


@check("EKR012", Cluster)
def upgrade_is_not_urgent(cluster: Cluster) -> Answer:
    """As of the day of the review."""
    minor = _minor(cluster)
    if not minor:
        return not_applicable("states no version: EKR013")
    ends = _support(cluster, minor)
    if not ends or cluster.facts.as_of > ends[0]:
        return not_applicable("is past standard support: EKR010, EKR011")
    left = (ends[0] - cluster.facts.as_of).days
    words = f"runs {_name(minor)}, with {left} days of standard support left"
    return met(words, cluster.at("Version")) if left > _NOTICE else open_(words, cluster.at("Version"))


@check("EKR013", Cluster)
def version_is_stated(cluster: Cluster) -> Answer:
    """CloudFormation passes no version on where the template has none."""
    try:
        if cluster.get("Version") in (None, ""):
            return open_("states no version", cluster.at("Version"))
    except UnknownValue as unknown:
        if unknown.given:
            return met("states a version, which is known at the deploy", cluster.at("Version"))
        raise
    return met(f"states version {cluster.version}", cluster.at("Version"))


@check("EKR017", Cluster)
def upgrade_policy_is_chosen(cluster: Cluster) -> Answer:
    """EXTENDED is the service's default; either answer is one."""
    chosen = cluster.get("UpgradePolicy.SupportType")
    if not chosen:
        return open_("leaves it at the default, EXTENDED", cluster.at("UpgradePolicy.SupportType"))
    return met(f"chose {chosen}", cluster.at("UpgradePolicy.SupportType"))


@check("EKR019", Ec2Nodes)
def nodes_follow(group: Ec2Nodes) -> Answer:
    """A managed group without version and image takes the cluster's version; else the version of its image counts."""
    nodes, at = _minor(group), group.at("Version")
    if not nodes:
        image = group.image
        if not image and isinstance(group, NodeGroup):
            return not_applicable("states no version: it takes the cluster's when it is created")
        at = group.instance.at("ImageId") if group.instance else at
        stated = version_in(image) if image.startswith("ssm:/aws/service/") else ""
        if not stated:
            raise UnknownValue(at, f"which version is in {image or 'its image'} is not known here")
        first, _, second = stated.partition(".")
        nodes = int(first), int(second)
    cluster = group.facts.get(Cluster, group.cluster_key)
    minor = _minor(cluster) if cluster else None
    if not minor:
        raise UnknownValue(at, "the cluster's version was not read")
    if nodes == minor:
        return met(f"runs {_name(nodes)} as its cluster", at)
    if nodes > minor:
        return open_(f"asks for {_name(nodes)}, newer than its cluster's {_name(minor)}", at)
    behind = minor[1] - nodes[1]
    words = f"runs {_name(nodes)}, {behind} behind its cluster's {_name(minor)}"
    return open_(words + (": too old for it" if behind > KUBELET_SKEW else ""), at)


@check("EKR151", Cluster)
def policy_fits_the_version(cluster: Cluster) -> Answer:
    """As of the day of the review."""
    chosen = cluster.get("UpgradePolicy.SupportType")
    if chosen != "STANDARD":
        return not_applicable("does not ask for STANDARD")
    minor = _minor(cluster)
    if not minor:
        return not_applicable("states no version: EKR013")
    ends = _support(cluster, minor)
    if not ends or cluster.facts.as_of > ends[1]:
        return not_applicable("is not supported at all: EKR010")
    at = (cluster.at("UpgradePolicy.SupportType"), cluster.at("Version"))
    if cluster.facts.as_of > ends[0]:
        return open_(f"asks for STANDARD with {_name(minor)}, in extended support since {ends[0]}", *at)
    return met(f"asks for STANDARD with {_name(minor)}, in standard support until {ends[0]}", *at)
