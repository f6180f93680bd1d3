"""Values for the parameters of templates: from the command line, or from a file of those that deploy them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from responsibility.reading.template import RULES, BadSource, Template
from safe_io.yaml_file import load

_FORMS = "a list of ParameterKey and ParameterValue (aws cloudformation), a mapping Parameters (CodePipeline), or names and values"


def give(templates: Sequence[Template], words: Sequence[str], file: Path | None) -> None:
    """Gives parameters their values: ``[STACK:]NAME=VALUE``, as the CDK CLI takes them, and a file's. The words go first.

    Raises BadSource: not of that form, or no template has such a parameter.
    """
    wanted: list[tuple[str | None, str, str]] = []
    if file:
        wanted += [(None, key, value) for key, value in _in_file(file)]
    for word in words:
        name, equals, value = word.partition("=")
        before, colon, short = name.rpartition(":")
        if not equals or not (short if colon else name):
            raise BadSource(f"--parameter {word}: should be NAME=VALUE, or STACK:NAME=VALUE")
        wanted.append((before or None, short, value))
    for stack, key, value in wanted:
        having = [one for one in templates if stack in (None, one.name) and key in (one.body.get("Parameters") or {})]
        if not having:
            names = {each for one in templates for each in one.body.get("Parameters") or {}}
            near = difflib.get_close_matches(key, names, 1)
            guess = f"; did you mean {near[0]}?" if near else f". There is: {', '.join(sorted(names)) or 'none'}"
            where = f"stack {stack}" if stack else "what was read"
            raise BadSource(f"parameter {key}: {where} has none of that name{guess}")
        for template in having:
            template.given[key] = value


def _in_file(file: Path) -> Iterator[tuple[str, str]]:
    data = load(file, RULES)  # JSON is YAML
    if isinstance(data, dict) and isinstance(data.get("Parameters"), dict):
        data = data["Parameters"]
    if isinstance(data, list):
        whole = [row if isinstance(row, dict) else {} for row in data]
        rows = [(row.get("ParameterKey"), row.get("ParameterValue")) for row in whole]
    else:
        rows = list(data.items()) if isinstance(data, dict) else [(None, None)]
    for name, value in rows:
        if not isinstance(name, str) or value is None or isinstance(value, dict | list):
            raise BadSource(f"{file}: is not a file of parameters. It should be {_FORMS}")
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def defaults_used(templates: Sequence[Template]) -> Iterator[tuple[str, str]]:
    """Yields name and default of each parameter that is judged by its default; a secret's default stays unsaid."""
    for template in templates:
        if template.parent:
            continue
        for name, definition in (template.body.get("Parameters") or {}).items():
            if not isinstance(definition, dict) or name == "BootstrapVersion" or name in template.given:
                continue
            default, kind = definition.get("Default"), str(definition.get("Type", ""))
            if default is None or kind.startswith("AWS::SSM::Parameter::Value"):
                continue
            secret = str(definition.get("NoEcho", "")).lower() == "true"
            yield name, "***" if secret else _short(default)


def _short(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
