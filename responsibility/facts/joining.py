"""Which cluster the instances of an Auto Scaling group join: by the tags that they get, or by their user data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from responsibility.facts.resource import Resource
from responsibility.facts.values import Reference

_OWNED = "kubernetes.io/cluster/"
_GROWN = "k8s.io/cluster-autoscaler/"
_TEMPLATE_PATHS = (
    "LaunchTemplate.LaunchTemplateId",
    "LaunchTemplate.LaunchTemplateName",
    "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId",
    "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName",
    "LaunchConfigurationName",
)
_NAME = r"[\"']?((?:\$\{[^}]*\}|[^\s\"'$-])(?:\$\{[^}]*\}|[^\s\"'$])*)"
"""A cluster's name as a word of a script: plain text, a reference, or both."""
_LONGEST = 20_000
"""EC2 takes 16 KB of user data."""
_BOOTSTRAP = "/etc/eks/bootstrap.sh"
_USER_DATA = (
    re.compile(re.escape(_BOOTSTRAP) + r"[ \t]+" + _NAME),  # Amazon Linux 2
    re.compile(
        r"^kind:[ \t]*[\"']?NodeConfig\b.*?^[ \t]+cluster:.*?^[ \t]+name:[ \t]*" + _NAME, re.DOTALL | re.MULTILINE
    ),
    re.compile(r"settings\.kubernetes\b.*?cluster-name[\"']?[ \t]*=[ \t]*" + _NAME, re.DOTALL),  # Bottlerocket
    re.compile(r"-EKSClusterName[ \t]+" + _NAME),  # Windows
)
"""How the images that AWS makes for EKS are told their cluster."""


def cluster_joined(group: Resource, others: Mapping[str, Resource]) -> str:
    """Returns the name of the cluster, or a reference to it, that a group's instances join; empty = none that is known.

    ``others`` are all resources, by key: the group's launch template is one of them.
    """
    made_from = [found for path in _TEMPLATE_PATHS if (found := _named(group.maybe(path), others))]
    tags = [group.maybe("Tags")]
    for source in made_from:
        specifications = source.maybe("LaunchTemplateData.TagSpecifications")
        tags += [item.get("Tags") for item in _mappings(specifications) if item.get("ResourceType") == "instance"]
    keys = [str(tag.get("Key", "")) for items in tags for tag in _mappings(items)]
    if owned := next((key.removeprefix(_OWNED) for key in keys if key.startswith(_OWNED)), ""):
        return owned
    for source in made_from:
        script = source.maybe("LaunchTemplateData.UserData") or source.maybe("UserData")
        script = script[:_LONGEST] if isinstance(script, str) else ""
        if match := next(_told(script), None):
            return match[1]
        if _BOOTSTRAP in script:
            return "a cluster that its script works out"
    grown = (key.removeprefix(_GROWN) for key in keys if key.startswith(_GROWN))
    return next((name for name in grown if name != "enabled" and "/" not in name), "")


def _told(script: str) -> Iterator[re.Match[str]]:
    return (match for pattern in _USER_DATA if (match := pattern.search(script)))


def _named(value: Any, others: Mapping[str, Resource]) -> Resource | None:
    return others.get(f"{value.stack}/{value.resource}") if isinstance(value, Reference) else None


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
