"""Load balancers of objects: their controller, scheme and TLS."""

from collections.abc import Mapping
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.compute.registry import rules
from eks_constructs.manifests import KubernetesObject
from stacks.objects.known_names import KnownNames
from stacks.placement.kinds import Placement

_INGRESS, _SERVICE = "alb.ingress.kubernetes.io", "service.beta.kubernetes.io"
_CERTIFICATE = {"Ingress": f"{_INGRESS}/certificate-arn", "Service": f"{_SERVICE}/aws-load-balancer-ssl-cert"}
_TLS = tuple(f"{_INGRESS}/{name}" for name in ("certificate-arn", "ssl-policy", "ssl-redirect")) + tuple(
    f"{_SERVICE}/aws-load-balancer-ssl-{name}" for name in ("cert", "ports", "negotiation-policy")
)
"""Annotations that have no effect without a certificate."""
_TLS_PORTS, _TLS_NAMES = (443, 8443), ("https", "tls", "wss", "grpcs")

FAMILY_OF_SERVICE = f"{_SERVICE}/aws-load-balancer-ip-address-type"
FAMILY_OF_INGRESS = f"{_INGRESS}/ip-address-type"
SCHEME_OF_SERVICE = f"{_SERVICE}/aws-load-balancer-scheme"
SCHEME_OF_INGRESS = f"{_INGRESS}/scheme"
INTERNAL_SERVICE = f"{_SERVICE}/aws-load-balancer-internal"
"""The older way to say a scheme."""
TAGS_OF_SERVICE = f"{_SERVICE}/aws-load-balancer-additional-resource-tags"
OLD_CLASS = "kubernetes.io/ingress.class"
"""The older way to say an Ingress's class."""


def text_of(item: KubernetesObject, annotation: str) -> str:
    """Returns an annotation as it is written; empty: there is none."""
    annotations = item["metadata"].get("annotations")
    return str(annotations.get(annotation) or "") if isinstance(annotations, dict) else ""


def made_by_aws(item: KubernetesObject, placement: Placement, known: KnownNames) -> bool:
    """Returns whether a controller of AWS makes a load balancer for an object."""
    spec, rule = item.get("spec") or {}, placement.rule
    if kind_of(item) == "Service" and spec.get("type") == "LoadBalancer":
        return not known.is_provided(str(spec.get("loadBalancerClass", "")))
    if kind_of(item) == "Ingress":
        name = str(spec.get("ingressClassName") or text_of(item, OLD_CLASS))
        return not known.is_provided(name) and _of_aws(
            "IngressClass", name, "controller", rule.ingress_controller, known
        )
    if kind_of(item) == "Gateway":
        name, own = str(spec.get("gatewayClassName")), str(rule.gateway_controller)
        return _of_aws("GatewayClass", name, "controllerName", own, known)
    return False


def _of_aws(kind: str, name: str, key: str, own: str, known: KnownNames) -> bool:
    """An unknown class is refused elsewhere (stacks/objects/rules)."""
    return bool(((known.classes.get((kind, name)) or {}).get("spec") or {}).get(key, own) == own)


def certificate_annotation(kind: str) -> str | None:
    """Returns the annotation by which objects of a kind name a certificate; None: they have no such annotation."""
    return _CERTIFICATE.get(kind)


def serves_tls(item: KubernetesObject) -> bool:
    """Returns whether the load balancer of an object terminates TLS, or passes TLS on to its pods."""
    spec = item.get("spec") or {}
    if kind_of(item) == "Gateway":
        return any(one.get("protocol") in ("HTTPS", "TLS") for one in spec.get("listeners") or [])
    if text_of(item, _CERTIFICATE[kind_of(item)]):
        return True
    if kind_of(item) == "Ingress":
        # Certificates are found by hosts: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/
        hosts = [host for one in spec.get("tls") or [] for host in one.get("hosts") or []]
        rules = [one["host"] for one in spec.get("rules") or [] if one.get("host")]
        return bool(hosts) or bool(rules and "HTTPS" in text_of(item, f"{_INGRESS}/listen-ports"))
    ports = spec.get("ports") or []
    return bool(ports) and all(
        port.get("port") in _TLS_PORTS or {port.get("name"), port.get("appProtocol")} & set(_TLS_NAMES)
        for port in ports
    )


def gate(namespace: KubernetesObject, placement: Placement, *, exposed: bool) -> None:
    """Labels a namespace so that a rollout waits for the load balancer, if it has one or the author set the label.

    The author may have written the label of either controller: either is accepted, and replaced by the one that the kind reads.
    """
    labels = namespace["metadata"].get("labels") or {}
    written = [labels.pop(key) for key in {rule.readiness_gate for rule in rules().values()} if key in labels]
    if written or exposed:
        namespace["metadata"]["labels"] = {
            **labels,
            placement.rule.readiness_gate: written[0] if written else "enabled",
        }


def expose(
    item: KubernetesObject,
    placement: Placement,
    scheme: str,
    *,
    by_aws: bool,
    ipv6: bool,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Fills in, where the author wrote nothing: the controller's class, targets and ``scheme``; removes TLS for plain HTTP.

    Args:
        item: the object, which is changed.
        placement: of its workload.
        scheme: of its load balancer.
        by_aws: a controller of AWS makes the object's load balancer.
        ipv6: pods have IPv6 addresses: only a load balancer with both families has them as targets
            (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html).
        tags: of the load balancer that Auto Mode makes for a Service; those of an Ingress are in its IngressClassParams, and
            the other controller has them in its chart (https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html).
    """
    rule = placement.rule
    spec = item.setdefault("spec", {}) if by_aws or kind_of(item) in ("GatewayClass", "IngressClass") else {}
    if kind_of(item) == "GatewayClass" and rule.gateway_controller:
        spec.setdefault("controllerName", rule.gateway_controller)
    if kind_of(item) == "IngressClass":
        spec.setdefault("controller", rule.ingress_controller)
    if not by_aws:
        return
    defaults: dict[str, str] = {}
    if kind_of(item) == "Ingress":
        spec.setdefault("ingressClassName", rule.ingress_class)
        defaults = dict(rule.ingress_annotations)
        if rule.needs_controller:  # Auto Mode reads it from the IngressClassParams alone
            defaults |= {SCHEME_OF_INGRESS: scheme} | ({FAMILY_OF_INGRESS: "dualstack"} if ipv6 else {})
    if kind_of(item) == "Service":
        spec.setdefault("loadBalancerClass", rule.load_balancer_class)
        defaults = {**rule.service_annotations, SCHEME_OF_SERVICE: scheme}
        defaults |= {FAMILY_OF_SERVICE: "dualstack"} if ipv6 else {}
        if tags and not rule.needs_controller:
            own = dict(
                one.strip().partition("=")[::2] for one in text_of(item, TAGS_OF_SERVICE).split(",") if one.strip()
            )
            joined = ",".join(f"{key}={value}" for key, value in ({**tags, **own}).items())
            item["metadata"].setdefault("annotations", {})[TAGS_OF_SERVICE] = joined
    if defaults:
        annotations = item["metadata"].get("annotations") or {}
        item["metadata"]["annotations"] = {**defaults, **annotations}
    if placement.spec.plain_http:
        _without_tls(item)


def _without_tls(item: KubernetesObject) -> None:
    annotations: dict[str, Any] = item["metadata"].get("annotations") or {}
    for name in _TLS:
        annotations.pop(name, None)
    if f"{_INGRESS}/listen-ports" in annotations:
        annotations[f"{_INGRESS}/listen-ports"] = '[{"HTTP": 80}]'
    if kind_of(item) == "Ingress":
        item["spec"].pop("tls", None)
    if kind_of(item) == "Service":
        for port in item["spec"].get("ports") or []:
            if port.get("port") == 443:
                port["port"] = 80
    if kind_of(item) == "Gateway":
        for listener in item["spec"].get("listeners") or []:
            _listen_plainly(listener)


def _listen_plainly(listener: dict[str, Any]) -> None:
    if listener.get("protocol") in ("HTTPS", "TLS"):
        for key in ("hostname", "tls"):
            listener.pop(key, None)
        listener |= {"port": 80, "protocol": "HTTP"}
