"""A fleet file with one defect gets one clear message: file, line, key, what was found, what is allowed."""

import json
from pathlib import Path

import pytest

from fleet.loading import load_fleet
from fleet.path import fleet_path, is_fleet
from safe_io.errors import BadInput
from tests.support.environments import ROOT, TODAY

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad_fleets").glob("*.yaml"))


def waves_of(path: Path) -> dict[str, list[str]]:
    fleet = load_fleet(path, today=TODAY)
    return {wave.spec.name: [one.environment.name for one in wave.members] for wave in fleet.waves}


def test_there_are_many_bad_fleets() -> None:
    assert len(BAD) >= 40


def test_the_fleet_they_are_made_from_is_good() -> None:
    assert waves_of(HERE / "good.yaml") == {"canary": ["dev"], "europe": ["eu"], "rest": ["us"]}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_fleet_gets_one_clear_message(path: Path) -> None:
    line, text = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ").split(": ", 1)
    with pytest.raises(BadInput) as refusal:
        load_fleet(path, today=TODAY)
    rest = str(refusal.value)
    assert len(rest.splitlines()) == 1
    assert rest.startswith(f"{path}:{line}: ")
    for part in text.split(" ... "):
        assert part in rest
        rest = rest.split(part, 1)[1]


def test_the_shipped_fleet_is_good() -> None:
    assert waves_of(fleet_path("example")) == {
        "canary": ["shop-dev"],
        "europe": ["shop-eu-central", "shop-eu-west"],
        "rest": ["shop-us"],
    }


def test_an_environment_that_is_wrong_is_named_with_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(
        (HERE / "good.yaml").read_text().replace("environments/us.yaml", f"{HERE}/environments/broken.yaml")
    )
    for name in ("dev", "eu"):
        path.write_text(path.read_text().replace(f"- environments/{name}", f"- {HERE}/environments/{name}"))
    with pytest.raises(BadInput, match=r"environments/broken\.yaml:2: name: found \"Broken\""):
        load_fleet(path, today=TODAY)


def test_a_version_may_come_again_after_a_wave_that_has_not_got_it_yet(tmp_path: Path) -> None:
    for index, version in enumerate(("1.36", "1.35", "1.36")):
        place = {"account": "444455556666", "region": ("eu-west-1", "us-east-2", "ap-southeast-2")[index]}
        clusters = [{"name": "shop", "control_plane": {"kubernetes_version": version}}]
        content = {"extends": f"{HERE}/environments/base.yaml", "name": f"e{index}", **place, "clusters": clusters}
        (tmp_path / f"e{index}.yaml").write_text(json.dumps(content))
    fleet = {
        "name": "drawn",
        "environments": ["e*.yaml"],
        "accounts": {"444455556666": {"bootstrap": ["eu-west-1", "us-east-2", "ap-southeast-2"]}},
        "waves": [{"name": f"w{index}", "environments": [f"e{index}"]} for index in range(3)],
    }
    (tmp_path / "fleet.yaml").write_text(json.dumps(fleet))
    assert waves_of(tmp_path / "fleet.yaml") == {"w0": ["e0"], "w1": ["e1"], "w2": ["e2"]}


def test_a_fleet_has_an_account_for_each_of_its_environments(tmp_path: Path) -> None:
    numbers = [f"{index:012d}" for index in range(400)]
    fleet = {
        "name": "large",
        "environments": [f"e{number}.yaml" for number in numbers],
        "accounts": {number: {"bootstrap": ["eu-west-1"]} for number in numbers},
        "waves": [{"name": "one", "accounts": numbers}],
    }
    (tmp_path / "fleet.yaml").write_text(json.dumps(fleet))
    with pytest.raises(BadInput, match=r"there is no file .*e000000000000\.yaml"):
        load_fleet(tmp_path / "fleet.yaml", today=TODAY)


def test_an_account_that_the_fleet_explains_may_be_named(tmp_path: Path) -> None:
    bad = (HERE / "bad_fleets" / "other-account-not-named.yaml").read_text()
    path = tmp_path / "fleet.yaml"
    text = bad.replace("../environments", f"{HERE}/environments")
    path.write_text(text.replace("waves:", 'other_accounts:\n  "777788889999": images\nwaves:'))
    fleet = load_fleet(path, today=TODAY)
    assert fleet.other_accounts == {"dev": (), "eu": (), "bounded": ("777788889999",)}


def test_a_fleet_is_found_by_name_or_path_and_known_from_an_environment() -> None:
    assert is_fleet(fleet_path("example"))
    assert is_fleet(fleet_path(str(HERE / "good.yaml")))
    assert not is_fleet(ROOT / "environments/demo.yaml")
    with pytest.raises(BadInput, match=r'There is no fleet "exampel"\. Did you mean example\? Allowed: example'):
        fleet_path("exampel")
    for odd in (None, "", "x" * 5000 + ".yaml", "a\0b.yaml"):
        with pytest.raises(BadInput, match="There is no fleet"):
            fleet_path(odd)
