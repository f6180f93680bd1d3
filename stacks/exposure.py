"""How load balancers are asked for: who makes them, whom they reach, with TLS or, for a trial, without."""

from typing import Any

from eks_constructs.manifests import KubernetesObject
from stacks.placement import Placement

_INGRESS, _SERVICE = "alb.ingress.kubernetes.io", "service.beta.kubernetes.io"
_TLS = tuple(f"{_INGRESS}/{name}" for name in ("certificate-arn", "ssl-policy", "ssl-redirect")) + tuple(
    f"{_SERVICE}/aws-load-balancer-ssl-{name}" for name in ("cert", "ports", "negotiation-policy")
)
"""Annotations that mean nothing without a certificate."""

SCHEME_OF_SERVICE = f"{_SERVICE}/aws-load-balancer-scheme"
SCHEME_OF_INGRESS = f"{_INGRESS}/scheme"


def asks_for_load_balancer(item: KubernetesObject) -> bool:
    """Tells whether AWS makes a load balancer for an object."""
    if item["kind"] == "Service":
        return (item.get("spec") or {}).get("type") == "LoadBalancer"
    return item["kind"] in ("Ingress", "Gateway")


def expose(item: KubernetesObject, placement: Placement, scheme: str) -> None:
    """Fills in, where the author wrote nothing: the controller's class, targets and ``scheme``; takes TLS away for plain HTTP."""
    rule = placement.rule
    if item["kind"] == "GatewayClass" and rule.gateway_controller:
        item.setdefault("spec", {}).setdefault("controllerName", rule.gateway_controller)
    if not asks_for_load_balancer(item):
        return
    spec = item.setdefault("spec", {})
    defaults: dict[str, str] = {}
    if item["kind"] == "Ingress":
        spec.setdefault("ingressClassName", rule.ingress_class)
        defaults = dict(rule.ingress_annotations)
        if rule.needs_controller:  # Auto Mode reads it from the IngressClassParams alone
            defaults[SCHEME_OF_INGRESS] = scheme
    if item["kind"] == "Service":
        spec.setdefault("loadBalancerClass", rule.load_balancer_class)
        defaults = {**rule.service_annotations, SCHEME_OF_SERVICE: scheme}
    if defaults:
        annotations = item["metadata"].setdefault("annotations", {})
        item["metadata"]["annotations"] = {**defaults, **annotations}
    if placement.spec.plain_http:
        _without_tls(item)


def _without_tls(item: KubernetesObject) -> None:
    annotations: dict[str, Any] = item["metadata"].get("annotations") or {}
    for name in _TLS:
        annotations.pop(name, None)
    if f"{_INGRESS}/listen-ports" in annotations:
        annotations[f"{_INGRESS}/listen-ports"] = '[{"HTTP": 80}]'
    if item["kind"] == "Service":
        for port in item["spec"].get("ports") or []:
            if port.get("port") == 443:
                port["port"] = 80
    if item["kind"] == "Gateway":
        for listener in item["spec"].get("listeners") or []:
            if listener["protocol"] in ("HTTPS", "TLS"):
                for key in ("hostname", "tls"):
                    listener.pop(key, None)
                listener |= {"port": 80, "protocol": "HTTP"}
