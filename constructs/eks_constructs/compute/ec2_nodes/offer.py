"""What a group of EC2 nodes offers to pods."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eks_constructs.compute.devices import count
from eks_constructs.compute.ec2_nodes.group import PLUGIN_LABEL, Ec2GroupSpec
from eks_constructs.compute.placement import Nodes, disk_for_pods
from eks_facts.files import load


def offer(group: Ec2GroupSpec, instance_types: Iterable[str], node_selector: Mapping[str, str]) -> Nodes:
    """Returns what the nodes of a group offer; ``node_selector``: labels of the nodes of its kind."""
    resources = load("devices")["resources"][group.device] if group.device else []
    return Nodes(
        {**node_selector, **group.labels},
        (group.processor,),
        tuple(taint.model_dump() for taint in group.taints),
        {name: count(name, instance_types) for name in resources},
        disk_for_pods(group.volume_gib),
    )


def lacking_plugins(groups: Iterable[Ec2GroupSpec]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields devices that nodes of some groups have a driver and no plugin for, with a node affinity expression that finds them."""
    for device in (group.lacking_plugin for group in groups):
        if device:
            yield device, {"key": PLUGIN_LABEL, "operator": "In", "values": [device]}
