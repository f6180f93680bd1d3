"""Checks of devices that pods claim (Dynamic Resource Allocation): that a driver hands them out, and only one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from eks_facts.devices import device_class_needs
from eks_facts.files import load
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import Workload
from responsibility.reading.resource import UnknownValue, text
from responsibility.review.versions import minor

_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "nvidia": ("dra-driver-nvidia", "nvidia-dra-driver"),
    "neuron": ("neuron-dra-driver",),
    "efa": ("dranet",),
}
"""Parts of the names of charts and DaemonSets."""
_KINDS = {"resourceClaimTemplateName": "ResourceClaimTemplate", "resourceClaimName": "ResourceClaim"}


@check("EKR365", Workload)
def claims_are_handed_out(workload: Workload) -> Answer | None:
    """Applies to pods with claims of GPUs, Neuron devices or fabric adapters, in clusters that were read."""
    here = workload.at(f"{workload.spec_path}.resourceClaims")
    if workload.made_by_another or not list(workload.items(f"{workload.spec_path}.resourceClaims")):
        return None
    cluster = software.known_cluster(workload, here)
    devices = {device for one in _classes(workload, cluster) if (device := device_class_needs(one))}
    if not devices:
        return None
    if workload.on_fargate:
        return open_("runs on Fargate, which has no devices", here)
    if missing := sorted(device for device in devices if not _handed_out(cluster, device)):
        if not software.shows_software(cluster) or cluster.self_managed:
            raise UnknownValue(here, f"what hands out {listed(missing)} was not read")
        return open_(f"claims a device ({listed(missing)}) that no driver hands out", here)
    return met("claims devices that a driver hands out", here)


def _classes(workload: Workload, cluster: Cluster) -> Iterator[str]:
    """The device classes that a pod claims. Raises UnknownValue where a claim was not read."""
    for item in workload.items(f"{workload.spec_path}.resourceClaims"):
        for key, kind in _KINDS.items():
            name = workload.get(f"{item}.{key}")
            if not name:
                continue
            found = [
                one
                for one in software.objects(cluster, kind)
                if one.resource.maybe("metadata.name") == name and one.namespace == workload.namespace
            ]
            if not found:
                raise UnknownValue(workload.at(f"{item}.{key}"), f"{kind} {name} was not read")
            spec = "spec.spec" if kind == "ResourceClaimTemplate" else "spec"
            for request in found[0].items(f"{spec}.devices.requests"):
                for path in (request, f"{request}.exactly", *found[0].items(f"{request}.firstAvailable")):
                    if of := found[0].get(f"{path}.deviceClassName"):
                        yield text(of)


def _handed_out(cluster: Cluster, device: str) -> bool:
    if software.runs(cluster, *_DRIVERS[device]):
        return True
    values = software.chart_values(cluster, "neuron-helm-chart").get("draDriver")
    if device == "neuron" and isinstance(values, dict) and values.get("enabled") is True:
        return True
    facts = load("devices")["dra"]["auto_mode"]
    return bool(cluster.auto_mode) and device in facts["devices"] and minor(str(cluster.version)) >= (1, facts["since"])


@check("EKR366", Cluster)
def one_hands_a_device_out(cluster: Cluster) -> Answer:
    """Applies to clusters with NVIDIA's plugin and its driver for claims; who runs where is read from the values of their charts."""
    charts = cluster.facts.belonging(HelmChart, cluster.resource.key)
    plugin, driver = (
        next((one for one in charts if any(word in text(one.resource.maybe("Chart", "")) for word in words)), None)
        for words in (("nvidia-device-plugin", "gpu-operator"), _DRIVERS["nvidia"])
    )
    if not plugin or not driver:
        return not_applicable("has no chart of both NVIDIA's device plugin and its driver for claims")
    here = driver.at("Values")
    one, other = _nodes(plugin, ""), _nodes(driver, "kubeletPlugin")
    if not one or not other:
        return open_(
            "has NVIDIA's device plugin and its driver for claims, and does not say that they run on other nodes", here
        )
    if one == other:
        return open_("has NVIDIA's device plugin and its driver for claims on the same nodes", here)
    return met("has NVIDIA's device plugin and its driver for claims on nodes that differ", here)


def _nodes(chart: HelmChart, path: str) -> str:
    """The nodes that a chart's values choose; empty: they say nothing. Raises UnknownValue."""
    given: Any = chart.get("Values")
    try:
        values: Any = json_in(given) if isinstance(given, str) and given else given
    except NoData:
        raise UnknownValue(chart.at("Values"), "is not JSON") from None
    part = values.get(path) if path and isinstance(values, dict) else values
    part = part if isinstance(part, dict) else {}
    chosen = {key: part[key] for key in ("affinity", "nodeSelector") if part.get(key)}
    return json.dumps(chosen, sort_keys=True) if chosen else ""
