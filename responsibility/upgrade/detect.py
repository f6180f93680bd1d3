"""Looks for what a version changes in the objects and templates that were read. One function for each `detect` of the data."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import NodeGroup, SelfManagedNodes
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.facts import Fact
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.partly_known import known_to_start, says
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unknown
from responsibility.upgrade.plan import Upgrade

Found = list[tuple[Fact, Evidence]]
"""What uses it, and where."""

_NOBODY = ("system:anonymous", "system:unauthenticated")
_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?")
_ADDRESS_KEYS = {
    "cidr",
    "except",
    "loadBalancerSourceRanges",
    "externalIPs",
    "clusterIP",
    "clusterIPs",
    "loadBalancerIP",
}
_BUILT_IN = ("v1", "apps", "batch", "networking.k8s.io", "discovery.k8s.io", "policy")


def _objects(upgrade: Upgrade, *kinds: str) -> Iterator[KubernetesObject]:
    return (item for item in upgrade.objects if not kinds or item.what in kinds)


def _workloads(upgrade: Upgrade) -> Iterator[Workload]:
    return (item for item in upgrade.objects if isinstance(item, Workload))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def anonymous(upgrade: Upgrade) -> Found:
    """Rights for callers without credentials; those that Kubernetes binds itself are in no manifest of yours."""
    return [
        (item, item.at(f"subjects.{index}.name"))
        for item in _objects(upgrade, "RoleBinding", "ClusterRoleBinding")
        for index, subject in enumerate(_list(item.resource.maybe("subjects")))
        if isinstance(subject, dict) and subject.get("name") in _NOBODY
    ]


def git_repo(upgrade: Upgrade) -> Found:
    """Volumes that the kubelet clones."""
    return [
        (item, item.at(f"{item.spec_path}.volumes.{index}.gitRepo"))
        for item in _workloads(upgrade)
        for index, volume in enumerate(_list(item.resource.maybe(f"{item.spec_path}.volumes")))
        if isinstance(volume, dict) and "gitRepo" in volume
    ]


def external_ips(upgrade: Upgrade) -> Found:
    """Services that answer at addresses of their own."""
    services = _objects(upgrade, "Service")
    return [(item, item.at("spec.externalIPs")) for item in services if item.resource.maybe("spec.externalIPs")]


def apparmor(upgrade: Upgrade) -> Found:
    """Profiles by field or by the older annotation."""
    found: Found = []
    for item in _workloads(upgrade):
        annotations = f"{item.pod_path}.metadata.annotations".lstrip(".")
        if any(known_to_start(str(key), _APPARMOR) for key in _dict(item.resource.maybe(annotations))):
            found.append((item, item.at(annotations)))
        paths = [item.spec_path]
        with suppress(UnknownValue):
            paths += [path for path, _ in item.containers]
        found += [
            (item, item.at(f"{path}.securityContext.appArmorProfile"))
            for path in paths
            if item.resource.maybe(f"{path}.securityContext.appArmorProfile")
        ]
    return found


def ingress_nginx(upgrade: Upgrade) -> Found:
    """The controller, as a workload, a chart or the class of an Ingress."""
    found: Found = [
        (item, item.at("metadata.name")) for item in _workloads(upgrade) if "ingress-nginx" in item.bare_name
    ]
    charts = upgrade.cluster.facts.belonging(HelmChart, upgrade.cluster.resource.key)
    found += [
        (chart, chart.at("Chart")) for chart in charts if says(str(chart.resource.maybe("Chart")), "ingress-nginx")
    ]
    found += [
        (item, item.at("spec.controller"))
        for item in _objects(upgrade, "IngressClass")
        if says(str(item.resource.maybe("spec.controller", "")), "ingress-nginx")
    ]
    return found


def ipvs(upgrade: Upgrade) -> Found | None:
    """The mode in the configuration of kube-proxy, of the add-on or of its ConfigMap."""
    found: Found = []
    addon = upgrade.cluster.addons.get("kube-proxy")
    if addon:
        text = addon.resource.maybe("ConfigurationValues", "")
        try:
            values = json_in(text) if isinstance(text, str) and text else {}
        except NoData:
            values = {}
        if isinstance(values, dict) and (values.get("mode") == "ipvs" or values.get("ipvs")):
            found.append((addon, addon.at("ConfigurationValues")))
    for item in _objects(upgrade, "ConfigMap"):
        data = item.resource.maybe("data")
        if item.bare_name.startswith("kube-proxy") and re.search(r"mode:\s*\"?ipvs", str(data)):
            found.append((item, item.at("data")))
    return found if found or addon else None


def loose_addresses(upgrade: Upgrade) -> Found:
    """Addresses of built-in kinds that are not in their normal form."""
    found: Found = []
    for item in upgrade.objects:
        group = str(item.resource.maybe("apiVersion", "v1")).partition("/")[0]
        if group in _BUILT_IN:
            found += [(item, item.at(path)) for path in _loose(item.resource.properties.get("spec"), "spec", "")]
    return found


def _loose(value: Any, path: str, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _loose(inner, f"{path}.{name}", str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _loose(inner, f"{path}.{index}", key)
    elif key in _ADDRESS_KEYS and isinstance(value, str) and _ADDRESS.fullmatch(value) and not _normal(value):
        yield path


def _normal(address: str) -> bool:
    """Whether it has neither leading zeros nor, as a block, host bits."""
    try:
        ipaddress.ip_network(address, strict="/" in address)
    except ValueError:
        return False
    return True


def kubelet_flag(upgrade: Upgrade, flag: str) -> Found | None:
    """A flag of the kubelet in the user data of launch templates; an image may set it, too, so nothing found clears nothing."""
    found: Found = []
    groups: list[NodeGroup | SelfManagedNodes] = [*upgrade.cluster.node_groups, *upgrade.cluster.self_managed]
    for group in groups:
        try:
            instance = group.instance
            data = instance.get("UserData", "") if instance else ""
        except UnknownValue:
            continue
        if instance and flag in _shell(data):
            found.append((group, instance.at("UserData")))
    return found or None


def pod_infra_flag(upgrade: Upgrade) -> Found | None:
    """The kubelet's --pod-infra-container-image."""
    return kubelet_flag(upgrade, "--pod-infra-container-image")


def cgroup_driver_flag(upgrade: Upgrade) -> Found | None:
    """The kubelet's --cgroup-driver."""
    return kubelet_flag(upgrade, "--cgroup-driver")


def mountable_secrets(upgrade: Upgrade) -> Found:
    """Service accounts that limit which secrets their pods may mount."""
    return [
        (item, item.at("metadata.annotations"))
        for item in _objects(upgrade, "ServiceAccount")
        if _MOUNTABLE in _dict(item.resource.maybe("metadata.annotations"))
    ]


def volume_attributes_class(upgrade: Upgrade) -> Found:
    """Classes of the beta API."""
    return [
        (item, item.at("apiVersion"))
        for item in _objects(upgrade, "VolumeAttributesClass")
        if item.resource.maybe("apiVersion") != "storage.k8s.io/v1"
    ]


def _shell(data: Any) -> str:
    if isinstance(data, Unknown | dict):
        return str(data)
    try:
        return base64.b64decode(str(data), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return str(data)


_OF_TEMPLATES = ("cgroup_driver_flag", "ipvs", "pod_infra_flag")


def look(name: str, upgrade: Upgrade) -> Found | None:
    """Returns who uses what a note speaks of; None: what was read cannot show it."""
    found = FINDERS[name](upgrade)
    return found if found or name in _OF_TEMPLATES or upgrade.objects else None


FINDERS: dict[str, Callable[[Upgrade], Found | None]] = {
    "anonymous": anonymous,
    "apparmor": apparmor,
    "cgroup_driver_flag": cgroup_driver_flag,
    "external_ips": external_ips,
    "git_repo": git_repo,
    "ingress_nginx": ingress_nginx,
    "ipvs": ipvs,
    "loose_addresses": loose_addresses,
    "mountable_secrets": mountable_secrets,
    "pod_infra_flag": pod_infra_flag,
    "volume_attributes_class": volume_attributes_class,
}
