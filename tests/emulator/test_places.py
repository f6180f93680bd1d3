"""Stacks of another account or region are refused before anything is deployed: in the local AWS they would wait for ever."""

import json
from pathlib import Path

import pytest

from emulator.cdk import deploy
from emulator.problem import Problem
from emulator.process import ACCOUNT, REGION


class Nothing:
    """An engine that must not be asked."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"asked for {name}")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (
            f"aws://{ACCOUNT}/ap-southeast-2",
            f"t-network is for region ap-southeast-2, and the local AWS is region {REGION}",
        ),
        (f"aws://111122223333/{REGION}", "t-network is for account 111122223333"),
    ],
)
def test_another_place_is_refused(tmp_path: Path, place: str, words: str) -> None:
    artifact = {"type": "aws:cloudformation:stack", "environment": place, "properties": {"templateFile": "t.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"t-network": artifact}}))
    with pytest.raises(Problem, match=words):
        deploy(Nothing(), tmp_path)  # type: ignore[arg-type]
