"""The kinds that charts bring for an assembly's Kubernetes objects: a local cluster installs no chart, so nobody else defines them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from eks_facts.cluster_apis import is_cluster_scoped
from local_kubernetes.definitions import AUTO_MODE, KARPENTER, is_custom
from safe_io.errors import BadInput
from safe_io.terminal import one_line

RESOURCE = "Custom::AWSCDK-EKS-KubernetesResource"
_PLACEHOLDER = "not-known"
"""In the place of what is known at the deploy alone."""


def custom_kinds(assembly: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns, by cluster, each kind: ``group``, ``kind``, ``versions``, ``namespaced``. Raises BadInput: a file cannot be read."""
    brought = {(row[0], row[2]) for row in (*AUTO_MODE, *KARPENTER)}
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for cluster, item in _objects(assembly):
        group, _, version = str(item.get("apiVersion", "")).rpartition("/")
        kind = str(item.get("kind", ""))
        if not is_custom(group) or (group, kind) in brought:
            continue
        namespaced = "namespace" in (item.get("metadata") or {}) and not is_cluster_scoped(kind)
        new: dict[str, Any] = {"group": group, "kind": kind, "versions": [], "namespaced": namespaced}
        row = found.setdefault((cluster, group, kind), new)
        row["versions"] = sorted({*row["versions"], version})
    by_cluster: dict[str, list[dict[str, Any]]] = {}
    for (cluster, _, _), row in sorted(found.items()):
        by_cluster.setdefault(cluster, []).append(row)
    return by_cluster


def _objects(assembly: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the objects of both deliveries, each with its cluster."""
    for path in sorted(assembly.rglob("*.template.json")):
        resources = _read(path, json.loads).get("Resources") or {}
        for resource in (one for one in resources.values() if one["Type"] == RESOURCE):
            properties = resource["Properties"]
            for item in json.loads(_text(properties["Manifest"])):
                yield _text(properties["ClusterName"]), item
    for path in sorted(assembly.glob("manifests/*/**/*.yaml")):
        for item in _read(path, lambda text: list(yaml.safe_load_all(text))):
            if isinstance(item, Mapping):
                yield path.relative_to(assembly).parts[1], item


def _text(value: Any) -> str:
    """Returns a value of a template as text, with a placeholder for each part that it does not say."""
    if isinstance(value, str):
        return value
    parts = value.get("Fn::Join", ["", [value]])[1] if isinstance(value, Mapping) else [value]
    return "".join(part if isinstance(part, str) else _PLACEHOLDER for part in parts)


def _read(path: Path, parse: Any) -> Any:
    try:
        return parse(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        raise BadInput(one_line(f"{path}: it is not as a synth writes it. Make it again: make synth ENV=...")) from None
