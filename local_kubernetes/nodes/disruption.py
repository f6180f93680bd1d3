"""How Auto Mode and Karpenter move pods off nodes: drift within the budgets of their pools, and expiry.

https://karpenter.sh/docs/concepts/disruption/
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from local_kubernetes.client import Object
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.cron import active
from local_kubernetes.nodes.drain import budgets_of, drain, drainable
from local_kubernetes.nodes.journal import Journal
from local_kubernetes.nodes.mirror import key_of
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.node_pool import template
from local_kubernetes.nodes.pools import Claim
from local_kubernetes.nodes.world import World

POLL_SECONDS = 10.0
"""How often Karpenter looks for nodes to disrupt."""
PATIENCE_SECONDS = 15 * 60.0
"""How long Karpenter waits for what is to take over. Then it leaves the node, and tries again later."""
FOREVER = 10 * 365 * 86_400.0
DO_NOT = "karpenter.sh/do-not-disrupt"
_TAINT = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}
_UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


def seconds(duration: object, default: float) -> float:
    """Returns a duration in the words of Go (``24h0m0s``) as seconds; ``Never`` and nothing are the default."""
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", str(duration or ""))
    return sum(float(number) * _UNITS[unit] for number, unit in found) if found else default


def allowed(pool: Object, total: int, busy: int, reason: str, now: datetime) -> int:
    """Returns how many nodes of a pool may be disrupted now, for a reason: Drifted, Empty or Underutilized.

    Percentages are rounded up, and nodes that already go count. https://karpenter.sh/docs/concepts/disruption/#nodepool-disruption-budgets
    """
    budgets = (pool["spec"].get("disruption") or {}).get("budgets")
    least = math.inf
    for budget in [{"nodes": "10%"}] if budgets is None else budgets:
        if reason not in (budget.get("reasons") or [reason]):
            continue
        window = seconds(budget.get("duration"), 0)
        if budget.get("schedule") and not active(budget["schedule"], timedelta(seconds=window), now):
            continue
        text = str(budget["nodes"])
        number = math.ceil(int(text[:-1]) * total / 100) if text.endswith("%") else int(text)
        least = min(least, number)
    return max(0, int(min(least, total)) - busy)


def kept_by(pod: Object) -> str:
    """Returns why Karpenter does not evict a pod; empty: it does. A number as the annotation's value is minutes."""
    value = (pod["metadata"].get("annotations") or {}).get(DO_NOT, "")
    return f'pod has "{DO_NOT}" annotation' if value == "true" else ""


class Disruption:
    """The disruption controller for the pools of a world."""

    def __init__(self, world: World, journal: Journal, start: datetime) -> None:
        """Takes the world, and the time of day at which its clock is 0."""
        self._world, self._journal, self._start = world, journal, start
        self.busy: dict[str, str] = {}
        """By node that is about to end, why."""
        self._pauses: dict[str, tuple[float, float]] = {}
        self._aging: set[str] = set()
        self.blocked: dict[str, str] = {}
        """By node, why it cannot be disrupted."""
        world.observers.append(self.look)

    def pool_of(self, node: Node) -> Object | None:
        """Returns the pool of a node."""
        return self._world.mirror.of["pools"].get(("", node.group))

    def drift(self, runner: str, old: set[str], until: float, names: set[str] | None = None) -> Process:
        """Replaces nodes of older versions, as budgets allow, until none is left or a time.

        Args:
            runner: auto_mode or karpenter.
            old: names of the nodes that have drifted.
            until: time on the clock.
            names: of the pools; None: all.
        """
        world = self._world
        wait = POLL_SECONDS
        while world.clock.now < until:
            left = [one for one in world.of(runner) if one.name in old and (names is None or one.group in names)]
            if not left:
                return
            before = set(self.busy)
            for node in left:
                if node.name not in self.busy and self.may_drift(node):
                    self.begin([node], "drifted")
            # Nothing else changes the answer: it asks less and less often.
            wait = POLL_SECONDS if before != set(self.busy) else min(wait * 1.5, 600.0 if self.busy else 4 * 3600.0)
            yield wait

    def look(self) -> None:
        """Lets each node of a pool end at the age that its pool sets, whatever budgets of the pool say."""
        world = self._world
        for name in set(world.nodes) - self._aging:
            self._aging.add(name)
            node = world.nodes[name]
            if pool := self.pool_of(node):
                age = seconds(template(pool).get("expireAfter"), FOREVER)
                if age < FOREVER:
                    world.clock.after(node.started + age - world.clock.now, lambda name=name: self._expire(name))  # type: ignore[misc]

    def _expire(self, name: str) -> None:
        node = self._world.nodes.get(name)
        if node and name not in self.busy:
            self.begin([node], "expired", graceful=False)

    def allowed(self, pool: Object, runner: str, reason: str) -> int:
        """Returns how many nodes of a pool may be disrupted now, for a reason: Drifted, Empty or Underutilized."""
        nodes = self._world.of(runner, pool["metadata"]["name"])
        now = self._start + timedelta(seconds=self._world.clock.now)
        return allowed(pool, len(nodes), sum(one.name in self.busy for one in nodes), reason, now)

    def held_by(self, node: Node, pool: Object) -> tuple[Object, str] | None:
        """Returns the pod that keeps Karpenter from choosing a node, and why; None: none does."""
        if template(pool).get("terminationGracePeriod") is not None:
            return None
        for pod in self._world.pods_on(node.name):
            if why := kept_by(pod) or (self._budget(pod) if drainable(pod) else ""):
                return pod, why
        return None

    def keeps_itself(self, node: Node) -> bool:
        """Returns whether an annotation of a node keeps it from drift and consolidation.

        https://karpenter.sh/docs/concepts/disruption/#node-level-controls
        """
        found = self._world.mirror.of["nodes"].get(("", node.name)) or {"metadata": {}}
        return bool((found["metadata"].get("annotations") or {}).get(DO_NOT) == "true")

    def may_drift(self, node: Node) -> bool:
        """Returns whether a node that has drifted may be replaced now."""
        pool = self.pool_of(node)
        if pool is None or self._world.clock.now < self._pauses.get(node.name, (0.0, 0.0))[0]:
            return False
        if self.keeps_itself(node):
            self.blocked[node.name] = f'Cannot disrupt Node: disruption is blocked through the "{DO_NOT}" annotation'
            return False
        if self.allowed(pool, node.runner, "Drifted") < 1:
            if not any(one.name in self.busy for one in self._world.of(node.runner, node.group)):
                self.blocked[node.name] = f"the disruption budgets of node pool {node.group} let no node go"
            return False
        if held := self.held_by(node, pool):
            self._keep(node, *held)
            return False
        self.blocked.pop(node.name, None)
        return True

    def _keep(self, node: Node, pod: Object, why: str) -> None:
        words = f"Cannot disrupt Node: {why}, Pod={'/'.join(key_of(pod))}"
        self.blocked[node.name] = words
        budgets = budgets_of(self._world, pod) if "pdb" in why.lower() else ()
        self._journal.refuse(self._world.clock.now, pod, node, words, budgets)

    def _budget(self, pod: Object) -> str:
        """Returns Karpenter's words where a PodDisruptionBudget lets a pod not go at the moment."""
        budgets = budgets_of(self._world, pod)
        if len(budgets) > 1:
            return "eviction does not support multiple PDBs"
        for key in budgets:
            status = self._world.mirror.of["budgets"][key].get("status") or {}
            if not status.get("disruptionsAllowed"):
                return f"pdb prevents pod evictions, PodDisruptionBudget={'/'.join(key)}"
        return ""

    def begin(
        self, nodes: Sequence[Node], reason: str, *, graceful: bool = True, claims: Sequence[Claim] | None = None
    ) -> None:
        """Ends nodes.

        Args:
            nodes: which.
            reason: in a word.
            graceful: whether what takes over is started first.
            claims: what takes over; None: it is planned now.
        """
        for node in nodes:
            self.busy[node.name] = reason
        self._world.clock.start(self._replace(nodes, reason, graceful=graceful, claims=claims))

    def _replace(
        self, nodes: Sequence[Node], reason: str, *, graceful: bool, claims: Sequence[Claim] | None
    ) -> Process:
        """Starts what takes over, waits for it, and then drains the nodes."""
        world = self._world
        if graceful and claims is None:
            claims = self._plan(nodes)
            if claims is None:
                return
        before = set(world.nodes)
        for claim in claims or ():
            claim.pods = []  # the scheduler places them; the node is there for whoever comes
            world.pools.launch(claim)
        waited = 0.0
        while len(set(world.nodes) - before) < len(claims or ()):
            if waited >= PATIENCE_SECONDS:
                self._wait(nodes, world.problems[-1] if world.problems else "what was to take over did not start")
                return
            yield POLL_SECONDS
            waited += POLL_SECONDS
        for node in nodes:
            world.clock.start(self._retire(node, reason))

    def _plan(self, nodes: Sequence[Node]) -> list[Claim] | None:
        """Returns what is to take over; None: a pod has no other place, and the nodes stay for a while."""
        world = self._world
        pods = [(node, pod) for node in nodes for pod in world.pods_on(node.name) if drainable(pod)]
        claims = world.pools.plan([pod for _, pod in pods], without=self.busy)
        missing = [(node, pod) for node, pod in pods if key_of(pod) in world.pools.unable]
        for node, pod in missing:
            self._keep(node, pod, f"not all pods would schedule, {world.pools.unable.pop(key_of(pod))}")
        if not missing:
            return claims
        self._wait(nodes)
        return None

    def _wait(self, nodes: Sequence[Node], why: str = "") -> None:
        """Gives up on nodes for a while, each time for longer."""
        for node in nodes:
            pause = min(self._pauses.get(node.name, (0.0, POLL_SECONDS / 2))[1] * 2, 12 * 3600.0)
            self._pauses[node.name] = self._world.clock.now + pause, pause
            self.busy.pop(node.name, None)
            if why:
                self.blocked[node.name] = why

    def _retire(self, node: Node, reason: str) -> Process:
        world, now = self._world, self._world.clock.now
        self._journal.say(now, f"node {node.name} of pool {node.group} is {reason}: it is drained")
        node.draining = True
        own = [{key: one[key] for key in ("key", "value", "effect") if one.get(key)} for one in node.taints]
        world.patch_node(node, {"spec": {"taints": [*own, _TAINT]}})
        pool = self.pool_of(node)
        grace = seconds(template(pool).get("terminationGracePeriod"), FOREVER) if pool else FOREVER
        yield from drain(world, node, self._journal, limit=grace, force=True, keeps=kept_by)
        world.remove(node)
        self.busy.pop(node.name, None)
        self.blocked.pop(node.name, None)
        self._journal.say(world.clock.now, f"node {node.name} has ended after {world.clock.now - now:.0f} s")
