"""All checks of the shipped manifests: the linter of the product, what our samples do beyond, and the linter of their text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from yamllint import config, linter

from eks_facts.cluster_apis import is_cluster_scoped
from kubernetes_lint import Scope, lint
from kubernetes_lint.objects import KubernetesObject, at, name_of, of_kind, pods
from kubernetes_lint.pod_security import LEVEL

ROOT = Path(__file__).parent.parent.parent


def found(
    objects: Sequence[KubernetesObject], version: str, elsewhere: Mapping[str, set[str]] | None = None
) -> list[tuple[str, str]]:
    """What is found in a cluster's objects: which check, and the problem."""
    problems = [(one.kind, str(one)) for one in lint(objects, version, Scope(True, elsewhere or {}))]
    if any(kind == "schema" for kind, _ in problems):
        return [one for one in problems if one[0] == "schema"]
    return [*problems, *(("ours", problem) for problem in _ours(objects))]


def _ours(objects: Sequence[KubernetesObject]) -> Iterator[str]:
    """What a cluster takes and other people may want, and our samples do not have."""
    for item in objects:
        if not is_cluster_scoped(item["kind"]) and not at(item, "metadata", "namespace"):
            yield f"{name_of(item)} names no namespace"
    for item in of_kind(objects, "Secret"):
        if item.get("data") or item.get("stringData"):
            yield f"{name_of(item)} has a secret in clear"
    for item in of_kind(objects, "Service"):
        if item["spec"].get("type") == "LoadBalancer" and not item["spec"].get("loadBalancerClass"):
            yield f"{name_of(item)} names no load balancer class: which controller answers would be chance"
    levels = {
        item["metadata"]["name"]
        for item in of_kind(objects, "Namespace")
        if at(item, "metadata", "labels", LEVEL) in ("baseline", "restricted")
    }
    for namespace in sorted({pod.namespace for pod in pods(objects)} - levels):
        yield f"Namespace {namespace} has pods and enforces no Pod Security level"
    yield from _of_containers(objects)


def _of_containers(objects: Sequence[KubernetesObject]) -> Iterator[str]:
    for pod in pods(objects):
        for container in pod.containers:
            if not re.fullmatch(r"[^@\s]+/[^@\s]+:[^@:/\s]+@sha256:[0-9a-f]{64}", container["image"]):
                yield f"{name_of(pod.owner)} has an image without registry, tag and digest: {container['image']}"
            for variable in container.get("env") or []:
                if variable.get("value") and re.search(r"PASSWORD|SECRET|TOKEN|API_?KEY", variable["name"]):
                    yield f"{name_of(pod.owner)} has a secret in clear: variable {variable['name']}"


def lint_text(text: str) -> Iterator[str]:
    """What yamllint says of YAML, by the settings that editors use too."""
    for problem in linter.run(text, config.YamlLintConfig(file=str(ROOT / ".yamllint.yaml"))):
        yield f"line {problem.line}: {problem.desc}"
