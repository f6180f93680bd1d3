"""Values of Services, Ingresses and NetworkPolicies that contradict each other."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from kubernetes_lint.index import Index
from kubernetes_lint.objects import (
    KubernetesObject,
    at,
)
from kubernetes_lint.problem import Found, Problems, open_text, repeated
from safe_io.where import Where


def service(item: KubernetesObject, _: Index) -> Problems:
    """Ports of a Service, and the ranges that it admits."""
    spec, way = item["spec"], ("spec", "ports")
    ports = spec.get("ports") or []
    yield from repeated(way, [(port.get("protocol", "TCP"), port.get("port")) for port in ports], "port")
    if len(ports) > 1 and not all(port.get("name") for port in ports):
        yield Found(way, "has several ports: each needs a name")
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Found(way, "is missing")
    if spec.get("type") == "ExternalName" and not spec.get("externalName"):
        yield Found(("spec", "externalName"), "is missing: the type ExternalName needs it")
    for number, one in enumerate(spec.get("loadBalancerSourceRanges") or []):
        yield from _range((*way[:1], "loadBalancerSourceRanges", number), one)


def _range(way: Where, text: Any) -> Problems:
    if open_text(text):
        return
    try:
        ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        yield Found(way, f"found {text!r}; must be a range of addresses such as 10.0.0.0/16")
        return
    if "/" not in str(text):
        yield Found(way, f"found {text!r}; a range needs the length of its prefix: {text}/32")


def network_policy(item: KubernetesObject, _: Index) -> Problems:
    """Peers and ports of a NetworkPolicy."""
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(item["spec"].get(direction) or []):
            way: Where = ("spec", direction, number)
            for place, peer in enumerate(rule.get(side) or []):
                yield from _peer(peer, (*way, side, place))
            for place, port in enumerate(rule.get("ports") or []):
                end, first = port.get("endPort"), port.get("port")
                if end is not None and not (isinstance(first, int) and first <= end):
                    text = f"found {end}; must be at least port, which must be a number"
                    yield Found((*way, "ports", place, "endPort"), text)


def _peer(peer: Mapping[str, Any], way: Where) -> Problems:
    block = peer.get("ipBlock")
    if not peer:
        yield Found(way, "is empty; it needs podSelector, namespaceSelector or ipBlock")
    if not block:
        return
    if len(peer) > 1:
        yield Found((*way, "ipBlock"), "excludes selectors beside it; make two peers of it")
    wrong = list(_range((*way, "ipBlock", "cidr"), block.get("cidr")))
    yield from wrong
    for index, one in enumerate(block.get("except") or []):
        here = (*way, "ipBlock", "except", index)
        if found := list(_range(here, one)):
            yield from found
        elif not wrong and not open_text(f"{one} {block['cidr']}"):
            inner, outer = (ipaddress.ip_network(text, strict=False) for text in (one, block["cidr"]))
            if inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
                yield Found(here, f"is not in {block['cidr']}")


def ingress(item: KubernetesObject, _: Index) -> Problems:
    """Rules and backends of an Ingress."""
    spec = item["spec"]
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield Found(("spec",), "has neither rules nor a defaultBackend")
    for number, rule in enumerate(spec.get("rules") or []):
        for place, path in enumerate(at(rule, "http", "paths", default=[])):
            way: Where = ("spec", "rules", number, "http", "paths", place)
            text = path.get("path")
            if path["pathType"] != "ImplementationSpecific" and not str(text or "").startswith("/"):
                yield Found((*way, "path"), f"found {text}; must begin with / for the pathType {path['pathType']}")
            service = at(path, "backend", "service")
            if service and bool(at(service, "port", "name")) == bool(at(service, "port", "number")):
                yield Found((*way, "backend", "service", "port"), "needs either a name or a number")
