"""How Auto Mode and Karpenter move pods off nodes: drift, expiry, emptiness, consolidation, within the budgets of their pools.

https://karpenter.sh/docs/concepts/disruption/
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from local_kubernetes.client import Object
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.cron import active
from local_kubernetes.nodes.drain import Drain, budgets_of, drain, drainable
from local_kubernetes.nodes.journal import Journal
from local_kubernetes.nodes.mirror import key_of
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.node_pool import template
from local_kubernetes.nodes.room import fits_elsewhere
from local_kubernetes.nodes.world import World

POLL_SECONDS = 10.0
"""How often Karpenter looks for nodes to disrupt."""
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
        self._busy: dict[str, str] = {}
        self._pauses: dict[str, tuple[float, float]] = {}
        self.blocked: dict[str, str] = {}
        """By node, why it cannot be disrupted."""

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
            before = set(self._busy)
            for node in left:
                if node.name in self._busy:
                    continue
                pool = self.pool_of(node)
                if pool is None:
                    continue
                if self._expired(node, pool):
                    self._begin(node, pool, "expired", graceful=False)
                elif self._may(node, pool, "Drifted"):
                    self._begin(node, pool, "drifted", graceful=True)
            # Nothing else changes the answer: it asks less and less often.
            wait = POLL_SECONDS if before != set(self._busy) else min(wait * 1.5, 600.0 if self._busy else 4 * 3600.0)
            yield wait

    def _expired(self, node: Node, pool: Object) -> bool:
        """Whether a node has reached its age: it is then drained whatever budgets of the pool say."""
        return self._world.clock.now - node.started >= seconds(template(pool).get("expireAfter"), FOREVER)

    def _may(self, node: Node, pool: Object, reason: str) -> bool:
        if self._world.clock.now < self._pauses.get(node.name, (0.0, 0.0))[0]:
            return False
        nodes = self._world.of(node.runner, node.group)
        now = self._start + timedelta(seconds=self._world.clock.now)
        busy = sum(one.name in self._busy for one in nodes)
        if allowed(pool, len(nodes), busy, reason, now) < 1:
            if busy == 0:
                self.blocked[node.name] = f"the disruption budgets of node pool {node.group} let no node go"
            return False
        bounded = template(pool).get("terminationGracePeriod") is not None
        for pod in self._world.pods_on(node.name):
            if why := kept_by(pod):
                if not bounded:
                    self._keep(node, pod, why)
                    return False
            elif drainable(pod) and not bounded and (why := self._budget(pod)):
                self._keep(node, pod, why)
                return False
        self.blocked.pop(node.name, None)
        return True

    def _keep(self, node: Node, pod: Object, why: str) -> None:
        words = f"Cannot disrupt Node: {why}, Pod={'/'.join(key_of(pod))}"
        self.blocked[node.name] = words
        budgets = budgets_of(self._world, pod) if why.startswith("pdb") else ()
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

    def _begin(self, node: Node, pool: Object, reason: str, *, graceful: bool) -> None:
        self._busy[node.name] = reason
        self._world.clock.start(self._replace(node, pool, reason, graceful=graceful))

    def _replace(self, node: Node, pool: Object, reason: str, *, graceful: bool) -> Process:
        """Starts what takes over, waits for it, and then drains the node."""
        world, now = self._world, self._world.clock.now
        pods = [pod for pod in world.pods_on(node.name) if drainable(pod)]
        if graceful:
            claims = world.pools.plan(pods, without=[node.name, *self._busy])
            missing = [pod for pod in pods if key_of(pod) in world.pools.unable]
            for pod in missing:
                why = world.pools.unable.pop(key_of(pod))
                self._keep(node, pod, f"not all pods would schedule, {why}")
            if missing:
                pause = min(self._pauses.get(node.name, (0.0, POLL_SECONDS / 2))[1] * 2, 12 * 3600.0)
                self._pauses[node.name] = world.clock.now + pause, pause
                self._busy.pop(node.name, None)
                return
            before = set(world.nodes)
            for claim in claims:
                claim.pods = []  # the scheduler places them; the node is there for whoever comes
                world.pools.launch(claim)
            waited = 0.0
            while len(set(world.nodes) - before) < len(claims) and waited < 15 * 60:  # Karpenter gives up then
                yield POLL_SECONDS
                waited += POLL_SECONDS
        self._journal.say(world.clock.now, f"node {node.name} of pool {node.group} is {reason}: it is drained")
        node.draining = True
        own = [{key: one[key] for key in ("key", "value", "effect") if one.get(key)} for one in node.taints]
        world.patch_node(node, {"spec": {"taints": [*own, _TAINT]}})
        yield from self._end(node, pool)
        self._busy.pop(node.name, None)
        self.blocked.pop(node.name, None)
        self._journal.say(world.clock.now, f"node {node.name} has ended after {world.clock.now - now:.0f} s")

    def _end(self, node: Node, pool: Object) -> Drain:
        grace = seconds(template(pool).get("terminationGracePeriod"), FOREVER)
        done = yield from drain(
            self._world, node, self._journal, limit=grace, force=True, keeps=lambda pod: kept_by(pod)
        )
        self._world.remove(node)
        return done

    def consolidate(self, runner: str, until: float) -> Process:
        """Ends nodes that are empty, or whose pods have room on others, until a time. It replaces none by a cheaper one."""
        world = self._world
        idle: dict[str, float] = {}
        while world.clock.now < until:
            for node in world.of(runner):
                pool = self.pool_of(node)
                if pool is None or node.name in self._busy:
                    continue
                policy = pool["spec"].get("disruption") or {}
                pods = [pod for pod in world.pods_on(node.name) if drainable(pod)]
                reason = "Empty" if not pods else "Underutilized"
                if pods and (
                    policy.get("consolidationPolicy") == "WhenEmpty"
                    or not fits_elsewhere(world, pods, [node.name, *self._busy])
                ):
                    idle.pop(node.name, None)
                    continue
                since = idle.setdefault(node.name, world.clock.now)
                if policy.get("consolidateAfter") == "Never" or world.clock.now - since < seconds(
                    policy.get("consolidateAfter"), 0
                ):
                    continue
                if self._may(node, pool, reason):
                    self._begin(node, pool, reason.lower(), graceful=True)
                    break  # one at a time: the next one is judged by what is then
            yield POLL_SECONDS
