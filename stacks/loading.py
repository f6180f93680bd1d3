"""From a YAML file to an :class:`Environment`, or to one message that says where and what is wrong."""

import json
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stacks.cluster_spec import LockFile
from stacks.environment import Environment
from stacks.problems import did_you_mean, explain, without_echoes
from stacks.yaml_file import BadEnvironment, YamlFile, one_line, shown

__all__ = ["BadEnvironment", "environment_path", "load_environment", "load_lock"]

Model = TypeVar("Model", bound=BaseModel)
MAX_PROBLEMS = 10


def environment_path(env: object, folder: Path) -> Path:
    """Returns the file for ``-c env=...``: a name in ``folder``, or a path that ends in .yaml. Raises BadEnvironment."""
    names = sorted(path.stem for path in folder.glob("*.yaml") if not path.name.endswith(".lock.yaml"))
    allowed = (
        f"Allowed: {', '.join(names)} (files in {folder.name}/), or the path of a file of your own that ends in .yaml."
    )
    if not env or not isinstance(env, str):
        raise BadEnvironment(f"No environment is named. Say which one: -c env=demo (make: ENV=demo). {allowed}")
    path = Path(env) if env.endswith((".yaml", ".yml")) else folder / f"{env}.yaml"
    try:
        found = path.is_file()
    except OSError:  # such as a name that is too long
        found = False
    if not found:
        hint = did_you_mean(env, names)
        raise BadEnvironment(
            one_line(f"There is no environment {shown(env)}: no file {path}")[:500] + f".{hint} {allowed}"
        )
    return path


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
