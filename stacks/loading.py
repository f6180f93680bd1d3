"""From a YAML file to an :class:`Environment`, or to one message that says where and what is wrong."""

import json
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stacks.cluster_spec import LockFile
from stacks.environment import Environment
from stacks.environment_path import environment_path
from stacks.problems import explain, without_echoes
from stacks.yaml_file import BadEnvironment, YamlFile, shown

__all__ = ["BadEnvironment", "environment_path", "load_environment", "load_lock"]

Model = TypeVar("Model", bound=BaseModel)
MAX_PROBLEMS = 10


def load_environment(path: Path, *, today: date | None = None) -> Environment:
    """Reads an environment file.

    Args:
        path: the YAML file.
        today: the day support dates are held against; default: today.

    Raises:
        BadEnvironment: the file is not what it should be.
    """
    return _load(path, Environment, {"today": today})


def load_lock(path: Path) -> LockFile | None:
    """Reads the add-on lock file of the environment at ``path``, if there is one. Raises BadEnvironment."""
    lock = path.with_name(f"{path.stem}.lock.yaml")
    return _load(lock, LockFile, {}) if lock.is_file() else None


def _load(path: Path, model: type[Model], context: dict[str, Any]) -> Model:
    document = YamlFile(path)
    if not isinstance(document.data, dict):
        found = "nothing" if document.data is None else shown(document.data)
        document.fail((), f"found {found}; it must be a mapping with the keys {', '.join(model.model_fields)}")
    try:
        # Strict validation of JSON takes lists for tuples and text for dates, and nothing else for anything.
        return model.model_validate_json(json.dumps(document.data), context=context)
    except ValidationError as error:
        problems = sorted(explain(document, item, model) for item in without_echoes(error, model))
    lines = list(dict.fromkeys(text for _, text in problems))
    more = [f"... and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
    raise BadEnvironment("\n".join([*lines[:MAX_PROBLEMS], *more]))
