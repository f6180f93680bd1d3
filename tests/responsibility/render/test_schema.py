"""The published schema of the findings document."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from responsibility.document import SCHEMA_VERSION
from responsibility.render.formats import render
from responsibility.render.schema import schema
from tests.responsibility.render.sample import empty, hostile, many, review

COMMITTED = Path(__file__).parents[3] / "docs/review.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    body = json.loads(COMMITTED.read_text())
    Draft202012Validator.check_schema(body)
    return Draft202012Validator(body)


def test_the_committed_schema_is_current():
    assert COMMITTED.read_text() == schema(), "run: python -m responsibility.render.schema docs/review.schema.json"
    assert json.loads(schema())["$id"].endswith(SCHEMA_VERSION)


@pytest.mark.parametrize(
    "document",
    [review(baseline=True), review(clusters=5, number=70), hostile(), empty()],
    ids=["usual", "several", "hostile", "empty"],
)
def test_documents_are_valid_by_it(validator, document):
    validator.validate(json.loads(render(document, "json")))


def test_a_wrong_document_is_not(validator):
    body = json.loads(render(many().model_copy(update={"findings": []}), "json"))
    body["clusters"] = []
    validator.validate(body)
    with pytest.raises(ValidationError):
        validator.validate(body | {"unheard_of": 1})
    with pytest.raises(ValidationError):
        validator.validate({key: value for key, value in body.items() if key != "summary"})
