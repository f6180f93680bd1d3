"""The model itself, printed: the matrix of who is responsible for what, and everything about one of its rows."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import StringIO
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from responsibility.findings import CheckInfo
from responsibility.model import GROUPS, KIND_NAMES, OWNER_NAMES, Cell, Component, ComputeKind
from responsibility.model.labs import Lab
from responsibility.render.markup import link, prose, row, table, text

MATRIX_FORMATS = ("text", "md", "html", "json")
EXPLAIN_FORMATS = ("text", "md", "json")
_LEGEND = "Shared: both act, routinely. You: AWS gives at most the API."
_WIDEST = 120
_IN_WORDS = 3
"""Up to so many cells are printed with what each side does."""


def matrix(
    components: Iterable[Component],
    kinds: Sequence[ComputeKind],
    format: str,  # noqa: A002 - the CLI's word
    width: int | None = None,
) -> str:
    """Returns the rows and columns that were asked for, as text (as wide as the terminal), Markdown, HTML or JSON.

    One column, or few cells, are printed with what AWS does and what you do; the others name the owner.
    """
    _known(format, MATRIX_FORMATS)
    rows = list(components)
    if format == "json":
        return json.dumps([_plain(component, kinds) for component in rows], indent=2) + "\n"
    if format == "html":
        return _html(rows, kinds)
    if format == "md":
        return _markdown(rows, kinds)
    console = _console(width)
    in_words = len(kinds) == 1 or len(rows) * len(kinds) <= _IN_WORDS
    console.print(_sentences(rows, kinds) if in_words else _owners(rows, kinds, console.width))
    marks = _marks(rows, kinds)
    console.print()
    for note in [_LEGEND, *(f"{mark} {words}" for mark, words in marks)]:
        console.print(Text(note))
    return _printed(console)


def _known(format: str, formats: Iterable[str]) -> None:  # noqa: A002 - the CLI's word
    if format not in formats:
        raise ValueError(f"format {format}: is none of {', '.join(formats)}")


def _console(width: int | None) -> Console:
    columns = width or min(shutil.get_terminal_size((_WIDEST, 25)).columns, _WIDEST)
    return Console(file=StringIO(), width=max(columns, 40), color_system=None)


def _printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)  # noqa: S101 - made so, here
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _plain(component: Component, kinds: Iterable[ComputeKind]) -> dict[str, Any]:
    body = asdict(component)
    body["cells"] = {
        kind: asdict(component.cells[kind]) | {"checked": str(component.cells[kind].checked)} for kind in kinds
    }
    return body


def _owner(cell: Cell) -> str:
    return OWNER_NAMES[cell.owner] + (" *" if cell.disagree else "") + (" ?" if cell.unverified else "")


def _marks(rows: list[Component], kinds: Sequence[ComputeKind]) -> list[tuple[str, str]]:
    cells = [component.cells[kind] for component in rows for kind in kinds]
    marks = []
    if any(cell.disagree for cell in cells):
        marks.append(("*", "AWS's own pages disagree; `explain COMPONENT` says how."))
    if any(cell.unverified for cell in cells):
        marks.append(("?", "Part of it was not found on an AWS page; `explain COMPONENT` says which."))
    return marks


def _owners(rows: list[Component], kinds: Sequence[ComputeKind], width: int) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("Component", no_wrap=True)
    wide = width >= 110  # room for the id, which the commands take, and the name; else the id
    if wide:
        shown.add_column("", overflow="fold")
    for kind in kinds:
        shown.add_column(KIND_NAMES[kind])
    for group, components in groupby(rows, key=lambda component: component.group):
        shown.add_row()
        shown.add_row(Text(GROUPS.get(group, group).upper(), style="bold"))
        for component in components:
            names = (component.id, component.name) if wide else (component.id,)
            shown.add_row(*map(Text, names), *(_owner(component.cells[kind]) for kind in kinds))
    return shown


def _sentences(rows: list[Component], kinds: Sequence[ComputeKind]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    shown.add_column("Component", ratio=2, overflow="fold")
    shown.add_column("Compute" if len(kinds) > 1 else KIND_NAMES[kinds[0]], ratio=1)
    shown.add_column("AWS", ratio=4)
    shown.add_column("You", ratio=4)
    for component in rows:
        for kind in kinds:
            cell = component.cells[kind]
            where = f"{KIND_NAMES[kind]}: {_owner(cell)}" if len(kinds) > 1 else _owner(cell)
            shown.add_row(*(Text(words) for words in (component.id, where, cell.aws, cell.you)))
    return shown


def _markdown(rows: list[Component], kinds: Sequence[ComputeKind]) -> str:
    lines = ["# Who is responsible for what", "", table("Component", *(KIND_NAMES[kind] for kind in kinds))]
    for group, components in groupby(rows, key=lambda component: component.group):
        lines.append(row(f"**{GROUPS.get(group, group)}**", *("" for _ in kinds)))
        for component in components:
            cells = (component.cells[kind] for kind in kinds)
            lines.append(row(text(component.name), *(link(text(_owner(cell)), cell.source) for cell in cells)))
    notes = [_LEGEND, "Each owner links to the AWS page it comes from."]
    notes += [f"{text(mark)} {prose(words)}" for mark, words in _marks(rows, kinds)]
    return "\n".join(lines) + "\n\n" + "  \n".join(notes) + "\n"


def _html(rows: list[Component], kinds: Sequence[ComputeKind]) -> str:
    from responsibility.render.html.jinja import page  # Jinja is slow to load

    by_group = [(GROUPS.get(group, group), list(same)) for group, same in groupby(rows, key=lambda one: one.group)]
    return page("model", groups=by_group, kinds=kinds, legend=_LEGEND)


def explain(
    component: Component,
    checks: Iterable[CheckInfo],
    labs: Iterable[Lab],
    format: str,  # noqa: A002 - the CLI's word
    width: int | None = None,
) -> str:
    """Returns everything about one row: what it is, who does what on each kind of compute, its checks and labs."""
    _known(format, EXPLAIN_FORMATS)
    found, shown = list(checks), list(labs)
    if format == "json":
        body = _plain(component, component.cells)
        body["checks"] = [check.model_dump(mode="json") for check in found]
        body["labs"] = [{"title": lab.title, "path": lab.path} for lab in shown]
        return json.dumps(body, indent=2) + "\n"
    if format == "md":
        return _explained(component, found, shown)
    console = _console(width)
    console.print(Text(f"{component.name} ({component.id}), {GROUPS.get(component.group, component.group)}"))
    console.print(Text(component.what))
    for kind, cell in component.cells.items():
        console.print()
        console.print(Rule(Text(f"{KIND_NAMES[kind]}: {OWNER_NAMES[cell.owner]}"), align="left"))
        for name, words in _story(cell):
            console.print(_field(name, words))
    if found:
        console.print()
        console.print(Rule(Text("Checks"), align="left"))
        for check in found:
            console.print(_field(check.code, f"{check.title} ({check.severity}). Fix: {check.fix}"))
    if shown:
        console.print()
        console.print(Rule(Text("Labs"), align="left"))
        for lab in shown:
            console.print(Text(f"{lab.title}: {lab.path}", overflow="fold"))
    return _printed(console)


def _story(cell: Cell) -> list[tuple[str, str]]:
    story = [
        ("AWS does", cell.aws),
        ("You do", cell.you),
        ("Source", f"{cell.source} (checked {cell.checked})"),
        ("Disagreement", cell.disagree),
        ("Not verified", cell.unverified),
    ]
    return [(name, words) for name, words in story if words]


def _field(name: str, words: str) -> Table:
    field = Table.grid(padding=(0, 1, 0, 0))
    field.add_column(width=13)
    field.add_column(overflow="fold")
    field.add_row(Text(name), Text(words))
    return field


def _explained(component: Component, checks: list[CheckInfo], labs: list[Lab]) -> str:
    lines = [f"# {text(component.name)}", "", prose(component.what)]
    for kind, cell in component.cells.items():
        lines += ["", f"## {KIND_NAMES[kind]}: {OWNER_NAMES[cell.owner]}", ""]
        for name, words in _story(cell):
            page = f"{link(text(cell.source.rpartition('/')[2] or cell.source), cell.source)}, checked {cell.checked}"
            lines.append(f"- **{name}**: {page if name == 'Source' else prose(words, 2000)}")
    if checks:
        lines += ["", "## Checks", "", table("Code", "Duty", "Severity", "Fix")]
        lines += [row(check.code, prose(check.title), check.severity, prose(check.fix)) for check in checks]
    if labs:
        lines += ["", "## Labs", "", *(f"- [{text(lab.title)}](<{lab.path}>)" for lab in labs)]
    return "\n".join(lines) + "\n"
