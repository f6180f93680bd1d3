"""Checks of the EBS CSI driver: what its cluster-scoped policy requires of its version, its identity and the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from responsibility.checks.check import Answer, check, met, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster, PodIdentity, SelfManagedNodes
from responsibility.reading.facts import key_of
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.partly_known import begins_open
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, has_gap

_POLICY = "AmazonEBSCSIDriverEKSClusterScopedPolicy"
_OLDEST = (1, 58, 0)
"""The first driver that tags what it makes with the cluster's name (aws-ebs-csi-driver pull 2899, issue 2918)."""
_TAGS = ("ebs.csi.aws.com/cluster-name", "eks:cluster-name")
"""Of instances; EKS sets the second one on those of managed node groups."""
_PRINCIPAL_TAG = "eks-cluster-name"

Problem = tuple[str, Evidence]


@check("EKR171", Role)
def policy_fits(role: Role) -> Answer | None:
    """Applies to roles with that policy. Instances of managed node groups get the tag from EKS."""
    if not any(name == _POLICY for name, _ in role.attached[0]):
        return None
    cluster = role.facts.get(Cluster, role.cluster_key)
    found: list[Problem] = []
    unknown: UnknownValue | None = None
    for question in (_identity, _version, _groups, _node_classes):
        try:
            found += question(role, cluster) if cluster else ()
        except UnknownValue as error:
            unknown = unknown or error
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *dict.fromkeys(at for _, at in found))
    if unknown:
        raise unknown
    if cluster is None:
        raise UnknownValue(role.at("ManagedPolicyArns"), "which cluster's driver has it was not read")
    return met("matches the driver, its identity and the nodes, as far as they were read")


def _identity(role: Role, cluster: Cluster) -> Iterator[Problem]:
    for use in role.uses:
        if use.purpose == "irsa":
            tags = {str(item.get("Key")): item.get("Value") for item in role.get("Tags", []) if isinstance(item, dict)}
            if not _names(tags.get(_PRINCIPAL_TAG), cluster, role.at("Tags")):
                yield (
                    f"is assumed through IRSA, whose sessions have no tags, and has no tag {_PRINCIPAL_TAG} itself",
                    role.at("Tags"),
                )
        elif isinstance(use.by, PodIdentity) and use.by.get("DisableSessionTags", False) in (True, "true"):
            yield "is assumed without session tags", use.by.at("DisableSessionTags")


def _version(_: Role, cluster: Cluster) -> Iterator[Problem]:
    addon = cluster.addons.get("aws-ebs-csi-driver")
    if addon is None or not addon.version:
        return  # EKS takes its default, which is newer
    match = re.match(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})", str(addon.version))
    if match and tuple(int(part) for part in match.groups()) < _OLDEST:
        needed = "v" + ".".join(map(str, _OLDEST))
        yield f"needs driver {needed} or later, but {addon.version} is installed", addon.at("AddonVersion")


def _groups(_: Role, cluster: Cluster) -> Iterator[Problem]:
    for group in cluster.self_managed:
        if not any(_names(value, cluster, at) for value, at in _tags_of(group)):
            yield f"{group.words} has no tag {_TAGS[0]}", group.at("Tags")


def _tags_of(group: SelfManagedNodes) -> Iterator[tuple[Any, Evidence]]:
    """Yields value and place of each tag of a group's instances that may name the cluster. Raises UnknownValue."""
    for path, item in group.resource.items("Tags"):
        if isinstance(item, dict) and item.get("Key") in _TAGS and item.get("PropagateAtLaunch") in (True, "true"):
            yield item.get("Value"), group.at(f"{path}.Value")
    instance = group.instance
    if instance is None:
        return
    for path, item in instance.items("TagSpecifications"):
        if isinstance(item, dict) and item.get("ResourceType") == "instance":
            for tag in item.get("Tags") or []:
                if isinstance(tag, dict) and tag.get("Key") in _TAGS:
                    yield tag.get("Value"), instance.at(f"{path}.Tags")


def _node_classes(_: Role, cluster: Cluster) -> Iterator[Problem]:
    for item in cluster.facts.belonging(KubernetesObject, cluster.resource.key):
        if item.what != "EC2NodeClass":
            continue
        tags, here = item.mapping("spec.tags"), item.at("spec.tags")
        if not any(_names(tags.get(key), cluster, here) for key in _TAGS):
            yield f"{item.words} has no tag {_TAGS[0]}: {cluster.name}", here


def _names(value: Any, cluster: Cluster, where: Evidence) -> bool:
    """Returns whether a tag's value is the cluster's name. Raises UnknownValue."""
    if value is None:
        return False
    if key := key_of(value):
        return key == cluster.resource.key
    if isinstance(value, Reference) or has_gap(str(value)) or begins_open(str(value)):
        raise UnknownValue(where, "a tag's value is not in the template")
    return str(value) == cluster.name
