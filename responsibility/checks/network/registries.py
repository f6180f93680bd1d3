"""Checks of registries: nodes without internet access must reach the registries of their images."""

from __future__ import annotations

import re

from eks_facts.places import public_registries
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.network.vpc import isolated_subnets
from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.kubernetes import Workload
from responsibility.reading.partly_known import begins_open
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_OWN = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


def _host(reference: str) -> str:
    """Returns the registry of an image; short names are Docker Hub's."""
    first, slash, _ = reference.partition("/")
    return first if slash and re.search(r"[.:]|^localhost$", first) else "docker.io"


def _is_public(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in public_registries())


@check("EKR155", Cluster)
def images_are_within_reach(cluster: Cluster) -> Answer:
    """A chart's images are in its values or in the chart itself. A chart from the internet counts like an image from there."""
    if not isolated_subnets(cluster):
        return not_applicable("no node or pod is in a subnet without a route out")
    found = [(_host(text), at) for text, at in _images(cluster)] + [
        (_of_chart(text), at) for text, at in _charts(cluster)
    ]
    if not found:
        return not_applicable("no workload and no chart of it is in what was read")
    outside = [(host, at) for host, at in found if _is_public(host)]
    if outside:
        hosts = ", ".join(dict.fromkeys(host for host, _ in outside))
        return open_(f"has nodes or pods that cannot reach {hosts}", *(at for _, at in outside))
    for host, at in found:
        if not _OWN.fullmatch(host):
            raise UnknownValue(at, f"whether {host} is reached without the internet is not known here")
    return met("pulls from private Amazon ECR repositories", *(at for _, at in found))


def _images(cluster: Cluster) -> list[tuple[str, Evidence]]:
    """Returns the images of its workloads. Raises UnknownValue for one whose registry is not said."""
    found = []
    for workload in cluster.facts.belonging(Workload, cluster.resource.key):
        if workload.made_by_another:
            continue
        for path in (*workload.running, *workload.starting):
            at = workload.at(f"{path}.image")
            text = str(workload.get(f"{path}.image", ""))
            if has_gap(text.partition("/")[0]) or begins_open(text) or text.startswith("${"):
                raise UnknownValue(at, "its registry is filled in later")
            found.append((text, at))
    return found


def _charts(cluster: Cluster) -> list[tuple[str, Evidence]]:
    found = []
    for chart in cluster.facts.belonging(HelmChart, cluster.resource.key):
        if chart.get("ChartAssetURL"):
            continue
        path = "Repository" if chart.get("Repository") else "Chart"
        found.append((str(chart.get(path, "")), chart.at(path)))
    return found


def _of_chart(address: str) -> str:
    return address.partition("://")[2].partition("/")[0] or address
