"""What a group of EC2 nodes offers to pods."""

from collections.abc import Iterable, Iterator, Mapping

from eks_constructs.compute.devices import DeviceSoftware, offered, one_each
from eks_constructs.compute.ec2_nodes.group import DRA_LABEL, EFA_LABEL, PLUGIN_LABEL, Ec2GroupSpec
from eks_constructs.compute.placement import Nodes, claimable, disk_for_pods


def offer(group: Ec2GroupSpec, node_selector: Mapping[str, str]) -> Nodes:
    """Returns what the nodes of a group offer; ``node_selector``: labels of the nodes of its kind."""
    devices = {group.device} if group.device else set()
    return Nodes(
        {**node_selector, **group.labels},
        (group.processor,),
        tuple(taint.model_dump() for taint in group.node_taints),
        offered(group, devices, group.instance_types),
        disk_for_pods(group.volume_gib),
        claimable(devices if group.device_allocation == "dra" else set(), "own"),
        one_each(group),
        "windows" if group.windows else "linux",
        group.starts_empty,
        tuple(group.instance_types),
    )


def device_software(groups: Iterable[Ec2GroupSpec]) -> Iterator[DeviceSoftware]:
    """Yields what the nodes of some groups lack to offer their devices."""
    for group in groups:
        labels = group.device_labels
        for label, suffix in ((PLUGIN_LABEL, ""), (DRA_LABEL, "_dra")):
            if device := labels.get(label):
                expression = {"key": label, "operator": "In", "values": [device]}
                yield DeviceSoftware(f"{device}{suffix}", (expression,), group.gpu_sharing)
        if EFA_LABEL in labels:
            yield DeviceSoftware("efa", ({"key": EFA_LABEL, "operator": "In", "values": [labels[EFA_LABEL]]},))
