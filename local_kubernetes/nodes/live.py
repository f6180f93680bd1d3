"""Simulated nodes beside a control plane that people use: the clock follows the machine's, faster where that is asked for."""

import threading
import time
from contextlib import suppress

from local_kubernetes.client import ApiError, Client
from local_kubernetes.nodes.compute import Compute, Group
from local_kubernetes.nodes.kubelet import Hooks
from local_kubernetes.nodes.pools import built_in
from local_kubernetes.nodes.world import World

_TICK = 0.1


class Simulation:
    """A thread that keeps nodes and pods going until stop().

    The control plane has to run without its node lifecycle controller and without the one that collects pods: simulated nodes
    have no heartbeat, and their pods go with them (FLAGS).

    Attributes:
        problem: what has ended the thread; empty: it runs.
    """

    FLAGS = {
        "kube-controller-manager": [
            "--controllers=*,-node-lifecycle-controller,-pod-garbage-collector-controller,-node-ipam-controller"
        ]
    }

    def __init__(self, client: Client, *, hooks: Hooks | None = None, seconds_scale: float = 1.0) -> None:
        """Takes the administrator of a cluster, who says why pods do not start, and seconds of the clock for each of the machine."""
        self.problem = ""
        self._client, self._hooks, self._scale = client, hooks, seconds_scale
        self._updates: list[Compute] = []
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def update(self, compute: Compute) -> None:
        """Takes what EKS was asked for now: groups are added, resized and deleted; the profiles of Fargate are added."""
        with self._lock:
            self._updates.append(compute)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="simulated nodes")
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread. Nodes and pods stay as they are."""
        self._stopped.set()
        if self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        try:
            with self._lock:
                first = self._updates.pop(0)
            world = World(self._client, first, hooks=self._hooks)
            self._take(world, first)
            begin = time.monotonic()
            while not self._stopped.is_set():
                world.mirror.update(_TICK)
                with self._lock:
                    updates, self._updates = self._updates, []
                for compute in updates:
                    self._take(world, compute)
                world.react()
                world.clock.advance((time.monotonic() - begin) * self._scale)
            world.mirror.stop()
        except Exception as problem:
            if not self._stopped.is_set():
                self.problem = f"{type(problem).__name__}: {problem}"

    def _take(self, world: World, compute: Compute) -> None:
        before, world.compute = world.compute, compute
        if before is compute or before.fargate_profiles != compute.fargate_profiles:
            world.fargate.admit()
        self._pools(compute)
        groups = {(one.runner, one.name): one for one in compute.groups()}
        for node in list(world.nodes.values()):
            if node.runner not in ("auto_mode", "karpenter", "fargate") and (node.runner, node.group) not in groups:
                world.remove(node)
        for group in groups.values():
            self._resize(world, group)
        world.pools.forget()

    def _pools(self, compute: Compute) -> None:
        names = (compute.cluster.get("computeConfig") or {}).get("nodePools") or [] if compute.auto_mode else []
        for name, pool in built_in().items():
            if name in names:
                with suppress(ApiError):  # it is there
                    self._client.create("/apis/karpenter.sh/v1/nodepools", pool)

    def _resize(self, world: World, group: Group) -> None:
        there = world.of(group.runner, group.name)
        for node in there[group.desired :]:
            world.remove(node)
        for index in range(len(there), group.desired):
            world.clock.start(world.start_group_node(group, group.zones[index % len(group.zones)], group.version))
