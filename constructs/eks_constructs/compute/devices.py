"""Devices of nodes: GPUs and accelerators that pods ask for by name, which nodes have them, and the charts of their plugins."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from eks_constructs.addon_plan import merge
from eks_constructs.compute.device_settings import DeviceSettings, GpuSharingSpec
from eks_constructs.compute.node_pools import NodePoolSpec
from eks_constructs.manifests import HelmChart
from eks_facts.devices import efa_adapters
from eks_facts.files import load
from eks_facts.instances import device_of

_ORDER = 48
_WHOLE = "whole"
"""Name of the plugin's configuration of nodes whose GPUs are not shared."""
KARPENTER_LABELS: Mapping[str, dict[str, Any]] = {
    # https://karpenter.sh/docs/concepts/scheduling/#well-known-labels
    "nvidia": {"key": "karpenter.k8s.aws/instance-gpu-manufacturer", "operator": "In", "values": ["nvidia"]},
    "neuron": {"key": "karpenter.k8s.aws/instance-accelerator-manufacturer", "operator": "In", "values": ["aws"]},
}


def devices_of_pool(pool: NodePoolSpec, system: str) -> set[str]:
    """Returns the devices that nodes of a pool may have.

    Args:
        pool: which instances it may add.
        system: of the nodes: al2023, bottlerocket or auto_mode.
    """
    # Nodes of Auto Mode get adapters as soon as a pod asks; others as their node class says.
    found: set[str] = {"efa"} if system == "auto_mode" else set()
    if pool.instance_types:
        if all(efa_adapters(one) == 0 for one in pool.instance_types):
            found.discard("efa")
        has = {device_of(one) for one in pool.instance_types}
        return found | {one for one in has if one and one in load("devices")["drivers"][system]}
    for device, processors in load("devices")["newest_generation"].items():
        newest = [
            processors[one].get(category, 0) for one in pool.architectures for category in pool.instance_categories
        ]
        if device in load("devices")["drivers"][system] and max(newest, default=0) > pool.instance_generation_above:
            found.add(device)
    return found


def count(resource: str, instance_types: Iterable[str]) -> int | None:
    """Returns how many of a device the largest of some instance types has; None: not known of one of them."""
    counts = [_count_of(resource, one) for one in instance_types] if resource in load("devices")["counts"] else [None]
    return None if None in counts else max(filter(None, counts), default=0)


def offered(settings: DeviceSettings, devices: set[str], instance_types: Sequence[str]) -> dict[str, int | None]:
    """Returns the resources that nodes offer by plugins, and how many the largest has of each; None: an unknown number.

    Args:
        settings: how they offer their devices.
        devices: that they have, adapters apart.
        instance_types: of the nodes; none: they are not named.
    """
    found: dict[str, int | None] = {}
    sharing = settings.gpu_sharing
    for device in sorted(devices) if settings.device_allocation == "device-plugin" else ():
        for name in load("devices")["resources"][device]:
            if device == "nvidia" and sharing:
                shares = [(_count_of(name, one), sharing.shares(one)) for one in instance_types]
                counts = [number * each for number, each in shares if number is not None]
                found[sharing.resource] = max(counts) if instance_types and len(counts) == len(shares) else None
            else:
                found[name] = count(name, instance_types) if instance_types else None
    if settings.efa_interfaces:
        found |= dict.fromkeys(load("devices")["resources"]["efa"], settings.efa_interfaces)
    return found


def one_each(settings: DeviceSettings) -> frozenset[str]:
    """Returns the resources of which a container gets one at most: a second turn on a GPU is none of another."""
    sharing = settings.gpu_sharing
    return frozenset({sharing.resource}) if sharing and sharing.time_slices else frozenset()


def _count_of(resource: str, instance_type: str) -> int | None:
    table = load("devices")["counts"].get(resource)
    return _count(table, instance_type) if table else None


def _count(table: Mapping[str, Any], instance_type: str) -> int | None:
    more: int | None = table["more"].get(instance_type)
    return more or (1 if re.match(table["one"], instance_type) else None)


@dataclass(frozen=True)
class DeviceSoftware:
    """What some nodes lack to offer a device: its plugin, or a driver of Dynamic Resource Allocation."""

    name: str
    """A row of `charts` in devices.yaml."""
    nodes: tuple[Mapping[str, Any], ...]
    """Node affinity expressions that find these nodes."""
    sharing: GpuSharingSpec | None = None
    """How pods share a GPU there."""


def plugin_charts(lacking: Iterable[DeviceSoftware], elsewhere: Collection[str] = ()) -> list[HelmChart]:
    """Returns the charts of what nodes lack: without it they offer no device, and pods that ask stay pending.

    Args:
        lacking: for each kind of nodes.
        elsewhere: resources and device classes that something else offers, such as NVIDIA's GPU operator.
    """
    wanted: dict[str, list[DeviceSoftware]] = {}
    for one in lacking:
        if not set(_offered(one.name)) & set(elsewhere):
            wanted.setdefault(one.name, []).append(one)
    return [_chart(name, wanted[name]) for name in sorted(wanted)]


def _offered(software: str) -> list[str]:
    device, _, dra = software.partition("_")
    offered: list[str] = load("devices")["device_classes" if dra else "resources"][device]
    return offered


def _chart(name: str, lacking: list[DeviceSoftware]) -> HelmChart:
    chart = load("devices")["charts"][name]
    device, _, dra = name.partition("_")
    terms: list[tuple[Mapping[str, Any], ...]] = []
    for one in lacking:
        if one.nodes not in terms:
            terms.append(one.nodes)
    # On every node with the device, whatever its taints keep off.
    settings: dict[str, Any] = {
        "tolerations": [{"operator": "Exists"}],
        **(_labels if name == "efa" else _affinity)(terms),
    }
    values = {chart["node_settings"]: settings} if chart["node_settings"] else settings
    if configs := {one.sharing.config_name: one.sharing.plugin_config() for one in lacking if one.sharing}:
        values = merge(values, _configs(configs))
    what = "Lets pods claim the devices" if dra else "Offers the devices"
    return HelmChart(
        order=_ORDER,
        name=chart["release"],
        namespace="kube-system",
        repository=chart["repository"],
        chart=chart["chart"],
        version=chart["version"],
        values=merge(chart.get("values", {}), values),
        note=f"{what} ({device}) of nodes{'' if dra else ' to pods'}: their AMI has the driver alone. Yours to upgrade.",
    )


def _affinity(terms: list[tuple[Mapping[str, Any], ...]]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": [{"matchExpressions": list(one)} for one in terms]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def _labels(terms: list[tuple[Mapping[str, Any], ...]]) -> dict[str, Any]:
    """Returns the same for a chart that takes labels, and one list of values for all of them."""
    expressions = [one for term in terms for one in term]
    keys = list(dict.fromkeys(one["key"] for one in expressions))
    values = list(dict.fromkeys(value for one in expressions for value in one["values"]))
    return {"supportedInstanceLabels": {"keys": keys, "values": values}}


def _configs(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the values by which NVIDIA's plugin chooses a configuration by a node's label, and otherwise offers whole GPUs."""
    texts = {name: yaml.safe_dump(dict(configs[name]), sort_keys=False) for name in sorted(configs)}
    return {"config": {"default": _WHOLE, "map": {_WHOLE: "version: v1\n", **texts}}}
