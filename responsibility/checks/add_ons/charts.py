"""Checks of Helm charts: which version is installed, where it comes from, and whether its pods can work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.compute.instances import imds_hop_limit_is_1
from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster, PodIdentity
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.partly_known import begins_open
from responsibility.reading.resource import UnknownValue

_FIXED = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


def _asset(chart: HelmChart) -> bool:
    """Whether the chart is a part of the app itself: the CDK uploads it."""
    return bool(chart.get("ChartAssetURL"))


@check("EKR107", HelmChart)
def chart_has_a_version(chart: HelmChart) -> Answer:
    """A range is not a version."""
    if _asset(chart):
        return not_applicable("the chart comes with the app")
    version = chart.version
    if begins_open(version) or version.startswith("${"):
        return not_applicable("the version is another resource's")
    if _FIXED.fullmatch(version):
        return met(f"version {version}", chart.at("Version"))
    return open_(f"version {version} is a range" if version else "no version: the newest is taken", chart.at("Version"))


@check("EKR108", HelmChart)
def chart_comes_over_tls(chart: HelmChart) -> Answer:
    """The chart's own name may contain the repository."""
    if _asset(chart):
        return not_applicable("the chart comes with the app")
    path = "Repository" if chart.get("Repository") else "Chart"
    address = str(chart.get(path, ""))
    if address.startswith(("https://", "oci://")):
        return met("comes over TLS", chart.at(path))
    if "://" in address:
        return open_(f"comes over {address.partition('://')[0]}", chart.at(path))
    return open_("no repository is named", chart.at("Repository"))


_BALANCERS = "aws-load-balancer-controller"


_CALLERS = {
    "aws-ebs-csi-driver": ("controller.serviceAccount", "ebs-csi-controller-sa"),
    "aws-efs-csi-driver": ("controller.serviceAccount", "efs-csi-controller-sa"),
    "aws-fsx-csi-driver": ("controller.serviceAccount", "fsx-csi-controller-sa"),
    "karpenter": ("serviceAccount", "karpenter"),
    "external-dns": ("serviceAccount", "external-dns"),
    "cluster-autoscaler": ("rbac.serviceAccount", "cluster-autoscaler"),
    "aws-for-fluent-bit": ("serviceAccount", "aws-for-fluent-bit"),
    "aws-cloudwatch-metrics": ("serviceAccount", "aws-cloudwatch-metrics"),
}
"""Charts whose pods call AWS: where their values describe the service account, and its default name."""


@check("EKR240", HelmChart)
def balancer_controller_needs_no_metadata(chart: HelmChart) -> Answer | None:
    """With the host's network its pods are no hop away from the metadata of the node."""
    if str(chart.resource.maybe("Chart", "")).rsplit("/", 1)[-1] != _BALANCERS:
        return None
    here = chart.at("Values")
    cluster = _cluster_of(chart, here)
    values = _values(chart)
    if values.get("hostNetwork") is True:
        return met("runs in the host's network, which reaches the instance metadata", here)
    missing = list(_missing(values, cluster))
    if not missing:
        return met("has region, vpcId and a role of its own", here)
    if where := _without_metadata(cluster, here):
        return open_(f"has no {', no '.join(missing)}, and its pods cannot ask {where}", here)
    return met("its pods reach the instance metadata", here)


def _values(chart: HelmChart) -> Mapping[str, Any]:
    """Returns the values of a chart. Raises UnknownValue."""
    values = chart.get("Values") or {}
    try:
        values = json_in(values) if isinstance(values, str) else values
    except NoData:
        values = None
    if not isinstance(values, dict):
        raise UnknownValue(chart.at("Values"), "its values are not JSON")
    return values


def _missing(values: Mapping[str, Any], cluster: Cluster) -> Iterator[str]:
    """Yields what the controller would ask the metadata for, or take from the role of the node."""
    yield from (key for key in ("region", "vpcId") if not values.get(key))
    if not _has_identity(values, cluster, "serviceAccount", _BALANCERS):
        yield "role"


def _has_identity(values: Mapping[str, Any], cluster: Cluster, path: str, default: str) -> bool:
    """Whether a service account of a chart has a role, or may have one.

    Args:
        values: the chart's values.
        cluster: where it runs.
        path: where the values describe the account.
        default: the account's name where the values have none.
    """
    account: Any = values
    for step in path.split("."):
        account = account.get(step) if isinstance(account, dict) else None
    account = account if isinstance(account, dict) else {}
    name = account.get("name") or default
    annotated = [account.get("annotations") or {}]
    annotated += [
        one.resource.maybe("metadata.annotations", {}) or {}
        for one in software.objects(cluster, "ServiceAccount")
        if one.bare_name == name
    ]
    associated = any(
        one.resource.maybe("ServiceAccount") in (None, name)
        for one in cluster.facts.belonging(PodIdentity, cluster.resource.key)
    )
    annotated_with_a_role = any("eks.amazonaws.com/role-arn" in one for one in annotated)
    # An account that something else makes, and that was not read, may have one.
    elsewhere = account.get("create") is False and len(annotated) == 1
    return associated or annotated_with_a_role or elsewhere


@check("EKR310", HelmChart)
def controllers_have_a_role(chart: HelmChart) -> Answer | None:
    """By the service accounts that the charts make. A Pod Identity association or the annotation of IRSA gives the role."""
    name = str(chart.resource.maybe("Chart", "")).rsplit("/", 1)[-1]
    if name not in _CALLERS:
        return None
    here = chart.at("Values")
    cluster = _cluster_of(chart, here)
    values, (path, account) = _values(chart), _CALLERS[name]
    if _has_identity(values, cluster, path, account):
        return met("its service account has a role, or may have one", here)
    if where := _without_metadata(cluster, here):
        return open_(f"its service account has no role, and its pods cannot get one from {where}", here)
    return open_("its service account has no role: its pods take that of their node", here)


def _cluster_of(chart: HelmChart, here: Evidence) -> Cluster:
    """Returns the cluster that a chart is installed in. Raises UnknownValue."""
    cluster = chart.facts.get(Cluster, chart.cluster_key)
    if cluster is None:
        raise UnknownValue(here, "the cluster that it belongs to was not read")
    return cluster


def _without_metadata(cluster: Cluster, here: Evidence) -> str:
    """Returns compute whose pods do not reach the instance metadata; empty: there is none. Raises UnknownValue."""
    nodes = [*cluster.node_groups, *cluster.self_managed]
    for one in nodes:
        answer = imds_hop_limit_is_1(one) if isinstance(one, Ec2Nodes) else None
        if answer and answer.status != "open":
            return f"the instance metadata of {one.words}"
    if cluster.auto_mode:
        return "the instance metadata of Auto Mode's nodes"
    if not nodes and cluster.fargate_profiles:
        return "Fargate, which has no instance metadata"
    if not nodes:
        raise UnknownValue(here, "on which nodes its pods run was not read")
    return ""
