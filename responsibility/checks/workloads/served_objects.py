"""Checks of objects that need something else to act on them: a load balancer's controller, an autoscaler's metrics."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.network.ingresses import balancer_of
from responsibility.checks.workloads.containers import listed
from responsibility.reading.eks import Cluster
from responsibility.reading.kubernetes import Entrance, KubernetesObject
from responsibility.reading.load_balancers import ALB, NLB

_CONTROLLER = "aws-load-balancer-controller"
_OLD_CLASS = "kubernetes.io/ingress.class"
_OLD_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
_NOT_READ = {
    "Ingress": (
        f"{ALB}group.name",
        f"{ALB}waf-acl-id",
        f"{ALB}web-acl-id",
        f"{ALB}shield-advanced-protection",
        f"{ALB}auth-idp-oidc",
    ),
    "Service": (
        "service.beta.kubernetes.io/load-balancer-source-ranges",
        *(
            f"{NLB}{name}"
            for name in ("type", "internal", "proxy-protocol", "access-log-enabled", "access-log-s3-bucket-name")
        ),
        *(f"{NLB}{name}" for name in ("access-log-s3-bucket-prefix", "cross-zone-load-balancing-enabled")),
    ),
}
"""Annotations that Auto Mode does not read: auto-configure-alb.html, auto-configure-nlb.html."""


@check("EKR180", Entrance)
def class_is_said_once(item: Entrance) -> Answer | None:
    """Applies to every Ingress that names a class."""
    if item.what != "Ingress":
        return None
    old, new = item.annotation(_OLD_CLASS), item.words_of("spec.ingressClassName")
    here = item.at("metadata.annotations")
    if not old:
        return met(f"is of class {new}", item.at("spec.ingressClassName")) if new else not_applicable("names no class")
    if new and new != old:
        return open_(f"is of class {old} by its annotation, and of {new} by its field", here)
    cluster = item.facts.get(Cluster, item.cluster_key)
    if not new and cluster and cluster.auto_load_balancing and not software.runs(cluster, _CONTROLLER):
        return open_(f"is of class {old} by an annotation that Auto Mode does not read", here)
    return met(f"is of class {old}, as its controller reads it", here)


@check("EKR181", Entrance)
def somebody_makes_it(item: Entrance) -> Answer | None:
    """Applies to Services of type LoadBalancer and Ingresses, by the class that they name or get."""
    balancer = balancer_of(item)
    if not balancer:
        return None
    here = item.at("spec.ingressClassName" if item.what == "Ingress" else "spec.loadBalancerClass")
    if balancer.maker == "other":
        return not_applicable("its load balancer is created by a controller that is not AWS's")
    if balancer.maker == "legacy":
        return met("is made by the cloud provider of Kubernetes", here)
    cluster = software.known_cluster(item, here)
    if balancer.maker == "auto_mode":
        return (
            met("is made by Auto Mode", here)
            if cluster.auto_load_balancing
            else open_("asks for Auto Mode, which is off", here)
        )
    if found := software.runs(cluster, _CONTROLLER):
        return met(f"is made by {found}", here)
    return open_("needs the AWS Load Balancer Controller, but nothing that was read installs it", here)


@check("EKR182", Entrance)
def annotations_are_read(item: Entrance) -> Answer | None:
    """Applies to load balancers that Auto Mode makes. A scheme beside that of the IngressClassParams is not read either."""
    balancer = balancer_of(item)
    if not balancer or balancer.maker != "auto_mode":
        return None
    ignored = [name for name in _NOT_READ[item.what] if item.annotation(name)]
    if balancer.params and balancer.params.get("spec.scheme") and item.annotation(f"{ALB}scheme"):
        ignored.append(f"{ALB}scheme")
    here = item.at("metadata.annotations")
    return (
        open_(f"{listed(ignored)}: not read", here) if ignored else met("has none that Auto Mode does not read", here)
    )


@check("EKR183", KubernetesObject)
def storage_class_is_said_once(item: KubernetesObject) -> Answer | None:
    """Applies to claims, and of StatefulSets that make some, if they name a class."""
    claims = [""] if item.what == "PersistentVolumeClaim" else []
    if item.what == "StatefulSet":
        claims = [f"{path}." for path in item.items("spec.volumeClaimTemplates")]
    said = [
        (
            path,
            item.entry(f"{path}metadata.annotations", _OLD_STORAGE_CLASS),
            item.words_of(f"{path}spec.storageClassName"),
        )
        for path in claims
    ]
    clash = [path for path, old, new in said if old and new and old != new]
    if clash:
        return open_(
            "has one class in its annotation and another in its field",
            *(item.at(f"{path}metadata.annotations") for path in clash),
        )
    named = [path for path, old, new in said if old or new]
    return met("names one class", *(item.at(f"{path}spec.storageClassName") for path in named)) if named else None


@check("EKR184", KubernetesObject)
def metrics_are_served(item: KubernetesObject) -> Answer | None:
    """Applies to HorizontalPodAutoscalers. No kind of compute brings metrics-server, Auto Mode neither."""
    if item.what != "HorizontalPodAutoscaler" or item.made_by_another:
        return None
    here = item.at("spec.metrics")
    cluster = software.known_cluster(item, here)
    missing = [what for what, words in _servers(item) if not software.runs(cluster, *words)]
    if missing:
        return open_(f"scales by {listed(missing)} metrics, but nothing that was read serves them", here)
    return met("scales by metrics that are served", here)


def _servers(item: KubernetesObject) -> Iterator[tuple[str, tuple[str, ...]]]:
    types = [item.words_of(f"{path}.type", "Resource") for path in item.items("spec.metrics")] or ["Resource"]
    for kind in types:
        if kind in ("Resource", "ContainerResource"):
            yield "resource", ("metrics-server",)
        else:
            yield kind.lower(), ("keda", "adapter", "custom-metrics", "external-metrics", "datadog")


@check("EKR185", KubernetesObject)
def snapshots_are_made(item: KubernetesObject) -> Answer | None:
    """Applies to VolumeSnapshots and their classes."""
    if item.what not in ("VolumeSnapshot", "VolumeSnapshotClass") or item.made_by_another:
        return None
    cluster: Cluster = software.known_cluster(item, item.at("kind"))
    found = software.runs(cluster, "snapshot-controller")
    return (
        met(f"is made by {found}", item.at("kind"))
        if found
        else open_("nothing that was read makes it", item.at("kind"))
    )
