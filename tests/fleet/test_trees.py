"""`make gitops ENV=FLEET WAVE=...`: the tree of each environment, and one ApplicationSet over the fleet."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.loading import load_fleet
from fleet.model import Fleet
from fleet.trees import application_set, write_trees
from safe_io.errors import BadInput
from safe_io.output import staged
from tests.support.environments import TODAY, minimal

HUB = {"repository": "https://github.com/example/objects", "path": "clusters", "hub": "hub", "project": "platform"}


def fleet_of(folder: Path, *gitops: dict[str, Any] | None) -> Fleet:
    """A fleet with an environment for each, and a wave for each."""
    for index, said in enumerate(gitops):
        data = minimal() | {"name": f"e{index}", "account": "111111111111", "region": "eu-west-1"}
        data["clusters"][0]["name"] = f"shop-{index}"
        if said:
            data["gitops"] = said
            data["clusters"][0]["delivery"] = "gitops"
        (folder / f"e{index}.yaml").write_text(json.dumps(data))
    content = {
        "name": "many",
        "environments": ["e*.yaml"],
        "accounts": {"111111111111": {"bootstrap": ["eu-west-1"], "profile": "shop"}},
        "waves": [{"name": f"w{index}", "environments": [f"e{index}"]} for index in range(len(gitops))],
    }
    (folder / "fleet.yaml").write_text(json.dumps(content))
    return load_fleet(folder / "fleet.yaml", today=TODAY)


class Programs:
    """Takes the place of what is started, and records it."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.ran: list[tuple[list[str], str | None]] = []

    def __call__(self, words: Sequence[str], environment: Mapping[str, str]) -> int:
        if words[1:2] == ["-m"]:
            self.ran.append((list(words[1:4]) + list(words[5:]), environment.get("AWS_PROFILE")))
            return 0
        return int(Path(json.loads(environment["CDK_CONTEXT_JSON"])["env"]).stem == self.fails)

    def write(self, fleet: Fleet, wave: str, out: Path, *, check: bool = False) -> int:
        return write_trees(fleet, wave, out, look_up=True, check=check, run=self, say=lambda _: None)


def test_each_environment_of_a_wave_is_written_with_the_profile_of_its_account(tmp_path: Path) -> None:
    fleet, programs, out = fleet_of(tmp_path, HUB, None, HUB), Programs(), tmp_path / "out"
    assert programs.write(fleet, "all", out) == 0
    assert programs.ran == [(["-m", "delivery", "gitops", f"--output={out}", "--look-up"], "shop")] * 2
    (made,) = out.rglob("applicationset.yaml")
    assert made == out / "clusters/fleet-many/applicationset.yaml"
    spec = yaml.safe_load(made.read_text())["spec"]
    assert spec["generators"][0]["list"]["elements"] == [
        {"environment": "e0", "wave": "w0", "path": "clusters/e0/bootstrap"},
        {"environment": "e2", "wave": "w2", "path": "clusters/e2/bootstrap"},
    ]
    assert spec["template"]["spec"]["destination"] == {"name": "hub", "namespace": "argocd"}
    assert spec["template"]["spec"]["project"] == "platform"


def test_one_wave_or_a_look_leaves_the_application_set_alone(tmp_path: Path) -> None:
    fleet, out = fleet_of(tmp_path, HUB, HUB), tmp_path / "out"
    assert Programs().write(fleet, "w0", out) == 0
    assert Programs().write(fleet, "all", out, check=True) == 1, "it would be written"
    assert not out.exists()
    assert [Programs().write(fleet, "all", out), Programs().write(fleet, "all", out, check=True)] == [0, 0]


def test_the_tree_of_an_environment_that_left_is_named_and_stays(tmp_path: Path) -> None:
    fleet, out, said = fleet_of(tmp_path, HUB, HUB), tmp_path / "out", []
    for name in ("e0", "e1", "gone"):
        with staged(out / "clusters" / name) as new:
            (new / "bootstrap").mkdir()
            (new / "bootstrap/cluster-c.yaml").write_text("")
    (out / "clusters/theirs/bootstrap").mkdir(parents=True)  # of somebody else: no manifest of ours
    for wave in ("w0", "all"):
        write_trees(fleet, wave, out, look_up=False, check=False, run=Programs(), say=said.append)
    (line,) = [one for one in said if "no such environment" in one]
    assert line.startswith(f"{out}/clusters/gone: ")
    assert "git rm -r clusters/gone" in line
    assert (out / "clusters/gone/bootstrap/cluster-c.yaml").exists()


def test_where_one_tree_fails_the_others_are_written_and_the_application_set_is_not(tmp_path: Path) -> None:
    programs = Programs(fails="e0")
    assert programs.write(fleet_of(tmp_path, HUB, HUB), "all", tmp_path / "out") == 2
    assert len(programs.ran) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "other",
    [
        {"repository": HUB["repository"]},
        {"repository": HUB["repository"], "engine": "flux"},
        {**HUB, "project": "other"},
    ],
)
def test_without_a_hub_that_all_share_there_is_no_application_set(tmp_path: Path, other: dict[str, Any]) -> None:
    found = application_set(fleet_of(tmp_path, other, {**other, "project": "another"} if "hub" in other else other))
    assert found is None


def test_several_repositories_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="e1 names another repository or branch than e0"):
        Programs().write(fleet_of(tmp_path, HUB, {**HUB, "revision": "next"}), "all", tmp_path)
    with pytest.raises(BadInput, match="no environment of wave w0 has gitops"):
        Programs().write(fleet_of(tmp_path, None, HUB), "w0", tmp_path)
