"""Keeps a cluster going while it runs: its nodes, their pods, add-ons and load balancers, as EKS is asked for them."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from emulator.engine.confinement import allowed
from emulator.engine.kubernetes.identity import Identity
from emulator.engine.kubernetes.load_balancers import CHART, LoadBalancers
from emulator.engine.kubernetes.table import GUIDE, simulated
from local_kubernetes.addons import addon_objects
from local_kubernetes.client import ApiError, Client, Object
from local_kubernetes.nodes.compute import Compute, Group
from local_kubernetes.nodes.consolidation import Consolidation
from local_kubernetes.nodes.disruption import Disruption
from local_kubernetes.nodes.drift import Drift
from local_kubernetes.nodes.journal import Journal
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.node_pool import built_in
from local_kubernetes.nodes.rest import is_ready
from local_kubernetes.nodes.world import World

SECONDS = 0.25
"""Between two looks at what has changed."""
_MADE = ("managed_nodes", "self_managed_nodes", "hybrid_nodes")

logger = logging.getLogger("emulator")


class Running:
    """A thread that plays the simulated parts of one cluster. Simulated time takes none: a node that needs a minute is there at once."""

    def __init__(self, client: Client, asked: Callable[[], Compute | None], identity: Identity, region: str) -> None:
        """Begins.

        Args:
            client: the cluster's administrator.
            asked: returns what EKS is asked for now; None: the cluster is gone.
            identity: who says whether a pod gets its role.
            region: of the cluster.
        """
        self._client, self._asked, self._identity = client, asked, identity
        self._balancers = LoadBalancers(client, region)
        self._stopped = threading.Event()
        self._world: World | None = None
        self._profiles: frozenset[str] = frozenset()
        self._addons: dict[str, tuple[str, list[Object]]] = {}
        self._pools: frozenset[str] = frozenset()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True, name="kubernetes")
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        self._thread.join(timeout=10)
        if self._world:
            self._world.mirror.stop()

    def _run(self) -> None:
        said = ""
        with allowed():
            while not self._stopped.wait(SECONDS):
                try:
                    if (asked := self._asked()) is None:
                        return
                    self._step(asked)
                    said = ""
                except (ApiError, OSError) as problem:
                    if not self._stopped.is_set() and said != (said := str(problem)):
                        logger.warning("Kubernetes of a cluster: %s", problem)
                except Exception:
                    logger.exception("a simulated part of Kubernetes failed")  # and goes on: the deploy is not to hang
                    time.sleep(1)

    def _step(self, asked: Compute) -> None:
        if self._world is None:
            self._world = World(self._client, asked, hooks=self._identity)
            disruption = Disruption(self._world, Journal(), datetime.now(UTC))
            Drift(self._world, disruption)  # before consolidation, as Karpenter does
            Consolidation(self._world, disruption)
        world = self._world
        world.compute = asked
        self._set_pools(asked)
        self._set_groups(asked)
        profiles = frozenset(str(one["fargateProfileName"]) for one in asked.fargate_profiles)
        if profiles - self._profiles:
            world.fargate.admit()
        self._profiles = profiles
        self._set_addons(asked)
        world.volumes.served = _drivers(asked)
        world.pools.forget()
        world.play(limit=3600)
        self._balancers.react(auto_mode=asked.auto_mode, controller=_runs(world, CHART))

    def _set_pools(self, asked: Compute) -> None:
        """Makes the built-in node pools of Auto Mode that are asked for, and takes away the others."""
        wanted = (
            frozenset((asked.cluster.get("computeConfig") or {}).get("nodePools") or ())
            if asked.auto_mode
            else frozenset()
        )
        for name in wanted - self._pools:
            self._client.apply(built_in()[name])
        for name in self._pools - wanted:
            self._client.delete(f"/apis/karpenter.sh/v1/nodepools/{name}")
        self._pools = wanted

    def _set_groups(self, asked: Compute) -> None:
        """Lets nodes of groups come and go."""
        assert self._world  # noqa: S101 - _step() has made it
        groups = {group.name: group for group in asked.groups() if group.runner in _MADE}
        for node in [one for one in self._world.nodes.values() if one.runner in _MADE]:
            if (group := groups.get(node.group)) is None or _is_old(node, group):
                self._world.remove(node)
        for group in groups.values():
            there = self._world.of(group.runner, group.name)
            for node in there[group.desired :]:
                self._world.remove(node)
            for index in range(len(there), group.desired):
                zone = group.zones[index % len(group.zones)]
                self._world.clock.start(self._world.start_group_node(group, zone, group.version))

    def _set_addons(self, asked: Compute) -> None:
        """Makes the objects of add-ons, and deletes those of add-ons that are gone."""
        now = {
            str(one["addonName"]): f"{one['addonVersion']} {one.get('configurationValues', '')}" for one in asked.addons
        }
        for addon in asked.addons:
            name = str(addon["addonName"])
            if self._addons.get(name, ("", []))[0] != now[name]:
                objects = addon_objects(name, str(addon["addonVersion"]), str(addon.get("configurationValues") or ""))
                for item in objects:
                    self._client.apply(item)
                self._addons[name] = now[name], objects
        for name in set(self._addons) - set(now):
            for item in self._addons.pop(name)[1]:
                self._client.delete(self._client.path_of(item))


@simulated(f"{GUIDE}ebs-csi.html", "PersistentVolumeClaim")
def _drivers(asked: Compute) -> frozenset[str]:
    """A claim gets its volume, in the zone of its pod, where the add-on aws-ebs-csi-driver or Auto Mode serves its class."""
    addon = any(one["addonName"] == "aws-ebs-csi-driver" for one in asked.addons)
    served = {"ebs.csi.aws.com": addon, "ebs.csi.eks.amazonaws.com": asked.auto_mode}
    return frozenset(name for name, there in served.items() if there)


def _is_old(node: Node, group: Group) -> bool:
    return node.version != group.version


def _runs(world: World, name: str) -> bool:
    mark = "app.kubernetes.io/name"
    return any(
        (pod["metadata"].get("labels") or {}).get(mark) == name and is_ready(pod)
        for pod in world.mirror.of["pods"].values()
    )
