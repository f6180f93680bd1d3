"""Checks of GPUs and accelerators: that nodes offer them and pods find them. And of addresses for pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eks_facts.instances import ami_types, device_of, driver_problem, families_of_newer_drivers, labels_of
from eks_facts.labels import meets
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

_DEVICES = {
    "nvidia.com/": "nvidia",
    "aws.amazon.com/neuron": "neuron",
}
"""Beginnings of the resources that pods ask for a device by."""
_REQUIREMENTS = "spec.template.spec.requirements"
_CATEGORIES = {"nvidia": {"g", "gr", "p"}, "neuron": {"inf", "trn"}}
_OLDER_GPUS = {"m60", "v100", "t4", "t4g", "a10g", "a100", "l4", "l40s", "h100", "h200", "b200"}
"""As Karpenter names them: https://karpenter.sh/docs/reference/instance-types/."""
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
    for item in pool.items(_REQUIREMENTS):
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


@check("EKR451", KubernetesObject)
def pools_leave_devices_with_drivers(pool: KubernetesObject) -> Answer | None:
    """Applies to Karpenter's NodePools that ask for GPUs. Auto Mode launches no such instances. Pods may narrow what a pool leaves;
    that is not read."""
    group = "spec.template.spec.nodeClassRef.group"
    if (
        pool.what != "NodePool"
        or pool.words_of(group, "karpenter.k8s.aws") != "karpenter.k8s.aws"
        or not _asks_for_gpus(pool)
    ):
        return None
    here = pool.at(_REQUIREMENTS)
    wrong = [family for family in families_of_newer_drivers() if _leaves(pool, family)]
    if not wrong:
        return met("leaves instances whose driver the AMIs of EKS have", here)
    name = pool.words_of("spec.template.spec.nodeClassRef.name")
    node_class = pool.facts.view(Objects).of_class("EC2NodeClass", pool, name)
    if node_class is None:
        raise UnknownValue(here, f"EC2NodeClass {name}, which names its AMI, was not read")
    terms = node_class.items("spec.amiSelectorTerms")
    if not any(node_class.words_of(f"{term}.alias") for term in terms):
        raise UnknownValue(node_class.at("spec.amiSelectorTerms"), "which drivers this AMI has is not said")
    return open_(f"may add {' and '.join(f'{one}, which needs {driver_problem(one)}' for one in wrong)}", here)


def _asks_for_gpus(pool: KubernetesObject) -> bool:
    """Whether its requirements name GPUs, families or types with some: other pools get them where nothing else fits."""
    for item in pool.items(_REQUIREMENTS):
        key, values = pool.words_of(f"{item}.key"), set(pool.texts(f"{item}.values"))
        if pool.words_of(f"{item}.operator") in ("NotIn", "DoesNotExist"):
            continue
        name = key.rpartition("/")[2]
        if name.startswith("instance-gpu") or (name == "instance-category" and values & _CATEGORIES["nvidia"]):
            return True
        if name in ("instance-family", "instance-type") and any(device_of(one) == "nvidia" for one in values):
            return True
    return False


def _leaves(pool: KubernetesObject, family: str) -> bool:
    """Returns whether the requirements of a pool leave instances of a family, of whatever size. Raises UnknownValue."""
    labels = labels_of(f"{family}.xlarge", "karpenter.k8s.aws") | {
        "karpenter.k8s.aws/instance-gpu-manufacturer": "nvidia"
    }
    for item in pool.items(_REQUIREMENTS):
        key, operator = pool.words_of(f"{item}.key"), pool.words_of(f"{item}.operator")
        values = pool.texts(f"{item}.values")
        if key == "node.kubernetes.io/instance-type":
            named = any(one.partition(".")[0] == family for one in values)
            if operator == "In" and not named:
                return False
        elif key == "karpenter.k8s.aws/instance-gpu-name":
            if operator == "In" and set(values) <= _OLDER_GPUS:
                return False
            if operator == "In":
                raise UnknownValue(pool.at(f"{item}.values"), f"what the GPUs of {family} are called is not known here")
        elif (
            key in labels
            and not key.endswith("instance-size")
            and not meets({"operator": operator, "values": values}, labels[key])
        ):
            return False
    return True
