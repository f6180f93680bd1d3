"""Checks of load balancers: who may connect, and whether traffic is encrypted."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.containers import listed
from responsibility.findings import Evidence
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.kubernetes import Entrance, KubernetesObject
from responsibility.reading.load_balancers import ALB, NLB, Balancer, ingress_balancer, service_balancer
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

_PLAIN_PORTS = (80, 8000, 8080)


def balancer_of(item: KubernetesObject) -> Balancer | None:
    """Returns the load balancer that a Service or an Ingress asks for. Raises UnknownValue."""
    return service_balancer(item) or ingress_balancer(item)


def _facing(item: KubernetesObject, balancer: Balancer) -> Evidence:
    """Where it is said that it faces the internet."""
    if balancer.params and balancer.params.get("spec.scheme"):
        return balancer.params.at("spec.scheme")
    return item.at("metadata.annotations")


@check("EKR095", Entrance)
def callers_are_named(item: Entrance) -> Answer | None:
    """Services of type LoadBalancer, and Ingresses of an Application Load Balancer."""
    balancer = balancer_of(item)
    if not balancer:
        return None
    if balancer.maker == "other":
        return not_applicable("its load balancer is created by a controller that is not AWS's")
    who, words = balancer.callers
    here = item.at("metadata.annotations") if who == "nobody" else _facing(item, balancer)
    return open_(words, here) if who == "everybody" else met(words, here)


@check("EKR098", Entrance)
def traffic_is_encrypted(item: Entrance) -> Answer | None:
    """Applies only to those that face the internet."""
    balancer = balancer_of(item)
    if not balancer or balancer.maker == "other" or not balancer.internet_facing:
        return None
    return _ingress_tls(item, balancer) if item.what == "Ingress" else _service_tls(item, balancer)


def _ingress_tls(ingress: KubernetesObject, balancer: Balancer) -> Answer:
    here = ingress.at("metadata.annotations")
    protocols = _protocols(ingress, balancer)
    if "HTTP" not in protocols:
        return met("listens for HTTPS only", here)
    annotations = ingress.mapping("metadata.annotations")
    by_class = balancer.params and balancer.params.get("spec.sslRedirectPort")
    if (
        by_class
        or ingress.annotation(f"{ALB}ssl-redirect")
        or any(
            key.startswith(f"{ALB}actions.") and '"redirect"' in str(text) and "HTTPS" in str(text)
            for key, text in annotations.items()
        )
    ):
        return met("sends HTTP to HTTPS", here)
    grouped = ingress.mapping("metadata.annotations").get(f"{ALB}group.name")
    # Without HTTPS of its own it has nothing to redirect to, whatever its group does.
    if "HTTPS" in protocols and (grouped or (balancer.params and balancer.params.get("spec.group.name"))):
        raise UnknownValue(here, "it shares its load balancer, and another Ingress may redirect to HTTPS")
    return open_("serves HTTP as well as HTTPS" if "HTTPS" in protocols else "serves plain HTTP", here)


def _protocols(ingress: KubernetesObject, balancer: Balancer) -> set[str]:
    """What it listens for; HTTPS where only a certificate is named, HTTP where nothing is."""
    ports = ingress.annotation(f"{ALB}listen-ports")
    if not ports:
        return {"HTTPS" if balancer.certificates else "HTTP"}
    try:
        items = json_in(ports)
    except NoData:
        raise UnknownValue(ingress.at("metadata.annotations"), "listen-ports is not JSON") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnknownValue(ingress.at("metadata.annotations"), "listen-ports is not a list of mappings")
    return {protocol.upper() for item in items for protocol in item}


def _service_tls(service: KubernetesObject, balancer: Balancer) -> Answer:
    here = service.at("metadata.annotations")
    ports = {
        service.number(f"{path}.port", 0): str(service.get(f"{path}.name", "")) for path in service.items("spec.ports")
    }
    if balancer.certificates:
        chosen = service.annotation(f"{NLB}ssl-ports")
        texts = {item.strip() for item in chosen.split(",") if item.strip()}
        plain = [port for port, name in ports.items() if texts - {"*"} and not {str(port), name} & texts]
        if not plain:
            return met("ends TLS at the load balancer", here)
        ports = {port: name for port, name in ports.items() if port in plain}
    plain_ports = [port for port, name in ports.items() if port in _PLAIN_PORTS or name == "http"]
    if plain_ports and len(plain_ports) == len(ports) and not balancer.certificates:
        return open_(f"serves plain HTTP on port {listed(map(str, plain_ports))}", service.at("spec.ports"))
    raise UnknownValue(service.at("spec.ports"), "whether the pods themselves end TLS, or redirect to it, is not said")


@check("EKR119", Entrance)
def fargate_gets_ip_targets(item: Entrance) -> Answer | None:
    """Applies to Services and Ingresses that lead to pods which a Fargate profile selects."""
    objects = item.facts.view(Objects)
    services = [item] if item.what == "Service" else _backends(item)
    behind = [service for service in services if any(pods.on_fargate for pods in objects.selected_by(service))]
    balancer = balancer_of(item) if behind else None
    if not balancer or balancer.maker == "other":
        return None
    here = item.at("metadata.annotations")
    # An Ingress's annotation may be overruled at each Service.
    kinds = {service.annotation(f"{ALB}target-type") or balancer.target_type for service in behind}
    if balancer.maker == "legacy":
        return open_("the load balancer of Kubernetes itself knows instance targets only", here)
    return met("uses IP targets", here) if kinds == {"ip"} else open_("uses instance targets", here)


def _backends(ingress: KubernetesObject) -> list[KubernetesObject]:
    paths = ["spec.defaultBackend"]
    for rule in ingress.items("spec.rules"):
        paths += [f"{path}.backend" for path in ingress.items(f"{rule}.http.paths")]
    names = dict.fromkeys(str(ingress.get(f"{path}.service.name", "")) for path in paths)
    found = (ingress.facts.view(Objects).named("Service", ingress, name) for name in names if name)
    return [service for service in found if service]
