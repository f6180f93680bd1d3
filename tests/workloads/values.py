"""What an API server takes and that still does not work: numbers that contradict each other, schedules, quotas, secrets, images."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from tests.workloads.objects import (
    KubernetesObject,
    Pod,
    Problems,
    asked,
    at,
    name_of,
    namespace_of,
    of_kind,
    pods,
    quantity,
    replicas,
    selects,
)

Objects = Sequence[KubernetesObject]


def problems(objects: Objects) -> Problems:
    """Every value that cannot be meant."""
    found = pods(objects)
    for item in objects:
        for check in _CHECKS.get(item["kind"], ()):
            yield from (f"{name_of(item)} {problem}" for problem in check(item, objects))
    for pod in found:
        for check_pod in _POD_CHECKS:
            yield from (f"{pod} {problem}" for problem in check_pod(pod))


def _scaler(item: KubernetesObject, objects: Objects) -> Problems:
    spec = item["spec"]
    if spec.get("minReplicas", 1) > spec["maxReplicas"]:
        yield f"has a minimum of {spec['minReplicas']} above its maximum of {spec['maxReplicas']}"
    target = spec["scaleTargetRef"]
    for scaled in of_kind(objects, target["kind"]):
        if (namespace_of(scaled), scaled["metadata"]["name"]) == (
            namespace_of(item),
            target["name"],
        ) and "replicas" in scaled["spec"]:
            yield f"fights with {target['kind']} {target['name']}, which sets replicas too: each apply takes its work back"


def _budget(item: KubernetesObject, objects: Objects) -> Problems:
    """https://kubernetes.io/docs/concepts/workloads/pods/disruptions/: a drain waits for what a budget never gives."""
    spec = item["spec"]
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield "sets minAvailable and maxUnavailable"
    found = [
        one
        for one in pods(objects)
        if one.namespace == namespace_of(item) and selects(spec.get("selector"), one.labels)
    ]
    few = sum(replicas(pod.owner, objects)[0] for pod in found)
    for key, round_up, free in (
        ("minAvailable", ceil, lambda held: few - held),
        ("maxUnavailable", ceil, lambda lost: lost),
    ):
        if key in spec:
            value = spec[key]
            number = round_up(Fraction(int(value[:-1]), 100) * few) if isinstance(value, str) else value
            if few and free(number) < 1:
                yield f"never lets a pod go ({key}: {value}, pods: {few}): every drain waits"


def _rollout(item: KubernetesObject, _: Objects) -> Problems:
    rolling = at(item, "spec", "strategy", "rollingUpdate", default={})
    if str(rolling.get("maxSurge")) in ("0", "0%") and str(rolling.get("maxUnavailable")) in ("0", "0%"):
        yield "can never be updated: maxSurge and maxUnavailable are 0"
    if at(item, "spec", "template", "spec", "restartPolicy", default="Always") != "Always":
        yield "has pods that are not restarted"


def _cron(item: KubernetesObject, objects: Objects) -> Problems:
    if problem := cron_problem(item["spec"]["schedule"]):
        yield f"has the schedule {item['spec']['schedule']!r}: {problem}"
    if zone := item["spec"].get("timeZone"):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
            yield f"is scheduled in the unknown time zone {zone}"
    yield from _job({**item, "spec": item["spec"]["jobTemplate"]["spec"]}, objects)


_CRON_FIELDS = (("minute", 0, 59, ""), ("hour", 0, 23, ""), ("day", 1, 31, ""))
_CRON_FIELDS += (
    ("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    ("weekday", 0, 6, "SUN MON TUE WED THU FRI SAT"),
)
_CRON_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def cron_problem(schedule: str) -> str | None:
    """What is wrong with a schedule. https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax."""
    if schedule in _CRON_WORDS:
        return None
    parts = schedule.split()
    if len(parts) != len(_CRON_FIELDS):
        return f"{len(parts)} fields in place of {len(_CRON_FIELDS)}"
    for part, (name, least, most, words) in zip(parts, _CRON_FIELDS, strict=True):
        for one in part.split(","):
            if not _cron_range(one, least, most, words.split()):
                return f"{name} {one!r} is not in {least} to {most}"
    return None


def _cron_range(text: str, least: int, most: int, words: Sequence[str]) -> bool:
    span, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and int(step)):
        return False
    if span in ("*", "?"):
        return True
    ends = [str(words.index(end.upper()) + least) if end.upper() in words else end for end in span.split("-")]
    if len(ends) > 2 or not all(end.isdecimal() for end in ends):
        return False
    numbers = [int(end) for end in ends]
    return numbers == sorted(numbers) and numbers[0] >= least and numbers[-1] <= most


def _job(item: KubernetesObject, _: Objects) -> Problems:
    policy = at(item, "spec", "template", "spec", "restartPolicy")
    if policy not in ("Never", "OnFailure"):
        yield f"has pods with restartPolicy {policy}: a Job's are Never or OnFailure"
    if at(item, "spec", "podFailurePolicy") and policy != "Never":
        yield "has a podFailurePolicy, which needs restartPolicy Never"


def _quota(item: KubernetesObject, objects: Objects) -> Problems:
    """https://kubernetes.io/docs/concepts/policy/resource-quotas/: what is counted must be said, and must fit."""
    found = [pod for pod in pods(objects) if pod.namespace == namespace_of(item)]
    defaults = [one for one in of_kind(objects, "LimitRange") if namespace_of(one) == namespace_of(item)]
    for name, hard in item["spec"]["hard"].items():
        group, _, resource = name.rpartition(".")
        if name == "pods":
            wanted = Fraction(sum(replicas(pod.owner, objects)[1] for pod in found))
        elif resource in ("cpu", "memory") and group in ("", "requests", "limits"):
            group = group or "requests"
            wanted = sum((replicas(pod.owner, objects)[1] * asked(pod, resource, group) for pod in found), Fraction(0))
            for pod in found:
                if not asked(pod, resource, group) and not any(_gives(one, resource, group) for one in defaults):
                    yield f"counts {name}, which {pod} does not set and no LimitRange gives"
        else:
            continue
        if wanted > quantity(hard):
            yield f"allows {name} {hard}, and the pods of the namespace need {float(wanted):g}"


def _gives(item: KubernetesObject, resource: str, group: str) -> bool:
    key = "default" if group == "limits" else "defaultRequest"
    return any(resource in one.get(key, {}) for one in item["spec"]["limits"] if one["type"] == "Container")


def _limit_range(item: KubernetesObject, objects: Objects) -> Problems:
    for limit in item["spec"]["limits"]:
        for low, high in (("min", "max"), ("defaultRequest", "default"), ("default", "max"), ("min", "defaultRequest")):
            for name in set(limit.get(low, {})) & set(limit.get(high, {})):
                if quantity(limit[low][name]) > quantity(limit[high][name]):
                    yield f"has a {low} of {name} above its {high}"
        for pod in pods(objects) if limit["type"] == "Container" else ():
            for container in pod.containers if pod.namespace == namespace_of(item) else ():
                for name, most in limit.get("max", {}).items():
                    if quantity(at(container, "resources", "limits", name, default=0)) > quantity(most):
                        yield f"refuses container {container['name']} of {pod}: its limit of {name} is above {most}"


def _secret(item: KubernetesObject, _: Objects) -> Problems:
    if item.get("data") or item.get("stringData"):
        yield "holds a secret in clear: templates and files are read by many"


def _service(item: KubernetesObject, _: Objects) -> Problems:
    spec = item["spec"]
    if spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass"):
        yield "names no load balancer class: which controller answers would be chance"
    if len({(port.get("protocol", "TCP"), port["port"]) for port in spec["ports"]}) < len(spec["ports"]):
        yield "has a port twice"


def _requests(pod: Pod) -> Problems:
    for container in pod.containers:
        resources = container.get("resources") or {}
        for name, limit in (resources.get("limits") or {}).items():
            if quantity(at(resources, "requests", name, default=0)) > quantity(limit):
                yield f"requests more {name} than its limit in container {container['name']}"


_SAID_ONCE: tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...] = (
    ("env", lambda one: one["name"]),
    ("volumeMounts", lambda one: one["mountPath"]),
    ("ports", lambda one: one.get("name") or one["containerPort"]),
)


def _once(pod: Pod) -> Problems:
    groups = [
        ("containers", [one["name"] for one in pod.containers]),
        ("volumes", [one["name"] for one in pod.spec.get("volumes") or []]),
    ]
    for container in pod.containers:
        groups += [
            (f"{key} of {container['name']}", [name(one) for one in container.get(key) or []])
            for key, name in _SAID_ONCE
        ]
    for what, names in groups:
        for name in sorted({str(name) for name in names if names.count(name) > 1}):
            yield f"has {name} twice in its {what}"


_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)", re.IGNORECASE)


def _clear_secrets(pod: Pod) -> Problems:
    for container in pod.containers:
        for variable in container.get("env") or []:
            if variable.get("value") and _SECRET_NAME.search(variable["name"]):
                yield f"has a secret in clear: variable {variable['name']} of container {container['name']}"


def _digests(pod: Pod) -> Problems:
    for container in pod.containers:
        if not re.fullmatch(r"[^@\s]+/[^@\s]+:[^@:/\s]+@sha256:[0-9a-f]{64}", container["image"]):
            yield f"has an image without registry, tag and digest: {container['image']}"


def _stopping(pod: Pod) -> Problems:
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    for container in pod.containers:
        if at(container, "lifecycle", "preStop", "sleep", "seconds", default=0) >= max(grace, 1):
            yield f"is killed after {grace} s, while container {container['name']} still sleeps before it stops"


_CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Objects], Problems]]] = {
    "HorizontalPodAutoscaler": (_scaler,),
    "PodDisruptionBudget": (_budget,),
    "Deployment": (_rollout,),
    "CronJob": (_cron,),
    "Job": (_job,),
    "ResourceQuota": (_quota,),
    "LimitRange": (_limit_range,),
    "Secret": (_secret,),
    "Service": (_service,),
}
_POD_CHECKS = (_requests, _once, _clear_secrets, _digests, _stopping)
