"""What nodes a node pool may make for a pod."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from eks_facts.capacity import InstanceType, catalogue
from eks_facts.labels import kept_off, meets, node_terms
from eks_facts.node_selection import ARCHITECTURE
from local_kubernetes.client import Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.node import CAPACITY, COMPUTE_TYPE, HOST, POOL, ZONE
from local_kubernetes.nodes.node_pool import AUTO_GROUP, is_auto, template
from local_kubernetes.nodes.placing import amounts, total
from local_kubernetes.nodes.volumes import zones_of


def options(world: Around, pool: Object, pod: Object) -> Iterable[tuple[str, InstanceType, dict[str, str]]]:
    """Yields zone, instance type and labels of the nodes that a pool may make and a pod may use."""
    spec = template(pool)
    zones = zones_of(pod, world.mirror)
    terms = node_terms(pod["spec"])
    own = dict((pool["spec"]["template"].get("metadata") or {}).get("labels") or {})
    capacity = _capacity(pool, terms)
    if capacity is None:
        return
    known = {POOL: pool["metadata"]["name"], CAPACITY: capacity, **own}
    if is_auto(pool):
        known[COMPUTE_TYPE] = "auto"
    known |= {
        one["key"]: str(one["values"][0])
        for one in spec["requirements"]
        if one["operator"] == "In" and one["key"] not in known and len(one["values"]) == 1
    }
    if all(any(one["key"] in known and not meets(one, known[one["key"]]) for one in term) for term in terms):
        return  # whatever its instance is
    for kind in catalogue():
        if kind.devices and not any(name in amounts(pod) for name in kind.devices):
            continue
        labels = {**known, **_labels(kind)}
        rules = [one for one in spec["requirements"] if one["key"] != CAPACITY]
        for zone in world.compute.zones if zones is None else sorted(zones):
            placed = {**labels, ZONE: zone}
            if all(meets(one, placed.get(one["key"])) for one in rules) and _meets_some(terms, placed):
                yield zone, kind, placed


def _capacity(pool: Object, terms: Sequence[Sequence[Mapping[str, Any]]]) -> str | None:
    """Returns spot where pool and pod allow it, else on-demand; Karpenter prefers it, too."""
    for one in ("spot", "on-demand"):
        allowed = [rule for rule in template(pool)["requirements"] if rule["key"] == CAPACITY]
        if (all(meets(rule, one) for rule in allowed) if allowed else one == "on-demand") and any(
            all(meets(rule, one) for rule in term if rule["key"] == CAPACITY) for term in terms
        ):
            return one
    return None


def daemons(world: Around, pool: Object) -> dict[str, Fraction]:
    """Returns what the DaemonSets request that would run on a pool's nodes."""
    asked: dict[str, Fraction] = {}
    taints = template(pool).get("taints") or []
    labels = {COMPUTE_TYPE: "auto"} if is_auto(pool) else {}
    for item in world.mirror.of["daemon_sets"].values():
        pod = {"metadata": {}, "spec": item["spec"]["template"]["spec"]}
        blocked = kept_off(pod["spec"], taints)
        away = any(
            not meets(one, labels.get(one["key"]))
            for term in node_terms(pod["spec"])[:1]
            for one in term
            if one["key"] == COMPUTE_TYPE
        )
        if not blocked and not away:
            asked = total(asked, amounts(pod))
    return asked


def _meets_some(terms: Sequence[Sequence[Mapping[str, Any]]], labels: Mapping[str, str]) -> bool:
    return any(all(one["key"] == HOST or meets(one, labels.get(one["key"])) for one in term) for term in terms)


def _labels(kind: InstanceType) -> dict[str, str]:
    about = {
        "category": kind.category, "family": kind.family, "generation": str(kind.generation), "size": kind.size,
        "cpu": str(kind.vcpus), "memory": str(int(kind.gib * 1024)), "hypervisor": "nitro",
    }  # fmt: skip
    both = {
        f"{domain}/instance-{key}": value
        for domain in ("karpenter.k8s.aws", AUTO_GROUP)
        for key, value in about.items()
    }
    return {
        **both,
        "node.kubernetes.io/instance-type": kind.name,
        ARCHITECTURE: "arm64" if kind.architecture == "arm64" else "amd64",
        "kubernetes.io/os": "linux",
    }
