"""What points nowhere: between objects, which no schema sees.

Certain is what the input itself contradicts: a name is surely missing only where all of its namespace was read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eks_facts.cluster_apis import is_cluster_scoped
from kubernetes_lint import pod_references
from kubernetes_lint.definitions import known_kinds
from kubernetes_lint.index import Index, kubernetes_groups
from kubernetes_lint.objects import (
    TEMPLATES,
    KubernetesObject,
    Pod,
    at,
    group_of,
    namespace_of,
    of_kind,
    pod_of,
    selects,
)
from kubernetes_lint.problem import Found, Problems, open_text
from safe_io.where import Where


def problems(item: KubernetesObject, index: Index) -> Problems:
    """Yields everything of an object that points at nothing."""
    yield from _placed(item, index)
    for check in _CHECKS.get(item["kind"], ()) if group_of(item) in known_groups() else ():
        yield from (one for one in check(item, index) if not open_text(at(item, *one.where)))
    if pod := pod_of(item):
        yield from pod_references.problems(pod, index)


def known_groups() -> frozenset[str]:
    """Returns the API groups whose kinds are known here: others have a Service or a Gateway of their own."""
    return kubernetes_groups() | {key.partition("/")[0] for key in known_kinds()}


def _placed(item: KubernetesObject, index: Index) -> Problems:
    if index.is_twice(item):
        yield Found(("metadata", "name"), "another object has the same kind, namespace and name", certain=False)
    namespace = at(item, "metadata", "namespace")
    if is_cluster_scoped(item["kind"]):
        if namespace:
            yield Found(("metadata", "namespace"), f"is in no namespace: a {item['kind']} is of the whole cluster")
    elif namespace and index.is_whole and not open_text(namespace) and not index.has("Namespace", None, namespace):
        yield Found(("metadata", "namespace"), f"no Namespace {namespace} was read", certain=False)


def _unknown(index: Index, kind: str, namespace: str | None, name: Any, where: Where) -> Problems:
    """Says that there is no object with a name; Secrets and what is of the whole cluster often come by other ways."""
    if name is not None and not index.has(kind, namespace, str(name)):
        certain = namespace is not None and kind != "Secret" and index.sees(namespace)
        there = f" in namespace {namespace}" if namespace else ""
        yield Found(where, f"there is no {kind} {name}{there}", certain)


def _controller(item: KubernetesObject, _: Index) -> Problems:
    labels = at(item, *TEMPLATES[item["kind"]], "metadata", "labels", default={})
    selector = at(item, "spec", "selector")
    if item["kind"] == "ReplicationController":
        selector = {"matchLabels": selector or labels}
    if not selects(selector, labels):
        yield Found(("spec", "selector"), "does not select the pods of its own template")


def _stateful_set(item: KubernetesObject, index: Index) -> Problems:
    namespace, name = namespace_of(item), at(item, "spec", "serviceName")
    yield from _unknown(index, "Service", namespace, name, ("spec", "serviceName"))
    service = index.get("Service", namespace, str(name))
    if service and at(service, "spec", "clusterIP") != "None":
        yield Found(
            ("spec", "serviceName"), f"Service {name} has an address; a StatefulSet needs a headless one", False
        )
    for number, claim in enumerate(at(item, "spec", "volumeClaimTemplates", default=[])):
        yield from _claim_of(claim, index, ("spec", "volumeClaimTemplates", number))


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


def _scaler(item: KubernetesObject, index: Index) -> Problems:
    target, namespace, way = item["spec"]["scaleTargetRef"], namespace_of(item), ("spec", "scaleTargetRef", "name")
    scaled = index.get(target["kind"], namespace, target["name"])
    if scaled is None:
        certain = index.sees_pods(namespace)
        yield Found(way, f"there is no {target['kind']} {target['name']} in namespace {namespace}", certain)
        return
    for number, metric in enumerate(item["spec"].get("metrics") or []):
        resource = at(metric, "resource", "name")
        if at(metric, "resource", "target", "type") == "Utilization":
            pod = pod_of(scaled)
            for container in pod.spec.get("containers", []) if pod else []:
                resources = container.get("resources") or {}
                if not at(resources, "requests", resource) and not at(resources, "limits", resource):
                    yield Found(
                        ("spec", "metrics", number, "resource", "name"),
                        f"scales by the share of {resource}, which container {container['name']} does not request",
                    )


def _budget(item: KubernetesObject, index: Index) -> Problems:
    namespace = namespace_of(item)
    if not index.selected(at(item, "spec", "selector"), namespace):
        yield Found(("spec", "selector"), "selects no pod", index.sees_pods(namespace))


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
    yield from _unknown(index, "IngressClass", None, spec.get("ingressClassName"), ("spec", "ingressClassName"))
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
        yield from _unknown(index, "Secret", namespace, tls.get("secretName"), ("spec", "tls", number, "secretName"))


def _backend(name: str, port: str | int | None, namespace: str, index: Index, way: Where) -> Problems:
    yield from _unknown(index, "Service", namespace, name, (*way, "name"))
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
        yield from _unknown(index, parameters["kind"], parameters.get("namespace"), parameters["name"], way)


def _gateway(item: KubernetesObject, index: Index) -> Problems:
    way = ("spec", "gatewayClassName")
    yield from _unknown(index, "GatewayClass", None, at(item, *way), way)


def _route(item: KubernetesObject, index: Index) -> Problems:
    own = namespace_of(item)
    for number, parent in enumerate(item["spec"].get("parentRefs") or []):
        if parent.get("kind", "Gateway") != "Gateway":
            continue
        way: Where = ("spec", "parentRefs", number)
        namespace = parent.get("namespace", own)
        yield from _unknown(index, "Gateway", namespace, parent["name"], (*way, "name"))
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


def _binding(item: KubernetesObject, index: Index) -> Problems:
    role = item["roleRef"]
    if not role["name"].startswith("system:"):
        namespace = namespace_of(item) if role["kind"] == "Role" else None
        yield from _unknown(index, role["kind"], namespace, role["name"], ("roleRef", "name"))
    for number, subject in enumerate(item.get("subjects") or []):
        if subject["kind"] == "ServiceAccount":
            way: Where = ("subjects", number)
            if not subject.get("namespace") and item["kind"] == "ClusterRoleBinding":
                yield Found((*way, "namespace"), "is missing: a ServiceAccount is in a namespace")
                continue
            namespace = subject.get("namespace") or namespace_of(item)
            yield from _unknown(index, "ServiceAccount", namespace, subject["name"], (*way, "name"))


def _claim(item: KubernetesObject, index: Index) -> Problems:
    yield from _claim_of(item, index, ())


def _claim_of(item: KubernetesObject, index: Index, way: Where) -> Problems:
    spec = item.get("spec") or {}
    if name := spec.get("storageClassName"):
        yield from _unknown(index, "StorageClass", None, name, (*way, "spec", "storageClassName"))
    elif name is None and not any(_is_default(one) for one in of_kind(index.objects, "StorageClass")):
        text = "names no StorageClass, and none that was read is the default"
        yield Found((*way, "spec", "storageClassName"), text, certain=False)
    if volume_name := spec.get("volumeName"):
        volume = index.get("PersistentVolume", None, volume_name)
        yield from _unknown(index, "PersistentVolume", None, volume_name, (*way, "spec", "volumeName"))
        if volume and not set(spec.get("accessModes", ())) <= set(at(volume, "spec", "accessModes", default=[])):
            yield Found((*way, "spec", "accessModes"), f"PersistentVolume {volume_name} does not have all of them")


def _is_default(item: KubernetesObject) -> bool:
    return bool(at(item, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true")


def _storage_class(item: KubernetesObject, index: Index) -> Problems:
    first = next((one for one in of_kind(index.objects, "StorageClass") if _is_default(one)), item)
    if _is_default(item) and first is not item:
        way = ("metadata", "annotations", "storageclass.kubernetes.io/is-default-class")
        yield Found(way, f"StorageClass {first['metadata']['name']} is the default, too", certain=False)


def _node_pool(item: KubernetesObject, index: Index) -> Problems:
    way = ("spec", "template", "spec", "nodeClassRef")
    reference = at(item, *way, default={})
    yield from _unknown(index, reference.get("kind", "NodeClass"), None, reference.get("name"), (*way, "name"))


def _policy_binding(item: KubernetesObject, index: Index) -> Problems:
    way = ("spec", "policyName")
    yield from _unknown(index, item["kind"].removesuffix("Binding"), None, item["spec"]["policyName"], way)
    way_of_names = ("spec", "matchResources", "namespaceSelector")
    selector = at(item, *way_of_names)
    names = of_kind(index.objects, "Namespace")
    if selector and not any(selects(selector, _labels_of(one)) for one in names):
        yield Found(way_of_names, "selects no namespace that was read", certain=False)


def _labels_of(namespace: KubernetesObject) -> dict[str, str]:
    return {
        "kubernetes.io/metadata.name": namespace["metadata"]["name"],
        **at(namespace, "metadata", "labels", default={}),
    }


def _webhook(item: KubernetesObject, index: Index) -> Problems:
    for number, hook in enumerate(item.get("webhooks") or []):
        if service := at(hook, "clientConfig", "service"):
            way = ("webhooks", number, "clientConfig", "service", "name")
            yield from _unknown(index, "Service", service["namespace"], service["name"], way)


_CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Index], Problems]]] = {
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet", "ReplicationController"), (_controller,)),
    "StatefulSet": (_controller, _stateful_set),
    "Service": (_service,),
    "HorizontalPodAutoscaler": (_scaler,),
    "PodDisruptionBudget": (_budget,),
    "NetworkPolicy": (_network_policy,),
    "Ingress": (_ingress,),
    "IngressClass": (_ingress_class,),
    "Gateway": (_gateway,),
    "HTTPRoute": (_route,),
    "RoleBinding": (_binding,),
    "ClusterRoleBinding": (_binding,),
    "PersistentVolumeClaim": (_claim,),
    "StorageClass": (_storage_class,),
    "NodePool": (_node_pool,),
    "ValidatingAdmissionPolicyBinding": (_policy_binding,),
    "ValidatingWebhookConfiguration": (_webhook,),
    "MutatingWebhookConfiguration": (_webhook,),
}
