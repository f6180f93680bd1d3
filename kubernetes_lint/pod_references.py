"""What a pod names and does not exist: accounts, classes, volumes, configuration, ports, neighbours."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from eks_facts.labels import selects
from kubernetes_lint.index import Index
from kubernetes_lint.objects import Pod, at
from kubernetes_lint.problem import Found, Problems, open_text
from safe_io.where import Where


def problems(pod: Pod, index: Index) -> Problems:
    """Yields everything of one pod that points at nothing."""
    for check in (_names, _volumes, _configuration, _probes, _neighbours):
        yield from check(pod, index)


def _names(pod: Pod, index: Index) -> Problems:
    account = pod.spec.get("serviceAccountName")
    yield from index.missing("ServiceAccount", pod.namespace, account, (*pod.way, "serviceAccountName"))
    for key, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        yield from index.missing(kind, None, pod.spec.get(key), (*pod.way, key))
    for number, secret in enumerate(pod.spec.get("imagePullSecrets") or []):
        way = (*pod.way, "imagePullSecrets", number, "name")
        yield from index.missing("Secret", pod.namespace, secret.get("name"), way)


def _volumes(pod: Pod, index: Index) -> Problems:
    volumes = {volume["name"] for volume in pod.spec.get("volumes") or []}
    volumes |= {at(one, "metadata", "name") for one in pod.claims}
    used = set()
    for way, container in pod.placed:
        for key in ("volumeMounts", "volumeDevices"):
            for number, mount in enumerate(container.get(key) or []):
                used.add(mount["name"])
                if mount["name"] not in volumes and not open_text(mount["name"]):
                    yield Found((*way, key, number, "name"), f"the pod has no volume {mount['name']}")
    for number, volume in enumerate(pod.spec.get("volumes") or []):
        if volume["name"] not in used:
            yield Found((*pod.way, "volumes", number, "name"), "no container mounts it", certain=False)
        claim = at(volume, "persistentVolumeClaim", "claimName")
        way = (*pod.way, "volumes", number, "persistentVolumeClaim", "claimName")
        yield from index.missing("PersistentVolumeClaim", pod.namespace, claim, way)


def _configuration(pod: Pod, index: Index) -> Problems:
    """ConfigMaps and Secrets, and the keys that are taken out of them."""
    for way, kind, name, keys in _sources(pod):
        yield from index.missing(kind, pod.namespace, name, way)
        found = index.get(kind, pod.namespace, name)
        data = {key for group in ("data", "stringData", "binaryData") for key in at(found, group, default={})}
        for key in keys if found else ():
            # A Secret with no data is filled in by somebody else.
            if key not in data and (data or kind == "ConfigMap"):
                yield Found(way, f"{kind} {name} has no key {key}")


def _sources(pod: Pod) -> Iterator[tuple[Where, str, str, list[str]]]:
    """Yields what values are taken from: the way to its name, kind and name, and the keys that are wanted."""
    for number, volume in enumerate(pod.spec.get("volumes") or []):
        way: Where = (*pod.way, "volumes", number)
        yield from _source_of(volume, way)
        for place, part in enumerate(at(volume, "projected", "sources", default=[])):
            yield from _source_of(part, (*way, "projected", "sources", place))
    for container_way, container in pod.placed:
        for number, one in enumerate(container.get("envFrom") or []):
            yield from _reference_of(one, (*container_way, "envFrom", number), "Ref")
        for number, one in enumerate(container.get("env") or []):
            way = (*container_way, "env", number, "valueFrom")
            yield from _reference_of(one.get("valueFrom") or {}, way, "KeyRef")


def _source_of(part: Mapping[str, Any], way: Where) -> Iterator[tuple[Where, str, str, list[str]]]:
    for key, kind, named in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        source = part.get(key)
        if source and not source.get("optional"):
            name = named if named in source else "name"
            if source.get(name):
                yield (*way, key, name), kind, source[name], [one["key"] for one in source.get("items") or []]


def _reference_of(part: Mapping[str, Any], way: Where, end: str) -> Iterator[tuple[Where, str, str, list[str]]]:
    for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
        source = part.get(f"{key}{end}")
        if source and not source.get("optional"):
            keys = [source["key"]] if "key" in source else []
            yield (*way, f"{key}{end}", "name"), kind, source.get("name", ""), keys


def _probes(pod: Pod, _: Index) -> Problems:
    for way, container in pod.placed:
        declared = container.get("ports") or []
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            for how in ("httpGet", "tcpSocket", "grpc"):
                port = at(container, probe, how, "port")
                names = [one.get("name") if isinstance(port, str) else one.get("containerPort") for one in declared]
                # A number need not be written in ports; where some are, this one should be, unless the program is told it.
                if (
                    port is not None
                    and port not in names
                    and (isinstance(port, str) or declared)
                    and not open_text(port)
                    and not _is_told(container, port)
                ):
                    text = f"container {container['name']} has no port {port}; write it under ports if it listens there"
                    yield Found((*way, probe, how, "port"), text)


def _is_told(container: Mapping[str, Any], port: str | int) -> bool:
    """Whether arguments or variables of a container have a port's number: ``--health-probe-bind-address=:8081``."""
    said = [*(container.get("command") or []), *(container.get("args") or [])]
    said += [one.get("value", "") for one in container.get("env") or []]
    return any(re.search(rf"(?<![0-9.]){re.escape(str(port))}(?![0-9.])", str(text)) for text in said)


def _neighbours(pod: Pod, index: Index) -> Problems:
    for number, constraint in enumerate(pod.spec.get("topologySpreadConstraints") or []):
        selector = constraint.get("labelSelector")
        if selector and not selects(selector, pod.labels):
            way = (*pod.way, "topologySpreadConstraints", number, "labelSelector")
            yield Found(way, "does not select the pod itself", certain=False)
    rule = ("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for number, term in enumerate(at(pod.spec, *rule, default=[])):
        names = term.get("namespaces") or [pod.namespace]
        if "namespaceSelector" not in term and not any(
            index.selected(term.get("labelSelector"), name) for name in names
        ):
            certain = all(index.sees_pods(name) for name in names)
            yield Found((*pod.way, *rule, number, "labelSelector"), "selects no pod to run beside", certain)
