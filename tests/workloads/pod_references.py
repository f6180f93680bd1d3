"""What a pod names and does not exist: accounts, classes, volumes, configuration, ports, neighbours."""

from collections.abc import Iterator

from tests.workloads.index import Index
from tests.workloads.objects import Pod, Problems, at, selects


def problems(pod: Pod, index: Index) -> Problems:
    """Everything of one pod that points at nothing."""
    for check in (_names, _volumes, _configuration, _probes, _neighbours):
        yield from (f"{pod} {problem}" for problem in check(pod, index))


def _names(pod: Pod, index: Index) -> Problems:
    account = pod.spec.get("serviceAccountName", "default")
    if not index.has_account(account, pod.namespace):
        yield f"runs as the unknown ServiceAccount {account}"
    for key, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        if pod.spec.get(key) and not index.has(kind, None, pod.spec[key]):
            yield f"has the unknown {kind} {pod.spec[key]}"
    for secret in pod.spec.get("imagePullSecrets") or []:
        if not index.has("Secret", pod.namespace, secret["name"]):
            yield f"pulls images with the unknown Secret {secret['name']}"


def _volumes(pod: Pod, index: Index) -> Problems:
    volumes = {volume["name"] for volume in pod.spec.get("volumes") or []} | {
        one["metadata"]["name"] for one in pod.claims
    }
    mounted = set()
    for container in pod.containers:
        for mount in container.get("volumeMounts") or []:
            mounted.add(mount["name"])
            if mount["name"] not in volumes:
                yield f"mounts the unknown volume {mount['name']} in container {container['name']}"
    for name in sorted(volumes - mounted):
        yield f"has the volume {name}, which no container mounts"
    for volume in pod.spec.get("volumes") or []:
        claim = at(volume, "persistentVolumeClaim", "claimName")
        if claim and not index.has("PersistentVolumeClaim", pod.namespace, claim):
            yield f"has a volume of the unknown PersistentVolumeClaim {claim}"


def _configuration(pod: Pod, index: Index) -> Problems:
    """ConfigMaps and Secrets, and the keys that are taken out of them."""
    for kind, name, keys in _sources(pod):
        found = index.get(kind, pod.namespace, name)
        if found is None:
            yield f"takes values from the unknown {kind} {name}"
            continue
        there = {
            *at(found, "data", default={}),
            *at(found, "stringData", default={}),
            *at(found, "binaryData", default={}),
        }
        for key in keys:
            if key not in there:
                yield f"takes the unknown key {key} from {kind} {name}"


def _sources(pod: Pod) -> Iterator[tuple[str, str, list[str]]]:
    for volume in pod.spec.get("volumes") or []:
        for part in (volume, *at(volume, "projected", "sources", default=[])):
            for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if (source := part.get(key)) and not source.get("optional"):
                    keys = [one["key"] for one in source.get("items") or []]
                    yield kind, source.get("name") or source["secretName"], keys
    for container in pod.containers:
        for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            whole = [at(one, f"{key}Ref") for one in container.get("envFrom") or []]
            parts = [at(one, "valueFrom", f"{key}KeyRef") for one in container.get("env") or []]
            for source in (*whole, *parts):
                if source and not source.get("optional"):
                    yield kind, source["name"], [source["key"]] if "key" in source else []


def _probes(pod: Pod, _: Index) -> Problems:
    for container in pod.containers:
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            for how in ("httpGet", "tcpSocket", "grpc"):
                port = at(container, probe, how, "port")
                names = [
                    one.get("name") if isinstance(port, str) else one["containerPort"]
                    for one in container.get("ports") or []
                ]
                if port is not None and port not in names:
                    yield f"probes port {port}, which container {container['name']} does not have ({probe})"


def _neighbours(pod: Pod, index: Index) -> Problems:
    for constraint in pod.spec.get("topologySpreadConstraints") or []:
        if not selects(constraint.get("labelSelector"), pod.labels):
            yield f"is spread over {constraint['topologyKey']} by labels that it does not have"
    terms = at(pod.spec, "affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution", default=[])
    for term in terms:
        if not any(
            index.selected(term.get("labelSelector"), name) for name in term.get("namespaces") or [pod.namespace]
        ):
            yield f"must run beside pods that there are none of ({term['topologyKey']})"
