"""What points nowhere: checks between objects, which no schema sees."""

from collections.abc import Callable, Mapping, Sequence

from tests.workloads import pod_references
from tests.workloads.index import Index
from tests.workloads.objects import (
    CLUSTER_SCOPED,
    TEMPLATES,
    KubernetesObject,
    Pod,
    Problems,
    at,
    name_of,
    namespace_of,
    of_kind,
    selects,
)

Objects = Sequence[KubernetesObject]


def problems(objects: Objects, elsewhere: Mapping[str, set[str]] | None = None) -> Problems:
    """Everything that points at nothing.

    Args:
        objects: all objects of a cluster.
        elsewhere: names by kind of what comes by other ways, such as a chart's IngressClass.
    """
    index = Index(objects, elsewhere)
    yield from _placed_once(index)
    for item in objects:
        for check in _CHECKS.get(item["kind"], ()):
            yield from (f"{name_of(item)} {problem}" for problem in check(item, index))
    for pod in index.pods:
        yield from pod_references.problems(pod, index)


def _placed_once(index: Index) -> Problems:
    seen: set[tuple[str | None, ...]] = set()
    for item in index.objects:
        identity = (
            item["apiVersion"].rpartition("/")[0],
            item["kind"],
            at(item, "metadata", "namespace"),
            item["metadata"]["name"],
        )
        if identity in seen:
            yield f"{name_of(item)} stands twice"
        seen.add(identity)
        namespace = at(item, "metadata", "namespace")
        if item["kind"] in CLUSTER_SCOPED:
            if namespace:
                yield f"{name_of(item)} is in no namespace, whatever it says"
        elif not namespace:
            yield f"{name_of(item)} names no namespace"
        elif not index.has("Namespace", None, namespace):
            yield f"{name_of(item)} is in the unknown namespace {namespace}"


def _controller(item: KubernetesObject, _: Index) -> Problems:
    labels = at(item, *TEMPLATES[item["kind"]], "metadata", "labels", default={})
    if not selects(at(item, "spec", "selector"), labels):
        yield "does not select its own pods"


def _stateful_set(item: KubernetesObject, index: Index) -> Problems:
    service = index.get("Service", namespace_of(item), at(item, "spec", "serviceName", default=""))
    if service is None:
        yield f"names the unknown Service {at(item, 'spec', 'serviceName')}"
    elif at(service, "spec", "clusterIP") != "None":
        yield f"needs a headless Service, and {service['metadata']['name']} has an address"
    for claim in at(item, "spec", "volumeClaimTemplates", default=[]):
        yield from _claim(claim, index)


def _service(item: KubernetesObject, index: Index) -> Problems:
    if item["spec"].get("type") == "ExternalName":
        return
    found = index.selected({"matchLabels": item["spec"].get("selector") or {}}, namespace_of(item))
    if not item["spec"].get("selector") or not found:
        yield "selects no pod"
    headless = item["spec"].get("clusterIP") == "None"  # its ports are only published, and mean nothing to the pods
    for port in item["spec"].get("ports") or []:
        target = port.get("targetPort", port["port"])
        if found and not (headless and "targetPort" not in port) and not any(_serves(pod, target) for pod in found):
            yield f"sends port {port['port']} to {target}, which none of its pods has"


def _serves(pod: Pod, port: str | int) -> bool:
    key = "name" if isinstance(port, str) else "containerPort"
    return any(one.get(key) == port for one in pod.ports)


def _scaler(item: KubernetesObject, index: Index) -> Problems:
    target = item["spec"]["scaleTargetRef"]
    scaled = index.get(target["kind"], namespace_of(item), target["name"])
    if scaled is None:
        yield f"scales the unknown {target['kind']} {target['name']}"
        return
    for metric in item["spec"].get("metrics") or []:
        resource = at(metric, "resource", "name")
        if at(metric, "resource", "target", "type") == "Utilization":
            for container in at(scaled, *TEMPLATES[target["kind"]], "spec", "containers", default=[]):
                if not at(container, "resources", "requests", resource):
                    yield f"scales by the share of {resource}, which container {container['name']} does not request"


def _budget(item: KubernetesObject, index: Index) -> Problems:
    if not index.selected(at(item, "spec", "selector"), namespace_of(item)):
        yield "protects no pod"


def _network_policy(item: KubernetesObject, index: Index) -> Problems:
    spec, namespace = item["spec"], namespace_of(item)
    found = index.selected(spec.get("podSelector"), namespace)
    if spec.get("podSelector") and not found:
        # A label that pods may wear, and none of the samples does, is an offer; that of no key at all is a mistake.
        yield "selects no pod"
    for direction in ("ingress", "egress"):
        for rule in spec.get(direction) or []:
            for peer in (*(rule.get("from") or []), *(rule.get("to") or [])):
                if (
                    "podSelector" in peer
                    and "namespaceSelector" not in peer
                    and not index.selected(peer["podSelector"], namespace)
                ):
                    yield f"lets pods {'in' if direction == 'ingress' else 'out'} by a selector that selects none"
            for port in rule.get("ports") or []:
                if (
                    direction == "ingress"
                    and found
                    and "port" in port
                    and not any(_serves(pod, port["port"]) for pod in found)
                ):
                    yield f"opens port {port['port']}, which none of its pods has"


def _ingress(item: KubernetesObject, index: Index) -> Problems:
    spec, namespace = item["spec"], namespace_of(item)
    name = spec.get("ingressClassName")
    if not name or not index.has("IngressClass", None, name):
        yield f"has the unknown class {name}"
    backends = [spec["defaultBackend"]] if "defaultBackend" in spec else []
    backends += [path["backend"] for rule in spec.get("rules") or [] for path in at(rule, "http", "paths", default=[])]
    for backend in backends:
        port = at(backend, "service", "port", default={})
        yield from _backend(at(backend, "service", "name"), port.get("name") or port.get("number"), namespace, index)
    for tls in spec.get("tls") or []:
        if not index.has("Secret", namespace, tls.get("secretName", "")):
            yield f"takes its certificate from the unknown Secret {tls.get('secretName')}"


def _backend(name: str, port: str | int, namespace: str, index: Index) -> Problems:
    service = index.get("Service", namespace, name)
    if service is None:
        yield f"leads to the unknown Service {name}"
    elif not any(port in (one["port"], one.get("name")) for one in service["spec"].get("ports") or []):
        yield f"leads to port {port}, which Service {name} does not have"


def _ingress_class(item: KubernetesObject, index: Index) -> Problems:
    parameters = at(item, "spec", "parameters")
    if parameters and not index.has(parameters["kind"], parameters.get("namespace"), parameters["name"]):
        yield f"has the unknown {parameters['kind']} {parameters['name']}"


def _gateway(item: KubernetesObject, index: Index) -> Problems:
    if not index.has("GatewayClass", None, item["spec"]["gatewayClassName"]):
        yield f"has the unknown class {item['spec']['gatewayClassName']}"


def _route(item: KubernetesObject, index: Index) -> Problems:
    for parent in item["spec"].get("parentRefs") or []:
        gateway = index.get("Gateway", parent.get("namespace", namespace_of(item)), parent["name"])
        names = [one["name"] for one in at(gateway, "spec", "listeners", default=[])]
        if gateway is None:
            yield f"hangs on the unknown Gateway {parent['name']}"
        elif "sectionName" in parent and parent["sectionName"] not in names:
            yield f"hangs on listener {parent['sectionName']}, which Gateway {parent['name']} does not have"
    for rule in item["spec"].get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            yield from _backend(
                backend["name"], backend.get("port"), backend.get("namespace", namespace_of(item)), index
            )


def _binding(item: KubernetesObject, index: Index) -> Problems:
    role = item["roleRef"]
    if not index.has(role["kind"], namespace_of(item), role["name"]) and not role["name"].startswith("system:"):
        yield f"grants the unknown {role['kind']} {role['name']}"
    for subject in item.get("subjects") or []:
        if subject["kind"] == "ServiceAccount" and not index.has_account(subject["name"], subject.get("namespace", "")):
            yield f"grants it to the unknown ServiceAccount {subject.get('namespace')}/{subject['name']}"


def _claim(item: KubernetesObject, index: Index) -> Problems:
    name = item["spec"].get("storageClassName")
    defaults = [one for one in of_kind(index.objects, "StorageClass") if _is_default(one)]
    if name and not index.has("StorageClass", None, name):
        yield f"has a claim of the unknown StorageClass {name}"
    if name is None and not defaults:
        yield "has a claim that names no StorageClass, and none is the default"
    if volume_name := item["spec"].get("volumeName"):
        volume = index.get("PersistentVolume", None, volume_name)
        if volume is None:
            yield f"claims the unknown PersistentVolume {volume_name}"
        elif not set(item["spec"]["accessModes"]) <= set(volume["spec"]["accessModes"]):
            yield f"claims PersistentVolume {volume_name} in a way that it is not for"


def _is_default(item: KubernetesObject) -> bool:
    return at(item, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true"


def _storage_class(item: KubernetesObject, index: Index) -> Problems:
    first = next((one for one in of_kind(index.objects, "StorageClass") if _is_default(one)), item)
    if _is_default(item) and first is not item:
        yield f"is the default beside {first['metadata']['name']}"


def _node_pool(item: KubernetesObject, index: Index) -> Problems:
    name = at(item, "spec", "template", "spec", "nodeClassRef", "name", default="")
    if not index.has("NodeClass", None, name):
        yield f"has the unknown NodeClass {name}"


def _policy_binding(item: KubernetesObject, index: Index) -> Problems:
    if not index.has("ValidatingAdmissionPolicy", None, item["spec"]["policyName"]):
        yield f"binds the unknown policy {item['spec']['policyName']}"
    selector = at(item, "spec", "matchResources", "namespaceSelector")
    names = of_kind(index.objects, "Namespace")
    if selector and not any(selects(selector, _labels_of(one)) for one in names):
        yield "binds its policy to no namespace"


def _labels_of(namespace: KubernetesObject) -> dict[str, str]:
    return {
        "kubernetes.io/metadata.name": namespace["metadata"]["name"],
        **at(namespace, "metadata", "labels", default={}),
    }


def _webhook(item: KubernetesObject, index: Index) -> Problems:
    for hook in item.get("webhooks") or []:
        service = at(hook, "clientConfig", "service")
        if service and not index.has("Service", service["namespace"], service["name"]):
            yield f"asks the unknown Service {service['namespace']}/{service['name']}"


_CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Index], Problems]]] = {
    "Deployment": (_controller,),
    "DaemonSet": (_controller,),
    "ReplicaSet": (_controller,),
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
