"""A rehearsal as text, Markdown, HTML or JSON. Renderers add no facts."""

import textwrap
from collections.abc import Callable, Iterator
from html import escape

from rehearse.document import SCHEMA_VERSION, VERDICTS, Finding, Rehearsal, Verdict, Workload
from responsibility.render.schema import schema_of
from safe_io.terminal import one_line

TITLES: dict[Verdict, str] = {
    "blocker": "It stops here",
    "down": "Down, or never back",
    "warning": "Look at these",
}
_WIDTH = 110
_SHOWN = 40


def duration(seconds: float) -> str:
    """Returns seconds in words: ``3 min 20 s``."""
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {whole % 60} s" if whole % 60 else f"{minutes} min"
    return f"{whole} s"


def headline(document: Rehearsal) -> str:
    """Returns the verdict, in a sentence."""
    counts = {verdict: len(document.having(verdict)) for verdict in VERDICTS}
    if not document.findings:
        return "It passes: nothing blocked, and every workload kept a ready replica."
    parts = [
        f"{counts['blocker']} that stop it" if counts["blocker"] else "nothing stops it",
        f"{counts['down']} down or never back" if counts["down"] else "nothing was down",
        *([f"{counts['warning']} to look at"] if counts["warning"] else []),
    ]
    return "; ".join(parts).capitalize() + "."


def about(document: Rehearsal) -> str:
    """Returns what was played, in a sentence."""
    return (
        f"{document.question} of cluster {document.cluster}: {document.nodes} nodes, {document.pods} ready pods. "
        "Simulated nodes and time, a real control plane."
    )


def where_words(one: Finding) -> str:
    """Returns node, group, budgets and time of a finding."""
    parts = [
        f"node {one.node}" if one.node else "",
        f"of {one.group}" if one.group and one.node else f"in {one.group}" if one.group else "",
        f"budget {', '.join(one.budgets)}" if one.budgets else "",
        f"after {duration(one.at)}" if one.at > 0 else "",
        f"for {duration(one.seconds)}" if one.seconds else "",
    ]
    return ", ".join(part for part in parts if part)


def code_words(one: Finding) -> str:
    """Returns topic, code of the check and step."""
    return " ".join(part for part in (one.topic, one.check, f"[{one.step}]" if one.step else "") if part)


def text(document: Rehearsal) -> str:
    """Returns the text for a terminal."""
    return "\n".join(_text(document)) + "\n"


def _text(document: Rehearsal) -> Iterator[str]:
    yield from textwrap.wrap(one_line(about(document)), _WIDTH)
    yield one_line(headline(document))
    for verdict in VERDICTS:
        if found := document.having(verdict):
            yield ""
            yield f"{TITLES[verdict]} ({len(found)})"
            for one in found:
                yield from _wrapped(f"- {one.subject}: {one.detail}")
                yield from _wrapped(f"  {code_words(one)}. {where_words(one)}".rstrip(". "))
                yield from _wrapped(f"  Fix: {one.fix}")
                if one.where:
                    yield from _wrapped(f"  at {one.where}")
    yield ""
    yield "Steps"
    for step in document.steps:
        end = f"skipped: {step.skipped}" if step.skipped else f"{duration(step.begin)} to {duration(step.end)}"
        yield from _wrapped(f"- {step.title} ({end}){': failed' if step.failed else ''}")
    yield ""
    yield "Ready replicas: before, lowest, after"
    for row in document.workloads:
        without = f", none for {duration(row.seconds_without)}" if row.seconds_without else ""
        yield one_line(f"- {row.name}: {row.before}, {row.lowest}, {row.after}{without}")
    if document.not_played:
        yield ""
        yield f"Not played ({len(document.not_played)})"
        for line in document.not_played[:_SHOWN]:
            yield from _wrapped(f"- {line}")
        if more := document.not_played[_SHOWN:]:
            yield f"- and {len(more)} more: see the JSON"


def _wrapped(line: str) -> list[str]:
    plain = one_line(line)
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        plain, _WIDTH, initial_indent=indent if not plain.startswith(indent) else "", subsequent_indent="  "
    ) or [""]


def markdown(document: Rehearsal) -> str:
    """Returns the report for a pull request."""
    return "\n".join(_markdown(document)) + "\n"


def _markdown(document: Rehearsal) -> Iterator[str]:
    yield f"# Rehearsal: {_md(document.question)} of {_md(document.cluster)}"
    yield ""
    yield f"{_md(about(document))} **{_md(headline(document))}**"
    for verdict in VERDICTS:
        if found := document.having(verdict):
            yield ""
            yield f"## {TITLES[verdict]} ({len(found)})"
            yield ""
            for one in found:
                yield f"- [ ] **{_md(one.subject)}**: {_md(one.detail)} ({_md(where_words(one))}; {_md(code_words(one))})."
                at = f" At `{_md(one.where)}`." if one.where else ""
                yield f"      {_md(one.fix)} ([source]({one.source})){at}"
    yield ""
    yield "## Workloads"
    yield ""
    yield "| Workload | Before | Lowest | After | None ready for |"
    yield "|---|---|---|---|---|"
    for row in document.workloads:
        without = duration(row.seconds_without) if row.seconds_without else ""
        yield f"| {_md(row.name)} | {row.before} | {row.lowest} | {row.after} | {without} |"
    yield ""
    yield "## Steps"
    yield ""
    for step in document.steps:
        end = f"skipped: {_md(step.skipped)}" if step.skipped else f"{duration(step.begin)} to {duration(step.end)}"
        yield f"1. {_md(step.title)} ({end}){': **failed**' if step.failed else ''}"
    if document.not_played:
        yield ""
        yield "## Not played"
        yield ""
        yield from (f"- {_md(line)}" for line in document.not_played)


def _md(value: str) -> str:
    plain = one_line(value)
    for character in "\\`*_|<>[]":
        plain = plain.replace(character, f"\\{character}")
    return plain


_CSS = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc;vertical-align:top}td.n{text-align:right}
li{margin:.6rem 0}.v{font-weight:600}.blocker{color:#9b1c1c}.down{color:#8a4b00}.small{color:#555;font-size:.9rem}
svg{display:block;width:100%;height:2rem}
"""


def html(document: Rehearsal) -> str:
    """Returns one page that loads nothing from anywhere."""
    title = escape(one_line(f"Rehearsal: {document.question} of {document.cluster}"))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><style>{_CSS}</style></head><body><main>"
        + "\n".join(_html(document, title))
        + "</main></body></html>\n"
    )


def _html(document: Rehearsal, title: str) -> Iterator[str]:
    yield f"<h1>{title}</h1><p>{_h(about(document))}</p><p><strong>{_h(headline(document))}</strong></p>"
    for verdict in VERDICTS:
        if found := document.having(verdict):
            yield f"<h2 class={verdict}>{TITLES[verdict]} ({len(found)})</h2><ul>"
            for one in found:
                at = f"<br><span class=small>at {_h(one.where)}</span>" if one.where else ""
                yield (
                    f"<li><span class=v>{_h(one.subject)}</span>: {_h(one.detail)}<br>"
                    f"<span class=small>{_h(code_words(one))}. {_h(where_words(one))}</span><br>{_h(one.fix)} "
                    f'<a href="{escape(one.source, quote=True)}">{escape(one.source)}</a>{at}</li>'
                )
            yield "</ul>"
    end = max([step.end for step in document.steps], default=0) or 1
    heads = "".join(f"<th>{word}</th>" for word in ("Workload", "Before", "Lowest", "After", "Ready replicas"))
    yield f"<h2>Workloads over time</h2><table><thead><tr>{heads}</tr></thead><tbody>"
    for row in document.workloads:
        numbers = "".join(f"<td class=n>{number}</td>" for number in (row.before, row.lowest, row.after))
        yield f"<tr><td>{_h(row.name)}</td>{numbers}<td>{timeline(row, end)}</td></tr>"
    yield "</tbody></table><h2>Steps</h2><ol>"
    for step in document.steps:
        span = f"skipped: {_h(step.skipped)}" if step.skipped else f"{duration(step.begin)} to {duration(step.end)}"
        yield f"<li>{_h(step.title)} ({span}){': <strong>failed</strong>' if step.failed else ''}</li>"
    yield "</ol><h2>What happened</h2><table><thead><tr><th>After</th><th>Step</th><th>What</th></tr></thead><tbody>"
    for event in document.events:
        yield f"<tr><td class=n>{duration(event.at)}</td><td>{_h(event.step)}</td><td>{_h(event.what)}</td></tr>"
    yield "</tbody></table>"
    if document.not_played:
        yield "<h2>Not played</h2><ul>" + "".join(f"<li>{_h(line)}</li>" for line in document.not_played) + "</ul>"


def _h(value: str) -> str:
    return escape(one_line(value))


def timeline(row: Workload, end: float) -> str:
    """Returns the ready replicas of a workload over time, as a picture with the numbers as its text."""
    top = max([point.ready for point in row.points] + [row.before, 1])
    parts = []
    for point, after in zip(row.points, [*row.points[1:], None], strict=True):
        begin, stop = min(point.at, end), min(after.at, end) if after else end
        x, width = 1000 * begin / end, max(1000 * (stop - begin) / end, 1.5)
        height = 18 * point.ready / top
        colour = "#9b1c1c" if not point.ready else "#b36b00" if point.ready < row.before else "#3b6ea5"
        y, tall = (20 - height, height) if point.ready else (0.0, 20.0)
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="{colour}"/>')
    words = "; ".join(f"{point.ready} after {duration(point.at)}" for point in row.points[:_SHOWN])
    return (
        f'<svg viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label="{escape(one_line(words), quote=True)}">'
        f"{''.join(parts)}</svg>"
    )


def as_json(document: Rehearsal) -> str:
    """Returns the document itself."""
    return document.model_dump_json(indent=1) + "\n"


def schema() -> str:
    """Returns the JSON schema of the document."""
    return schema_of(Rehearsal, f"urn:eks-platform:rehearsal:{SCHEMA_VERSION}", "EKS upgrade rehearsal")


FORMATS: dict[str, Callable[[Rehearsal], str]] = {"text": text, "md": markdown, "html": html, "json": as_json}
SUFFIXES = {".txt": "text", ".md": "md", ".html": "html", ".json": "json"}
