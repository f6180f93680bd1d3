"""From a YAML file to a spec, or to messages that say where and what is wrong."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from safe_io.errors import BadInput
from safe_io.where import shown
from safe_io.yaml_file import YamlFile
from stacks.environment.problems import explain, without_echoes
from stacks.environment.strange_values import MAX_ENTRIES, refuse_strange_values

Model = TypeVar("Model", bound=BaseModel)
MAX_PROBLEMS = 10
"""Lines of a message."""
MAX_EXPLAINED = 300
"""Problems that are explained, to show the first of them: each explanation searches for the intended key."""


def validated(
    document: YamlFile, model: type[Model], context: dict[str, Any] | None = None, *, entries: int = MAX_ENTRIES
) -> Model:
    """Returns the content of ``document`` as a ``model``, whose validators get ``context``; a list has so many entries at most.

    Raises BadInput.
    """
    if not isinstance(document.data, dict):
        found = "nothing" if document.data is None else shown(document.data)
        document.fail((), f"found {found}; it must be a mapping with the keys {', '.join(model.model_fields)}")
    refuse_strange_values(document, entries=entries)
    try:
        # Strict validation of JSON takes lists for tuples and text for dates, and nothing else for anything.
        return model.model_validate_json(json.dumps(document.data), context=context)
    except ValidationError as error:
        problems = sorted(explain(document, item, model) for item in without_echoes(error, model, MAX_EXPLAINED))
        unread = max(0, error.error_count() - MAX_EXPLAINED)
    lines = list(dict.fromkeys(text for _, text in problems))
    left = max(0, len(lines) - MAX_PROBLEMS) + unread
    more = [f"... and {left:,} more"] if left else []
    raise BadInput("\n".join([*lines[:MAX_PROBLEMS], *more]))
