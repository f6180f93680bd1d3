"""Finds the file of a fleet, and its place in the repository."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from safe_io.errors import BadInput
from safe_io.layers import Layered
from safe_io.terminal import one_line
from safe_io.where import shown
from safe_io.yaml_file import YamlFile
from stacks.environment.path import environment_names, environment_path
from stacks.environment.problems import did_you_mean

if TYPE_CHECKING:
    from fleet.model import Fleet

_ROOT = Path(__file__).parents[1]
FOLDER = _ROOT / "fleets"
_PLAIN = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)*")


def fleet_names(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the fleet files in ``folder``, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def fleet_path(name: object, folder: Path = FOLDER) -> Path:
    """Returns the file of a fleet: a name in ``folder``, or a path that ends in .yaml. Raises BadInput."""
    names = fleet_names(folder)
    if isinstance(name, str) and name:
        path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # a name that is too long, or has a NUL
            pass
    hint = did_you_mean(str(name), names)
    raise BadInput(
        one_line(
            f"There is no fleet {shown(name)}.{hint} Allowed: {', '.join(names)} (files in {folder.name}/), or a path"
        )
    )


def is_fleet(path: Path) -> bool:
    """Whether a file has waves: it is a fleet's then, not an environment's. Raises BadInput: it is no YAML."""
    data = YamlFile(path).data
    return isinstance(data, dict) and "waves" in data


def named(name: str) -> tuple[Path, bool]:
    """Returns the file of a fleet or an environment, and whether it is a fleet's: of one name, the environment goes first.

    Raises BadInput: there is neither.
    """
    if name.endswith((".yaml", ".yml")):
        path = environment_path(name)
        return path, is_fleet(path)
    if name in environment_names():
        return environment_path(name), False
    if name in fleet_names():
        return fleet_path(name), True
    every = [*environment_names(), *fleet_names()]
    hint = did_you_mean(name, every)
    raise BadInput(
        one_line(
            f"There is no environment or fleet {shown(name)}.{hint} Environments: {', '.join(environment_names())}."
            f" Fleets: {', '.join(fleet_names())}. Or the path of a file of your own that ends in .yaml"
        )
    )


def of_engine(fleet: "Fleet") -> str:
    """Returns the path of a fleet's file in the repository, for an engine that has a copy of it.

    Raises BadInput: the file, an environment of the fleet, or a file that it extends, is elsewhere, or `in_repository` refuses its name.
    """
    for _, member in fleet.members:
        for file in Layered(member.path).paths:
            _below_root(file)
    return in_repository(fleet.path)


def in_repository(path: Path) -> str:
    """Returns the path of a file in the repository, for an engine that has a copy of it.

    Raises BadInput: it is elsewhere, or its name is more than a name to a shell, an option parser or GitHub (`${{ }}`).
    """
    found = _below_root(path)
    if not _PLAIN.fullmatch(found):
        raise BadInput(
            one_line(
                f"{shown(found)}: an engine hands this path to commands; rename it: letters, digits, '.', '_' and '-', folders between '/'"
            )
        )
    return found


def _below_root(path: Path) -> str:
    file = path.resolve()
    if not file.is_relative_to(_ROOT):
        raise BadInput(
            one_line(
                f"{path}: is not in the repository that the engine reads; put it below {_ROOT}, such as in fleets/"
            )
        )
    return str(file.relative_to(_ROOT))
