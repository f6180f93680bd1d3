"""Checks of Helm charts: which version is installed, and where it comes from."""

from __future__ import annotations

import re

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.charts import HelmChart
from responsibility.reading.values import OPEN

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
    if version.startswith((OPEN, "${")):
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
