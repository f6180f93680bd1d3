"""Values that each are fine and contradict each other, or that an API server refuses together: bounds, budgets, quotas."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from eks_facts.cluster_apis import group_of
from eks_facts.instances import label_problem
from eks_facts.quantities import UnreadableQuantity, quantity
from kubernetes_lint import network_values, pod_values, schedules
from kubernetes_lint.facts import load
from kubernetes_lint.index import Index
from kubernetes_lint.objects import KubernetesObject, asked, at, namespace_of, of_kind, pod_of, pods, replicas
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
            for check_pod in pod_values.CHECKS:
                yield from check_pod(pod)
        yield from pod_values.selectors(item, ())
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
    if not open_text(schedule) and (problem := schedules.cron_problem(schedule)):
        yield Found(("spec", "schedule"), f"found {schedule!r}: {problem}")
    if zone := item["spec"].get("timeZone"):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
            yield Found(("spec", "timeZone"), f"there is no time zone {zone}")
    way: Where = ("spec", "jobTemplate", "spec")
    yield from _job_of(at(item, *way, default={}), way)


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
    for place, budget in enumerate(at(item, "spec", "disruption", "budgets", default=[])):
        schedule = budget.get("schedule")
        if schedule and not open_text(schedule) and (problem := schedules.cron_problem(schedule)):
            yield Found(("spec", "disruption", "budgets", place, "schedule"), f"found {schedule!r}: {problem}")
    way: Where = (*template, "spec", "requirements")
    for number, one in enumerate(at(item, *way, default=[])):
        yield from _restricted_label(str(one.get("key")), (*way, number, "key"))
        auto_mode = at(item, *template, "spec", "nodeClassRef", "group") == "eks.amazonaws.com"
        if problem := label_problem(str(one.get("key")), auto_mode=auto_mode):
            yield Found((*way, number, "key"), problem)
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
    "Service": (network_values.service,),
    "NetworkPolicy": (network_values.network_policy,),
    "Ingress": (network_values.ingress,),
    "PersistentVolumeClaim": (_claim,),
    "Role": (_role,),
    "ClusterRole": (_role,),
    "NodePool": (_node_pool,),
}
