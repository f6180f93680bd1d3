"""Load balancers: an address for a Service or an Ingress, only where a controller runs that serves its class."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from emulator.engine.kubernetes.table import GUIDE, simulated
from local_kubernetes.client import ApiError, Client, Object
from local_kubernetes.nodes.mirror import key_of

CHART = "aws-load-balancer-controller"
AUTO_SERVICE, AUTO_INGRESS = "eks.amazonaws.com/nlb", "eks.amazonaws.com/alb"
CHART_SERVICE, CHART_INGRESS = "service.k8s.aws/nlb", "ingress.k8s.aws/alb"
TYPE = "service.beta.kubernetes.io/aws-load-balancer-type"
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INGRESS_SCHEME = "alb.ingress.kubernetes.io/scheme"


class LoadBalancers:
    """The controllers of one cluster."""

    def __init__(self, client: Client, region: str) -> None:
        """Takes the administrator's client."""
        self._client, self._region = client, region

    def react(self, *, auto_mode: bool, controller: bool) -> None:
        """Gives addresses to what has none. Raises ApiError, OSError.

        Args:
            auto_mode: whether the cluster has EKS Auto Mode.
            controller: whether a pod of the AWS Load Balancer Controller is ready.
        """
        classes = {key_of(one)[1]: one for one in self._client.items("/apis/networking.k8s.io/v1/ingressclasses")}
        for service in self._client.items("/api/v1/services"):
            waits = service["spec"].get("type") == "LoadBalancer" and not _address(service)
            if waits and (scheme := self.service(service, auto_mode=auto_mode, controller=controller)):
                self._give(service, f"/api/v1/namespaces/{service['metadata']['namespace']}/services", scheme)
        for ingress in self._client.items("/apis/networking.k8s.io/v1/ingresses"):
            if not _address(ingress) and (
                scheme := self.ingress(ingress, classes, auto_mode=auto_mode, controller=controller)
            ):
                path = f"/apis/networking.k8s.io/v1/namespaces/{ingress['metadata']['namespace']}/ingresses"
                self._give(ingress, path, scheme)

    @simulated(f"{GUIDE}auto-configure-nlb.html", "Service")
    def service(self, service: Object, *, auto_mode: bool, controller: bool) -> str:
        """A Service of type LoadBalancer gets an address where Auto Mode, or a controller that runs, serves its class."""
        kind = service["spec"].get("loadBalancerClass")
        annotations = service["metadata"].get("annotations") or {}
        # Auto Mode takes those without a class. The controller of the chart gives new Services its own class by a webhook.
        served = (auto_mode and kind in (None, AUTO_SERVICE)) or (
            controller and (kind in (None, CHART_SERVICE) or annotations.get(TYPE) in ("external", "nlb-ip"))
        )
        return annotations.get(SCHEME, "internal") if served else ""

    @simulated(f"{GUIDE}auto-configure-alb.html", "Ingress")
    def ingress(self, ingress: Object, classes: Mapping[str, Object], *, auto_mode: bool, controller: bool) -> str:
        """An Ingress gets an address where Auto Mode, or a controller that runs, serves the controller of its IngressClass."""
        annotations = ingress["metadata"].get("annotations") or {}
        named = ingress["spec"].get("ingressClassName") or annotations.get("kubernetes.io/ingress.class")
        found = classes.get(str(named)) if named else _default(classes.values())
        kind = found["spec"].get("controller") if found else None
        if (auto_mode and kind == AUTO_INGRESS) or (controller and kind == CHART_INGRESS):
            return str(annotations.get(INGRESS_SCHEME) or self._class_scheme(found) or "internal")
        return ""

    def _class_scheme(self, found: Object | None) -> str:
        named = ((found or {}).get("spec") or {}).get("parameters") or {}
        with suppress(ApiError, KeyError):
            path = self._client.collection(f"{named['apiGroup']}/v1", named["kind"])
            return str(self._client.get(f"{path}/{named['name']}")["spec"]["scheme"])
        return ""

    def _give(self, item: Object, collection: str, scheme: str) -> None:
        metadata = item["metadata"]
        number = sha256(metadata["uid"].encode()).hexdigest()[:16]
        name = f"k8s-{metadata['namespace'][:8]}-{metadata['name'][:8]}-{number[:10]}"
        internal = "" if scheme == "internet-facing" else "internal-"
        host = f"{internal}{name}-{int(number[:8], 16)}.{self._region}.elb.amazonaws.com"
        body: dict[str, Any] = {"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}}
        with suppress(ApiError):  # it is gone
            self._client.patch(f"{collection}/{metadata['name']}/status", body)


def _address(item: Object) -> bool:
    return bool(((item.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def _default(classes: Iterable[Object]) -> Object | None:
    mark = "ingressclass.kubernetes.io/is-default-class"
    return next((one for one in classes if (one["metadata"].get("annotations") or {}).get(mark) == "true"), None)
