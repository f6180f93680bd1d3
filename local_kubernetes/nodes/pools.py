"""A provisioner for the node pools of Auto Mode and Karpenter: nodes for pods that have none.

It reads NodePool objects as Karpenter does: requirements, weights, limits, taints. What it leaves out is in docs/rehearse.md.
https://karpenter.sh/docs/concepts/nodepools/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from eks_facts.capacity import InstanceType, Runs, allocatable, instance_type
from eks_facts.labels import kept_off
from eks_facts.quantities import quantity
from local_kubernetes.client import Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.compute import Runner
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import HOST, ZONE, Node, common_labels
from local_kubernetes.nodes.node_pool import is_auto, origin, template
from local_kubernetes.nodes.offers import daemons, options
from local_kubernetes.nodes.placing import Amounts, amounts, lacking, lives, offered, parted, total
from local_kubernetes.nodes.rest import unscheduled
from local_kubernetes.nodes.room import Room

BATCH_SECONDS = 5.0
"""Karpenter waits for more pods before it starts nodes: https://karpenter.sh/docs/reference/settings/ (batchIdleDuration)."""
NODE_SECONDS = 60.0


DISK_GIB = 80
"""Of a node: https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html"""


def runs_of(pool: Object) -> Runs:
    """Returns who sets the number of pods on the nodes of a pool."""
    return "auto_mode" if is_auto(pool) else "other"


@cache
def room_of(kind: InstanceType, runs: Runs) -> Amounts:
    """Returns what a new node lets pods have. Not to be changed."""
    return offered(allocatable(kind, runs, DISK_GIB))


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

    @property
    def at_work(self) -> bool:
        """Whether nodes are about to come."""
        return self._planned or bool(self._coming)

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

    def plan(self, pods: Iterable[Object], *, without: Collection[str] = (), reuse: bool = True) -> list[Claim]:
        """Returns the nodes that pods need beside those that are there.

        Args:
            pods: to be placed, each of which then has a claim, or a reason in ``unable``.
            without: names of nodes that do not count: they are about to go.
            reuse: whether pods may go to nodes that are there.
        """
        claims: list[Claim] = []
        room = Room(self._world, without) if reuse else None
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
        capacity = allocatable(kind, runs_of(claim.pool), DISK_GIB)
        node = Node(
            name, runner, claim.pool["metadata"]["name"], claim.zone, world.compute.version, capacity, labels,
            template(claim.pool).get("taints") or (), annotations=origin(world.mirror, claim.pool),
        )  # fmt: skip
        world.add(node)

    def _open(self, pod: Object, claims: Sequence[Claim]) -> tuple[Claim | None, str]:
        """Returns a new claim for a pod, or why there is none."""
        others, why = ["no node pool fits"], list[str]()
        for pool in self.all:
            name = pool["metadata"]["name"]
            if taint := kept_off(pod["spec"], template(pool).get("taints") or []):
                others.append(f"{name}: does not tolerate taint {taint['key']}")
                continue
            found = list(options(self._world, pool, pod))
            if not found:
                others.append(f"{name}: no instance type and zone meet its requirements")
                continue
            zones = sorted({zone for zone, _, _ in found})
            spread = [one for one in zones if not self._parted(pod, one, claims)]
            zone = min(spread or zones, key=lambda one: (self._nodes_in(one, claims), one))
            fitting = [(kind, labels) for at, kind, labels in found if at == zone]
            extra = daemons(self._world, pool)
            asked = total(amounts(pod), extra)
            kinds = [kind for kind, _ in fitting if not lacking(asked, room_of(kind, runs_of(pool)))]
            if not kinds:
                why.append(f"{name}: no instance type is large enough")
                continue
            kinds = [kind for kind in kinds if self._within_limits(pool, kind, claims)]
            if not kinds:
                why.append(f"all available instance types exceed limits for nodepool {name}")
                continue
            labels = next(labels for kind, labels in fitting if kind == kinds[0])
            return Claim(pool, kinds, zone, labels, [pod], asked), ""
        return None, "; ".join(why or others[1:] or others)

    def _join(self, claim: Claim, pod: Object) -> bool:
        """Adds a pod to a claim, if it fits."""
        if kept_off(pod["spec"], template(claim.pool).get("taints") or []):
            return False
        asked = total(claim.asked, amounts(pod))
        names = {kind.name for zone, kind, _ in options(self._world, claim.pool, pod) if zone == claim.zone}
        kinds = [
            kind
            for kind in claim.kinds
            if kind.name in names and not lacking(asked, room_of(kind, runs_of(claim.pool)))
        ]
        if not kinds or self._parted_on(pod, claim):
            return False
        claim.kinds, claim.asked = kinds, asked
        claim.pods.append(pod)
        return True

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
