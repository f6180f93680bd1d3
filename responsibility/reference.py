"""What `matrix`, `explain` and `checks` print: the model and the checks."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence

from responsibility.checks import all_checks
from responsibility.findings import CheckInfo
from responsibility.model import COMPUTE_KINDS, GROUPS, KIND_NAMES, ComputeKind, components
from responsibility.model.labs import labs
from responsibility.reading.template import BadSource
from responsibility.render import model as tables
from responsibility.render.markup import link, prose, row, table, text


def matrix(kinds: Sequence[str], names: Sequence[str], format_: str) -> str:
    """Returns the matrix, or some of its columns and rows. Raises BadSource for an unknown name."""
    for kind in kinds:
        _known("--compute", kind, COMPUTE_KINDS)
    for name in names:
        _known("--component", name, components())
    wanted: list[ComputeKind] = [kind for kind in COMPUTE_KINDS if not kinds or kind in kinds]
    rows = [component for component in components().values() if not names or component.id in names]
    _format(format_, tables.MATRIX_FORMATS)
    return tables.matrix(rows, wanted, format_)


def explain(name: str, format_: str) -> str:
    """Returns all about a component. Raises BadSource for an unknown name."""
    _known("component", name, components())
    _format(format_, tables.EXPLAIN_FORMATS)
    found = [check.info for check in all_checks() if check.info.component == name]
    return tables.explain(components()[name], found, [lab for lab in labs() if name in lab.components], format_)


def _known(what: str, name: str, names: Iterable[str]) -> None:
    known = list(names)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        guess = f"; did you mean {near[0]}?" if near else "."
        raise BadSource(f"{what} {name}: unknown{guess} Known: {', '.join(known)}")


def _format(name: str, formats: Iterable[str]) -> None:
    if name not in formats:
        raise BadSource(f"--format {name}: this command writes {', '.join(formats)}")


def checks(format_: str) -> str:
    """Returns the list of checks."""
    _format(format_, ("text", "md", "json"))
    infos = [check.info for check in all_checks()]
    if format_ == "json":
        return json.dumps([info.model_dump(mode="json") for info in infos], indent=2) + "\n"
    if format_ == "md":
        return _markdown(infos)
    return "".join(f"{info.code}  {info.severity:<8}  {info.component:<22}  {info.title}\n" for info in infos)


def _markdown(infos: list[CheckInfo]) -> str:
    lines = [
        "# The checks of a review and an audit",
        "",
        "Written by `python -m responsibility checks --format md`; do not edit. Each check asks one thing of the customer's side",
        "of the [responsibility model](responsibility.md), and answers *met*, *open*, *not applicable* or *unknown*.",
        "A [review](responsibility.md) asks it of templates, an [audit](audit.md) of an account, or both do.",
        "",
        f"{len(infos)} checks. Severity: critical = open to the world, will not work, or out of support; high = likely compromise,",
        "outage or loss; medium = a line of defence is weaker; low = hygiene.",
    ]
    for group, title in GROUPS.items():
        lines += [
            "",
            f"## {title}",
            "",
            table("Code", "Duty", "Component", "Severity", "Compute", "Asked of", "Why", "Fix"),
        ]
        for info in infos:
            if components()[info.component].group == group:
                lines.append(
                    row(
                        link(text(info.code), info.source),
                        prose(info.title),
                        text(info.component),
                        info.severity,
                        "all"
                        if len(info.kinds) == len(COMPUTE_KINDS)
                        else ", ".join(KIND_NAMES[kind] for kind in info.kinds),
                        info.only or "both",
                        prose(info.why),
                        prose(info.fix),
                    )
                )
    return "\n".join(lines) + "\n"
