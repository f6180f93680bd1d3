"""Many small workloads in one rehearsal, each on nodes of its own: what each is called, and that the others are called nothing."""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest

from local_kubernetes.control_plane import running
from rehearse.control import options
from rehearse.document import Finding, Rehearsal
from rehearse.judge import judge
from rehearse.play import Player
from rehearse.render import FORMATS, schema
from tests.rehearse.world import everything, rows
from tests.support.kept import kept_value
from tests.support.machine import NEEDS_BOTH_VERSIONS, NEXT

pytestmark = [NEEDS_BOTH_VERSIONS, pytest.mark.xdist_group("rehearsal")]
NAMES = [name for part in rows().values() for name in part]


def play() -> Any:
    with TemporaryDirectory() as folder, running("1.36", Path(folder) / "kubernetes", options=options()) as plane:
        player = Player(plane, everything())
        player.set_up()
        return json.loads(judge(player.upgrade(NEXT)).model_dump_json())


@cache
def document() -> Rehearsal:
    """The rehearsal of all cases; it is played once, until a source changes."""
    return Rehearsal.model_validate(kept_value(json.dumps(rows()), play, of="rehearsal"))


@cache
def found() -> Mapping[str, Mapping[str, Finding]]:
    """By case, the findings by topic."""
    by_case: dict[str, dict[str, Finding]] = defaultdict(dict)
    for one in document().findings:
        by_case[one.where.removeprefix("cases.yaml: ") or one.group or one.subject.split()[1].split("/")[0]][
            one.topic
        ] = one
    return by_case


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_called_what_it_is(name: str) -> None:
    row = next(part[name] for part in rows().values() if name in part)
    wanted, got = row.get("finds", {}), found().get(name, {})
    assert set(got) == set(wanted), {topic: one.detail for topic, one in got.items()}
    for topic, words in wanted.items():
        assert words in got[topic].detail


def test_a_blocked_pod_is_named_with_node_group_budget_and_time() -> None:
    one = found()["budget-none-unavailable"]["disruption-budget"]
    assert (one.verdict, one.step, one.check, one.group) == (
        "blocker",
        "managed_nodes",
        "EKR082",
        "budget-none-unavailable",
    )
    assert one.subject.startswith("Pod budget-none-unavailable/budget-none-unavailable-")
    assert one.budgets == ["budget-none-unavailable/b0"]
    assert one.node.endswith(".eu-west-1.compute.internal")
    assert one.detail.startswith("Cannot evict pod as it would violate the pod's disruption budget.")
    assert 890 <= one.seconds <= 905  # EKS's 15 minutes


def test_a_node_of_a_pool_that_two_budgets_keep_names_both() -> None:
    one = found()["pool-two-budgets"]["several-budgets"]
    assert one.budgets == ["pool-two-budgets/b0", "pool-two-budgets/b1"]
    assert one.node


def test_what_a_finalizer_keeps_is_a_warning_where_the_node_ends_all_the_same() -> None:
    kept, alone = found()["forced-with-finalizer"], found()["finalizer"]["finalizer"]
    assert (kept["finalizer"].verdict, kept["forced-update"].verdict, alone.verdict) == (
        "warning",
        "warning",
        "blocker",
    )
    assert kept["forced-update"].budgets == ["forced-with-finalizer/b0"]
    assert alone.seconds >= 890  # since it was evicted


def test_what_never_comes_back_says_what_helps_against_its_reason() -> None:
    fixes = {
        name: found()[name]["never-back"].fix
        for name in ("webhook-down", "hostname-of-a-node", "finalizer-of-bare-pod")
    }
    assert "webhook" in fixes["webhook-down"]
    assert fixes["hostname-of-a-node"].startswith("Make room")
    assert "finalizer" in fixes["finalizer-of-bare-pod"]


def test_every_part_of_the_cases_has_many() -> None:
    counts = {part: len(of) for part, of in rows().items()}
    assert counts["blocked"] + counts["down"] + counts["pools"] + counts["others"] - 6 >= 50
    assert counts["passes"] >= 20


def test_the_document_has_the_form_that_its_schema_says() -> None:
    jsonschema.Draft202012Validator(json.loads(schema())).validate(json.loads(FORMATS["json"](document())))
    assert json.loads((Path(__file__).parents[2] / "docs/rehearsal.schema.json").read_text()) == json.loads(schema())


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_form_names_each_finding(form: str) -> None:
    content = " ".join(FORMATS[form](document()).replace("\\", "").split())
    for one in document().findings:
        assert one.subject in content
    if form == "html":
        assert content.count("<svg") == len(document().workloads)
        assert "http-equiv" in content
        assert "<script" not in content


def test_workloads_have_their_lowest_number_and_come_back() -> None:
    by_name = {one.name: one for one in document().workloads}
    three = by_name["Deployment three/three"]
    assert (three.before, three.lowest, three.after, three.seconds_without) == (3, 2, 3, 0)
    one = by_name["Deployment one-replica/one-replica"]
    assert (one.before, one.lowest, one.after) == (1, 0, 1)
    assert one.seconds_without > 0
