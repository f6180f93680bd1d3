"""Holds what authors wrote into objects against what placement fills in and what the cluster has; what clashes is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eks_constructs.catalog import load
from eks_constructs.manifests import KubernetesObject
from safe_io.where import Where
from stacks.exposure import (
    FAMILY_OF_INGRESS,
    FAMILY_OF_SERVICE,
    INTERNAL_SERVICE,
    OLD_CLASS,
    SCHEME_OF_INGRESS,
    SCHEME_OF_SERVICE,
    made_by_aws,
    text_of,
)
from stacks.known_names import KnownNames
from stacks.placement import Placement
from stacks.pods import claim_templates, pod_template
from stacks.workload_folder import SourceObject
from stacks.workload_needs import EFS_DRIVER, drivers
from stacks.workload_problems import Problems

Found = Iterator[tuple[Where, str]]

_ANNOTATIONS: Where = ("metadata", "annotations")
_OLD_STORAGE_CLASSES = ("volume.beta.kubernetes.io/storage-class", "volume.alpha.kubernetes.io/storage-class")
_HANDLE = "${FILE_SYSTEM_ID}::${ACCESS_POINT_ID}"
_NO_DRIVER = "kubernetes.io/no-provisioner"
_METRIC_APIS = {
    "External": "external.metrics.k8s.io",
    "Object": "custom.metrics.k8s.io",
    "Pods": "custom.metrics.k8s.io",
}
ROLE_OF_ACCOUNT = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True)
class Setting:
    """What surrounds the objects of one workload."""

    placement: Placement
    known: KnownNames
    scheme: str
    """Of its load balancers."""
    scheme_key: str
    """Where the environment file says so."""
    service_account: str | None
    """The one whose role this project makes."""
    irsa: bool
    """Whether IAM trusts the cluster's tokens."""
    ipv6: bool
    """Whether pods have IPv6 addresses."""

    @property
    def elsewhere(self) -> str:
        """What to do about a name that something else brings."""
        return "If something else brings it, add it to the cluster's provided_elsewhere"


def check_written(sources: Sequence[SourceObject], setting: Setting, problems: Problems) -> None:
    """Notes everything in the objects that clashes with what is filled in, or that nothing in the cluster serves."""
    for source in sources:
        item = source.object
        for finder in (
            _kind,
            _service,
            _ingress,
            _gateway,
            _family,
            _annotations,
            _storage,
            _volume,
            _drivers,
            _pod,
            _account,
            _scaler,
        ):
            for where, text in finder(item, setting):
                problems.add(source, where, text)


def _kind(item: KubernetesObject, setting: Setting) -> Found:
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
            (*_ANNOTATIONS, "cert-manager.io/inject-ca-from"),
            f"nothing in this cluster fills the certificate in: there is no cert-manager. {setting.elsewhere}: cert-manager.io",
        )
    if item["kind"] == "IngressClass":
        yield from _class_controller(item, setting, "controller", setting.placement.rule.ingress_controller)
    if item["kind"] == "GatewayClass":
        yield from _class_controller(item, setting, "controllerName", setting.placement.rule.gateway_controller)


def _class_controller(item: KubernetesObject, setting: Setting, key: str, own: str | None) -> Found:
    found = (item.get("spec") or {}).get(key)
    if found is not None and found != own and not setting.known.is_provided(str(found)):
        here = (
            f"on {setting.placement.spec.compute} it is {own}: take it out, or write that"
            if own
            else "there is none here"
        )
        yield (
            ("spec", key),
            f"found {found}, a controller that nothing here installs; {here}. {setting.elsewhere}: {found}",
        )


def _service(item: KubernetesObject, setting: Setting) -> Found:
    spec = item.get("spec") or {}
    if item["kind"] != "Service" or spec.get("type") != "LoadBalancer":
        return
    own, found = setting.placement.rule.load_balancer_class, spec.get("loadBalancerClass")
    if found is not None and found != own and not setting.known.is_provided(str(found)):
        yield (
            ("spec", "loadBalancerClass"),
            f"found {found}; on {setting.placement.spec.compute} load balancers are of {own}: take it out, it is filled in."
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
        if means != setting.scheme or setting.placement.spec.compute == "auto_mode":
            yield from _other_scheme(INTERNAL_SERVICE, internal, setting)


def _other_scheme(annotation: str, found: str, setting: Setting) -> Found:
    yield (
        (*_ANNOTATIONS, annotation),
        f"found {found}; {setting.scheme_key} of the environment file decides, and it is {setting.scheme}: take it out",
    )


def _ingress(item: KubernetesObject, setting: Setting) -> Found:
    if item["kind"] != "Ingress":
        return
    rule, known = setting.placement.rule, setting.known
    old, found = text_of(item, OLD_CLASS), (item.get("spec") or {}).get("ingressClassName")
    if old and (found or not known.is_provided(old)):
        yield (
            (*_ANNOTATIONS, OLD_CLASS),
            f"found {old}; take it out: spec.ingressClassName is filled in, with {rule.ingress_class} on"
            f" {setting.placement.spec.compute}, and the API server refuses two classes that differ. {setting.elsewhere}: {old}",
        )
    if found and not known.has("IngressClass", str(found), (rule.ingress_class,)):
        yield (
            ("spec", "ingressClassName"),
            f"found {found}, a class that nothing in this cluster makes; it has {rule.ingress_class}, which is filled in: take it"
            f" out. {setting.elsewhere}: {found}",
        )
    scheme = text_of(item, SCHEME_OF_INGRESS)
    if not scheme or not made_by_aws(item, setting.placement, known):
        return
    if setting.placement.spec.compute == "auto_mode" and found in (None, rule.ingress_class):
        yield (
            (*_ANNOTATIONS, SCHEME_OF_INGRESS),
            f"found {scheme}, which is not read: the IngressClassParams of {rule.ingress_class} go before it. {setting.scheme_key}"
            f" of the environment file decides, and it is {setting.scheme}: take it out",
        )
    elif scheme != setting.scheme and found in (None, rule.ingress_class):
        yield from _other_scheme(SCHEME_OF_INGRESS, scheme, setting)


def _gateway(item: KubernetesObject, setting: Setting) -> Found:
    name = (item.get("spec") or {}).get("gatewayClassName") if item["kind"] == "Gateway" else None
    if name and not setting.known.has("GatewayClass", str(name)):
        yield (
            ("spec", "gatewayClassName"),
            f"found {name}, a class that nothing in this cluster makes; add a GatewayClass to the workload: its controller is"
            f" filled in. {setting.elsewhere}: {name}",
        )


def _family(item: KubernetesObject, setting: Setting) -> Found:
    """Load balancers with IPv4 addresses alone, whose targets would have none."""
    if not setting.ipv6 or not made_by_aws(item, setting.placement, setting.known):
        return
    for annotation in (FAMILY_OF_SERVICE, FAMILY_OF_INGRESS):
        if (found := text_of(item, annotation)) == "ipv4":
            yield (
                (*_ANNOTATIONS, annotation),
                f"found {found}, and pods of this cluster have IPv6 addresses, which such a load balancer does not reach: take it out,"
                " dualstack is filled in",
            )
    names = (item.get("spec") or {}).get("infrastructure") or {}
    if item["kind"] == "Gateway" and not names.get("parametersRef"):
        yield (
            ("kind",),
            "gets a load balancer with IPv4 addresses alone, and pods of this cluster have IPv6 addresses; name the settings that ask"
            " for dualstack in spec.infrastructure.parametersRef, or use an Ingress",
        )


def _annotations(item: KubernetesObject, setting: Setting) -> Found:
    """Annotations of load balancers that the kind's controller does not read."""
    ignored = load("compute_kinds")["ignored_annotations"].get(setting.placement.spec.compute, {}).get(item["kind"])
    if not ignored or not made_by_aws(item, setting.placement, setting.known):
        return
    for annotation, instead in ignored["instead"].items():
        if text_of(item, annotation):
            yield (
                (*_ANNOTATIONS, annotation),
                f"{setting.placement.spec.compute} does not read {annotation} ({ignored['source']}): take it out; {instead}",
            )


def _storage(item: KubernetesObject, setting: Setting) -> Found:
    claims = list(claim_templates(item))
    if item["kind"] == "PersistentVolumeClaim":
        claims.append(((), item))
    own = setting.placement.rule.storage_class
    for where, claim in claims:
        metadata = claim.get("metadata") or {}
        for annotation in _OLD_STORAGE_CLASSES:
            if annotation in (metadata.get("annotations") or {}):
                yield (
                    (*where, *_ANNOTATIONS, annotation),
                    "take it out: it goes before spec.storageClassName, which is filled in"
                    f"{f' with {own}' if own else ''}; write the class there if you mean another",
                )
        found = (claim.get("spec") or {}).get("storageClassName")
        if found and not setting.known.has("StorageClass", str(found), (own,) if own else ()):
            here = (
                f"{setting.placement.spec.compute} has {own}, which is filled in: take it out"
                if own
                else "there is none here"
            )
            yield (
                (*where, "spec", "storageClassName"),
                f"found {found}, a class that nothing in this cluster makes for these nodes; {here}. {setting.elsewhere}: {found}",
            )


def _volume(item: KubernetesObject, setting: Setting) -> Found:  # noqa: ARG001
    """Volumes of the file system that the stack makes, which lets in by its access point alone."""
    handle = (
        ((item.get("spec") or {}).get("csi") or {}).get("volumeHandle") if item["kind"] == "PersistentVolume" else None
    )
    if isinstance(handle, str) and "${FILE_SYSTEM_ID}" in handle and handle != _HANDLE:
        yield (
            ("spec", "csi", "volumeHandle"),
            f"found {handle}; the file system lets in by its access point alone, whose folder belongs to the pods' user: write {_HANDLE}",
        )


def _drivers(item: KubernetesObject, setting: Setting) -> Found:
    own = setting.placement.rule.storage_driver
    for where, found in drivers(item):
        # Those of the other kinds of compute are refused with AWS's page: stacks/kind_limits.py.
        others = load("compute_kinds")["block_storage_drivers"].values()
        if found in (own, EFS_DRIVER, _NO_DRIVER, *others) or setting.known.is_provided(found):
            continue
        here = (
            f"EBS volumes on {setting.placement.spec.compute} are made by {own}: take it out, it is filled in"
            if own
            else ""
        )
        yield (
            where,
            f"found {found}, a driver that nothing here installs. {here or 'Use EFS'}. {setting.elsewhere}: {found}",
        )


def _pod(item: KubernetesObject, setting: Setting) -> Found:
    if not (found := pod_template(item)):
        return
    way, pod = found
    for key, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        name = pod["spec"].get(key)
        if name and not setting.known.has(kind, str(name)):
            yield (
                (*way, "spec", key),
                f"found {name}, and the API server refuses pods of a {kind} that is not there: nothing in this cluster makes it."
                f" Add it to the workload. {setting.elsewhere}: {name}",
            )
    if pod["spec"].get("nodeName"):
        yield (*way, "spec", "nodeName"), "names one node, past every placement; take it out"
    yield from _affinity(way, pod["spec"], setting)


def _affinity(way: Where, spec: Any, setting: Setting) -> Found:
    """Required node affinity of which every term excludes the nodes that the placement selects."""
    keys = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = spec
    for key in keys:
        terms = terms.get(key) if isinstance(terms, dict) else None
    if not isinstance(terms, list) or not terms:
        return
    selector = setting.placement.node_selector
    if all(any(_excludes(one, selector) for one in term.get("matchExpressions") or []) for term in terms):
        labels = ", ".join(f"{key}={value}" for key, value in selector.items())
        yield (*way, "spec", *keys), f"no node meets it: the placement selects nodes with {labels}; take it out"


def _excludes(expression: Any, selector: Any) -> bool:
    value, values = selector.get(expression.get("key")), expression.get("values") or []
    if value is None:
        return False
    return {
        "In": value not in values,
        "NotIn": value in values,
        "DoesNotExist": True,
    }.get(str(expression.get("operator")), False)


def _account(item: KubernetesObject, setting: Setting) -> Found:
    """Roles by annotation, which only IRSA reads."""
    if item["kind"] != "ServiceAccount" or not text_of(item, ROLE_OF_ACCOUNT):
        return
    where: Where = (*_ANNOTATIONS, ROLE_OF_ACCOUNT)
    if item["metadata"]["name"] == setting.service_account:
        yield where, "take it out: the role of this account is made here, and found by the kind of compute"
    elif not setting.irsa:
        yield (
            where,
            "is read where the cluster's tokens are trusted by IAM (IRSA), and this project makes that trust for pods on Fargate"
            f" alone; on {setting.placement.spec.compute} associate the role by EKS Pod Identity, and take it out",
        )


def _scaler(item: KubernetesObject, setting: Setting) -> Found:
    """Metrics that no part of a cluster has by itself."""
    metrics = (item.get("spec") or {}).get("metrics") if item["kind"] == "HorizontalPodAutoscaler" else None
    for index, metric in enumerate(metrics or []):
        group = _METRIC_APIS.get(str(metric.get("type")))
        if group and not setting.known.serves(group, ""):
            yield (
                ("spec", "metrics", index, "type"),
                f"found {metric['type']}: nothing in this cluster serves {group}, so it would never scale. {setting.elsewhere}: {group}",
            )
