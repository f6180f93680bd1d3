"""Devices of EC2 instances beside GPUs' numbers: fabric adapters, and the parts of a GPU."""

import re
from collections.abc import Mapping

from eks_facts.files import load
from eks_facts.instances import device_of


def efa_adapters(instance_type: str) -> int | None:
    """Returns how many Elastic Fabric Adapters an instance type has; None: nothing is known of it."""
    facts = load("devices")["efa"]
    if number := facts["more"].get(instance_type):
        return int(number)
    if re.match(facts["one"], instance_type):
        return 1
    return 0 if device_of(instance_type) or instance_type.partition(".")[2] in facts["sizes_without"] else None


def efa_cards(instance_type: str, adapters: int) -> list[int]:
    """Returns the network cards of so many adapters, by index."""
    cards: list[int] = load("devices")["efa"]["cards"].get(instance_type) or list(range(adapters))
    return cards[:adapters]


def mig_profiles(instance_type: str) -> Mapping[str, int]:
    """Returns the profiles of an instance type's GPUs that its hardware keeps apart, and how many of each one GPU has."""
    profiles: Mapping[str, int] = load("devices")["mig"].get(instance_type, {}).get("profiles", {})
    return profiles


def device_class_needs(device_class: str) -> str | None:
    """Returns the device that a DeviceClass of EKS's drivers stands for: nvidia, neuron or efa; None: another driver's."""
    classes = load("devices")["device_classes"]
    return next((device for device, names in classes.items() if device_class in names), None)
