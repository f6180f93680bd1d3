"""Kinds and metrics that nothing in the cluster serves."""

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from eks_facts.files import load
from stacks.objects.exposure import text_of
from stacks.objects.rules.setting import ANNOTATIONS, Found, Setting

_METRIC_APIS = {
    "External": "external.metrics.k8s.io",
    "Object": "custom.metrics.k8s.io",
    "Pods": "custom.metrics.k8s.io",
}


def kind(item: KubernetesObject, setting: Setting) -> Found:
    """Kinds that nothing in the cluster defines."""
    group = item["apiVersion"].rpartition("/")[0]
    gone = load("cluster_apis")["gone"]
    if old := gone.get(item["apiVersion"]) or gone.get(group):
        yield ("apiVersion",), f"found {item['apiVersion']}, which Kubernetes serves no more; write {old['instead']}"
    elif not setting.known.serves(group, item["kind"]):
        yield (
            ("apiVersion",),
            f"nothing in this cluster defines {item['kind']} of {group}: not Kubernetes, not EKS, no CustomResourceDefinition of"
            f" its workloads. {setting.elsewhere}: {group}",
        )
    if text_of(item, "cert-manager.io/inject-ca-from") and not setting.known.serves("cert-manager.io", "Certificate"):
        yield (
            (*ANNOTATIONS, "cert-manager.io/inject-ca-from"),
            f"nothing in this cluster fills the certificate in: there is no cert-manager. {setting.elsewhere}: cert-manager.io",
        )
    if (kind_of(item), item["metadata"]["name"]) in setting.known.taken:
        yield (
            ("metadata", "name"),
            f"this project makes the {item['kind']} of that name for the cluster; choose another name, or remove it",
        )
    if (
        kind_of(item) == "CustomResourceDefinition"
        and (defined := (item.get("spec") or {}).get("group")) in setting.known.served
    ):
        yield (
            ("spec", "group"),
            f"found {defined}, which is served in this cluster already, and its definitions belong to who serves it; remove it",
        )
    if kind_of(item) == "IngressClass":
        yield from _class_controller(item, setting, "controller", setting.placement.rule.ingress_controller)
    if kind_of(item) == "GatewayClass":
        yield from _class_controller(item, setting, "controllerName", setting.placement.rule.gateway_controller)


def _class_controller(item: KubernetesObject, setting: Setting, key: str, own: str | None) -> Found:
    found = (item.get("spec") or {}).get(key)
    if found is not None and found != own and not setting.known.is_provided(str(found)):
        here = (
            f"on {setting.placement.spec.compute} it is {own}: remove it, or write that"
            if own
            else "there is none here"
        )
        yield (
            ("spec", key),
            f"found {found}, a controller that nothing here installs; {here}. {setting.elsewhere}: {found}",
        )


def scaler(item: KubernetesObject, setting: Setting) -> Found:
    """Metrics that nothing in the cluster serves."""
    metrics = (item.get("spec") or {}).get("metrics") if kind_of(item) == "HorizontalPodAutoscaler" else None
    for index, metric in enumerate(metrics or []):
        group = _METRIC_APIS.get(str(metric.get("type")))
        if group and not setting.known.serves(group, ""):
            yield (
                ("spec", "metrics", index, "type"),
                f"found {metric['type']}: nothing in this cluster serves {group}, so it would never scale. {setting.elsewhere}: {group}",
            )
