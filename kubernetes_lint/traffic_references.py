"""What points nowhere on the way to a pod: Services, Ingresses, Gateways, routes, network policies."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubernetes_lint.index import Index
from kubernetes_lint.objects import KubernetesObject, Pod, at, namespace_of
from kubernetes_lint.problem import Found, Problems
from safe_io.where import Where


def _service(item: KubernetesObject, index: Index) -> Problems:
    spec, namespace = item["spec"], namespace_of(item)
    if spec.get("type") == "ExternalName" or not spec.get("selector"):
        return
    found = index.selected({"matchLabels": spec["selector"]}, namespace)
    if not found:
        yield Found(("spec", "selector"), "selects no pod", index.sees_pods(namespace))
    headless = spec.get("clusterIP") == "None"  # its ports are only published, and mean nothing to the pods
    for number, port in enumerate(spec.get("ports") or []):
        target = port.get("targetPort", port.get("port"))
        if found and not (headless and "targetPort" not in port) and not any(_serves(pod, target) for pod in found):
            key = "targetPort" if "targetPort" in port else "port"
            yield Found(
                ("spec", "ports", number, key), f"none of its pods has port {target}", _names_port(found, target)
            )


def _serves(pod: Pod, port: str | int | None) -> bool:
    key = "name" if isinstance(port, str) else "containerPort"
    return any(one.get(key) == port for one in pod.ports)


def _names_port(found: Sequence[Pod], port: object) -> bool:
    """Whether a port is surely missing: a name must be there, a number need not be written in the pods."""
    return isinstance(port, str) or all(pod.ports for pod in found)


def _network_policy(item: KubernetesObject, index: Index) -> Problems:
    spec, namespace = item["spec"], namespace_of(item)
    found = index.selected(spec.get("podSelector") or {}, namespace)
    if spec.get("podSelector") and not found:
        # A label that pods may wear, and none does, may be an offer.
        yield Found(("spec", "podSelector"), "selects no pod", certain=False)
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(direction) or []):
            way: Where = ("spec", direction, number)
            for place, peer in enumerate(rule.get(side) or []):
                if (
                    "podSelector" in peer
                    and "namespaceSelector" not in peer
                    and not index.selected(peer["podSelector"], namespace)
                ):
                    yield Found((*way, side, place, "podSelector"), "selects no pod", certain=False)
            for place, port in enumerate(rule.get("ports") or []):
                number_or_name = port.get("port")
                if (
                    direction == "ingress"
                    and found
                    and number_or_name is not None
                    and "endPort" not in port
                    and not any(_serves(pod, number_or_name) for pod in found)
                ):
                    yield Found(
                        (*way, "ports", place, "port"),
                        f"none of its pods has port {number_or_name}",
                        _names_port(found, number_or_name),
                    )


def _ingress(item: KubernetesObject, index: Index) -> Problems:
    spec, namespace = item["spec"], namespace_of(item)
    yield from index.missing("IngressClass", None, spec.get("ingressClassName"), ("spec", "ingressClassName"))
    backends: list[tuple[Where, Any]] = []
    if "defaultBackend" in spec:
        backends.append((("spec", "defaultBackend"), spec["defaultBackend"]))
    for number, rule in enumerate(spec.get("rules") or []):
        for place, path in enumerate(at(rule, "http", "paths", default=[])):
            backends.append((("spec", "rules", number, "http", "paths", place, "backend"), path["backend"]))
    for way, backend in backends:
        port = at(backend, "service", "port", default={})
        # `use-annotation`: the controller reads an annotation, and there is no such port.
        if at(backend, "service", "name") and port.get("name") != "use-annotation":
            yield from _backend(
                backend["service"]["name"], port.get("name") or port.get("number"), namespace, index, (*way, "service")
            )
    for number, tls in enumerate(spec.get("tls") or []):
        yield from index.missing("Secret", namespace, tls.get("secretName"), ("spec", "tls", number, "secretName"))


def _backend(name: str, port: str | int | None, namespace: str, index: Index, way: Where) -> Problems:
    yield from index.missing("Service", namespace, name, (*way, "name"))
    service = index.get("Service", namespace, name)
    if (
        service
        and at(service, "spec", "ports")
        and not any(port in (one.get("port"), one.get("name")) for one in at(service, "spec", "ports", default=[]))
    ):
        yield Found((*way, "port"), f"Service {name} has no port {port}")


def _ingress_class(item: KubernetesObject, index: Index) -> Problems:
    if parameters := at(item, "spec", "parameters"):
        way = ("spec", "parameters", "name")
        yield from index.missing(parameters["kind"], parameters.get("namespace"), parameters["name"], way)


def _gateway(item: KubernetesObject, index: Index) -> Problems:
    way = ("spec", "gatewayClassName")
    yield from index.missing("GatewayClass", None, at(item, *way), way)


def _route(item: KubernetesObject, index: Index) -> Problems:
    own = namespace_of(item)
    for number, parent in enumerate(item["spec"].get("parentRefs") or []):
        if parent.get("kind", "Gateway") != "Gateway":
            continue
        way: Where = ("spec", "parentRefs", number)
        namespace = parent.get("namespace", own)
        yield from index.missing("Gateway", namespace, parent["name"], (*way, "name"))
        gateway = index.get("Gateway", namespace, parent["name"])
        names = [one["name"] for one in at(gateway, "spec", "listeners", default=[])]
        if gateway and "sectionName" in parent and parent["sectionName"] not in names:
            yield Found((*way, "sectionName"), f"Gateway {parent['name']} has no listener {parent['sectionName']}")
    for number, rule in enumerate(item["spec"].get("rules") or []):
        for place, backend in enumerate(rule.get("backendRefs") or []):
            if backend.get("kind", "Service") == "Service":
                yield from _backend(
                    backend["name"],
                    backend.get("port"),
                    backend.get("namespace", own),
                    index,
                    ("spec", "rules", number, "backendRefs", place),
                )


CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Index], Problems]]] = {
    "Service": (_service,),
    "NetworkPolicy": (_network_policy,),
    "Ingress": (_ingress,),
    "IngressClass": (_ingress_class,),
    "Gateway": (_gateway,),
    "HTTPRoute": (_route,),
}
"""By kind."""
