"""Which cluster the instances of an Auto Scaling group join: by the tags that they get, or by their user data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from responsibility.reading.partly_known import Part, PartlyKnown, joined, known_to_start, read, says
from responsibility.reading.resource import Resource
from responsibility.reading.values import Reference

_OWNED = "kubernetes.io/cluster/"
_GROWN = "k8s.io/cluster-autoscaler/"
_TEMPLATE_PATHS = (
    "LaunchTemplate.LaunchTemplateId",
    "LaunchTemplate.LaunchTemplateName",
    "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId",
    "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName",
    "LaunchConfigurationName",
)
_LETTERS = re.compile(r"[^\s\"'$]*")
_LONGEST = 20_000
"""EC2 takes 16 KB of user data."""
_BOOTSTRAP = "/etc/eks/bootstrap.sh"
_NODE_CONFIG = re.compile(r"kind:[ \t]*[\"']?NodeConfig\b")


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
    if owned := next((key.removeprefix(_OWNED) for key in keys if known_to_start(key, _OWNED)), ""):
        return owned
    for source in made_from:
        script = source.maybe("LaunchTemplateData.UserData") or source.maybe("UserData")
        script = read(script[:_LONGEST]) if isinstance(script, str) else ""
        if name := _told(script):
            return name
        if says(script, _BOOTSTRAP):
            return "a cluster that its script works out"
    grown = (key.removeprefix(_GROWN) for key in keys if known_to_start(key, _GROWN))
    return next((name for name in grown if not known_to_start(name, "enabled") and not says(name, "/")), "")


def _told(script: str) -> str:
    """Returns the cluster name in the user data of an EKS AMI; empty = none.

    Each form is looked for in one pass: user data is a stranger's, and an expression over all of it may never end.
    """
    return (
        _word_after(script, f"{_BOOTSTRAP} ", f"{_BOOTSTRAP}\t")  # Amazon Linux 2
        or _node_config(script)
        or _bottlerocket(script)
        or _word_after(script, "-EKSClusterName ", "-EKSClusterName\t")  # Windows
    )


def _word(text: str) -> str:
    """Returns the cluster's name that a text begins with: plain text, a reference, or both; empty = it is none."""
    text = text.lstrip(" \t")
    text = text[1:] if text[:1] in ("'", '"') else text
    found: list[str] = []
    for one in text.parts if isinstance(text, PartlyKnown) else [text]:
        if isinstance(one, Part):
            found.append(one.text)
            continue
        word = _LETTERS.match(one)
        found.append(word[0] if word else "")
        if found[-1] != one:
            break
    name = joined(*found)
    return "" if name[:1] == "-" else name


def _word_after(script: str, *markers: str) -> str:
    for marker in markers:
        for after in script.split(marker)[1:]:
            if word := _word(after):
                return word
    return ""


def _node_config(script: str) -> str:
    """Amazon Linux 2023: the name in the NodeConfig, which is YAML among other parts of a message."""
    wanted = ""
    for line in script.splitlines():
        words = line.strip(" \t")
        indented = words != line
        if not wanted:
            wanted = "cluster:" if _NODE_CONFIG.match(line) else ""
        elif indented and wanted == "cluster:" and known_to_start(words, wanted):
            wanted = "name:"
        elif (
            indented
            and wanted == "name:"
            and known_to_start(words, wanted)
            and (word := _word(words.removeprefix(wanted)))
        ):
            return word
    return ""


def _bottlerocket(script: str) -> str:
    """Bottlerocket: a key of the settings for Kubernetes."""
    _, found, settings = script.partition("settings.kubernetes")
    for after in settings.split("cluster-name")[1:] if found else []:
        key = after.removeprefix('"').removeprefix("'").lstrip(" \t")
        if key[:1] == "=" and (word := _word(key[1:])):
            return word
    return ""


def _named(value: Any, others: Mapping[str, Resource]) -> Resource | None:
    return others.get(f"{value.stack}/{value.resource}") if isinstance(value, Reference) else None


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
