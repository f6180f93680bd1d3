"""Adds what AWS offers today: support dates of Kubernetes versions, versions of add-ons, releases of images."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

from eks_facts.instances import AmiType, ami_types
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
    known: dict[tuple[str, str], tuple[Any, tuple[str, str]]] = {}
    for group in groups:
        kind, version = str(group.maybe("AmiType")), str(group.maybe("Version") or "")
        ami = ami_types().get(kind)
        if not ami or not version:
            continue  # a custom image: nothing to compare it with
        if (kind, version) not in known:
            known[kind, version] = _newest(ask, ami, version)
        value, call = known[kind, version]
        _add(ask, group, "LatestReleaseVersion", value, call)


def _newest(ask: Questions, ami: AmiType, version: str) -> tuple[Any, tuple[str, str]]:
    """Returns the newest release of a kind of AMI, and the call that told it. Of Windows the name of the newest image has it:

    https://docs.aws.amazon.com/eks/latest/userguide/retrieve-windows-ami-id.html, eks-ami-versions-windows.html
    """
    call = ("ssm", "get_parameter")
    release = ami.release_parameter(version)
    parameter = release or ami.image_parameter(version)
    found = ask.one(*call, "Parameter", Name=parameter)
    if not isinstance(found, dict):
        return found or Unknown(f"SSM has no {parameter}"), call
    if release:
        return found["Value"], call
    call = ("ec2", "describe_images")
    try:
        images = ask.items(*call, "Images", ImageIds=[found["Value"]])
    except Gone:
        images = []
    if isinstance(images, Unknown):
        return images, call
    names = [str(one.get("Name", "")) for one in images]
    match = re.search(r"-EKS_Optimized-(\d.*)$", names[0]) if names else None
    why = f"the name of its image, {names[0]}, has no release" if names else f"EC2 has no image {found['Value']}"
    return match[1] if match else Unknown(why), call


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
