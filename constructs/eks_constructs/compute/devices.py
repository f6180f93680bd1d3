"""Devices of nodes: GPUs and accelerators that pods ask for by name, which nodes have them, and the charts of their plugins."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from eks_constructs.compute.node_pools import NodePoolSpec
from eks_constructs.manifests import HelmChart
from eks_facts.files import load
from eks_facts.instances import device_of

_ORDER = 48
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
    found: set[str] = {"efa"} if "efa" in load("devices")["drivers"][system] else set()
    if pool.instance_types:
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
    table = load("devices")["counts"].get(resource)
    counts = [_count(table, one) for one in instance_types] if table else [None]
    return None if None in counts else max(filter(None, counts), default=0)


def _count(table: Mapping[str, Any], instance_type: str) -> int | None:
    more: int | None = table["more"].get(instance_type)
    return more or (1 if re.match(table["one"], instance_type) else None)


def plugin_charts(lacking: Iterable[tuple[str, Mapping[str, Any]]], elsewhere: Collection[str] = ()) -> list[HelmChart]:
    """Returns the charts of the plugins that nodes lack: without one they offer no device, and pods that ask stay pending.

    Args:
        lacking: each device, with a node affinity expression that finds nodes with it.
        elsewhere: resources that something else offers, such as NVIDIA's GPU operator.
    """
    terms: dict[str, list[Mapping[str, Any]]] = {}
    for device, expression in lacking:
        terms.setdefault(device, []).append(expression)
    wanted = [device for device in sorted(terms) if not set(load("devices")["resources"][device]) & set(elsewhere)]
    return [_chart(device, terms[device]) for device in wanted]


def _chart(device: str, expressions: list[Mapping[str, Any]]) -> HelmChart:
    chart = load("devices")["charts"][device]
    distinct = [one for index, one in enumerate(expressions) if one not in expressions[:index]]
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [one]} for one in distinct]
            }
        }
    }
    # On every node with the device, whatever its taints keep off.
    settings: dict[str, Any] = {"affinity": affinity, "tolerations": [{"operator": "Exists"}]}
    values = settings if device == "nvidia" else {"devicePlugin": settings, "npd": {"enabled": False}}
    return HelmChart(
        order=_ORDER,
        name=f"{device}-device-plugin",
        namespace="kube-system",
        repository=chart["repository"],
        chart=chart["chart"],
        version=chart["version"],
        values=values,
        note=f"Offers the devices ({device}) of nodes to pods: their AMI has the driver alone. Yours to upgrade.",
    )
