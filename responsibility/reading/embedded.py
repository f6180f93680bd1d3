"""JSON and YAML inside of a text: a policy document, the settings of an add-on, the values of a chart."""

from __future__ import annotations

from typing import Any

from responsibility.reading.partly_known import revived, without_marks
from responsibility.reading.template import RULES
from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.yaml_file import load


class NoData(Exception):
    """A text that is not what it should be; or nested without end, with a key twice, with a number that nothing can hold."""


def json_in(text: str) -> Any:
    """Returns what a JSON text holds. Raises NoData."""
    try:
        return revived(load_json(without_marks(text), "the text", RULES))
    except BadInput:
        raise NoData from None


def yaml_in(text: str) -> Any:
    """Returns what a text of JSON or YAML holds. Raises NoData."""
    if str.lstrip(text)[:1] in ("{", "["):
        try:
            return json_in(text)
        except NoData:
            pass  # a flow mapping of YAML begins like JSON
    try:
        return revived(load(without_marks(text), RULES))
    except BadInput:
        raise NoData from None
