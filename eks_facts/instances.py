"""EC2 instances as nodes: their processors and devices, and the AMIs that EKS and others build for them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from eks_facts.files import load

Architecture = Literal["x86_64", "arm64"]
Family = Literal["al2", "al2023", "bottlerocket", "windows", "ubuntu", "custom"]
DEVICES = {"nvidia": "NVIDIA GPUs", "neuron": "AWS Neuron devices", "amd": "AMD GPUs"}
"""Devices that nodes need drivers for, and what people call them."""
CUSTOM_AMIS = "https://docs.aws.amazon.com/eks/latest/userguide/eks-ami-build-scripts.html"
"""How one builds an AMI with another driver."""


@dataclass(frozen=True, slots=True)
class AmiType:
    """A kind of AMI: a type of managed node groups, or one that others build."""

    name: str
    architecture: Architecture
    family: Family
    device: str | None
    """The device that it is for; None: it is for any instance."""
    drivers: frozenset[str]
    """The devices that it has drivers for."""
    variant: str | None
    since: int = 0
    """The minor version of Kubernetes from which on there are images of it."""

    def release_parameter(self, version: str) -> str | None:
        """Returns the SSM parameter with its newest release for a Kubernetes version; None: there is none (Windows)."""
        pattern = load("instance_families")["release_parameters"].get(self.family)
        return pattern and str(pattern).format(version=version, variant=self.variant)

    @property
    def has_releases(self) -> bool:
        """Whether each of its releases has an SSM parameter."""
        return "release" in load("instance_families")["image_parameters"].get(self.family, {})

    def image_parameter(self, version: str, release: str | None = None) -> str:
        """Returns the SSM parameter with the id of its image.

        Args:
            version: of Kubernetes, such as 1.36.
            release: such as v20261112 (Amazon Linux 2023) or 1.50.0 (Bottlerocket); None: the newest.
        """
        row = load("instance_families")["image_parameters"][self.family]
        words = {"version": version, "variant": self.variant, "dashed": str(self.variant).replace("/", "-")}
        named = row["release"].format(**words, name=release) if release else row.get("newest")
        return str(row["path"].format(**words, release=named))


@cache
def ami_types() -> dict[str, AmiType]:
    """Returns every AMI type that EKS has images of, by name: CUSTOM is not among them."""
    return _amis("ami_types")


@cache
def partner_amis() -> dict[str, AmiType]:
    """Returns the AMIs that others build for EKS, by the names that this project gives them."""
    return _amis("partner_amis")


def _amis(table: str) -> dict[str, AmiType]:
    return {
        name: AmiType(
            name,
            row["architecture"],
            row["os"],
            row.get("device"),
            frozenset(filter(None, [row.get("device"), *row.get("drivers", ())])),
            row.get("variant"),
            row.get("since", 0),
        )
        for name, row in load("instance_families")[table].items()
    }


def default_ami_type(version: str) -> AmiType:
    """Returns the AMI type of a node group that names none, by its Kubernetes version; empty: the newest."""
    rows = load("instance_families")["default_ami_types"]
    return ami_types()[
        next(row["ami_type"] for row in rows if not version or int(version.split(".")[1]) >= row["since"])
    ]


def architecture(instance_type: str) -> Architecture:
    """Returns the architecture of an instance type."""
    return "arm64" if re.match(load("instance_families")["arm64"], instance_type) else "x86_64"


def device_of(instance_type: str) -> str | None:
    """Returns the device that an instance type has, a key of DEVICES; None: none that needs drivers."""
    return next((name for name in DEVICES if re.match(load("instance_families")[name], instance_type)), None)


def on_nitro(instance_type: str) -> bool:
    """Returns whether instances of a type are of the AWS Nitro System, which IPv6 and prefixes of pods need."""
    family, _, size = instance_type.partition(".")
    return family not in xen_families() or size == "metal"


@cache
def xen_families() -> dict[str, tuple[str, int]]:
    """Returns the families of the Xen hypervisor, with their category and generation: m4 is (m, 4)."""
    parts = {name: re.match(r"([a-z]+)(\d+)", name) for name in load("instance_families")["xen"]}
    return {name: (found[1], int(found[2])) for name, found in parts.items() if found}


def label_problem(key: str, *, auto_mode: bool) -> str:
    """Returns why a requirement of a node pool does not choose instances as its label says; nothing if it does.

    https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html#auto-supported-labels
    """
    mine, other = (
        ("eks.amazonaws.com", "karpenter.k8s.aws") if auto_mode else ("karpenter.k8s.aws", "eks.amazonaws.com")
    )
    domain, _, name = key.rpartition("/")
    known: list[str] = load("instance_families")["labels"]
    if domain == other and name in known:
        return f"{key} chooses no instances here: {'Auto Mode' if auto_mode else 'Karpenter'} calls it {mine}/{name}"
    if domain == mine and name.startswith("instance-") and name not in known:
        near = get_close_matches(name, known, 1, 0.8)
        return f"{key} is not a label of instances. Did you mean {mine}/{near[0]}?" if near else ""
    return ""


def labels_of(instance_type: str, domain: str) -> dict[str, str]:
    """Returns what the name of an instance type says, as labels of its nodes. ``domain``: karpenter.k8s.aws or eks.amazonaws.com."""
    family, _, size = instance_type.partition(".")
    found = re.match(r"([a-z]+)(\d*)", family)
    return {
        "kubernetes.io/arch": "arm64" if architecture(instance_type) == "arm64" else "amd64",
        "node.kubernetes.io/instance-type": instance_type,
        f"{domain}/instance-family": family,
        f"{domain}/instance-size": size,
        f"{domain}/instance-category": found[1] if found else "",
        f"{domain}/instance-generation": found[2] if found else "",
        # Bare metal has none.
        f"{domain}/instance-hypervisor": "" if "metal" in size else "nitro" if on_nitro(instance_type) else "xen",
    }


def driver_problem(instance_type: str) -> str:
    """Returns what the devices of a type need that no AMI of EKS has; nothing if one has it.

    ``instance_type``: or a family alone. https://docs.aws.amazon.com/eks/latest/userguide/eks-ami-build-scripts.html
    """
    return str(load("instance_families")["newer_drivers"].get(instance_type.partition(".")[0], ""))


def families_of_newer_drivers() -> list[str]:
    """Returns the families of which ``driver_problem`` has something to say."""
    return list(load("instance_families")["newer_drivers"])


def families_without_drivers(categories: Collection[str], generation_above: int) -> list[str]:
    """Returns the families of ``families_of_newer_drivers`` of some categories (c, m, g) above a generation."""
    named = {name: re.match(r"([a-z]+)(\d+)", name) for name in families_of_newer_drivers()}
    return [
        name for name, found in named.items() if found and found[1] in categories and int(found[2]) > generation_above
    ]


def auto_mode_problem(instance_type: str) -> str:
    """Returns why Auto Mode launches no instance of a type; nothing if it does."""
    rules, (family, _, size) = load("instance_families")["auto_mode"], instance_type.partition(".")
    if size in rules["sizes_without"]:
        return f"Auto Mode launches nothing of the size {size}"
    if size == "medium" and not family.startswith("t"):
        return "Auto Mode launches nothing with one vCPU"
    if family not in rules["families"]:
        return f"{family} is not among the families that Auto Mode launches"
    return ""
