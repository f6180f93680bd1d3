"""Rules for load balancers: classes, schemes and annotations."""

from collections.abc import Sequence

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from eks_facts.files import load
from stacks.objects.exposure import (
    FAMILY_OF_INGRESS,
    FAMILY_OF_SERVICE,
    INTERNAL_SERVICE,
    OLD_CLASS,
    SCHEME_OF_INGRESS,
    SCHEME_OF_SERVICE,
    made_by_aws,
    text_of,
)
from stacks.objects.rules.setting import ANNOTATIONS, Found, Setting


def service(item: KubernetesObject, setting: Setting) -> Found:
    """A Service of type LoadBalancer: its class, its scheme."""
    spec = item.get("spec") or {}
    if kind_of(item) != "Service" or spec.get("type") != "LoadBalancer":
        return
    own, found = setting.placement.rule.load_balancer_class, spec.get("loadBalancerClass")
    if found is not None and found != own and not setting.known.is_provided(str(found)):
        yield (
            ("spec", "loadBalancerClass"),
            f"found {found}; on {setting.placement.spec.compute} load balancers are of {own}: remove it, it is filled in."
            f" {setting.elsewhere}: {found}",
        )
    if not made_by_aws(item, setting.placement, setting.known):
        return
    scheme = text_of(item, SCHEME_OF_SERVICE)
    internal = text_of(item, INTERNAL_SERVICE)
    if scheme and scheme != setting.scheme:
        yield from _other_scheme(SCHEME_OF_SERVICE, scheme, setting)
    elif internal:
        means = "internal" if internal.lower() in ("true", "0.0.0.0/0") else "internet-facing"
        if means != setting.scheme or not setting.placement.rule.needs_controller:
            yield from _other_scheme(INTERNAL_SERVICE, internal, setting)


def _other_scheme(annotation: str, found: str, setting: Setting) -> Found:
    yield (
        (*ANNOTATIONS, annotation),
        f"found {found}; {setting.scheme_key} of the environment file decides, and it is {setting.scheme}: remove it",
    )


def ingress(item: KubernetesObject, setting: Setting) -> Found:
    """An Ingress: its class, its scheme."""
    if kind_of(item) != "Ingress":
        return
    rule, known = setting.placement.rule, setting.known
    old, found = text_of(item, OLD_CLASS), (item.get("spec") or {}).get("ingressClassName")
    if old and (found or not known.is_provided(old)):
        yield (
            (*ANNOTATIONS, OLD_CLASS),
            f"found {old}; remove it: spec.ingressClassName is filled in, with {rule.ingress_class} on"
            f" {setting.placement.spec.compute}, and the API server refuses two classes that differ. {setting.elsewhere}: {old}",
        )
    if found and not known.has("IngressClass", str(found), (rule.ingress_class,)):
        yield (
            ("spec", "ingressClassName"),
            f"found {found}, a class that nothing in this cluster makes; it has {rule.ingress_class}, which is filled in: remove"
            f" it. {setting.elsewhere}: {found}",
        )
    scheme = text_of(item, SCHEME_OF_INGRESS)
    if not scheme or not made_by_aws(item, setting.placement, known):
        return
    if not setting.placement.rule.needs_controller and found in (None, rule.ingress_class):
        yield (
            (*ANNOTATIONS, SCHEME_OF_INGRESS),
            f"found {scheme}, which is not read: the IngressClassParams of {rule.ingress_class} override it. {setting.scheme_key}"
            f" of the environment file decides, and it is {setting.scheme}: remove it",
        )
    elif scheme != setting.scheme and found in (None, rule.ingress_class):
        yield from _other_scheme(SCHEME_OF_INGRESS, scheme, setting)


def gateway(item: KubernetesObject, setting: Setting) -> Found:
    """A Gateway: its class."""
    name = (item.get("spec") or {}).get("gatewayClassName") if kind_of(item) == "Gateway" else None
    if name and not setting.known.has("GatewayClass", str(name)):
        yield (
            ("spec", "gatewayClassName"),
            f"found {name}, a class that nothing in this cluster makes; add a GatewayClass to the workload: its controller is"
            f" filled in. {setting.elsewhere}: {name}",
        )


def address_family(item: KubernetesObject, setting: Setting) -> Found:
    """IPv4-only load balancers in a cluster with IPv6 pods."""
    if not setting.ipv6 or not made_by_aws(item, setting.placement, setting.known):
        return
    for annotation in (FAMILY_OF_SERVICE, FAMILY_OF_INGRESS):
        if (found := text_of(item, annotation)) == "ipv4":
            yield (
                (*ANNOTATIONS, annotation),
                f"found {found}, and pods of this cluster have IPv6 addresses, which such a load balancer does not reach: remove it,"
                " dualstack is filled in",
            )
    if kind_of(item) == "Gateway":
        yield from family_of_gateway(item, setting.objects)


def family_of_gateway(item: KubernetesObject, others: Sequence[KubernetesObject]) -> Found:
    """A Gateway's settings are its own, or those of its class (https://gateway-api.sigs.k8s.io/reference/spec/#gatewayclassspec)."""
    spec = item.get("spec") or {}
    own = (spec.get("infrastructure") or {}).get("parametersRef")
    classes = [_named(others, "GatewayClass", spec.get("gatewayClassName"))]
    named = own or next(((one.get("spec") or {}).get("parametersRef") for one in classes if one), None)
    if not isinstance(named, dict):
        yield (
            ("kind",),
            "gets a load balancer with IPv4 addresses alone, and pods of this cluster have IPv6 addresses; name the settings that ask"
            " for dualstack in spec.infrastructure.parametersRef (or in spec.parametersRef of its class), or use an Ingress",
        )
        return
    settings = _named(others, str(named.get("kind")), named.get("name"))
    if settings and not str((settings.get("spec") or {}).get("ipAddressType", "")).startswith("dualstack"):
        yield (
            ("spec", "infrastructure", "parametersRef") if own else ("spec", "gatewayClassName"),
            f"leads to {kind_of(settings)} {named.get('name')}, which does not say ipAddressType: dualstack, and pods of this cluster"
            " have IPv6 addresses: add it there",
        )


def _named(objects: Sequence[KubernetesObject], kind: str, name: object) -> KubernetesObject | None:
    return next((one for one in objects if kind_of(one) == kind and one["metadata"].get("name") == name), None)


def annotations(item: KubernetesObject, setting: Setting) -> Found:
    """Annotations of load balancers that the kind's controller does not read."""
    ignored = load("compute_kinds")["ignored_annotations"].get(setting.placement.spec.compute, {}).get(kind_of(item))
    if not ignored or not made_by_aws(item, setting.placement, setting.known):
        return
    for annotation, instead in ignored["instead"].items():
        if text_of(item, annotation):
            yield (
                (*ANNOTATIONS, annotation),
                f"{setting.placement.spec.compute} does not read {annotation} ({ignored['source']}): remove it; {instead}",
            )
