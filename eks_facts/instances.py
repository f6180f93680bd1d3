"""EC2 instances as nodes: their devices, and the AMI types that have the drivers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from eks_facts.files import load


@dataclass(frozen=True, slots=True)
class Device:
    """A device of EC2 instances that nodes need drivers for."""

    name: str
    instances: str
    """Regular expression of the instance types that have it."""
    ami_types: frozenset[str]
    """AMI types of managed node groups that have its drivers."""


@cache
def devices() -> list[Device]:
    """Returns the devices that an AMI must have drivers for."""
    families = load("instance_families")
    amis: dict[str, dict[str, Any]] = families["ami_types"]
    return [
        Device(
            words,
            families[name],
            frozenset(ami for ami, row in amis.items() if name in (row.get("device"), *row.get("drivers", ()))),
        )
        for name, words in (("nvidia", "NVIDIA GPUs"), ("neuron", "AWS Neuron devices"), ("amd", "AMD GPUs"))
    ]
