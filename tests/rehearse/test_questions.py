"""The everyday questions on one cluster, one after the other, each with nodes of its own; and the quota of an account."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from local_kubernetes.control_plane import running
from local_kubernetes.nodes.compute import Compute
from rehearse.case import Case, Given
from rehearse.control import options
from rehearse.document import Rehearsal
from rehearse.judge import judge
from rehearse.moves import update_group
from rehearse.play import Player
from safe_io.errors import BadInput
from tests.rehearse.world import GROUP, POOL, SUBNETS, Object, group, objects, pool
from tests.support.kept import kept_value
from tests.support.machine import NEEDS_CONTROL_PLANE

pytestmark = [NEEDS_CONTROL_PLANE, pytest.mark.xdist_group("rehearsal")]
ONE = {"minSize": 1, "maxSize": 1, "desiredSize": 1}


def somewhere(*groups: str) -> Object:
    term = {"matchExpressions": [{"key": GROUP, "operator": "In", "values": list(groups)}]}
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}


def in_either(name: str, row: dict[str, Any], one: str, other: str, **spec: Any) -> list[Object]:
    """Objects whose pods may be in two groups."""
    found = objects(name, row)
    for item in found:
        if item["kind"] == "Deployment":
            pod = item["spec"]["template"]["spec"]
            del pod["nodeSelector"]
            pod["affinity"] = {"nodeAffinity": somewhere(one, other)}
            pod.update(spec)
    return found


def case() -> Case:
    priorities = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
        for name, value in (("high", 1000), ("low", 1))
    ]
    given = [
        *priorities,
        *objects("no-room", {"budgets": []}),
        # Two groups of a node each: once one is drained, the more important pod takes the other's place.
        *in_either("high", {"replicas": 1, "budgets": [], "deploy": {"cpu": "1500m"}}, "left", "right", priorityClassName="high"),
        *in_either("low", {"replicas": 1, "budgets": [], "deploy": {"cpu": "1500m"}}, "left", "right", priorityClassName="low"),
        pool("old-pool", {}),
        *objects("old-pool", {}, POOL),
    ]  # fmt: skip
    groups = [group(name, {"group": {"scalingConfig": ONE}}) for name in ("no-room", "left", "right")]
    cluster = {"name": "questions", "version": "1.36", "computeConfig": {"enabled": True}}
    compute = Compute(cluster, groups, (), SUBNETS)
    return Case("questions", "here", compute, [Given(item, "here") for item in given])


def play() -> Any:
    with TemporaryDirectory() as folder, running("1.36", Path(folder) / "kubernetes", options=options()) as plane:
        player = Player(plane, case())
        player.set_up()
        world = player.world
        high = next(pod for pod in world.mirror.of["pods"].values() if pod["metadata"]["namespace"] == "high")
        side = world.nodes[high["spec"]["nodeName"]].group
        found: dict[str, Any] = {}
        try:
            player.drain("nothing")
        except BadInput as problem:
            found["unknown"] = str(problem)
        world.compute = replace(world.compute, instance_quota=len(world.nodes))
        update = next(one for one in world.compute.groups() if one.name == "no-room")
        world.clock.start(update_group(world, update, "1.37", player.played.journal))
        world.play(limit=600)
        found["quota"] = json.loads(judge(player.played).model_dump_json())
        for name, ask in (
            ("group", lambda: player.drain("no-room")),
            ("preemption", lambda: player.drain(side)),
            ("pool", lambda: player.replace_pool("old-pool")),
            ("zone", lambda: player.drain("eu-west-1a")),
        ):
            found[name] = json.loads(judge(ask()).model_dump_json())
        return found


@cache
def answers() -> Mapping[str, Any]:
    found: Mapping[str, Any] = kept_value("questions", play, of="rehearsal")
    return found


def finding(question: str, subject: str) -> tuple[str, str]:
    document = Rehearsal.model_validate(answers()[question])
    one = next(one for one in document.findings if one.subject == subject)
    return one.topic, one.detail


def test_a_quota_that_has_no_room_for_a_surge_stops_a_group() -> None:
    topic, detail = finding("quota", "node group no-room")
    assert topic == "capacity"
    assert detail == "NodeCreationFailure: the account may have 4 instances and has 4: 1 more cannot start"


def test_a_group_that_is_drained_leaves_its_pods_without_a_place() -> None:
    topic, detail = finding("group", "Deployment no-room/no-room")
    assert topic == "never-back"
    assert detail.startswith("0 of 2 replicas are ready at the end.")
    assert "were unschedulable" in detail


def test_the_more_important_pod_takes_the_place_of_another() -> None:
    assert finding("preemption", "Deployment low/low")[0] == "never-back"
    assert finding("preemption", "Deployment high/high")[0] == "single-replica"


def test_pods_that_want_a_pool_do_not_come_back_without_it() -> None:
    topic, detail = finding("pool", "Deployment old-pool/old-pool")
    assert topic in ("never-back", "disruption-budget")
    assert answers()["pool"]["question"] == "move off old-pool"
    assert "0 of 2" in detail or "1 of 2" in detail


def test_a_zone_that_fails_is_a_question_of_its_own() -> None:
    document = Rehearsal.model_validate(answers()["zone"])
    assert document.question == "failure of zone eu-west-1a"
    assert any(event.what.startswith("zone eu-west-1a fails, with ") for event in document.events)


def test_what_is_not_there_is_answered_with_what_is() -> None:
    words = answers()["unknown"]
    assert words.startswith("--drain nothing: there is no such node, group or zone. Groups: ")
    assert "Groups: left, no-room, old-pool, right. Zones: eu-west-1a" in words
