"""Prints what an environment file comes to, and where each value is from: `make explain ENV=demo`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from safe_io.errors import BadInput, run
from safe_io.layers import Layered
from safe_io.terminal import one_line
from safe_io.where import Where, dotted
from stacks.environment.loading import load_environment
from stacks.environment.path import environment_path

DEFAULT = "default"
_COLUMN = 56


def lines(path: Path, key: str = "", *, defaults: bool = True) -> Iterator[str]:
    """Yields the values of an environment as YAML; a comment says file and line of each, or that it is a default.

    Args:
        path: the environment file.
        key: only what is at or below this key, such as ``clusters[0].network``; "" is everything.
        defaults: also what no file says.

    Raises:
        BadInput: the file is wrong, or has no such key.
    """
    environment = load_environment(path)
    document = Layered(path)
    found = [
        (where, line)
        for where, line in _lines(_plain(environment), (), document, defaults=defaults)
        if not key or dotted(where) == key or dotted(where).startswith((f"{key}.", f"{key}["))
    ]
    if not found:
        raise BadInput(one_line(f"{path}: has no key {key}; make explain without KEY lists them"))
    yield from (line for _, line in found)


def _plain(value: Any) -> Any:
    """Returns a spec as dicts and lists, each key as the file has it, without those that say where a file came from."""
    if isinstance(value, BaseModel):
        return {
            name: _plain(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if name != "extends" and not field.exclude
        }
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _lines(
    value: Any, where: Where, document: Layered, *, defaults: bool, first: str = ""
) -> Iterator[tuple[Where, str]]:
    """Yields the lines of a mapping or list. ``first`` is what its first line begins with, behind the indentation."""
    indent = "  " * sum(1 for one in where if isinstance(one, str))
    listed = isinstance(value, list)
    for key, one in enumerate(value) if listed else value.items():
        there = (*where, key)
        begin = f"{indent[:-2]}- " if listed else f"{first or indent}{_scalar(key)}: "
        origin = _origin(document, there)
        if listed and isinstance(one, dict) and one:
            yield from _lines(one, there, document, defaults=defaults, first=begin)
            continue
        inner = list(_lines(one, there, document, defaults=defaults)) if isinstance(one, dict | list) else []
        if inner:
            yield there, begin.rstrip()
            yield from inner
        elif defaults or origin != DEFAULT:
            yield (
                there,
                f"{begin + _scalar({} if isinstance(one, dict) and not defaults else one):<{_COLUMN}}  # {origin}",
            )
        else:
            continue
        first = ""  # of the item's first line alone


def _origin(document: Layered, where: Where) -> str:
    """Returns the file and line of a value; of a cluster that exists, the file of its look-up."""
    if found := document.origin(where):
        path, line = found
        return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{line}"
    if where[0] == "clusters" and where[2:3] and where[2] in ("network", "control_plane", "access", "existing"):
        existing = (*where[:2], "existing")
        if document.origin(existing):
            return str(document.path_of(existing).parent / document.value(existing))
    return DEFAULT


def _scalar(value: Any) -> str:
    """Returns a value as YAML has it, on one line."""
    text = yaml.safe_dump(
        value if isinstance(value, str | int | float | bool | dict | list) or value is None else str(value),
        default_flow_style=True,
        width=10_000,
        allow_unicode=True,
    )
    return text.removesuffix("...\n").strip()


def main(arguments: list[str]) -> int:
    """Prints it; returns the exit code. Raises BadInput."""
    parser = argparse.ArgumentParser(prog="python -m stacks.environment.explain", description=__doc__)
    parser.add_argument("environment", help="the name of a file in environments/, or a path")
    parser.add_argument("--key", default="", help="only this key and what is below it, such as clusters[0].network")
    parser.add_argument("--said", action="store_true", help="only what the files say, without defaults")
    options = parser.parse_args(arguments)
    print("\n".join(lines(environment_path(options.environment), options.key, defaults=not options.said)))
    return 0


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m stacks.environment.explain"))
