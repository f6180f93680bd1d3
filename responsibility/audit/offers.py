"""Adds what AWS offers today: support dates of Kubernetes versions, versions of add-ons, releases of images."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

from eks_facts.instances import ami_types
from responsibility.audit.questions import Gone, Questions
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown
from responsibility.reading.versions import order


def add_offers(ask: Questions, resources: list[Resource]) -> None:
    """Adds ``VersionSupport`` to clusters, ``Offered`` to add-ons and ``LatestReleaseVersion`` to node groups."""
    by_type: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        by_type[resource.type].append(resource)
    _support(ask, by_type["AWS::EKS::Cluster"])
    versions = {cluster.id: cluster.maybe("Version") for cluster in by_type["AWS::EKS::Cluster"]}
    _releases(ask, by_type["AWS::EKS::Nodegroup"])
    _addon_versions(ask, by_type["AWS::EKS::Addon"], versions)


def _add(ask: Questions, resource: Resource, name: str, value: Any, call: tuple[str, str]) -> None:
    resource.properties[name] = value
    if answer := resource.answer:
        resource.answer = replace(answer, apis={**answer.apis, name: ask.account.action(*call)})


def _support(ask: Questions, clusters: list[Resource]) -> None:
    call = ("eks", "describe_cluster_versions")
    found = ask.items(*call, "clusterVersions", includeAll=True)
    by_version = {} if isinstance(found, Unknown) else {one["clusterVersion"]: one for one in found}
    for cluster in clusters:
        one = by_version.get(cluster.maybe("Version"))
        value: Any = found if isinstance(found, Unknown) else None
        if one:
            value = {key[:1].upper() + key[1:]: item for key, item in one.items()}
        _add(ask, cluster, "VersionSupport", value, call)


def _releases(ask: Questions, groups: list[Resource]) -> None:
    call = ("ssm", "get_parameter")
    known: dict[str, Any] = {}
    for group in groups:
        kind, version = str(group.maybe("AmiType")), group.maybe("Version")
        ami = ami_types().get(kind)
        parameter = ami.release_parameter(str(version)) if ami and version else None
        if not parameter:
            continue  # a custom image, or Windows: nothing to compare it with
        if parameter not in known:
            known[parameter] = ask.one(*call, "Parameter", Name=parameter)
        found = known[parameter]
        value = found["Value"] if isinstance(found, dict) else found or Unknown(f"SSM has no {parameter}")
        _add(ask, group, "LatestReleaseVersion", value, call)


def _addon_versions(ask: Questions, addons: list[Resource], versions: dict[str, Any]) -> None:
    """``Offered``: for the cluster's version and the next one, the versions that fit, newest first, and the default."""
    call = ("eks", "describe_addon_versions")
    known: dict[tuple[str, str], Any] = {}
    for addon in addons:
        name, version = addon.maybe("AddonName"), versions.get(str(addon.belongs_to))
        if not name or not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+", version):
            continue
        major, minor = map(int, version.split("."))
        offered = {}
        for key, kubernetes in (("Now", version), ("Next", f"{major}.{minor + 1}")):
            if (name, kubernetes) not in known:
                known[name, kubernetes] = _offers(ask, name, kubernetes)
            offered[key] = known[name, kubernetes]
        _add(ask, addon, "Offered", offered, call)


def _offers(ask: Questions, addon: str, kubernetes: str) -> dict[str, Any] | Unknown:
    try:
        found = ask.items("eks", "describe_addon_versions", "addons", addonName=addon, kubernetesVersion=kubernetes)
    except Gone:
        found = []
    if isinstance(found, Unknown):
        return found
    fitting, default = [], None
    for one in (version for info in found for version in info.get("addonVersions", [])):
        fits = [row for row in one.get("compatibilities", []) if row.get("clusterVersion") == kubernetes]
        if fits:
            fitting.append(str(one["addonVersion"]))
            default = one["addonVersion"] if any(row.get("defaultVersion") for row in fits) else default
    return {"Kubernetes": kubernetes, "Versions": sorted(set(fitting), key=order, reverse=True), "Default": default}
