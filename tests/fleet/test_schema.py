"""The schema that editors use is the spec's, and takes what the loader takes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from fleet.path import FOLDER, fleet_names
from fleet.schema import main, schema
from safe_io.errors import BadInput

HERE = Path(__file__).parent


def test_the_committed_schema_is_todays() -> None:
    assert (FOLDER / "schema.json").read_text() == schema(), "make schema"


@pytest.mark.parametrize("path", [*(FOLDER / f"{name}.yaml" for name in fleet_names()), HERE / "good.yaml"], ids=str)
def test_good_fleets_fit_it(path: Path) -> None:
    jsonschema.Draft202012Validator(json.loads(schema())).validate(yaml.safe_load(path.read_text()))


def test_it_refuses_what_the_spec_refuses() -> None:
    judge = jsonschema.Draft202012Validator(json.loads(schema()))
    for name in (
        "unknown-key",
        "percent-zero",
        "waves-empty",
        "gate-with-unknown-severity",
        "account-with-empty-bootstrap",
    ):
        assert list(judge.iter_errors(yaml.safe_load((HERE / f"bad_fleets/{name}.yaml").read_text())))


def test_every_key_has_a_description() -> None:
    body = json.loads(schema())
    for spec in [body, *body["$defs"].values()]:
        for key, value in spec.get("properties", {}).items():
            assert "description" in value or "$ref" in value or any("$ref" in one for one in value.get("anyOf", [])), (
                key
            )


def test_it_is_written_to_one_file(tmp_path: Path) -> None:
    assert main([str(tmp_path / "schema.json")]) == 0
    assert (tmp_path / "schema.json").read_text() == schema()
    with pytest.raises(BadInput, match="usage"):
        main([])
