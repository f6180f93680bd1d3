"""Plays a case on a control plane, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from local_kubernetes.control_plane import ControlPlane
from local_kubernetes.nodes.clock import Process
from local_kubernetes.nodes.consolidation import Consolidation
from local_kubernetes.nodes.disruption import Disruption
from local_kubernetes.nodes.drain import cordon, drain, drainable, note_stuck
from local_kubernetes.nodes.journal import Journal
from local_kubernetes.nodes.node import Node
from local_kubernetes.nodes.node_pool import built_in
from local_kubernetes.nodes.world import World
from local_kubernetes.programs import find, minors
from rehearse import moves
from rehearse.add_ons import stand_ins
from rehearse.case import Case, Given
from rehearse.hooks import Webhooks
from rehearse.running import restore
from rehearse.stage import Refused, apply_all, bind_policies, check_all, webhooks
from rehearse.track import Name, Tracker
from safe_io.errors import BadInput

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When the clock is 0: a Monday morning. Disruption budgets with a schedule are read by it."""
SETTLING_SECONDS = 3600.0
POOL_SECONDS = 22 * 86_400.0
"""How long nodes of pools are waited for: Auto Mode's live for 21 days at most. docs.aws.amazon.com/eks/latest/userguide/automode.html"""
MOVE_SECONDS = 600.0
"""About what EKS takes to upgrade a control plane; pods run on meanwhile."""


@dataclass
class Played:
    """What came of it.

    Attributes:
        case: what was played.
        begin: when the upgrade began, on the clock.
        ready: ready replicas by workload then.
        asked: replicas that each asked for then.
        lacking: why those that were not ready then were not, by workload.
        refused_before: objects that today's API server does not take.
        refused_after: objects that the next version's does not take.
        steps: id, title, begin, end and why it was not played.
        not_played: in sentences.
    """

    case: Case
    world: World
    journal: Journal
    tracker: Tracker
    question: str = ""
    after: str = ""
    begin: float = 0.0
    nodes: int = 0
    ready: dict[Name, int] = field(default_factory=dict)
    asked: dict[Name, int] = field(default_factory=dict)
    lacking: dict[Name, list[str]] = field(default_factory=dict)
    refused_before: list[Refused] = field(default_factory=list)
    refused_after: list[Refused] = field(default_factory=list)
    steps: list[tuple[str, str, float, float, str]] = field(default_factory=list)
    not_played: list[str] = field(default_factory=list)


class Player:
    """Plays one case. The control plane is used up by it: its objects stay."""

    def __init__(self, plane: ControlPlane, case: Case, say: Callable[[str], None] = lambda _: None) -> None:
        """Takes a control plane of the case's version, empty."""
        self._plane, self._say = plane, say
        self.case = case
        world = World(plane.client, case.compute)
        world.ended = plane.healthy
        self.world = world
        self.played = Played(case, world, Journal(), Tracker(world), not_played=list(case.unknown))
        self.disruption = Disruption(world, self.played.journal, START)
        Consolidation(world, self.disruption)

    # What is there before

    def set_up(self) -> None:
        """Applies the objects, starts the nodes, and waits until every pod that can run does."""
        case, world = self.case, self.world
        self._say(
            f"{len(case.objects)} objects and {len(case.nodes) or sum(one.desired for one in case.compute.groups())} nodes"
        )
        own = [Given(item, "EKS") for item in [*self._pools(), *stand_ins(case.compute)]] if not case.nodes else []
        objects = [*case.objects, *own]
        early = [one for one in objects if one.item.get("kind") == "Namespace"]
        list(apply_all(self._plane.client, early))
        world.fargate.admit()
        if case.nodes:
            restore(world, case.nodes)
        else:
            world.add_groups()
        refused = list(apply_all(self._plane.client, objects))
        world.play(limit=SETTLING_SECONDS)
        refused += bind_policies(self._plane.client, objects)
        known = {one.given.name for one in refused}
        strict = [one for one in check_all(self._plane.client, case.objects) if one.given.name not in known]
        self.played.refused_before = [*refused, *strict]
        services = {
            (one.item["metadata"].get("namespace", "default"), one.item["metadata"]["name"]): one.item
            for one in case.objects
            if one.item.get("kind") == "Service"
        }
        Webhooks(world, webhooks(case.objects), services)
        world.play(limit=60)
        played = self.played
        played.begin = world.clock.now
        played.nodes = len(world.nodes)
        played.asked = {name: line.asked for name, line in played.tracker.lines.items()}
        played.ready = {name: line.now for name, line in played.tracker.lines.items()}
        played.lacking = {
            name: list(dict.fromkeys(why for _, why in played.tracker.pending(name)))
            for name, asked in played.asked.items()
            if played.ready[name] < asked
        }  # read now: the upgrade changes what a pod says

    def _pools(self) -> Iterable[dict[str, object]]:
        names = (self.case.compute.cluster.get("computeConfig") or {}).get("nodePools") or []
        return [pool for name, pool in built_in().items() if name in names and self.case.compute.auto_mode]

    # Steps

    def _step(
        self, id_: str, title: str, processes: Iterable[Process], *, limit: float = SETTLING_SECONDS * 48
    ) -> None:
        """Plays processes side by side, to the end of all of them, and then until all is at rest."""
        world, journal = self.world, self.played.journal
        self._say(title)
        journal.step = id_
        begin, open_ = world.clock.now, set()

        def run(number: int, process: Process) -> Process:
            yield from process
            open_.discard(number)

        for number, process in enumerate(processes):
            open_.add(number)
            world.clock.start(run(number, process))
        world.play(lambda: not open_, limit=limit)
        world.play(limit=SETTLING_SECONDS)  # what has moved becomes ready
        self.played.steps.append((id_, title, begin, world.clock.now, ""))

    def _skip(self, id_: str, title: str, why: str) -> None:
        now = self.world.clock.now
        self.played.steps.append((id_, title, now, now, why))
        self.played.not_played.append(f"{title}: {why}")

    def upgrade(self, after: str, *, back: bool = False) -> Played:
        """Plays the upgrade to a version, and the way back if it is asked for."""
        before = self.case.version
        self.played.question = f"upgrade from {before} to {after}" + (", and back" if back else "")
        self.played.after = after
        self._move(after)
        self._add_ons(after)
        self._compute(after)
        if back:
            self._compute(before, back=True)
            self._add_ons(before)
            self._move(before, back=True)
        return self.played

    def _move(self, version: str, *, back: bool = False) -> None:
        title = f"{'Roll back' if back else 'Upgrade'} the control plane to {version}"
        if version not in minors() or find(version) is None:
            self._skip("control_plane", title, f"the programs of Kubernetes {version} are not on this machine")
        else:
            self._say(title)
            begin = self.world.clock.now
            self.played.journal.step = "control_plane"
            self._plane.move(version)
            if not back:
                known = {one.given.name for one in self.played.refused_before}
                refused = check_all(self._plane.client, self.case.objects)
                self.played.refused_after = [one for one in refused if one.given.name not in known]
            self.world.clock.after(MOVE_SECONDS, lambda: None)
            self.world.play(limit=MOVE_SECONDS)
            self.played.steps.append(("control_plane", title, begin, self.world.clock.now, ""))
        compute = self.world.compute
        self.world.compute = replace(compute, cluster={**compute.cluster, "version": version})

    def _add_ons(self, version: str) -> None:
        names = {
            (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])
            for item in stand_ins(self.case.compute)
            if item["kind"] in ("Deployment", "DaemonSet")
        }
        if not names:
            return

        def restart() -> Process:
            for kind, namespace, name in sorted(names):
                moves.restart(self.world, f"{kind.lower()}s", namespace, name)
                yield 30.0

        self._step("add_ons", f"Update the EKS add-ons for {version}", [restart()])

    def _compute(self, version: str, *, back: bool = False) -> None:
        world, journal = self.world, self.played.journal
        groups = list(self.case.compute.groups())
        verb = "Roll back" if back else "Replace"
        by_kind = {
            kind: [one for one in groups if one.runner == kind]
            for kind in ("managed_nodes", "self_managed_nodes", "hybrid_nodes")
        }
        if by_kind["managed_nodes"]:
            processes = [moves.update_group(world, one, version, journal) for one in by_kind["managed_nodes"]]
            self._step("managed_nodes", f"{verb} the managed nodes", processes)
        if by_kind["self_managed_nodes"]:
            own = [moves.replace_own(world, one, version, journal) for one in by_kind["self_managed_nodes"]]
            self._step("self_managed_nodes", f"{verb} the self-managed nodes", own)
        if world.of("fargate"):
            self._step("fargate", "Restart the pods on Fargate", [moves.restart_fargate(world, journal)])
        for runner, words in (("auto_mode", "Auto Mode's nodes"), ("karpenter", "Karpenter's nodes")):
            old = {one.name for one in world.of(runner)}
            if old:
                until = world.clock.now + POOL_SECONDS
                drift = self.disruption.drift(runner, old, until)
                self._step(
                    "auto_mode" if runner == "auto_mode" else "self_managed_nodes",
                    f"{verb} {words}",
                    [drift],
                    limit=POOL_SECONDS + 60,
                )
                for node in world.every([one for one in world.of(runner) if one.name in old]):
                    why = self.disruption.blocked.get(node.name, "it was not its turn")
                    for pod in world.pods_on(node.name):
                        note_stuck(world, node, pod, journal)
                    journal.say(
                        world.clock.now,
                        f"node {node.name} of pool {node.group} still runs the old version: {why}",
                        failed=True,
                    )
        if by_kind["hybrid_nodes"]:
            hybrid = [moves.upgrade_in_place(world, one, version, journal) for one in by_kind["hybrid_nodes"]]
            self._step("hybrid_nodes", "Upgrade the hybrid nodes", hybrid)

    # Everyday questions

    def drain(self, what: str) -> Played:
        """Plays the drain of a node or a group, or the failure of a zone. Raises BadInput: there is none of that name."""
        world, journal = self.world, self.played.journal
        nodes = [one for one in world.nodes.values() if what in (one.name, one.group)]
        zones = {one.zone for one in world.nodes.values()}
        self.played.after = self.case.version
        if what in zones:
            self.played.question = f"failure of zone {what}"
            self._step("zone", f"Zone {what} fails", [moves.fail_zone(world, what, journal)])
        elif nodes:
            kind = "node" if nodes[0].name == what else "group"
            self.played.question = f"drain of {kind} {what}"
            for node in nodes:
                cordon(world, node)
            self._step("drain", f"Drain {kind} {what}", [self._drain(node) for node in nodes])
        else:
            groups = sorted({one.group for one in world.nodes.values()})
            raise BadInput(
                f"--drain {what}: there is no such node, group or zone. Groups: {', '.join(groups) or 'none'}. "
                f"Zones: {', '.join(sorted(zones)) or 'none'}. Nodes: {', '.join(sorted(world.nodes)[:20]) or 'none'}"
            )
        return self.played

    def _drain(self, node: Node) -> Process:
        done = yield from drain(self.world, node, self.played.journal, limit=moves.EVICTION_SECONDS)
        now = self.world.clock.now
        if done:
            self.played.journal.say(now, f"node {node.name} is empty")
        else:
            self.played.journal.say(now, f"kubectl drain of {node.name} does not end", failed=True)

    def replace_pool(self, name: str) -> Played:
        """Plays the move off a group or pool, node by node, onto the others. Raises BadInput: there is none of that name."""
        world = self.world
        nodes = sorted((one for one in world.nodes.values() if one.group == name), key=lambda one: one.name)
        if not nodes:
            groups = sorted({one.group for one in world.nodes.values()})
            raise BadInput(
                f"--replace-pool {name}: there is no such group or pool with nodes; there is {', '.join(groups) or 'none'}"
            )
        self.played.question, self.played.after = f"move off {name}", self.case.version
        pool = world.mirror.of["pools"].get(("", name))
        if pool:
            world.mirror.of["pools"].pop(("", name))
            world.client.delete(f"/apis/karpenter.sh/v1/nodepools/{name}")

        def one_by_one() -> Process:
            for node in nodes:
                cordon(world, node)
            for node in nodes:
                yield from self._drain(node)
                yield 30.0
                if not [pod for pod in world.pods_on(node.name) if drainable(pod)]:
                    world.remove(node)

        self._step("replace_pool", f"Move everything off {name}", [one_by_one()])
        return self.played
