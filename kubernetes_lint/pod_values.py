"""Values of pods that contradict each other."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eks_facts.quantities import quantity
from kubernetes_lint.objects import (
    Pod,
    at,
)
from kubernetes_lint.problem import Found, Problems, open_text, repeated
from safe_io.where import Where


def _requests(pod: Pod) -> Problems:
    for way, container in [*pod.placed, (pod.way, pod.spec)]:
        resources = container.get("resources") or {}
        for name, limit in (resources.get("limits") or {}).items():
            value = at(resources, "requests", name, default=0)
            if open_text(value) or open_text(limit):
                continue
            here: Where = (*way, "resources", "requests", name)
            if quantity(value, *here) > quantity(limit, *way, "resources", "limits", name):
                yield Found(here, f"found {value}; the limit is {limit}, below it")


_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SAID_ONCE: tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...] = (
    ("volumeMounts", lambda one: one.get("mountPath")),
    ("ports", lambda one: one.get("name")),
)


def _once(pod: Pod) -> Problems:
    for group in ("containers", "initContainers", "volumes"):
        names = [one.get("name") for one in pod.spec.get(group) or []]
        yield from repeated((*pod.way, group), names, "name")
    if not pod.spec.get("containers"):
        yield Found((*pod.way, "containers"), "is empty: a pod has at least one")
    for way, container in pod.placed:
        if not container.get("image"):
            yield Found((*way, "image"), "is missing")
        for key, name in _SAID_ONCE:
            yield from repeated((*way, key), [name(one) for one in container.get(key) or []], key)
        names = [one["name"] for one in container.get("env") or []]
        for found in repeated((*way, "env"), names, "variable"):
            yield Found(found.where, f"{found.text}: the last one wins", certain=False)
        for number, one in enumerate(container.get("env") or []):
            if one.get("value") and one.get("valueFrom"):
                yield Found((*way, "env", number, "valueFrom"), "excludes value; take one of the two out")


def _one_kind(pod: Pod) -> Problems:
    """A volume and a probe have one kind each."""
    for number, volume in enumerate(pod.spec.get("volumes") or []):
        kinds = sorted(key for key, value in volume.items() if key != "name" and value is not None)
        if len(kinds) > 1:
            yield Found((*pod.way, "volumes", number), f"is of several kinds: {', '.join(kinds)}")
    for way, container in pod.placed:
        starts = way[-2] == "initContainers" and container.get("restartPolicy") != "Always"
        for key in (*_PROBES, "lifecycle"):
            if starts and container.get(key):
                yield Found((*way, key), "is not allowed in an init container that is no sidecar")
        for key in _PROBES:
            hows = sorted({"exec", "grpc", "httpGet", "tcpSocket"} & set(container.get(key) or {}))
            if container.get(key) and len(hows) != 1:
                text = f"has several: {', '.join(hows)}" if hows else "has neither exec, grpc, httpGet nor tcpSocket"
                yield Found((*way, key), text)
            if key != "readinessProbe" and at(container, key, "successThreshold", default=1) != 1:
                yield Found((*way, key, "successThreshold"), "must be 1")


def _contexts(pod: Pod) -> Problems:
    for way, container in pod.placed:
        context, here = container.get("securityContext") or {}, (*way, "securityContext")
        if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
            yield Found((*here, "allowPrivilegeEscalation"), "cannot be false with privileged: true")
        if context.get("runAsNonRoot") is True and context.get("runAsUser") == 0:
            yield Found((*here, "runAsUser"), "is root, and runAsNonRoot is true: it never starts")


def _stopping(pod: Pod) -> Problems:
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    for way, container in pod.placed:
        seconds = at(container, "lifecycle", "preStop", "sleep", "seconds", default=0)
        if seconds and seconds >= max(grace, 1):
            here = (*way, "lifecycle", "preStop", "sleep", "seconds")
            text = f"found {seconds}; the pod is killed after {grace} s (terminationGracePeriodSeconds)"
            yield Found(here, text, certain=seconds > grace)


_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}


def selectors(value: Any, way: Where) -> Iterator[Found]:
    """Expressions of selectors, wherever they are: In and NotIn need values, the others have none."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if key == "matchExpressions" and isinstance(part, list):
            for number, one in enumerate(part):
                operator = at(one, "operator")
                needs = _VALUES.get(operator) if isinstance(operator, str) else None
                if needs is not None and bool(at(one, "values")) != needs:
                    text = f"{'needs values' if needs else 'has values'}: the operator is {operator}"
                    yield Found((*way, key, number, "values"), text)
        yield from selectors(part, (*way, key))


CHECKS = (_requests, _once, _one_kind, _contexts, _stopping)
"""What judges a pod."""
