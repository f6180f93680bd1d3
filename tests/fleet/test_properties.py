"""Whatever fleet is drawn: it is refused in one line, or it keeps the rules."""

import json
from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.loading import load_fleet, minor
from fleet.model import Fleet
from fleet.spec import FleetSpec
from fleet.waves import assigned
from safe_io.errors import BadInput
from safe_io.yaml_file import YamlFile
from tests.support.environments import TODAY

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("eu-west-1", "us-east-2", "ap-southeast-2")
VERSIONS = ("1.35", "1.36", "1.37")
BASE = Path(__file__).parent / "environments/base.yaml"


def file_of(account: int, region: int, version: int) -> str:
    return f"e{account}{region}{version}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of each account, region and version."""
    made = tmp_path_factory.mktemp("drawn")
    for account, number in enumerate(ACCOUNTS):
        for region, place in enumerate(REGIONS):
            for version, kubernetes in enumerate(VERSIONS):
                name = file_of(account, region, version)
                clusters = [{"name": "shop", "control_plane": {"kubernetes_version": kubernetes}}]
                content = {"extends": str(BASE), "name": name, "account": number, "region": place, "clusters": clusters}
                (made / f"{name}.yaml").write_text(json.dumps(content))
    return made


FAULTS = (None, None, None, "repeated", "versions", "bootstrap", "left over", "order", "region")
"""What may be wrong with a drawn fleet: mostly nothing."""


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, object]:
    """A fleet that is often right: one of its parts may be drawn without regard to the others."""
    fault = draw(st.sampled_from(FAULTS))
    version = draw(st.sampled_from((0, 1, 2)))
    pairs = st.tuples(st.integers(0, 1), st.integers(0, 2))
    places = draw(st.lists(pairs, min_size=2, max_size=6, unique=fault != "repeated"))
    names = [
        file_of(account, region, draw(st.integers(0, 2)) if fault == "versions" else version)
        for account, region in places
    ]
    regions = REGIONS[:2] if fault == "bootstrap" else REGIONS
    accounts = {ACCOUNTS[account]: {"bootstrap": list(regions)} for account in sorted({one[0] for one in places})}
    first = draw(st.integers(1, len(names) - 1))
    waves: list[dict[str, object]] = [{"name": "first", "environments": names[:first]}]
    if draw(st.booleans()):
        there = {REGIONS[region] for _, region in places[first:]}
        waves.append(
            {"name": "region", "regions": [draw(st.sampled_from(REGIONS if fault == "region" else sorted(there)))]}
        )
    taken = {region for wave in waves for region in wave.get("regions", ())}  # type: ignore[attr-defined]
    rest = sum(REGIONS[region] not in taken for _, region in places[first:])
    if rest and fault != "left over":
        cuts = [0, *([50] if rest > 1 and draw(st.booleans()) else []), 100]
        waves += [{"name": f"share-{cut}", "percent": cut - before} for before, cut in pairwise(cuts)]
    return {
        "name": "drawn",
        "environments": [f"{name}.yaml" for name in names],
        "accounts": accounts,
        "waves": draw(st.permutations(waves)) if fault == "order" else waves,
    }


def test_a_fleet_is_refused_in_one_line_or_keeps_the_rules(folder: Path) -> None:
    counted: Counter[str] = Counter()

    @given(content=fleets())
    @settings(max_examples=80, suppress_health_check=list(HealthCheck))
    def draw(content: dict[str, object]) -> None:
        path = folder / "fleet.json.yaml"
        path.write_text(json.dumps(content))
        lines: list[str] = []
        try:
            fleet = load_fleet(path, today=TODAY)
        except BadInput as refusal:
            lines = str(refusal).splitlines()
        counted["refused" if lines else "accepted"] += 1
        if lines:
            assert len(lines) == 1
        else:
            keeps_the_rules(fleet, content)

    draw()
    assert min(counted["refused"], counted["accepted"]) >= 15, counted


def keeps_the_rules(fleet: Fleet, content: dict[str, object]) -> None:
    members = [member for _, member in fleet.members]
    names = [member.environment.name for member in members]
    assert sorted(names) == sorted(Path(one).stem for one in content["environments"])  # type: ignore[attr-defined]
    clusters = [(one.account, one.region, cluster.name) for one in members for cluster in one.environment.clusters]
    assert len(set(clusters)) == len(clusters)
    assert all(wave.members for wave in fleet.waves)
    assert all(one.region in fleet.account_of(one).bootstrap for one in members)
    gates = [fleet.spec.gate_of(wave.spec) for wave in fleet.waves]
    assert all(gate.soak_minutes < gate.time_limit_minutes for gate in gates)
    versions = [
        {
            minor(cluster.control_plane.kubernetes_version)
            for one in wave.members
            for cluster in one.environment.clusters
        }
        for wave in fleet.waves
    ]
    together = set().union(*versions)
    assert max(together) - min(together) <= 1
    newest = list(accumulate(map(max, versions), max))
    assert all(max(one) <= before for before, one in zip(newest, versions[1:], strict=False))


@given(total=st.integers(1, 60), shares=st.lists(st.integers(1, 99), max_size=4, unique=True))
@settings(max_examples=60)
def test_percentages_share_out_every_environment_in_order(total: int, shares: list[int]) -> None:
    cuts = [0, *sorted(shares), 100]
    waves = [{"name": f"w{index}", "percent": after - before} for index, (before, after) in enumerate(pairwise(cuts))]
    content = {
        "name": "f",
        "environments": ["a.yaml"],
        "accounts": {ACCOUNTS[0]: {"bootstrap": ["eu-west-1"]}},
        "waves": waves,
    }
    document = YamlFile.parse(json.dumps(content), "fleet.yaml")[0]
    spec = FleetSpec.model_validate_json(json.dumps(content))
    members = [
        SimpleNamespace(
            environment=SimpleNamespace(name=f"e{index}"), account=ACCOUNTS[0], region="eu-west-1", where=()
        )
        for index in range(total)
    ]
    text = ""
    try:
        found = assigned(document, spec, cast(Any, members))
    except BadInput as refusal:
        text = str(refusal)
    if text:
        assert f"{total} are too few for this share" in text
        return
    assert [one for wave in found for one in wave] == list(range(total))
    for wave, share in zip(found, waves, strict=True):
        assert abs(len(wave) - total * cast(int, share["percent"]) / 100) < 1
