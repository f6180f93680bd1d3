"""Checks of GPUs and accelerators: that nodes offer them and pods find them. And of addresses for pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eks_facts.instances import ami_types, device_of
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.resource import UnknownValue

_DEVICES = {
    "nvidia.com/": "nvidia",
    "aws.amazon.com/neuron": "neuron",
}
"""Beginnings of the resources that pods ask for a device by."""
_CATEGORIES = {"nvidia": {"g", "gr", "p"}, "neuron": {"inf", "trn"}}
_PLUGINS = {
    "nvidia": ("nvidia-device-plugin", "gpu-operator", "nvidia-dra-driver", "dra-driver-nvidia"),
    "neuron": ("neuron-device-plugin", "neuron-helm-chart", "neuron-dra-driver"),
}


def _device_of(group: NodeGroup) -> str | None:
    """The device that all nodes of a group have, and their AMI has the driver of. Raises UnknownValue."""
    ami = ami_types().get(group.ami_type)
    if not ami or ami.device:
        return ami.device if ami else None
    devices = {device_of(one) for one in group.instance_types} if ami.drivers else set()
    return devices.pop() if len(devices) == 1 and devices <= ami.drivers else None


@check("EKR186", Workload)
def devices_are_found(workload: Workload) -> Answer | None:
    """Applies to pods with nvidia.com/... or aws.amazon.com/neuron... in their resources, in clusters that were read."""
    if workload.made_by_another:
        return None
    asked = dict(_asked(workload))
    if not asked:
        return None
    cluster = software.known_cluster(workload, workload.at(workload.spec_path))
    if workload.on_fargate:
        return open_("runs on Fargate, which has no devices", *(workload.at(path) for path in asked))
    missing = {path: device for path, device in asked.items() if not _somewhere(cluster, device)}
    if missing:
        return open_(
            f"requests a device ({listed(missing.values())}) that no node has", *(workload.at(path) for path in missing)
        )
    return met("requests devices that nodes have", *(workload.at(path) for path in asked))


def _asked(workload: Workload) -> Iterator[tuple[str, str]]:
    for path in [*workload.running, *workload.starting]:
        for group in ("limits", "requests"):
            for name in workload.mapping(f"{path}.resources.{group}"):
                device = next((device for start, device in _DEVICES.items() if str(name).startswith(start)), "")
                if device:
                    yield f"{path}.resources.{group}", device


def _somewhere(cluster: Cluster, device: str) -> bool:
    """Raises UnknownValue where nodes have images or instances that are not said."""
    unread: UnknownValue | None = None
    for group in cluster.node_groups:
        try:
            if _device_of(group) == device:
                return True
            if group.family == "custom" and any(device_of(one) == device for one in group.instance_types):
                return True
        except UnknownValue as unknown:
            unread = unread or unknown
    for pool in software.objects(cluster, "NodePool"):
        try:
            if _may_add(pool, device):
                return True
        except UnknownValue as unknown:
            unread = unread or unknown
    if cluster.self_managed:
        raise UnknownValue(cluster.self_managed[0].at(""), "whether its own instances have the device is not said")
    if unread:
        raise unread
    return False


def _may_add(pool: KubernetesObject, device: str) -> bool:
    """Returns whether the requirements of a NodePool leave instances with a device."""
    path = "spec.template.spec.requirements"
    for item in pool.items(path):
        key, operator = pool.words_of(f"{item}.key").rpartition("/")[2], pool.words_of(f"{item}.operator")
        values = set(pool.texts(f"{item}.values"))
        if operator != "In":
            continue
        if key == "instance-category" and not values & _CATEGORIES[device]:
            return False
        if key in ("instance-family", "instance-type") and not any(device_of(one) == device for one in values):
            return False
    return True


@check("EKR187", NodeGroup)
def plugin_is_there(group: NodeGroup) -> Answer | None:
    """Applies to groups whose AMI has the driver of a device that their instances have."""
    device = _device_of(group)
    if not device:
        return None
    here = group.at("AmiType")
    if device == "nvidia" and group.ami_type.startswith("BOTTLEROCKET_"):
        return met("has NVIDIA's plugin in its AMI", here)
    cluster = group.cluster
    if not cluster:
        raise UnknownValue(here, "its cluster was not read")
    if found := software.runs(cluster, *_PLUGINS[device]):
        return met(f"{found} offers its devices", here)
    if not software.shows_software(cluster):
        raise UnknownValue(here, "no Kubernetes object or chart of its cluster was read")
    return open_("has the driver, and nothing that was read installs the device plugin", here)


@check("EKR188", NodeGroup)
def others_are_kept_off(group: NodeGroup) -> Answer | None:
    """Applies to groups whose AMI has the driver of a device that their instances have; any taint but PREFER_NO_SCHEDULE does."""
    if not _device_of(group):
        return None
    effects = [str(group.get(f"{path}.Effect", "")) for path, _ in group.resource.items("Taints")]
    here = group.at("Taints")
    return met("has a taint", here) if {"NO_SCHEDULE", "NO_EXECUTE"} & set(effects) else open_("has no taint", here)


@check("EKR189", KubernetesObject)
def pods_have_addresses(item: KubernetesObject) -> Answer | None:
    """Applies to every EC2NodeClass, in clusters whose CNI has custom networking on."""
    if item.what != "EC2NodeClass":
        return None
    here = item.at("spec.kubelet.maxPods")
    cluster = software.known_cluster(item, here)
    if not _custom_networking(cluster):
        return not_applicable("its cluster has no subnets for pods alone")
    most = item.get("spec.kubelet.maxPods")
    if most is not None:
        return met(f"takes {most} pods at most", here)
    settings: Any = software.chart_values(cluster, "karpenter").get("settings")
    reserved = str((settings or {}).get("reservedENIs", "0")) if isinstance(settings, dict) or settings is None else "0"
    if reserved not in ("", "0"):
        return met("does not count the first network interface", here)
    return open_("counts the addresses of the first network interface, which pods cannot use", here)


def _custom_networking(cluster: Cluster) -> bool:
    addon = cluster.addons.get("vpc-cni")
    told = addon.get("ConfigurationValues", "") if addon else ""
    try:
        values = json_in(told) if isinstance(told, str) and told else told
    except NoData:
        raise UnknownValue(addon.at("ConfigurationValues") if addon else cluster.at(""), "is not JSON") from None
    env = values.get("env") if isinstance(values, dict) else None
    return isinstance(env, dict) and str(env.get("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "")).lower() == "true"
