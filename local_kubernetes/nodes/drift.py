"""Nodes of Auto Mode and Karpenter that are no longer as their pool says: they drift, or their pool is gone.

https://karpenter.sh/docs/concepts/disruption/#drift
"""

from __future__ import annotations

from eks_facts.labels import meets
from local_kubernetes.client import Object
from local_kubernetes.nodes.disruption import POLL_SECONDS, Disruption
from local_kubernetes.nodes.mirror import Mirror
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.node_pool import origin, template
from local_kubernetes.nodes.world import World

LONGEST_PAUSE = 4 * 3600.0
"""Between two looks at nodes that budgets or pods keep."""


def drifted(mirror: Mirror, pool: Object, node: Node, version: str) -> bool:
    """Returns whether a node is no longer as its pool says.

    Weight, limits and the disruption settings of a pool do not count; requirements count where the node does not meet them.

    Args:
        mirror: the objects.
        pool: as it is now.
        node: of the pool.
        version: of the cluster; a newer one brings a newer AMI.
    """
    now = origin(mirror, pool)
    changed = any(node.annotations.get(key, value) != value for key, value in now.items())
    kept = all(meets(one, node.labels.get(one["key"])) for one in template(pool).get("requirements") or [])
    return changed or not kept or node.version != version


class Drift:
    """Replaces nodes that drift within the budgets of their pool, and ends those whose pool is gone."""

    def __init__(self, world: World, disruption: Disruption) -> None:
        """Begins to watch."""
        self._world, self._disruption = world, disruption
        self._pause = POLL_SECONDS
        self._planned = False
        world.observers.append(self.look)

    def look(self) -> None:
        """Begins with the nodes that may go now; the others are looked at when something changes, or a while later."""
        world, disruption = self._world, self._disruption
        kept = False
        for node in [one for kind in ("auto_mode", "karpenter") for one in world.of(kind)]:
            if node.name in disruption.busy or node.dead:
                continue
            pool = disruption.pool_of(node)
            if pool is None or pool["metadata"].get("deletionTimestamp"):
                disruption.begin([node], "deleted", graceful=False)
            elif not drifted(world.mirror, pool, node, world.compute.version):
                continue
            elif disruption.may_drift(node):
                disruption.begin([node], "drifted")
                self._pause = POLL_SECONDS
            else:
                kept = True
        if kept and not self._planned:
            self._planned = True
            world.clock.after(self._pause, self._again)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _again(self) -> None:
        self._planned = False
        self.look()
