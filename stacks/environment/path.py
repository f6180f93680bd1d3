"""Finds the file of an environment. Imports neither specs nor CDK: the Makefile needs names quickly."""

from pathlib import Path

from safe_io.errors import BadInput
from safe_io.terminal import one_line
from safe_io.where import shown
from stacks.environment.problems import did_you_mean

NAME = r"[a-z][a-z0-9-]{0,23}"
"""The name of an environment, which is the prefix of its stacks' names."""

FOLDER = Path(__file__).parents[2] / "environments"


def environment_names(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the environment files in ``folder``, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml") if not path.name.endswith(".lock.yaml"))


def environment_path(env: object, folder: Path = FOLDER) -> Path:
    """Returns the file for ``-c env=...``: a name in ``folder``, or a path that ends in .yaml. Raises BadInput."""
    names = environment_names(folder)
    allowed = (
        f"Allowed: {', '.join(names)} (files in {folder.name}/), or the path of a file of your own that ends in .yaml."
    )
    if not env or not isinstance(env, str):
        raise BadInput(f"No environment is named. Say which one: -c env=demo (make: ENV=demo). {allowed}")
    path = Path(env) if env.endswith((".yaml", ".yml")) else folder / f"{env}.yaml"
    try:
        found = path.is_file()
    except OSError:  # such as a name that is too long
        found = False
    if not found:
        hint = did_you_mean(path.stem, names)
        raise BadInput(one_line(f"There is no environment {shown(env)}: no file {path}")[:500] + f".{hint} {allowed}")
    return path
