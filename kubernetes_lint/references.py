"""What points nowhere: between objects, which no schema sees.

Certain is what the input itself contradicts: a name is surely missing only where all of its namespace was read.
"""

from collections.abc import Callable, Mapping, Sequence

from eks_facts.cluster_apis import group_of, is_cluster_scoped
from eks_facts.labels import selects
from kubernetes_lint import pod_references, traffic_references
from kubernetes_lint.definitions import known_kinds
from kubernetes_lint.index import Index, kubernetes_groups
from kubernetes_lint.objects import TEMPLATES, KubernetesObject, at, namespace_of, of_kind, pod_of
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


def _controller(item: KubernetesObject, _: Index) -> Problems:
    labels = at(item, *TEMPLATES[item["kind"]], "metadata", "labels", default={})
    selector = at(item, "spec", "selector")
    if item["kind"] == "ReplicationController":
        selector = {"matchLabels": selector or labels}
    if not selects(selector, labels):
        yield Found(("spec", "selector"), "does not select the pods of its own template")


def _stateful_set(item: KubernetesObject, index: Index) -> Problems:
    namespace, name = namespace_of(item), at(item, "spec", "serviceName")
    yield from index.missing("Service", namespace, name, ("spec", "serviceName"))
    service = index.get("Service", namespace, str(name))
    if service and at(service, "spec", "clusterIP") != "None":
        yield Found(
            ("spec", "serviceName"), f"Service {name} has an address; a StatefulSet needs a headless one", False
        )
    for number, claim in enumerate(at(item, "spec", "volumeClaimTemplates", default=[])):
        yield from _claim_of(claim, index, ("spec", "volumeClaimTemplates", number))


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


def _binding(item: KubernetesObject, index: Index) -> Problems:
    role = item["roleRef"]
    if not role["name"].startswith("system:"):
        namespace = namespace_of(item) if role["kind"] == "Role" else None
        yield from index.missing(role["kind"], namespace, role["name"], ("roleRef", "name"))
    for number, subject in enumerate(item.get("subjects") or []):
        if subject["kind"] == "ServiceAccount":
            way: Where = ("subjects", number)
            if not subject.get("namespace") and item["kind"] == "ClusterRoleBinding":
                yield Found((*way, "namespace"), "is missing: a ServiceAccount is in a namespace")
                continue
            namespace = subject.get("namespace") or namespace_of(item)
            yield from index.missing("ServiceAccount", namespace, subject["name"], (*way, "name"))


def _claim(item: KubernetesObject, index: Index) -> Problems:
    yield from _claim_of(item, index, ())


def _claim_of(item: KubernetesObject, index: Index, way: Where) -> Problems:
    spec = item.get("spec") or {}
    if name := spec.get("storageClassName"):
        yield from index.missing("StorageClass", None, name, (*way, "spec", "storageClassName"))
    elif name is None and not any(_is_default(one) for one in of_kind(index.objects, "StorageClass")):
        text = "names no StorageClass, and none that was read is the default"
        yield Found((*way, "spec", "storageClassName"), text, certain=False)
    if volume_name := spec.get("volumeName"):
        volume = index.get("PersistentVolume", None, volume_name)
        yield from index.missing("PersistentVolume", None, volume_name, (*way, "spec", "volumeName"))
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
    yield from index.missing(reference.get("kind", "NodeClass"), None, reference.get("name"), (*way, "name"))


def _policy_binding(item: KubernetesObject, index: Index) -> Problems:
    way = ("spec", "policyName")
    yield from index.missing(item["kind"].removesuffix("Binding"), None, item["spec"]["policyName"], way)
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
            yield from index.missing("Service", service["namespace"], service["name"], way)


_CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Index], Problems]]] = {
    **traffic_references.CHECKS,
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet", "ReplicationController"), (_controller,)),
    "StatefulSet": (_controller, _stateful_set),
    "HorizontalPodAutoscaler": (_scaler,),
    "PodDisruptionBudget": (_budget,),
    "RoleBinding": (_binding,),
    "ClusterRoleBinding": (_binding,),
    "PersistentVolumeClaim": (_claim,),
    "StorageClass": (_storage_class,),
    "NodePool": (_node_pool,),
    "ValidatingAdmissionPolicyBinding": (_policy_binding,),
    "ValidatingWebhookConfiguration": (_webhook,),
    "MutatingWebhookConfiguration": (_webhook,),
}
