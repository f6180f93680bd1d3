"""The simulated nodes of one cluster, on simulated time: nothing is due before the real control plane has come to rest."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from eks_facts.capacity import instance_type
from local_kubernetes.client import ApiError, Client, Object
from local_kubernetes.nodes.clock import Clock, Process
from local_kubernetes.nodes.compute import Compute, Group, Runner
from local_kubernetes.nodes.fargate import Fargate
from local_kubernetes.nodes.kubelet import Hooks, Kubelet, timestamp
from local_kubernetes.nodes.mirror import Key, Mirror, key_of
from local_kubernetes.nodes.node import Node, group_node, name_of
from local_kubernetes.nodes.placing import lives
from local_kubernetes.nodes.pools import Pools
from local_kubernetes.nodes.pressure import Pressure
from local_kubernetes.nodes.rest import unrest
from local_kubernetes.nodes.volumes import Volumes

NODE_SECONDS = 60.0
"""Until an instance that was asked for is a node that is ready."""
QUIET_SECONDS = 0.08
"""Of the machine's clock: without a change for so long, and with nothing that a controller has yet to do, all is at rest."""
PATIENCE = 30.0
"""Seconds of the machine's clock that a controller gets for what it has yet to do. Then time goes on, and ``unsettled`` names it."""


class _Counting(Client):
    """The client that it is given, and how often it has changed something."""

    def __init__(self, client: Client) -> None:
        self.__dict__.update(client.__dict__)
        self.writes = 0

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = super().request(method, path, body, **options)
        self.writes += method != "GET"
        return answer


class World:
    """Nodes, kubelets, provisioners, and the clock that they share.

    Attributes:
        client: administrator of the cluster.
        clock: simulated time.
        mirror: the objects.
        compute: what EKS was asked for.
        nodes: the nodes that run, by name.
        problems: what could not be done, in words: a quota that does not suffice.
        ended: says which part of the control plane has ended; empty: none has.
        unsettled: what the control plane had yet to do when the patience with it ended, in words.
    """

    def __init__(
        self, client: Client, compute: Compute, *, hooks: Hooks | None = None, mirror: Mirror | None = None
    ) -> None:
        """Begins to watch. Raises OSError: the API does not answer."""
        self.client, self.compute = _Counting(client), compute
        self.clock = Clock()
        self.mirror = mirror or Mirror(client)
        self.nodes: dict[str, Node] = {}
        self.problems: list[str] = []
        self.unsettled: list[str] = []
        self.observers: list[Callable[[], None]] = []
        self.ended: Callable[[], str] = lambda: ""
        self._number = 0
        self._starting = 0
        self.kubelet = Kubelet(self.client, self.clock, self.nodes, hooks)
        self.volumes = Volumes(self.client)
        self.fargate = Fargate(self)
        self.pools = Pools(self)
        self.pressure = Pressure(self)
        self._ignored: frozenset[str] = frozenset()
        self._rested = -1
        self._by_node: tuple[int, dict[str, list[Key]]] = (-1, {})
        self._collected: set[str] = set()

    # Nodes

    def new_name(self, runner: Runner, zone: str, names: Sequence[str] = ()) -> str:
        """Returns the name of one more node: the next of ``names``, where somebody has chosen some."""
        for name in names:
            if name not in self.nodes:
                return name
        self._number += 1
        while ("", name := name_of(runner, self._number, zone)) in self.mirror.of["nodes"]:
            self._number += 1  # a node of a running cluster has it
        return name

    def room(self, count: int = 1) -> bool:
        """Returns whether the account's quota has room for more instances; says so where it has not."""
        quota = self.compute.instance_quota
        used = sum(node.runner != "fargate" for node in self.nodes.values()) + self._starting
        if quota is not None and used + count > quota:
            words = f"the account may have {quota} instances and has {used}: {count} more cannot start"
            if words not in self.problems:
                self.problems.append(words)
            return False
        return True

    def add(self, node: Node) -> None:
        """Lets a node join, ready. Raises ApiError."""
        node.started = self.clock.now
        self.nodes[node.name] = node
        made = self.client.create("/api/v1/nodes", node.manifest(timestamp()))
        self.mirror.of["nodes"]["", node.name] = made
        with suppress(ApiError):
            self._csi_node(made)

    def _csi_node(self, node: Object) -> None:
        """Says how many volumes a node can attach. https://docs.aws.amazon.com/ebs/latest/userguide/volume_limits.html"""
        name, uid = node["metadata"]["name"], node["metadata"]["uid"]
        driver = "ebs.csi.eks.amazonaws.com" if self.nodes[name].runner == "auto_mode" else "ebs.csi.aws.com"
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
        drivers = [{"name": driver, "nodeID": name, "topologyKeys": [], "allocatable": {"count": 25}}]
        if self.nodes[name].runner in ("fargate", "hybrid_nodes"):
            return
        about = {"name": name, "ownerReferences": [owner]}
        kind = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode"}
        body = {**kind, "metadata": about, "spec": {"drivers": drivers}}
        self.client.create("/apis/storage.k8s.io/v1/csinodes", body)

    def start_group_node(self, group: Group, zone: str, version: str) -> Process:
        """Starts a node of a group, which joins after a while."""
        self._starting += 1
        yield NODE_SECONDS
        self._starting -= 1
        kind = instance_type(group.instance_type)
        self.add(group_node(group, kind, self.new_name(group.runner, zone, group.names), zone, version))

    def add_groups(self) -> None:
        """Lets the nodes of all groups join at once, as they are before anything happens."""
        for group in self.compute.groups():
            for index in range(group.desired):
                zone = group.zones[index % len(group.zones)]
                kind = instance_type(group.instance_type)
                self.add(group_node(group, kind, self.new_name(group.runner, zone, group.names), zone, group.version))

    def remove(self, node: Node) -> None:
        """Takes a node away, with whatever is on it: its instance has ended."""
        self.nodes.pop(node.name, None)
        with suppress(ApiError):
            self.client.delete(f"/api/v1/nodes/{node.name}")
        for pod in self.pods_on(node.name):
            self.kubelet.remove(pod)

    def patch_node(self, node: Node, body: dict[str, Any]) -> None:
        """Changes a Node object; one that is gone is left."""
        with suppress(ApiError):
            self.mirror.of["nodes"]["", node.name] = self.client.patch(
                f"/api/v1/nodes/{node.name}", body, kind="strategic"
            )

    def of(self, runner: str, group: str | None = None) -> list[Node]:
        """Returns the nodes of a kind of compute, and of one group, by name."""
        found = [one for one in self.nodes.values() if one.runner == runner and group in (None, one.group)]
        return sorted(found, key=lambda one: one.name)

    # Pods

    def pods_on(self, node: str) -> list[Object]:
        """Returns the pods of a node, by namespace and name."""
        pods = self.mirror.of["pods"]
        if self._by_node[0] != self.mirror.changes:
            found: dict[str, list[Key]] = defaultdict(list)
            for key in sorted(pods):
                found[pods[key]["spec"].get("nodeName", "")].append(key)
            self._by_node = self.mirror.changes, found
        return [pods[key] for key in self._by_node[1].get(node, ())]

    def pods_by_node(self) -> dict[str, list[Object]]:
        """Returns the pods that take room, by node."""
        found: dict[str, list[Object]] = defaultdict(list)
        for _, pod in sorted(self.mirror.of["pods"].items()):
            if (name := pod["spec"].get("nodeName")) and lives(pod):
                found[name].append(pod)
        return found

    def pod(self, key: Key, uid: str) -> Object | None:
        """Returns a pod as it is now; None: it is gone."""
        found = self.mirror.of["pods"].get(key)
        return found if found and found["metadata"]["uid"] == uid else None

    def waits(self, pod: Object) -> int:
        """Returns the minReadySeconds of what made a pod."""
        for owner in pod["metadata"].get("ownerReferences") or []:
            kinds = {"ReplicaSet": "replica_sets", "StatefulSet": "stateful_sets", "DaemonSet": "daemon_sets"}
            if kind := kinds.get(owner["kind"]):
                made = self.mirror.of[kind].get((key_of(pod)[0], owner["name"]))
                return int((made or {}).get("spec", {}).get("minReadySeconds", 0))
        return 0

    # Time

    def react(self) -> None:
        """Does what simulated parts do by themselves when something has changed."""
        self._collect()
        self.fargate.react()
        self.volumes.react(self.mirror, self.compute.zones)
        self.kubelet.react(self.mirror.of["pods"], self.pod, self.mirror.of["nodes"], self.waits)
        self.pools.react()
        self.pressure.react()

    def _collect(self) -> None:
        """Deletes pods that were bound to a node as it went: the controller that collects them waits on the machine's clock."""
        for pod in list(self.mirror.of["pods"].values()):
            node = pod["spec"].get("nodeName")
            uid = pod["metadata"]["uid"]
            if (
                node
                and node not in self.nodes
                and ("", node) not in self.mirror.of["nodes"]
                and uid not in self._collected
            ):
                self._collected.add(
                    uid
                )  # once: a finalizer may keep it, and each further call would be news to wait for
                self.kubelet.remove(pod)

    def settle(self, *, asked: bool = True) -> None:
        """Waits until the control plane has nothing to do before time goes on. Raises OSError: it does not answer.

        Args:
            asked: whether somebody may have changed what EKS is asked for. Time alone gives the simulated parts nothing to do.
        """
        deadline = time.monotonic() + PATIENCE
        changed = self.mirror.update(0)
        idle = not changed and self.client.writes == self._rested
        if asked or not idle:
            self.react()
        if idle and self.client.writes == self._rested:
            return  # nobody has done anything since it was at rest
        while True:
            if self.mirror.update(QUIET_SECONDS):
                self.react()
                continue
            open_ = unrest(self.mirror, self.nodes) - self._ignored
            if not open_:
                break
            if why := self.ended():
                raise OSError(why)
            if time.monotonic() > deadline:
                self._ignored |= open_
                self.unsettled += [
                    f"After {PATIENCE:.0f} s the control plane had not settled: {one}" for one in sorted(open_)
                ]
                break
        self._rested = self.client.writes
        for observer in self.observers:
            observer()

    def play(self, until: Callable[[], bool] = lambda: False, *, limit: float = 86_400.0) -> bool:
        """Lets time go on until something is so, nothing is due any more, or a time; returns whether it is so.

        Args:
            until: asked when all is at rest.
            limit: seconds from now.
        """
        end = self.clock.now + limit
        self.settle()
        while True:
            if until():
                return True
            due = self.clock.next
            if due is None or due > end:
                return False
            self.clock.advance(due)
            self.settle(asked=False)

    def every(self, nodes: Iterable[Node]) -> list[Node]:
        """Returns those of some nodes that still run."""
        return [one for one in nodes if one.name in self.nodes]
