"""Values that each are fine and contradict each other, or that an API server refuses together: bounds, budgets, quotas."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from eks_facts.quantities import UnreadableQuantity, quantity
from kubernetes_lint.facts import load
from kubernetes_lint.index import Index
from kubernetes_lint.objects import (
    KubernetesObject,
    Pod,
    asked,
    at,
    group_of,
    namespace_of,
    of_kind,
    pod_of,
    pods,
    replicas,
)
from kubernetes_lint.problem import Found, Problems, open_text
from kubernetes_lint.references import known_groups
from safe_io.where import Where


def problems(item: KubernetesObject, index: Index) -> Problems:
    """Yields every value of an object that cannot be meant."""
    try:
        if group_of(item) in known_groups():
            for check in _CHECKS.get(item["kind"], ()):
                yield from check(item, index)
        if pod := pod_of(item):
            for check_pod in _POD_CHECKS:
                yield from check_pod(pod)
        yield from _selectors(item, ())
    except UnreadableQuantity as error:
        if "${" not in str(error):  # filled in later
            yield Found(tuple(error.where), str(error))


def _scaler(item: KubernetesObject, index: Index) -> Problems:
    spec = item["spec"]
    if spec.get("minReplicas", 1) > spec["maxReplicas"]:
        yield Found(
            ("spec", "minReplicas"), f"found {spec['minReplicas']}; maxReplicas is {spec['maxReplicas']}, below it"
        )
    target = spec["scaleTargetRef"]
    scaled = index.get(target["kind"], namespace_of(item), target["name"])
    if scaled and "replicas" in (scaled.get("spec") or {}):
        text = f"{target['kind']} {target['name']} sets replicas, too: each apply takes the autoscaler's work back"
        yield Found(("spec", "scaleTargetRef", "name"), text, certain=False)


def _budget(item: KubernetesObject, index: Index) -> Problems:
    """https://kubernetes.io/docs/concepts/workloads/pods/disruptions/: a drain waits for what a budget never gives."""
    spec = item["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield Found(("spec", "maxUnavailable"), "excludes minAvailable; take one of the two out")
        return
    found = index.selected(spec.get("selector"), namespace_of(item))
    few = sum(replicas(pod.owner, index.objects)[0] for pod in found)
    for key in ("minAvailable", "maxUnavailable"):
        value = spec.get(key)
        if value is None or open_text(value):
            continue
        number = ceil(Fraction(int(value[:-1]), 100) * few) if isinstance(value, str) else value
        if few and (few - number if key == "minAvailable" else number) < 1:
            text = f"found {value}, and it protects {few}: it never lets a pod go, and each drain of a node waits"
            yield Found(("spec", key), text, certain=False)


def _rollout(item: KubernetesObject, _: Index) -> Problems:
    strategy = at(item, "spec", "strategy", default={})
    rolling = strategy.get("rollingUpdate") or {}
    if str(rolling.get("maxSurge")) in ("0", "0%") and str(rolling.get("maxUnavailable")) in ("0", "0%"):
        yield Found(
            ("spec", "strategy", "rollingUpdate", "maxSurge"), "and maxUnavailable are 0: it can never be updated"
        )
    if rolling and strategy.get("type") == "Recreate":
        yield Found(("spec", "strategy", "rollingUpdate"), "is not allowed with the type Recreate")


def _long_running(item: KubernetesObject, _: Index) -> Problems:
    way = ("spec", "template", "spec", "restartPolicy")
    if (policy := at(item, *way, default="Always")) != "Always":
        yield Found(way, f"found {policy}; the pods of a {item['kind']} have Always")


def _cron(item: KubernetesObject, _: Index) -> Problems:
    schedule = item["spec"]["schedule"]
    if not open_text(schedule) and (problem := cron_problem(schedule)):
        yield Found(("spec", "schedule"), f"found {schedule!r}: {problem}")
    if zone := item["spec"].get("timeZone"):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
            yield Found(("spec", "timeZone"), f"there is no time zone {zone}")
    way: Where = ("spec", "jobTemplate", "spec")
    yield from _job_of(at(item, *way, default={}), way)


_CRON_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day", 1, 31, ""),
    ("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    ("weekday", 0, 6, "SUN MON TUE WED THU FRI SAT"),
)
_CRON_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def cron_problem(schedule: str) -> str | None:
    """Returns what is wrong with a schedule.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax.
    """
    if schedule in _CRON_WORDS or schedule.startswith("@every "):
        return None
    parts = schedule.split()
    if len(parts) != len(_CRON_FIELDS):
        return f"it has {len(parts)} fields, not {len(_CRON_FIELDS)}"
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


def _job(item: KubernetesObject, _: Index) -> Problems:
    yield from _job_of(item["spec"], ("spec",))


def _job_of(spec: Mapping[str, Any], way: Where) -> Problems:
    policy = at(spec, "template", "spec", "restartPolicy")
    if policy not in ("Never", "OnFailure"):
        yield Found(
            (*way, "template", "spec", "restartPolicy"), f"found {policy or 'none'}; a Job has Never or OnFailure"
        )
    elif spec.get("podFailurePolicy") and policy != "Never":
        yield Found((*way, "podFailurePolicy"), "needs the restartPolicy Never")


def _quota(item: KubernetesObject, index: Index) -> Problems:
    """https://kubernetes.io/docs/concepts/policy/resource-quotas/: what is counted must be set, and must fit."""
    found = [pod for pod in index.pods if pod.namespace == namespace_of(item)]
    defaults = [one for one in of_kind(index.objects, "LimitRange") if namespace_of(one) == namespace_of(item)]
    for name, hard in at(item, "spec", "hard", default={}).items():
        way: Where = ("spec", "hard", name)
        group, _, resource = name.rpartition(".")
        if name == "pods":
            wanted = Fraction(sum(replicas(pod.owner, index.objects)[1] for pod in found))
        elif resource in ("cpu", "memory") and group in ("", "requests", "limits"):
            group = group or "requests"
            wanted = Fraction(0)
            for pod in found:
                wanted += replicas(pod.owner, index.objects)[1] * asked(pod, resource, group)
                if not asked(pod, resource, group) and not any(_gives(one, resource, group) for one in defaults):
                    owner = f"{pod.owner['kind']} {at(pod.owner, 'metadata', 'name')}"
                    yield Found(way, f"is counted, and {owner} does not set it: its pods are refused")
        else:
            continue
        if wanted > quantity(hard, *way):
            yield Found(way, f"found {hard}; the pods of the namespace need {float(wanted):g}", certain=False)


def _gives(item: KubernetesObject, resource: str, group: str) -> bool:
    keys = ("default", "max") if group == "limits" else ("defaultRequest", "default", "max")
    return any(
        resource in (one.get(key) or {})
        for one in at(item, "spec", "limits", default=[])
        if one.get("type") == "Container"
        for key in keys
    )


def _limit_range(item: KubernetesObject, index: Index) -> Problems:
    for number, limit in enumerate(item["spec"]["limits"]):
        way: Where = ("spec", "limits", number)
        for low, high in (("min", "max"), ("defaultRequest", "default"), ("default", "max"), ("min", "defaultRequest")):
            for name in sorted(set(limit.get(low) or {}) & set(limit.get(high) or {})):
                if quantity(limit[low][name], *way, low, name) > quantity(limit[high][name], *way, high, name):
                    yield Found((*way, low, name), f"is above the {high} of {name}, {limit[high][name]}")
        for pod in pods(index.objects) if limit.get("type") == "Container" else ():
            for container in pod.containers if pod.namespace == namespace_of(item) else ():
                for name, most in (limit.get("max") or {}).items():
                    value = at(container, "resources", "limits", name, default=0)
                    if not open_text(value) and quantity(value) > quantity(most, *way, "max", name):
                        owner = f"{pod.owner['kind']} {at(pod.owner, 'metadata', 'name')}"
                        yield Found(
                            (*way, "max", name), f"container {container['name']} of {owner} has the limit {value}"
                        )


def _service(item: KubernetesObject, _: Index) -> Problems:
    spec, way = item["spec"], ("spec", "ports")
    ports = spec.get("ports") or []
    yield from _twice(way, [(port.get("protocol", "TCP"), port.get("port")) for port in ports], "port")
    if len(ports) > 1 and not all(port.get("name") for port in ports):
        yield Found(way, "has several ports: each needs a name")
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Found(way, "is missing")
    if spec.get("type") == "ExternalName" and not spec.get("externalName"):
        yield Found(("spec", "externalName"), "is missing: the type ExternalName needs it")
    for number, one in enumerate(spec.get("loadBalancerSourceRanges") or []):
        yield from _range((*way[:1], "loadBalancerSourceRanges", number), one)


def _twice(way: Where, names: Sequence[Any], what: str) -> Problems:
    for number, name in enumerate(names):
        if name is not None and name in names[:number]:
            words = "/".join(map(str, reversed(name))) if isinstance(name, tuple) else name
            yield Found((*way, number), f"has the {what} {words} a second time")


def _range(way: Where, text: Any) -> Problems:
    if open_text(text):
        return
    try:
        ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        yield Found(way, f"found {text!r}; must be a range of addresses such as 10.0.0.0/16")
        return
    if "/" not in str(text):
        yield Found(way, f"found {text!r}; a range needs the length of its prefix: {text}/32")


def _network_policy(item: KubernetesObject, _: Index) -> Problems:
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(item["spec"].get(direction) or []):
            way: Where = ("spec", direction, number)
            for place, peer in enumerate(rule.get(side) or []):
                yield from _peer(peer, (*way, side, place))
            for place, port in enumerate(rule.get("ports") or []):
                end, first = port.get("endPort"), port.get("port")
                if end is not None and not (isinstance(first, int) and first <= end):
                    text = f"found {end}; must be at least port, which must be a number"
                    yield Found((*way, "ports", place, "endPort"), text)


def _peer(peer: Mapping[str, Any], way: Where) -> Problems:
    block = peer.get("ipBlock")
    if not peer:
        yield Found(way, "is empty; it needs podSelector, namespaceSelector or ipBlock")
    if not block:
        return
    if len(peer) > 1:
        yield Found((*way, "ipBlock"), "excludes selectors beside it; make two peers of it")
    wrong = list(_range((*way, "ipBlock", "cidr"), block.get("cidr")))
    yield from wrong
    for index, one in enumerate(block.get("except") or []):
        here = (*way, "ipBlock", "except", index)
        if found := list(_range(here, one)):
            yield from found
        elif not wrong and not open_text(f"{one} {block['cidr']}"):
            inner, outer = (ipaddress.ip_network(text, strict=False) for text in (one, block["cidr"]))
            if inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
                yield Found(here, f"is not in {block['cidr']}")


def _ingress(item: KubernetesObject, _: Index) -> Problems:
    spec = item["spec"]
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield Found(("spec",), "has neither rules nor a defaultBackend")
    for number, rule in enumerate(spec.get("rules") or []):
        for place, path in enumerate(at(rule, "http", "paths", default=[])):
            way: Where = ("spec", "rules", number, "http", "paths", place)
            text = path.get("path")
            if path["pathType"] != "ImplementationSpecific" and not str(text or "").startswith("/"):
                yield Found((*way, "path"), f"found {text}; must begin with / for the pathType {path['pathType']}")
            service = at(path, "backend", "service")
            if service and bool(at(service, "port", "name")) == bool(at(service, "port", "number")):
                yield Found((*way, "backend", "service", "port"), "needs either a name or a number")


def _stateful_set(item: KubernetesObject, _: Index) -> Problems:
    claims = at(item, "spec", "volumeClaimTemplates", default=[])
    for number, claim in enumerate(claims):
        yield from _claim_of(claim, ("spec", "volumeClaimTemplates", number))


def _claim(item: KubernetesObject, _: Index) -> Problems:
    yield from _claim_of(item, ())


def _claim_of(item: KubernetesObject, way: Where) -> Problems:
    spec = item.get("spec") or {}
    if not spec.get("accessModes"):
        yield Found((*way, "spec", "accessModes"), "is missing: a claim needs at least one")
    if not at(spec, "resources", "requests", "storage"):
        yield Found((*way, "spec", "resources", "requests", "storage"), "is missing")


def _role(item: KubernetesObject, _: Index) -> Problems:
    for number, rule in enumerate(item.get("rules") or []):
        way: Where = ("rules", number)
        if not rule.get("verbs"):
            yield Found((*way, "verbs"), "is empty: a rule needs at least one")
        if rule.get("nonResourceURLs"):
            if item["kind"] == "Role":
                yield Found((*way, "nonResourceURLs"), "is for a ClusterRole alone")
            if rule.get("resources"):
                yield Found((*way, "nonResourceURLs"), "excludes resources; make two rules of it")
        else:
            for key in ("apiGroups", "resources"):
                if not rule.get(key):
                    yield Found((*way, key), "is missing: a rule for resources needs it")


def _node_pool(item: KubernetesObject, _: Index) -> Problems:
    """https://karpenter.sh/docs/concepts/nodepools/, and for Auto Mode create-node-pool.html of the EKS guide."""
    template: Where = ("spec", "template")
    for key in at(item, *template, "metadata", "labels", default={}):
        yield from _restricted_label(key, (*template, "metadata", "labels", key))
    way: Where = (*template, "spec", "requirements")
    for number, one in enumerate(at(item, *way, default=[])):
        yield from _restricted_label(str(one.get("key")), (*way, number, "key"))
        yield from _requirement(one, (*way, number))


def _requirement(one: Mapping[str, Any], way: Where) -> Problems:
    operator, found, known = one.get("operator"), one.get("values") or [], load("limits")["node_pools"]["values"]
    if operator in ("In", "NotIn") and not found:
        yield Found((*way, "values"), f"is empty: the operator {operator} needs some")
    if operator in ("Exists", "DoesNotExist") and found:
        yield Found((*way, "values"), f"must be left out with the operator {operator}")
    if operator in ("Gt", "Lt", "Gte", "Lte") and (len(found) != 1 or not str(found[0]).isdecimal()):
        yield Found((*way, "values"), f"must be one whole number, as text, with the operator {operator}")
    if operator == "In" and (options := known.get(one.get("key"))):
        for place, value in enumerate(found):
            if value not in options and not open_text(value):
                yield Found((*way, "values", place), f"found {value}; must be {', '.join(options)}")
    least = one.get("minValues")
    if operator == "In" and isinstance(least, int) and least > len(found):
        yield Found((*way, "minValues"), f"found {least}, with {len(found)} values")


def _restricted_label(key: str, way: Where) -> Problems:
    facts, domain = load("limits")["node_pools"], key.rpartition("/")[0]

    def below(domains: Sequence[str]) -> bool:
        return any(domain == one or domain.endswith(f".{one}") for one in domains)

    if key in facts["restricted"]:
        yield Found(way, f"{key} is not allowed here: the controller sets it")
    elif key not in facts["well_known"] and below(facts["restricted_domains"]) and not below(facts["open_domains"]):
        yield Found(way, f"{key} is not one of the labels that {domain} allows here")


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
        yield from _twice((*pod.way, group), names, "name")
    if not pod.spec.get("containers"):
        yield Found((*pod.way, "containers"), "is empty: a pod has at least one")
    for way, container in pod.placed:
        if not container.get("image"):
            yield Found((*way, "image"), "is missing")
        for key, name in _SAID_ONCE:
            yield from _twice((*way, key), [name(one) for one in container.get(key) or []], key)
        names = [one["name"] for one in container.get("env") or []]
        for found in _twice((*way, "env"), names, "variable"):
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


def _selectors(value: Any, way: Where) -> Iterator[Found]:
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
        yield from _selectors(part, (*way, key))


_CHECKS: Mapping[str, Sequence[Callable[[KubernetesObject, Index], Problems]]] = {
    "HorizontalPodAutoscaler": (_scaler,),
    "PodDisruptionBudget": (_budget,),
    "Deployment": (_rollout, _long_running),
    "DaemonSet": (_long_running,),
    "ReplicaSet": (_long_running,),
    "StatefulSet": (_long_running, _stateful_set),
    "CronJob": (_cron,),
    "Job": (_job,),
    "ResourceQuota": (_quota,),
    "LimitRange": (_limit_range,),
    "Service": (_service,),
    "NetworkPolicy": (_network_policy,),
    "Ingress": (_ingress,),
    "PersistentVolumeClaim": (_claim,),
    "Role": (_role,),
    "ClusterRole": (_role,),
    "NodePool": (_node_pool,),
}
_POD_CHECKS = (_requests, _once, _one_kind, _contexts, _stopping)
