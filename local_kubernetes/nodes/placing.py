"""Whether a pod fits on a node, as the scheduler sees it: what the provisioner plans with, and whether a pod may still be placed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from eks_facts.labels import kept_off, meets, node_terms, selects
from eks_facts.quantities import quantity, requested
from local_kubernetes.client import Object

Amounts = dict[str, Fraction]
_BASE = ("cpu", "memory", "ephemeral-storage")


def amounts(pod: Object) -> Amounts:
    """Returns what a pod requests, by resource; a pod itself counts as one of ``pods``. Not to be changed."""
    key = (str(pod["metadata"].get("uid", "")), int(pod["metadata"].get("generation", 0)))
    if key in _asked:
        return _asked[key]
    found = _amounts(pod)
    if key[0]:
        if len(_asked) > _MOST:
            _asked.clear()
        _asked[key] = found
    return found


_asked: dict[tuple[str, int], Amounts] = {}
"""By uid and generation: a spec is the same for these, and is read at each move of the clock."""
_MOST = 20_000


def _amounts(pod: Object) -> Amounts:
    spec = pod["spec"]
    extra = {
        name
        for one in spec["containers"]
        for name in ((one.get("resources") or {}).get("limits") or {})
        if name not in _BASE
    }
    found = {name: requested(spec, name) for name in (*_BASE, *extra)}
    return {"pods": Fraction(1), **{name: amount for name, amount in found.items() if amount}}


def total(one: Amounts, other: Amounts) -> Amounts:
    """Returns the sum of two requests."""
    return {name: one.get(name, Fraction(0)) + other.get(name, Fraction(0)) for name in {**one, **other}}


def offered(capacity: Mapping[str, str]) -> Amounts:
    """Returns quantities as numbers."""
    return {name: quantity(value) for name, value in capacity.items()}


def lacking(asked: Amounts, free: Amounts) -> str:
    """Returns the first resource that there is too little of; empty: none."""
    return next((name for name, amount in asked.items() if amount > free.get(name, 0)), "")


def lives(pod: Object) -> bool:
    """Returns whether a pod takes room on its node."""
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def free_on(node: Object, pods: Iterable[Object]) -> Amounts:
    """Returns what a node has left beside pods."""
    free = offered(node["status"]["allocatable"])
    for pod in pods:
        for name, amount in amounts(pod).items():
            free[name] = free.get(name, Fraction(0)) - amount
    return free


def labels_fit(pod: Object, labels: Mapping[str, str]) -> bool:
    """Returns whether labels are what a pod demands of its node."""
    return any(all(meets(one, labels.get(one["key"])) for one in term) for term in node_terms(pod["spec"]))


def misfit(pod: Object, node: Object, free: Amounts) -> str:
    """Returns why a pod does not fit on a node, by itself; empty: it does."""
    if taint := kept_off(pod["spec"], node["spec"].get("taints") or []):
        return f"untolerated taint {taint['key']}"
    if not labels_fit(pod, node["metadata"].get("labels") or {}):
        return "node affinity or selector"
    if resource := lacking(amounts(pod), free):
        return f"insufficient {resource}"
    return ""


def parted(
    pod: Object, domain_of: Mapping[str, Mapping[str, str]], others: Sequence[Object], labels: Mapping[str, str]
) -> bool:
    """Returns whether required anti-affinity or a topology spread keeps a pod off a node with ``labels``.

    Args:
        pod: to be placed.
        domain_of: labels of each node, by name.
        others: pods that have a node.
        labels: of the node.
    """
    namespace = pod["metadata"]["namespace"]
    anti = ((pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or []
    for term in anti:
        key = term["topologyKey"]
        if any(
            domain_of.get(one["spec"]["nodeName"], {}).get(key) == labels.get(key)
            for one in others
            if one["metadata"]["namespace"] in (term.get("namespaces") or [namespace])
            and selects(term.get("labelSelector"), one["metadata"].get("labels") or {})
        ):
            return True
    return any(
        _too_uneven(pod, one, domain_of, others, labels)
        for one in pod["spec"].get("topologySpreadConstraints") or []
        if one["whenUnsatisfiable"] == "DoNotSchedule"
    )


def _too_uneven(
    pod: Object,
    constraint: Mapping[str, Any],
    domain_of: Mapping[str, Mapping[str, str]],
    others: Sequence[Object],
    labels: Mapping[str, str],
) -> bool:
    key = constraint["topologyKey"]
    if key not in labels:
        return True
    counts: Counter[str] = Counter()
    for of_node in domain_of.values():
        if key in of_node and labels_fit(pod, of_node):
            counts[of_node[key]] += 0
    counts[labels[key]] += 0
    for one in others:
        domain = domain_of.get(one["spec"]["nodeName"], {}).get(key)
        if (
            domain is not None
            and domain in counts
            and one["metadata"]["namespace"] == pod["metadata"]["namespace"]
            and selects(constraint.get("labelSelector"), one["metadata"].get("labels") or {})
        ):
            counts[domain] += 1
    return counts[labels[key]] + 1 - min(counts.values()) > int(constraint["maxSkew"])
