"""Defects that a plain reading shows: a property that is left out (`omissions.yaml`). It shares no code with the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.accuracy.edits import identity

PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "CronJob")


@cache
def _table() -> dict[str, tuple[str, list[list[str]]]]:
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    split = {code: text.split(" lacks ") for code, text in rows.items()}
    return {code: (kind, [path.split(".") for path in paths.split(" or ")]) for code, (kind, paths) in split.items()}


def omitted(documents: list[dict[str, Any]]) -> frozenset[tuple[str, str]]:
    """Returns what the documents leave out: code and resource."""
    found = set()
    resources = [item for body in documents for item in body.get("Resources", {}).items()]
    for code, (kind, paths) in _table().items():
        subjects = [(name, one.get("Properties") or {}) for name, one in resources if one.get("Type") == kind]
        for body in documents:
            subjects += [(identity(body), one) for one in _parts(body, kind)] if "kind" in body else []
        found |= {(code, name) for name, one in subjects if not any(_has(one, path) for path in paths)}
    return frozenset(found)


def _parts(body: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    if kind == body["kind"]:
        yield body
    if kind not in ("Pods", "Container") or body["kind"] not in PODS:
        return
    spec: Any = body
    steps = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
    for step in steps.get(body["kind"], ("spec", "template", "spec")):
        spec = spec.get(step) or {}
    if kind == "Pods":
        if spec:
            yield spec
    else:
        yield from (one for one in spec.get("containers", ()) if isinstance(one, dict))


def _has(value: Any, path: list[str]) -> bool:
    for step in path:
        if not isinstance(value, dict) or value.get(step) is None:
            return False
        value = value[step]
    return True
