"""Facts about EC2 instances of nodes: where their settings are, and which image they run."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from eks_facts.instances import Family, ami_types, default_ami_type
from responsibility.findings import Evidence
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unknown, has_gap

FAMILY_NAMES: dict[Family, str] = {
    "al2": "Amazon Linux 2",
    "al2023": "Amazon Linux 2023",
    "bottlerocket": "Bottlerocket",
    "windows": "Windows",
    "ubuntu": "Ubuntu",
    "custom": "a custom image",
}
_PARAMETERS: tuple[tuple[str, Family], ...] = (
    ("amazon-linux-2023", "al2023"),
    ("amazon-linux-2", "al2"),
    ("/bottlerocket/", "bottlerocket"),
    ("ami-windows", "windows"),
    ("/canonical/ubuntu/eks", "ubuntu"),
)
"""Parts of the names of the public SSM parameters for images; the first that fits."""
_SHORTEST = 20
"""Characters of user data that may be encoded: a shorter text is what it says."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Where the settings of a group's instances are: a launch template, or a launch configuration."""

    source: Fact
    prefix: str
    """What their paths begin with: ``LaunchTemplateData.`` or nothing."""

    def get(self, path: str, default: Any = None) -> Any:
        """Returns a setting. Raises UnknownValue."""
        return self.source.get(self.prefix + path, default)

    def items(self, path: str) -> list[tuple[str, Any]]:
        """Returns path and value of each item of a list. Raises UnknownValue."""
        count = len(self.prefix)
        return [(at[count:], value) for at, value in self.source.resource.items(self.prefix + path)]

    def items_seen(self, path: str) -> tuple[list[tuple[str, Any]], UnknownValue | None]:
        """Returns the items that are known, and the first that is not. Raises UnknownValue for a list that is not."""
        found, unknown = self.source.resource.items_seen(self.prefix + path)
        return [(at[len(self.prefix) :], value) for at, value in found], unknown

    @property
    def user_data(self) -> str:
        """The user data as the instance reads it, with gaps where it is not known. Raises UnknownValue."""
        text = str(self.source.resource.partly(f"{self.prefix}UserData", ""))
        # ``Fn::Base64`` gives the text itself here (``functions.py``); some tools write it encoded.
        try:
            return base64.b64decode(text, validate=True).decode() if len(text) > _SHORTEST else text
        except ValueError:
            return text

    def at(self, path: str) -> Evidence:
        """Returns where a setting is."""
        return self.source.at(self.prefix + path)


class StartsInstances(Fact):
    """What says how EC2 instances of nodes start: a group of nodes, or Karpenter's EC2NodeClass."""

    what = "group or class of EC2 nodes"


class Ec2Nodes(StartsInstances):
    """Nodes that are EC2 instances of the account: a managed node group, or an Auto Scaling group of your own."""

    what = "group of EC2 nodes"

    @property
    def launch_template(self) -> Fact | None:
        """Its launch template, where the templates make it."""
        raise NotImplementedError

    @property
    def instance(self) -> Instance | None:
        """Where the settings of its instances are; None: EKS creates a launch template.

        Raises UnknownValue where they were not read.
        """
        overrides = "MixedInstancesPolicy.LaunchTemplate.Overrides"
        mixes = self.resource.type == "AWS::AutoScaling::AutoScalingGroup"
        for index, _ in enumerate(self.get(overrides, [])) if mixes else ():
            if self.get(f"{overrides}.{index}.LaunchTemplateSpecification"):
                where = self.at(f"{overrides}.{index}.LaunchTemplateSpecification")
                raise UnknownValue(where, "some of its instances have another launch template, which was not read")
        if self.launch_template:
            return Instance(self.launch_template, "LaunchTemplateData.")
        for path in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId"):
            value = self.get(path)
            if not value:
                continue
            configuration = self.facts.find(Fact, value) if path == "LaunchConfigurationName" else None
            if configuration and configuration.resource.type == "AWS::AutoScaling::LaunchConfiguration":
                return Instance(configuration, "")
            raise UnknownValue(self.at(path), "what it names was not read")
        return None

    @property
    def image(self) -> str:
        """The image it names: ``ami-...``, or ``ssm:`` and the parameter that holds it; empty = none. Raises UnknownValue."""
        instance = self.instance
        if not instance:
            return ""
        try:
            value = str(instance.get("ImageId", ""))
        except UnknownValue:
            if parameter := _ssm_parameter(instance):
                return f"ssm:{parameter}"
            raise
        if has_gap(value):
            raise UnknownValue(instance.at("ImageId"), "a part of it is not known here")
        return value.removeprefix("resolve:")

    @property
    def family(self) -> Family:
        """The operating system of its image. Raises UnknownValue."""
        if image := self.image:
            found = (family for text, family in _PARAMETERS if image.startswith("ssm:/aws/") and text in image)
            return next(found, "custom")
        if (name := self.ami_type_or_default) == "CUSTOM":
            return "custom"
        if ami := ami_types().get(name):
            return ami.family
        raise UnknownValue(self.at("AmiType"), f"{name} is not an AMI type that is known here")

    @property
    def ami_type_or_default(self) -> str:
        """Its AMI type, else the one that EKS takes. Raises UnknownValue."""
        if stated := str(self.get("AmiType", "")):
            return stated
        cluster = self.facts.get(Fact, self.cluster_key)
        for fact in (self, cluster) if cluster else (self,):
            if fact.get("Version"):  # or it is not known which default EKS takes
                break
        return default_ami_type(".".join(map(str, self.kubernetes_version))).name

    @property
    def kubernetes_version(self) -> tuple[int, ...]:
        """Its Kubernetes version, else its cluster's; empty = not known."""
        cluster = self.facts.get(Fact, self.cluster_key)
        text = self.resource.maybe("Version") or (cluster.resource.maybe("Version") if cluster else None)
        return tuple(int(part) for part in str(text).split(".")) if re.fullmatch(r"\d{1,9}\.\d{1,9}", str(text)) else ()


def _ssm_parameter(instance: Instance) -> str:
    """Returns the SSM parameter that an image is read from at deploy; empty = it comes from something else.

    The value is not known before, but the parameter's name says which family of images it is.
    """
    value: Any = instance.source.resource.properties
    for step in f"{instance.prefix}ImageId".split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value.ssm if isinstance(value, Unknown) else ""
