"""How Auto Mode and Karpenter save nodes: they end empty ones, and move pods onto fewer or cheaper ones.

https://karpenter.sh/docs/concepts/disruption/#consolidation
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eks_facts.capacity import instance_type, price
from local_kubernetes.client import Object
from local_kubernetes.nodes.disruption import FOREVER, POLL_SECONDS, Disruption, seconds
from local_kubernetes.nodes.drain import drainable
from local_kubernetes.nodes.mirror import key_of
from local_kubernetes.nodes.node import CAPACITY, TYPE, Node
from local_kubernetes.nodes.pools import Claim
from local_kubernetes.nodes.world import World

MOST_AT_ONCE = 100
LONGEST_PAUSE = 4 * 3600.0
"""Between two looks at nodes that the budgets of their pools keep."""
BALANCED_SCORE = 0.5
"""Least ratio of the share that is saved to the share of pods that move, with the policy Balanced."""
_KINDS = ("auto_mode", "karpenter")
Command = tuple[list[Node], str, list[Claim]]
"""Nodes to end, why, and the one that takes over, if any."""


class Consolidation:
    """Looks at the nodes of a pool whenever something on them has changed, once their pods have not changed for ``consolidateAfter``."""

    def __init__(self, world: World, disruption: Disruption) -> None:
        """Begins to watch."""
        self._world, self._disruption = world, disruption
        self._since: dict[str, tuple[frozenset[str], float]] = {}
        self._next = FOREVER
        self._pause = POLL_SECONDS
        self._fruitless: dict[str, object] = {}
        self._again = FOREVER
        world.observers.append(self.look)

    def look(self) -> None:
        """Notes what has changed, and plans the next attempt."""
        now = self._world.clock.now
        self._since = {node.name: self._unchanged(node, now) for node in self._nodes()}
        if changed := self._changed():
            self._pause = POLL_SECONDS
            self._plan(min(self._ready(node) for node in changed))

    def _changed(self) -> list[Node]:
        """Returns the nodes of pools that have changed since nothing could be done for them."""
        state = self._state()
        names = {name for name, of in state.items() if self._fruitless.get(name) != of}
        return [node for node in self._nodes() if node.group in names and node.name in self._since]

    def _state(self) -> dict[str, object]:
        found: dict[str, dict[str, object]] = {}
        for node in self._nodes():
            if node.name in self._since:
                ripe = self._ready(node) <= self._world.clock.now
                found.setdefault(node.group, {})[node.name] = (self._since[node.name], ripe)
        return dict(found)

    def _unchanged(self, node: Node, now: float) -> tuple[frozenset[str], float]:
        pods = frozenset(pod["metadata"]["uid"] for pod in self._world.pods_on(node.name) if drainable(pod))
        before = self._since.get(node.name)
        return before if before and before[0] == pods else (pods, now)

    def _nodes(self) -> Iterator[Node]:
        for kind in _KINDS:
            for node in self._world.of(kind):
                gone = node.dead or node.name in self._disruption.busy or self._disruption.keeps_itself(node)
                if self._disruption.pool_of(node) and not gone:
                    yield node

    def _policy(self, node: Node) -> Object:
        pool = self._disruption.pool_of(node) or {"spec": {}}
        found: Object = pool["spec"].get("disruption") or {}
        return found

    def _ready(self, node: Node) -> float:
        """Returns when a node may be looked at: it is as old, and its pods have been the same, for as long as its pool says."""
        after = self._policy(node).get("consolidateAfter", "0s")
        wait = FOREVER if after == "Never" else seconds(after, 0.0)
        return self._since[node.name][1] + wait

    def _plan(self, when: float) -> None:
        """Looks again at a time, unless it does so earlier."""
        when = max(when, self._world.clock.now)
        if when < min(self._next, FOREVER):
            self._next = when
            self._world.clock.after(when - self._world.clock.now, lambda: self._attempt(when))

    def _attempt(self, when: float) -> None:
        if when != self._next:
            return  # an earlier one took its place
        self._next = FOREVER
        now, busy = self._world.clock.now, self._disruption.busy
        if busy or self._world.pools.at_work:
            self._plan(now + POLL_SECONDS)
            return
        if now >= self._again:  # a budget with a schedule may let nodes go by now
            self._again, self._fruitless = FOREVER, {}
        nodes = self._changed()
        ripe = [node for node in nodes if self._ready(node) <= now]
        command, kept = self._choose(ripe)
        if command:
            self._disruption.begin(command[0], command[1], claims=command[2])
            return
        later = [when for node in nodes if (when := self._ready(node)) > now]
        if kept:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._again = now + self._pause
            later.append(self._again)
        self._fruitless = self._state()  # nothing else changes the answer
        if later:
            self._plan(min(later))

    def _choose(self, nodes: Sequence[Node]) -> tuple[Command | None, bool]:
        """Returns what to do, and whether a budget keeps a node for now alone."""
        empty, kept = self._within_budgets([node for node in nodes if not self._pods([node])], "Empty")
        if empty:
            return (empty, "empty", []), kept
        used = [
            node
            for node in nodes
            if self._pods([node])
            and self._policy(node).get("consolidationPolicy") != "WhenEmpty"
            and not self._disruption.held_by(node, self._pool(node))
        ]
        used.sort(key=lambda node: (len(self._pods([node])), node.name))
        some, more = self._within_budgets(used, "Underutilized")
        kept = kept or more
        # As many as can go at once, by halves; then one by one.
        least, most, found = 2, min(len(some), MOST_AT_ONCE), None
        while least <= most:
            count = (least + most) // 2
            if command := self._command(some[:count]):
                found, least = command, count + 1
            else:
                most = count - 1
        return found or next((one for node in some if (one := self._command([node]))), None), kept

    def _within_budgets(self, nodes: Sequence[Node], reason: str) -> tuple[list[Node], bool]:
        left: dict[str, int] = {}
        chosen, later = [], False
        for node in nodes:
            pool = self._pool(node)
            room = left.setdefault(node.group, self._disruption.allowed(pool, node.runner, reason))
            left[node.group] = room - 1
            if room > 0:
                chosen.append(node)
            else:
                later = later or any(one.get("schedule") for one in self._policy(node).get("budgets") or [])
        return chosen, later

    def _pool(self, node: Node) -> Object:
        pool = self._disruption.pool_of(node)
        assert pool  # noqa: S101 - _nodes() has looked
        return pool

    def _pods(self, nodes: Sequence[Node]) -> list[Object]:
        return [pod for node in nodes for pod in self._world.pods_on(node.name) if drainable(pod)]

    def _command(self, nodes: Sequence[Node]) -> Command | None:
        """Returns how the pods of nodes do without these: on the others, or with one that costs less; None: they do not."""
        pools = self._world.pools
        pods = self._pods(nodes)
        claims = pools.plan(pods, without=[node.name for node in nodes])
        missing = [pod for pod in pods if pools.unable.pop(key_of(pod), None)]
        if missing or len(claims) > 1:
            return None
        before = sum(_price(node) for node in nodes)
        after = 0.0
        if claims:
            if claims[0].labels.get(CAPACITY) == "spot" and any(node.labels.get(CAPACITY) == "spot" for node in nodes):
                return None  # a Spot node is not replaced by another: the feature gate SpotToSpotConsolidation is off
            claims[0].kinds = [kind for kind in claims[0].kinds if price(kind) < before]
            if not claims[0].kinds:
                return None
            after = price(claims[0].kinds[0])
        if any(self._policy(node).get("consolidationPolicy") == "Balanced" for node in nodes) and not self._is_worth(
            nodes, before - after
        ):
            return None
        return list(nodes), "underutilized", claims

    def _is_worth(self, nodes: Sequence[Node], saved: float) -> bool:
        """Returns whether the share that is saved is at least half of the share of pods that move.

        https://aws-samples.github.io/karpenter-blueprints/blueprints/balanced-consolidation/
        """
        names = {node.group for node in nodes}
        whole = [node for node in self._nodes() if node.group in names]
        moved = len(self._pods(nodes)) / len(self._pods(whole))
        return saved / sum(_price(node) for node in whole) >= BALANCED_SCORE * moved


def _price(node: Node) -> float:
    return price(instance_type(node.labels.get(TYPE, "m5.large")))
