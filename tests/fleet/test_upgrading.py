"""An upgrade of a fleet, planned: a playbook and a rehearsal for each cluster of a wave; what failed is never called fine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fleet.loading import load_fleet
from fleet.model import Fleet
from fleet.upgrading import plan, target_of
from safe_io.errors import BadInput
from tests.support.environments import TODAY

HERE = Path(__file__).parent


class Programs:
    """A synth, a playbook and a rehearsal: what each answers, and what they were given."""

    def __init__(self, **codes: int) -> None:
        self.codes, self.ran = codes, list[tuple[str, list[str]]]()

    def __call__(self, command: Sequence[str], _: Mapping[str, str]) -> int:
        what = "synth" if command[1].endswith("app.py") else {"responsibility": "playbook"}.get(command[2], command[2])
        self.ran.append((what, list(command)))
        return self.codes.get(what, 0)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.chdir(tmp_path)
    return load_fleet(HERE / "good.yaml", today=TODAY)


def planned(
    fleet: Fleet, programs: Programs, wave: str = "all", to: str = "next", *, rehearsal: bool = True
) -> tuple[int, str]:
    said: list[str] = []
    return plan(fleet, wave, to, rehearsal=rehearsal, run=programs, say=said.append), "\n".join(said)


def test_every_cluster_of_a_wave_gets_a_playbook_and_a_rehearsal_to_the_next_version(fleet: Fleet) -> None:
    programs = Programs()
    code, said = planned(fleet, programs, "canary")
    assert (code, [what for what, _ in programs.ran]) == (0, ["synth", "playbook", "rehearse"])
    target = target_of(fleet, "next")
    (member,) = fleet.waves[0].members
    (cluster,) = member.environment.clusters
    for what, command in programs.ran[1:]:
        assert command[command.index("--to") + 1] == target
        assert cluster.name in command
        assert command[-1].startswith("fleet.out/dev/")
        assert f"wave canary: dev: {cluster.name} to {target}: {what}".replace("rehearse", "rehearsal") in said
    assert Path("fleet.out/dev").is_dir()


def test_all_waves_are_planned_in_order_and_playbooks_alone_need_no_kubernetes(fleet: Fleet) -> None:
    programs = Programs()
    _, said = planned(fleet, programs, rehearsal=False)
    assert {what for what, _ in programs.ran} == {"synth", "playbook"}
    assert [line.split(": ")[0] for line in said.splitlines()] == ["wave canary", "wave europe", "wave rest"]


@pytest.mark.parametrize(
    ("programs", "code", "words"),
    [
        (Programs(rehearse=1), 1, "something stops it, or is down"),
        (Programs(playbook=1), 1, "something stops it"),
        (Programs(rehearse=70), 2, "rehearsal: failed (70)"),
        (Programs(synth=2), 2, "nobody knows what an upgrade would do"),
    ],
    ids=["down", "blocked", "defect", "no synth"],
)
def test_what_is_found_or_fails_is_said_and_the_others_are_planned_all_the_same(
    fleet: Fleet, programs: Programs, code: int, words: str
) -> None:
    found, said = planned(fleet, programs)
    assert found == code
    assert said.count(words) == 3


@pytest.mark.parametrize("to", ["1.99", "1.2", "2.36", "x", "1.", "1.\u0663", "", "-1"])
def test_a_version_that_eks_would_refuse_is_refused_before_anything_runs(fleet: Fleet, to: str) -> None:
    programs = Programs()
    with pytest.raises(BadInput, match=r"--to"):
        planned(fleet, programs, to=to)
    assert not programs.ran


def test_a_cluster_that_has_the_version_is_left_out(fleet: Fleet) -> None:
    programs = Programs()
    version = max(c.control_plane.kubernetes_version for _, one in fleet.members for c in one.environment.clusters)
    code, said = planned(fleet, programs, "canary", version)
    assert (code, programs.ran) == (0, [])
    assert f"dev: has Kubernetes {version} already" in said
