"""A provisioner for the node pools of Auto Mode and Karpenter: nodes for pods that have none.

It reads NodePool objects as Karpenter does: requirements, weights, limits, taints. What it leaves out is in docs/rehearse.md.
https://karpenter.sh/docs/concepts/nodepools/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from eks_facts.capacity import InstanceType, allocatable, catalogue, instance_type
from eks_facts.files import load
from eks_facts.labels import kept_off, meets, node_terms
from eks_facts.node_selection import ARCHITECTURE
from eks_facts.quantities import quantity
from local_kubernetes.client import Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.compute import Runner
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import CAPACITY, COMPUTE_TYPE, HOST, POOL, ZONE, Node, common_labels
from local_kubernetes.nodes.placing import amounts, free_on, lacking, lives, misfit, offered, parted
from local_kubernetes.nodes.rest import unscheduled
from local_kubernetes.nodes.volumes import zones_of

BATCH_SECONDS = 5.0
"""Karpenter waits for more pods before it starts nodes: https://karpenter.sh/docs/reference/settings/ (batchIdleDuration)."""
NODE_SECONDS = 60.0
AUTO_GROUP = "eks.amazonaws.com"
_EXISTING = "There is already room, or a node on its way"


def built_in() -> dict[str, Object]:
    """Returns the node pools that Auto Mode brings, by name. https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html"""
    found = {}
    for name, row in load("compute_kinds")["built_in_node_pools"].items():
        if name == "source":
            continue
        requirements = [
            {"key": CAPACITY, "operator": "In", "values": ["on-demand"]},
            {"key": ARCHITECTURE, "operator": "In", "values": row["architectures"]},
            {"key": f"{AUTO_GROUP}/instance-category", "operator": "In", "values": ["c", "m", "r"]},
            {"key": f"{AUTO_GROUP}/instance-generation", "operator": "Gt", "values": ["4"]},
            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        ]
        found[name] = {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": name},
            "spec": {
                "disruption": {
                    "budgets": [{"nodes": "10%"}],
                    "consolidateAfter": "30s",
                    "consolidationPolicy": "WhenEmptyOrUnderutilized",
                },
                "template": {
                    "metadata": {"labels": {}},
                    "spec": {
                        "expireAfter": "336h",
                        "terminationGracePeriod": "24h0m0s",
                        "nodeClassRef": {"group": AUTO_GROUP, "kind": "NodeClass", "name": "default"},
                        "requirements": requirements,
                        "taints": row["taints"],
                    },
                },
            },
        }
    return found


def template(pool: Object) -> Mapping[str, Any]:
    """Returns the spec of a pool's nodes."""
    spec: Mapping[str, Any] = pool["spec"]["template"]["spec"]
    return spec


def is_auto(pool: Object) -> bool:
    """Returns whether a pool is Auto Mode's."""
    return bool(template(pool)["nodeClassRef"]["group"] == AUTO_GROUP)


@dataclass
class Claim:
    """A node that is to be, while pods are added to it.

    Attributes:
        pool: its pool.
        kinds: the instance types that still will do, cheapest first.
        zone: where it is to be.
        pods: those that it is for.
        asked: what they request, and the DaemonSets of the node.
    """

    pool: Object
    kinds: list[InstanceType]
    zone: str
    labels: dict[str, str]
    pods: list[Object] = field(default_factory=list)
    asked: dict[str, Fraction] = field(default_factory=dict)


class Pools:
    """The provisioner.

    Attributes:
        unable: by pod, why it gets no node, in words.
    """

    def __init__(self, world: Around) -> None:
        """Takes the world that it is part of."""
        self._world = world
        self._planned = False
        self._coming: dict[str, Claim] = {}
        self._capacity_coming: dict[str, tuple[str, dict[str, Fraction]]] = {}
        self.unable: dict[Key, str] = {}

    @property
    def all(self) -> list[Object]:
        """The pools, in the order in which they are tried: by weight, then by name."""
        found = [
            pool
            for pool in self._world.mirror.of.get("pools", {}).values()
            if not pool["metadata"].get("deletionTimestamp")
        ]
        return sorted(found, key=lambda pool: (-int(pool["spec"].get("weight", 1)), pool["metadata"]["name"]))

    def react(self) -> None:
        """Plans nodes a little after pods were found to have none."""
        if not self._planned and self.all and self._waiting():
            self._planned = True
            self._world.clock.after(BATCH_SECONDS, self._plan)

    def _waiting(self) -> list[Object]:
        taken = {pod["metadata"]["uid"] for claim in self._coming.values() for pod in claim.pods}
        return [
            pod
            for key, pod in sorted(self._world.mirror.of["pods"].items())
            if not pod["spec"].get("nodeName")
            and not pod["metadata"].get("deletionTimestamp")
            and lives(pod)
            and pod["spec"].get("schedulerName") == "default-scheduler"
            and unscheduled(pod) is not None
            and pod["metadata"]["uid"] not in taken
            and key not in self.unable
            and not any(one["kind"] == "DaemonSet" for one in pod["metadata"].get("ownerReferences") or [])
        ]

    def forget(self) -> None:
        """Lets pods that got no node be looked at again: a pool, a limit or a quota may have changed."""
        self.unable.clear()

    def _plan(self) -> None:
        self._planned = False
        for claim in self.plan(self._waiting()):
            self.launch(claim)

    def plan(self, pods: Iterable[Object], *, without: Iterable[str] = (), reuse: bool = True) -> list[Claim]:
        """Returns the nodes that pods need beside those that are there.

        Args:
            pods: to be placed, each of which then has a claim, or a reason in ``unable``.
            without: names of nodes that do not count: they are about to go.
            reuse: whether pods may go to nodes that are there.
        """
        claims: list[Claim] = []
        room = _Room(self._world, set(without)) if reuse else None
        for pod in sorted(pods, key=lambda one: (-amounts(one).get("cpu", 0), -amounts(one).get("memory", 0))):
            if room and room.take(pod):
                continue
            if any(self._join(claim, pod) for claim in claims):
                continue
            claim, why = self._open(pod, claims)
            if claim:
                claims.append(claim)
            else:
                self.unable[key_of(pod)] = why
        return claims

    def launch(self, claim: Claim) -> None:
        """Starts a node."""
        self._world.clock.start(self._start(claim))

    def _start(self, claim: Claim) -> Process:
        world = self._world
        if not world.room():
            for pod in claim.pods:
                self.unable[key_of(pod)] = world.problems[-1]
            return
        kind = claim.kinds[0]
        runner: Runner = "auto_mode" if is_auto(claim.pool) else "karpenter"
        name = world.new_name(runner, claim.zone)
        self._coming[name] = claim
        yield NODE_SECONDS
        self._coming.pop(name, None)
        labels = {**common_labels(name, runner, claim.zone, kind), **claim.labels, HOST: name}
        node = Node(
            name, runner, claim.pool["metadata"]["name"], claim.zone, world.compute.version, self._offers(claim.pool, kind), labels,
            template(claim.pool).get("taints") or (),
        )  # fmt: skip
        world.add(node)

    def _offers(self, pool: Object, kind: InstanceType) -> dict[str, str]:
        return allocatable(kind, "auto_mode" if is_auto(pool) else "other", 80)

    def _open(self, pod: Object, claims: Sequence[Claim]) -> tuple[Claim | None, str]:
        """Returns a new claim for a pod, or why there is none."""
        others, why = ["no node pool fits"], list[str]()
        for pool in self.all:
            name = pool["metadata"]["name"]
            if taint := kept_off(pod["spec"], template(pool).get("taints") or []):
                others.append(f"{name}: does not tolerate taint {taint['key']}")
                continue
            options = list(self._options(pool, pod))
            if not options:
                others.append(f"{name}: no instance type and zone meet its requirements")
                continue
            zones = sorted({zone for zone, _, _ in options})
            spread = [one for one in zones if not self._parted(pod, one, claims)]
            zone = min(spread or zones, key=lambda one: (self._nodes_in(one, claims), one))
            fitting = [(kind, labels) for at, kind, labels in options if at == zone]
            extra = self._daemons(pool)
            total = _sum(amounts(pod), extra)
            kinds = [kind for kind, _ in fitting if not lacking(total, offered(self._offers(pool, kind)))]
            if not kinds:
                why.append(f"{name}: no instance type is large enough")
                continue
            kinds = [kind for kind in kinds if self._within_limits(pool, kind, claims)]
            if not kinds:
                why.append(f"all available instance types exceed limits for nodepool {name}")
                continue
            labels = next(labels for kind, labels in fitting if kind == kinds[0])
            return Claim(pool, kinds, zone, labels, [pod], total), ""
        return None, "; ".join(why or others[1:] or others)

    def _join(self, claim: Claim, pod: Object) -> bool:
        """Adds a pod to a claim, if it fits."""
        if kept_off(pod["spec"], template(claim.pool).get("taints") or []):
            return False
        total = _sum(claim.asked, amounts(pod))
        options = {kind.name for zone, kind, _ in self._options(claim.pool, pod) if zone == claim.zone}
        kinds = [
            kind
            for kind in claim.kinds
            if kind.name in options and not lacking(total, offered(self._offers(claim.pool, kind)))
        ]
        if not kinds or self._parted_on(pod, claim):
            return False
        claim.kinds, claim.asked = kinds, total
        claim.pods.append(pod)
        return True

    def _options(self, pool: Object, pod: Object) -> Iterable[tuple[str, InstanceType, dict[str, str]]]:
        """Yields zone, instance type and labels of the nodes that a pool may make and a pod may use."""
        spec = template(pool)
        zones = zones_of(pod, self._world.mirror)
        terms = node_terms(pod["spec"])
        own = dict((pool["spec"]["template"].get("metadata") or {}).get("labels") or {})
        capacity = self._capacity(pool, terms)
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
            for zone in self._world.compute.zones if zones is None else sorted(zones):
                placed = {**labels, ZONE: zone}
                if all(meets(one, placed.get(one["key"])) for one in rules) and _meets_some(terms, placed):
                    yield zone, kind, placed

    def _capacity(self, pool: Object, terms: Sequence[Sequence[Mapping[str, Any]]]) -> str | None:
        """Returns spot where pool and pod allow it, else on-demand; Karpenter prefers it, too."""
        for one in ("spot", "on-demand"):
            allowed = [rule for rule in template(pool)["requirements"] if rule["key"] == CAPACITY]
            if (all(meets(rule, one) for rule in allowed) if allowed else one == "on-demand") and any(
                all(meets(rule, one) for rule in term if rule["key"] == CAPACITY) for term in terms
            ):
                return one
        return None

    def _daemons(self, pool: Object) -> dict[str, Fraction]:
        """Returns what the DaemonSets request that would run on a pool's nodes."""
        total: dict[str, Fraction] = {}
        taints = template(pool).get("taints") or []
        labels = {COMPUTE_TYPE: "auto"} if is_auto(pool) else {}
        for item in self._world.mirror.of["daemon_sets"].values():
            pod = {"metadata": {}, "spec": item["spec"]["template"]["spec"]}
            blocked = kept_off(pod["spec"], taints)
            away = any(
                not meets(one, labels.get(one["key"]))
                for term in node_terms(pod["spec"])[:1]
                for one in term
                if one["key"] == COMPUTE_TYPE
            )
            if not blocked and not away:
                total = _sum(total, amounts(pod))
        return total

    def _within_limits(self, pool: Object, kind: InstanceType, claims: Sequence[Claim]) -> bool:
        limits = pool["spec"].get("limits") or {}
        name = pool["metadata"]["name"]
        kinds = [
            kind,
            *(claim.kinds[0] for claim in [*self._coming.values(), *claims] if claim.pool["metadata"]["name"] == name),
        ]
        used = {
            "cpu": Fraction(sum(one.vcpus for one in kinds)),
            "memory": Fraction(sum(one.gib for one in kinds)) * 2**30,
            "nodes": Fraction(len(kinds)),
        }
        for node in self._world.nodes.values():
            if node.group == name and node.runner in ("auto_mode", "karpenter"):
                of = instance_type(node.labels["node.kubernetes.io/instance-type"])
                used = {
                    "cpu": used["cpu"] + of.vcpus,
                    "memory": used["memory"] + Fraction(of.gib) * 2**30,
                    "nodes": used["nodes"] + 1,
                }
        return all(used.get(resource, Fraction(0)) <= quantity(limit) for resource, limit in limits.items())

    def _nodes_in(self, zone: str, claims: Sequence[Claim]) -> int:
        pools = sum(
            node.zone == zone and node.runner in ("auto_mode", "karpenter") for node in self._world.nodes.values()
        )
        return pools + sum(one.zone == zone for one in [*claims, *self._coming.values()])

    def _parted(self, pod: Object, zone: str, claims: Sequence[Claim]) -> bool:
        """Returns whether a rule about zones keeps a pod off a zone."""
        domains = {name: node.labels for name, node in self._world.nodes.items() if not node.draining}
        others = [
            one
            for one in self._world.mirror.of["pods"].values()
            if one["spec"].get("nodeName") in domains and lives(one)
        ]
        coming = [*claims, *self._coming.values()]
        for at, claim in enumerate(coming):
            domains[f"claim {at}"] = {**claim.labels, HOST: f"claim {at}"}
            others += [{**one, "spec": {**one["spec"], "nodeName": f"claim {at}"}} for one in claim.pods]
        for other in self._world.compute.zones:
            domains.setdefault(f"zone {other}", {ZONE: other})
        return parted(pod, domains, others, {ZONE: zone, HOST: "new"})

    def _parted_on(self, pod: Object, claim: Claim) -> bool:
        here = {"new": {**claim.labels, HOST: "new"}}
        others = [{**one, "spec": {**one["spec"], "nodeName": "new"}} for one in claim.pods]
        by_host = [one for one in pod["spec"].get("topologySpreadConstraints") or [] if one["topologyKey"] == HOST]
        if by_host and others and any(one["whenUnsatisfiable"] == "DoNotSchedule" for one in by_host):
            return True
        without = {**pod, "spec": {**pod["spec"], "topologySpreadConstraints": []}}
        return parted(without, here, others, here["new"]) or self._parted_zone(pod, claim)

    def _parted_zone(self, pod: Object, claim: Claim) -> bool:
        spread = pod["spec"].get("topologySpreadConstraints") or []
        return any(one["topologyKey"] == ZONE for one in spread) and self._parted(pod, claim.zone, [claim])


class _Room:
    """What nodes have left, for pods that are about to move."""

    def __init__(self, world: Around, without: set[str]) -> None:
        self._world = world
        by_node = world.pods_by_node()
        self._nodes = [
            item
            for (_, name), item in sorted(world.mirror.of["nodes"].items())
            if name in world.nodes
            and name not in without
            and not item["spec"].get("unschedulable")
            and not world.nodes[name].draining
        ]
        self._free = {
            item["metadata"]["name"]: free_on(item, by_node.get(item["metadata"]["name"], [])) for item in self._nodes
        }
        self._labels = {name: node.labels for name, node in world.nodes.items() if name not in without}
        self._placed = [pod for pods in by_node.values() for pod in pods]

    def take(self, pod: Object) -> bool:
        """Takes room for a pod, if there is some."""
        zones = zones_of(pod, self._world.mirror)
        for node in self._nodes:
            name = node["metadata"]["name"]
            labels = node["metadata"]["labels"]
            if misfit(pod, node, self._free[name]) or (zones is not None and labels.get(ZONE) not in zones):
                continue
            if parted(pod, self._labels, self._placed, labels):
                continue
            for resource, amount in amounts(pod).items():
                self._free[name][resource] = self._free[name].get(resource, Fraction(0)) - amount
            self._placed.append({**pod, "spec": {**pod["spec"], "nodeName": name}})
            return True
        return False


def fits_elsewhere(world: Around, pods: Sequence[Object], without: Iterable[str]) -> bool:
    """Returns whether pods have room on the other nodes that are there."""
    room = _Room(world, set(without))
    return all(room.take(pod) for pod in pods)


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


def _sum(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> dict[str, Fraction]:
    counts: Counter[str] = Counter()
    for amount in (one, other):
        for name, value in amount.items():
            counts[name] += value  # type: ignore[assignment]
    return dict(counts)  # type: ignore[arg-type]
