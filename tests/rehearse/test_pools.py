"""What provisioners and kubelets do by themselves, on one cluster: consolidation and expiry of pools, nodes that run out of memory."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from local_kubernetes.control_plane import running
from local_kubernetes.nodes.compute import Compute
from local_kubernetes.nodes.drift import Drift
from local_kubernetes.nodes.node import TYPE
from local_kubernetes.nodes.world import World
from rehearse.case import Case, Given
from rehearse.control import options
from rehearse.document import Rehearsal
from rehearse.judge import judge
from rehearse.play import Player
from tests.rehearse.world import POOL, SUBNETS, Object, group, objects, pool
from tests.support.kept import kept_value
from tests.support.machine import NEEDS_CONTROL_PLANE

pytestmark = [NEEDS_CONTROL_PLANE, pytest.mark.xdist_group("rehearsal")]
FOUR = {"replicas": 4, "budgets": [], "deploy": {"cpu": "900m"}}  # two on a node; of two that are left each has a node
APART = {"replicas": 2, "budgets": [], "deploy": {"apart": True}}
KEPT = {"karpenter.sh/do-not-disrupt": "true"}
AT_ONCE = {"consolidateAfter": "0s"}


def closed(*reasons: str) -> Object:
    return {"disruption": {**AT_ONCE, "budgets": [{"nodes": "0", "reasons": list(reasons)}, {"nodes": "100%"}]}}


def policy(name: str, **more: Any) -> Object:
    return {"disruption": {**AT_ONCE, "consolidationPolicy": name, "budgets": [{"nodes": "100%"}], **more}}


ANY = policy("WhenEmptyOrUnderutilized")
POOLS: Mapping[str, tuple[Object, int, int]] = {
    # name: its row, and the pods and nodes that are left
    "emptied": ({**APART, "pool": ANY}, 0, 0),
    "emptied-when-empty": ({**APART, "pool": policy("WhenEmpty")}, 0, 0),
    "emptied-of-spot": ({**APART, "pool": ANY, "spot": True}, 0, 0),
    "emptied-never": ({**APART, "pool": policy("WhenEmpty", consolidateAfter="Never")}, 0, 2),
    "emptied-later": ({**APART, "pool": policy("WhenEmpty", consolidateAfter="24h")}, 0, 2),
    "emptied-closed": ({**APART, "pool": closed("Empty")}, 0, 2),
    "emptied-one-at-a-time": ({**APART, "pool": {"disruption": {**AT_ONCE, "budgets": [{"nodes": "1"}]}}}, 0, 0),
    "merged": ({**FOUR, "pool": ANY}, 2, 1),
    "merged-of-karpenter": ({**FOUR, "pool": ANY, "karpenter": True}, 2, 1),
    "merged-balanced": ({**FOUR, "pool": policy("Balanced")}, 2, 1),
    "merged-closed-for-empty-ones": ({**FOUR, "pool": closed("Empty", "Drifted")}, 2, 1),
    "merged-when-empty": ({**FOUR, "pool": policy("WhenEmpty")}, 2, 2),
    "merged-closed": ({**FOUR, "pool": closed("Underutilized")}, 2, 2),
    "merged-no-eviction": ({**FOUR, "pool": ANY, "budgets": [{"maxUnavailable": 0}]}, 2, 2),
    "merged-do-not-disrupt": ({**FOUR, "pool": ANY, "deploy": {"cpu": "900m", "annotations": KEPT}}, 2, 2),
    "merged-apart": ({**FOUR, "pool": ANY, "replicas": 3, "deploy": {"cpu": "900m", "apart": True}}, 2, 2),
}  # fmt: skip
ONE = {"replicas": 1, "budgets": []}


def steady(*budgets: Object, **nodes: Any) -> Object:
    return {**ONE, "pool": {"disruption": {"consolidateAfter": "Never", "budgets": list(budgets)}}, "nodes": nodes}


def sizes(*values: str) -> Object:
    requirements = [{"key": "eks.amazonaws.com/instance-size", "operator": "In", "values": list(values)}]
    return {"spec": {"template": {"spec": {"requirements": requirements}}}}


CLASS = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "drifting"}
LABEL = {"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}}
FREE = {"nodes": "100%"}
DRIFTS: Mapping[str, tuple[Object, Object | None, int, int]] = {
    # name: its row, what changes of the pool (None: it is deleted), and the old and new nodes then
    "drifts-by-label": (steady(FREE), LABEL, 0, 1),
    "drifts-by-taint": (steady(FREE), {"spec": {"template": {"spec": {"startupTaints": [{"key": "a", "effect": "NoSchedule"}]}}}}, 0, 1),
    "drifts-by-requirement": (steady(FREE), sizes("xlarge"), 0, 1),
    "drifts-by-class": ({**steady(FREE, nodeClassRef=CLASS), "karpenter": True}, {}, 0, 1),
    "drifts-not-by-settings": (steady(FREE), {"spec": {"weight": 7, "limits": {"cpu": "64"}}}, 1, 0),
    "drifts-not-within-requirement": (steady(FREE), sizes("large", "xlarge"), 1, 0),
    "drifts-not-closed": (steady({"nodes": "0", "reasons": ["Drifted"]}), LABEL, 1, 0),
    "drifts-not-annotated": (steady(FREE, terminationGracePeriod="24h"), LABEL, 1, 0),
    "drifts-not-guarded": ({**steady(FREE), "budgets": [{"maxUnavailable": 0}]}, LABEL, 1, 0),
    "drifts-away": (steady({"nodes": "0"}), None, 0, 0),
}  # fmt: skip
SMALLER = {"cheaper": "WhenEmptyOrUnderutilized", "cheaper-balanced": "Balanced"}


def needs(item: Object, memory: str) -> Object:
    item["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = memory
    return item


def case() -> Case:
    given: list[Object] = []
    for name, (row, *_) in POOLS.items():
        made = pool(name, row)
        if row.get("spot"):
            made["spec"]["template"]["spec"]["requirements"] += [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}
            ]
        given += [made, *objects(name, row, POOL)]
    for name, of in SMALLER.items():
        made = objects(name, {"replicas": 1, "budgets": []}, POOL)
        given += [
            pool(name, {"pool": policy(of)}),
            *(needs(one, "12Gi") if one["kind"] == "Deployment" else one for one in made),
        ]
    for name, (row, *_) in DRIFTS.items():
        given += [pool(name, row), *objects(name, row, POOL)]
    spec = {"tags": {"cost": "a"}, "subnetSelectorTerms": [{"id": "subnet-1"}]}
    about = {"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "drifting"}}
    given.append({**about, "spec": spec})
    old = {"pool": {"disruption": {**AT_ONCE, "budgets": [{"nodes": "0"}]}}, "nodes": {"expireAfter": "6h"}}
    given += [pool("old", old), *objects("old", {"replicas": 1, "budgets": []}, POOL)]
    for name, annotations in (
        ("hungry", {"local-kubernetes/uses-memory": "5Gi"}),
        ("killed", {"local-kubernetes/uses-memory": "200Mi"}),
        ("full", {"local-kubernetes/uses-ephemeral-storage": "2Gi"}),
    ):
        given += objects(name, {"budgets": [], "deploy": {"annotations": annotations, "apart": False}})
    for item in given:
        if item["kind"] == "Deployment" and item["metadata"]["name"] in ("killed", "full"):
            limits = {"memory": "100Mi", "ephemeral-storage": "1Gi"}
            item["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = limits
    groups = [group(name, {}) for name in ("hungry", "killed", "full")]
    cluster = {"name": "pools", "version": "1.36", "computeConfig": {"enabled": True}}
    return Case("pools", "here", Compute(cluster, groups, (), SUBNETS), [Given(item, "here") for item in given])


def names(world: World, name: str) -> set[str]:
    return {one.name for kind in ("auto_mode", "karpenter") for one in world.of(kind, name)}


def play() -> Any:
    with TemporaryDirectory() as folder, running("1.36", Path(folder) / "kubernetes", options=options()) as plane:
        player = Player(plane, case())
        player.set_up()
        world = player.world

        def nodes() -> dict[str, list[str]]:
            pools = [*POOLS, *SMALLER, "old"]
            return {
                name: [one.labels[TYPE] for one in (*world.of("auto_mode", name), *world.of("karpenter", name))]
                for name in pools
            }

        found: dict[str, Any] = {"before": nodes()}
        Drift(world, player.disruption)
        started = {name: names(world, name) for name in DRIFTS}
        found["started"] = {name: len(of) for name, of in started.items()}
        (annotated,) = started["drifts-not-annotated"]
        plane.client.patch(f"/api/v1/nodes/{annotated}", {"metadata": {"annotations": KEPT}})
        terms = {"spec": {"subnetSelectorTerms": [{"id": "subnet-2"}]}}
        plane.client.patch("/apis/karpenter.k8s.aws/v1/ec2nodeclasses/drifting", terms)
        world.play(limit=60)
        found["as they were"] = {name: names(world, name) == of for name, of in started.items()}
        plane.client.patch("/apis/karpenter.k8s.aws/v1/ec2nodeclasses/drifting", {"spec": {"tags": {"cost": "b"}}})
        for name, (_, change, *_) in DRIFTS.items():
            if change is None:
                plane.client.delete(f"/apis/karpenter.sh/v1/nodepools/{name}")
            elif change:
                plane.client.patch(f"/apis/karpenter.sh/v1/nodepools/{name}", change)
        for name, (_, left, _) in POOLS.items():
            for node in (*world.of("auto_mode", name), *world.of("karpenter", name)):
                first = world.pods_on(node.name)[0]["metadata"]["name"]  # of each node, if some are to go
                cost = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}}
                plane.client.patch(f"/api/v1/namespaces/{name}/pods/{first}", cost)
            path = f"/apis/apps/v1/namespaces/{name}/deployments/{name}"
            plane.client.patch(path, {"spec": {"replicas": left}})
        for name in SMALLER:
            path = f"/apis/apps/v1/namespaces/{name}/deployments/{name}"
            item = plane.client.get(path)
            plane.client.replace(path, needs(item, "100Mi"))
        world.play(limit=3600)
        found["after"] = nodes()
        found["drifted"] = {
            name: [len(names(world, name) & of), len(names(world, name) - of)] for name, of in started.items()
        }
        (old,) = world.of("auto_mode", "old")
        world.play(limit=6 * 3600)
        (new,) = world.of("auto_mode", "old")
        found["expired"] = [
            old.name != new.name,
            [one.what for one in player.played.journal.events if old.name in one.what],
        ]
        full = world.of("managed_nodes", "hungry")[0]
        found["hungry"] = json.loads(judge(player.drain(full.name)).model_dump_json())
        found["taints"] = [
            one["spec"].get("taints")
            for one in world.mirror.of["nodes"].values()
            if one["metadata"]["name"] != full.name
        ]
        return found


@cache
def found() -> Mapping[str, Any]:
    answer: Mapping[str, Any] = kept_value("pools", play, of="rehearsal")
    return answer


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_has_the_nodes_that_its_policy_and_budgets_leave(name: str) -> None:
    assert len(found()["before"][name]) == (3 if name == "merged-apart" else 2)
    assert len(found()["after"][name]) == POOLS[name][2]


@pytest.mark.parametrize("name", DRIFTS)
def test_a_node_is_replaced_where_it_is_no_longer_as_its_pool_says(name: str) -> None:
    assert found()["started"][name] == 1
    assert found()["as they were"][name]
    assert found()["drifted"][name] == list(DRIFTS[name][2:])


def test_a_node_is_replaced_by_one_that_costs_less() -> None:
    assert [found()[when]["cheaper"][0][0] for when in ("before", "after")] == ["r", "c"]


def test_balanced_leaves_what_saves_too_little_for_the_pods_that_move() -> None:
    assert [found()[when]["cheaper-balanced"][0][0] for when in ("before", "after")] == ["r", "r"]


def test_a_node_ends_at_its_age_whatever_the_budgets_say() -> None:
    replaced, words = found()["expired"]
    assert replaced
    assert any(one.endswith("is expired: it is drained") for one in words)


def test_a_node_that_runs_out_of_memory_evicts_and_takes_no_more() -> None:
    document = Rehearsal.model_validate(found()["hungry"])
    one = next(one for one in document.findings if one.topic == "node-pressure")
    assert one.subject.startswith("Pod hungry/hungry-")
    assert one.detail.startswith(
        "The node was low on resource: memory. Threshold quantity: 100Mi. It uses 5120Mi, and requests 0"
    )
    assert one.group == "hungry"
    keys = [taint["key"] for taints in found()["taints"] for taint in taints or []]
    assert keys.count("node.kubernetes.io/memory-pressure") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("killed", "OOMKilled: it uses 200Mi of memory, and its limit is 100Mi"),
        ("full", "Pod ephemeral local storage usage exceeds the total limit of containers 1024Mi"),
    ],
)
def test_pods_above_their_own_limits_do_not_run(name: str, words: str) -> None:
    document = Rehearsal.model_validate(found()["hungry"])
    one = next(one for one in document.findings if one.subject == f"Deployment {name}/{name}")
    assert one.topic == "not-ready-before"
    assert words in one.detail
