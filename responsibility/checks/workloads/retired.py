"""Checks of software that nobody maintains any more: ingress-nginx, since March 2026."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.charts import HelmChart
from responsibility.reading.kubernetes import Workload

_IMAGE = "ingress-nginx/controller"


@check("EKR317", Workload)
def no_retired_controller(workload: Workload) -> Answer | None:
    """Applies to ingress controllers, by their image. NGINX Inc.'s own (nginx/nginx-ingress) is another one."""
    if workload.made_by_another:
        return None
    images = {path: str(workload.resource.maybe(f"{path}.image", "")) for path in workload.running}
    if found := [path for path, image in images.items() if _IMAGE in image]:
        return open_("runs ingress-nginx", *(workload.at(f"{path}.image") for path in found))
    controllers = [path for path, image in images.items() if "ingress" in image]
    return (
        met("runs another controller", *(workload.at(f"{path}.image") for path in controllers)) if controllers else None
    )


@check("EKR318", HelmChart)
def no_retired_chart(chart: HelmChart) -> Answer | None:
    """Applies to charts of ingress controllers, by their name."""
    name = str(chart.resource.maybe("Chart", "")).rsplit("/", 1)[-1]
    if name == "ingress-nginx":
        return open_("installs ingress-nginx", chart.at("Chart"))
    return met(f"installs {name}", chart.at("Chart")) if "ingress" in name else None
