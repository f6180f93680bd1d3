"""The shape of the parts of Kubernetes objects that are read or filled in: a list in place of a mapping is refused with its line."""

from collections.abc import Iterator, Mapping
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from safe_io.errors import BadInput
from safe_io.where import Where, shown
from safe_io.yaml_file import YamlFile
from stacks.objects.pods import POD_TEMPLATES, pod_templates

Shape = str | list[Any] | Mapping[str, Any]
"""TEXT or PLAIN; a list with the shape of its items; a mapping with the shapes of its keys, `*` for every other key."""

TEXT, PLAIN = "text", "a number or text"
_TEXTS: Shape = {"*": TEXT}
_METADATA: Shape = {"namespace": TEXT, "labels": _TEXTS, "annotations": _TEXTS}
_CLAIM: Shape = {
    "metadata": _METADATA,
    "spec": {"storageClassName": TEXT, "dataSource": {"kind": TEXT}, "dataSourceRef": {"kind": TEXT}},
}
_CONTAINER: Shape = {
    "command": [TEXT],
    "args": [TEXT],
    "env": [{"name": TEXT, "value": TEXT}],
    "ports": [{}],
    "resources": {"limits": {"*": PLAIN}, "requests": {"*": PLAIN}, "claims": [{}]},
    "securityContext": {},
    "volumeMounts": [{"name": TEXT}],
}
_EXPRESSION: Shape = {"key": TEXT, "operator": TEXT, "values": [TEXT]}
_POD: Shape = {
    "metadata": _METADATA,
    "spec": {
        "initContainers": [_CONTAINER],
        "containers": [_CONTAINER],
        "nodeSelector": _TEXTS,
        "tolerations": [{"key": TEXT, "operator": TEXT, "value": TEXT, "effect": TEXT}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [_EXPRESSION]}]
                }
            }
        },
        "volumes": [
            {
                "name": TEXT,
                "csi": {"driver": TEXT},
                "ephemeral": {"volumeClaimTemplate": _CLAIM},
                "persistentVolumeClaim": {"claimName": TEXT},
            }
        ],
        "securityContext": {},
        "os": {"name": TEXT},
        "priorityClassName": TEXT,
        "runtimeClassName": TEXT,
        "nodeName": TEXT,
        "resourceClaims": [{}],
    },
}
_CLASS = {"deviceClassName": TEXT}
_REQUESTS: Shape = {"devices": {"requests": [{"exactly": _CLASS, "firstAvailable": [_CLASS], **_CLASS}]}}
_SHAPES: Mapping[str, Shape] = {
    "APIService": {"spec": {"group": TEXT}},
    "ConfigMap": {"data": _TEXTS},
    "CustomResourceDefinition": {"spec": {"group": TEXT, "names": {"kind": TEXT}, "scope": TEXT}},
    "Gateway": {
        "spec": {
            "gatewayClassName": TEXT,
            "listeners": [{"protocol": TEXT}],
            "infrastructure": {"parametersRef": {}},
        }
    },
    "GatewayClass": {"spec": {"controllerName": TEXT}},
    "HorizontalPodAutoscaler": {"spec": {"metrics": [{"type": TEXT}]}},
    "Ingress": {"spec": {"ingressClassName": TEXT, "tls": [{"hosts": [TEXT]}], "rules": [{"host": TEXT}]}},
    "IngressClass": {"spec": {"controller": TEXT}},
    "NodeClass": {"spec": {}},
    "PersistentVolume": {"spec": {"csi": {"driver": TEXT, "volumeHandle": TEXT}}},
    "PersistentVolumeClaim": _CLAIM,
    "ResourceClaim": {"spec": _REQUESTS},
    "ResourceClaimTemplate": {"spec": {"spec": _REQUESTS}},
    "Secret": {"data": _TEXTS, "stringData": _TEXTS},
    "Service": {
        "spec": {"type": TEXT, "loadBalancerClass": TEXT, "ports": [{"port": PLAIN, "name": TEXT, "appProtocol": TEXT}]}
    },
    "StorageClass": {"provisioner": TEXT},
    "VolumeAttributesClass": {"driverName": TEXT},
    "VolumeSnapshotClass": {"driver": TEXT},
    "VolumeSnapshotContent": {"spec": {"driver": TEXT}},
}


def check_shape(document: YamlFile) -> KubernetesObject:
    """Returns the object of a document; keys that are read and have null are left out, as the API server leaves them.

    Raises BadInput: what is read has another type than Kubernetes takes.
    """
    item: KubernetesObject = document.data
    name = f" of {item['kind']} {item['metadata']['name']}"
    problems = [
        document.message(where, f"{name}: {text}")[1]
        for shape in _shapes(kind_of(item))
        for where, text in _wrong(item, shape, ())
    ]
    if kind_of(item) not in POD_TEMPLATES:
        problems += [
            document.message(where, f"{name}: {text}")[1]
            for way, pod in pod_templates(item)
            for where, text in _wrong(pod, _POD, way)
        ]
    if problems:
        raise BadInput("\n".join(problems))
    return item


def _shapes(kind: str) -> Iterator[Shape]:
    yield {"metadata": _METADATA}
    if shape := _SHAPES.get(kind):
        yield shape
    if (way := POD_TEMPLATES.get(kind)) is not None:
        yield _below(way, _POD)
    if kind == "StatefulSet":
        yield {"spec": {"volumeClaimTemplates": [_CLAIM]}}


def _below(way: tuple[str, ...], shape: Shape) -> Shape:
    for key in reversed(way):
        shape = {key: shape}
    return shape


def _wrong(value: Any, shape: Shape, where: Where) -> Iterator[tuple[Where, str]]:
    if isinstance(shape, str):
        if isinstance(value, dict | list) or (shape == TEXT and not isinstance(value, str)):
            quotes = f'; write it in quotes: "{shown(value)}"' if isinstance(value, bool | int | float) else ""
            yield where, f"found {_found(value)}; must be {shape}{quotes}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield where, f"found {_found(value)}; must be a list"
            return
        for index, one in enumerate(value):
            yield from _wrong(one, shape[0], (*where, index))
    elif not isinstance(value, dict):
        yield where, f"found {_found(value)}; must be a mapping"
    else:
        for key in [key for key in shape if key in value and value[key] is None]:
            del value[key]
        for key, one in value.items():
            part = shape.get(key, shape.get("*"))
            if part is not None and one is not None:
                yield from _wrong(one, part, (*where, key))


def _found(value: Any) -> str:
    return "a list" if isinstance(value, list) else shown(value)
