"""Facts about EC2 instances of nodes: where their settings are, and which image they run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from responsibility.findings import Evidence
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unknown, has_gap

Family = Literal["al2", "al2023", "bottlerocket", "windows", "custom"]

FAMILY_NAMES: dict[Family, str] = {
    "al2": "Amazon Linux 2",
    "al2023": "Amazon Linux 2023",
    "bottlerocket": "Bottlerocket",
    "windows": "Windows",
    "custom": "a custom image",
}
_AMI_TYPES: tuple[tuple[str, Family], ...] = (
    ("AL2_", "al2"),
    ("AL2023_", "al2023"),
    ("BOTTLEROCKET_", "bottlerocket"),
    ("WINDOWS_", "windows"),
)
_PARAMETERS: tuple[tuple[str, Family], ...] = (
    ("amazon-linux-2023", "al2023"),
    ("amazon-linux-2", "al2"),
    ("/bottlerocket/", "bottlerocket"),
    ("ami-windows", "windows"),
)
"""What the names of AWS's public SSM parameters for images hold; the first that fits."""
_AL2023_SINCE = (1, 30)
"""From this Kubernetes version on, a node group that names no AMI type gets AL2023 (kubernetes-versions-extended.html, 1.30)."""


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

    def at(self, path: str) -> Evidence:
        """Returns where a setting is."""
        return self.source.at(self.prefix + path)


class Ec2Nodes(Fact):
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
        if self.launch_template:
            return Instance(self.launch_template, "LaunchTemplateData.")
        for path in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId"):
            value = self.get(path)
            if not value:
                continue
            configuration = self.facts.find(Fact, value) if path == "LaunchConfigurationName" else None
            if configuration:
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
        kind = str(self.get("AmiType", ""))
        if kind:
            return next((family for prefix, family in _AMI_TYPES if kind.startswith(prefix)), "custom")
        version = self.kubernetes_version
        return "al2" if version and version < _AL2023_SINCE else "al2023"

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
