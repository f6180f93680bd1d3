"""Edits of a template or of Kubernetes objects: `SUBJECT PATH: value`.

Of a logical id the path is below its Properties, and a section of a template is a subject too. A mapping is merged, null removes,
`+` appends to a list. A subject alone is the whole resource or object, which is added if there is none.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from responsibility.reading.template import parse

SECTIONS = ("Parameters", "Conditions", "Mappings", "Outputs", "Transform", "Rules", "Metadata")


@cache
def _base(path: Path) -> list[dict[str, Any]]:
    return parse(path.read_text(), str(path))


def identity(item: Mapping[str, Any]) -> str:
    """Returns KIND/NAMESPACE/NAME of an object, or KIND/NAME."""
    metadata = item.get("metadata") or {}
    return "/".join(part for part in (item["kind"], metadata.get("namespace"), metadata.get("name")) if part)


def edited(base: Path, edits: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the documents of a file, edited."""
    documents = copy.deepcopy(_base(base))
    for where, value in edits.items():
        subject, _, path = where.partition(" ")
        _edit(documents, subject, path.split(".") if path else [], copy.deepcopy(value))
    return documents


def _edit(documents: list[dict[str, Any]], subject: str, path: list[str], value: Any) -> None:
    if "/" not in subject:
        body = next(item for item in documents if "Resources" in item)
        below = [subject] if subject in SECTIONS else ["Resources", subject, *(["Properties"] if path else [])]
        _put(body, [*below, *path], value)
        return
    for number, item in enumerate(documents):
        if "kind" in item and subject == identity(item):
            if path:
                _put(item, path, value)
            elif value is None:
                del documents[number]
            else:
                _merge(item, value)
            return
    assert not path, f"no {subject} to edit"
    assert identity(value) == subject, f"{identity(value)} is not {subject}"
    documents.append(value)


def _put(at: Any, path: list[str], value: Any) -> None:
    *before, last = path
    for step in before:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if isinstance(at, list):
        if last == "+":
            at.append(value)
        elif value is None:
            del at[int(last)]
        elif isinstance(value, dict) and isinstance(at[int(last)], dict):
            _merge(at[int(last)], value)
        else:
            at[int(last)] = value
    else:
        _merge(at, {last: value})


def _merge(at: dict[str, Any], patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            assert key in at, f"no {key} to remove"
            del at[key]
        elif isinstance(value, dict) and isinstance(at.get(key), dict) and not _is_function(value):
            _merge(at[key], value)
        else:
            at[key] = value


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and any(key == "Ref" or key.startswith("Fn::") for key in value)
