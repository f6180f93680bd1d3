"""The seeded defects: small files that each break the shop of defects/base.yaml in one place.

A document with an apiVersion is added to the shop; one without changes the shop's object of that kind and name: mappings
are merged, lists of things with names by their names, null takes a key out. The first line says who must find it, and how.
"""

import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kubernetes_lint.objects import KubernetesObject

FOLDER = Path(__file__).parent / "defects"
BASE = FOLDER / "base.yaml"
FILES = sorted(FOLDER.glob("[0-9]*.yaml"))


@dataclass(frozen=True)
class Defect:
    """A file with a defect."""

    checker: str
    message: str
    text: str
    objects: list[KubernetesObject]
    """Those of the shop, with the defect."""


def base() -> list[KubernetesObject]:
    """The shop, sound."""
    return copy.deepcopy(_base())


@cache
def _base() -> list[KubernetesObject]:
    return list(yaml.safe_load_all(BASE.read_text()))


def read(path: Path) -> Defect:
    """A defect, made in a shop of its own."""
    text = path.read_text()
    checker, _, message = text.partition("\n")[0].removeprefix("# ").partition(": ")
    objects = base()
    for change in yaml.safe_load_all(text):
        if "apiVersion" in change:
            objects.append(change)
            continue
        identity = change["kind"], change["metadata"]["name"]
        (place,) = [index for index, item in enumerate(objects) if (item["kind"], item["metadata"]["name"]) == identity]
        objects[place] = _merged(objects[place], change)
    return Defect(checker, message, text, objects)


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        both = {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
        return {key: value for key, value in both.items() if value is not None}
    if (
        isinstance(old, list)
        and isinstance(new, list)
        and all(isinstance(one, dict) and "name" in one for one in (*old, *new))
    ):
        named = {one["name"]: one for one in old}
        changes = {one["name"]: _merged(named.get(one["name"], {}), one) for one in new}
        return list((named | changes).values())
    return new
