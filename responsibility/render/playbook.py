"""A playbook as text, Markdown, HTML or JSON. Renderers add no facts."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from responsibility.findings import Evidence
from responsibility.model import OWNER_NAMES
from responsibility.reading.template import BadSource
from responsibility.render.markup import code, link, prose, row, table
from responsibility.render.words import clean, counted, kind_words, place, support_words
from responsibility.upgrade.playbook import VERDICTS, Change, ClusterPlaybook, Gate, Playbook, Step, Verdict

TITLES: dict[Verdict, str] = {
    "blocker": "Blockers: fix them first",
    "ask": "Ask the account: no template can tell",
    "warning": "Look at these",
    "read": "Read: no template shows whether it concerns you",
    "clear": "Checked, and nothing blocks",
}
_WIDTH = 100


def headline(cluster: ClusterPlaybook) -> str:
    """Returns the verdict on a cluster, in a sentence."""
    blockers, asks = (len(cluster.having(verdict)) for verdict in ("blocker", "ask"))
    first = f"{counted(blockers, 'blocker')}: do not start yet" if blockers else "No blocker in what was read"
    return f"{first}; {counted(asks, 'question')} only the account answers." if asks else f"{first}."


def facts(cluster: ClusterPlaybook) -> list[str]:
    """Returns the lines about the cluster before the gates."""
    lines = [
        f"Compute: {kind_words(cluster.kinds)}.",
        f"{cluster.after}: {support_words(cluster.support)}. {cluster.before}: {support_words(cluster.support_before)}.",
    ]
    if not cluster.notes_complete:
        lines.append(f"AWS's notes on {cluster.after} were not available: read its release notes as well.")
    return lines


def gate_words(gate: Gate) -> str:
    """Returns who and what, in a sentence."""
    doubt = "" if gate.verified else " (not confirmed on a page of AWS or Kubernetes)"
    asked = f"{gate.api}: " if gate.verdict == "ask" and gate.api else ""
    return f"{asked}{gate.subject}: {gate.detail.removesuffix('.')}{doubt}."


def blocks_words(gate: Gate, cluster: ClusterPlaybook) -> str:
    """Returns the step that must wait; empty if none must."""
    step = next((step for step in cluster.steps if step.id == gate.blocks), None)
    return f"Before step {step.number}." if step and gate.verdict == "blocker" else ""


def change_words(change: Change) -> str:
    """Returns the change of a value in words."""
    if not change.after:
        return f"remove (now {change.before})"
    return f"{change.before} -> {change.after}" if change.before else f"set to {change.after}"


def parts(step: Step) -> list[tuple[str, str, list[str]]]:
    """Returns title, words and commands of each part of a step that has something to say."""
    all_parts = [
        ("Do", "", step.commands),
        ("Check", step.expect and f"Expect: {step.expect}.", step.verify),
        ("Disruption", step.disruption, []),
        ("Back", step.back, step.back_commands),
        ("Does not come back", step.kept, []),
    ]
    return [part for part in all_parts if part[1] or part[2]]


def text(playbook: Playbook) -> str:
    """Returns the playbook for a terminal."""
    lines = [f"Upgrade to Kubernetes {playbook.target}: {clean(playbook.source, 80)}, as of {playbook.as_of}"]
    for cluster in playbook.clusters:
        lines += ["", *_text_cluster(cluster)]
    lines += ["", f"Changes of Kubernetes: data of {playbook.changes_checked}."]
    return "\n".join(lines) + "\n"


def _text_cluster(cluster: ClusterPlaybook) -> Iterator[str]:
    title = f"Cluster {clean(cluster.name, 80)}: {cluster.before} to {cluster.after}"
    yield from (title, "=" * len(title), headline(cluster))
    yield from (line for words in facts(cluster) for line in _wrapped(words, ""))
    for verdict in VERDICTS:
        if found := cluster.having(verdict):
            yield ""
            yield f"{TITLES[verdict]} ({len(found)})"
            for gate in found:
                yield from _text_gate(gate, cluster)
    yield from ("", "Steps")
    for step in cluster.steps:
        yield from _text_step(step)


def _text_gate(gate: Gate, cluster: ClusterPlaybook) -> Iterator[str]:
    yield from _wrapped(gate_words(gate), "- ")
    if gate.verdict == "clear":
        return
    advice = f"{blocks_words(gate, cluster)} {gate.fix}".strip()
    if advice:
        yield from _wrapped(advice, "  ")
    yield from (f"  at {place(at)}" for at in gate.evidence[:3])
    yield from (f"  $ {clean(command, 1000)}" for command in gate.commands)
    yield f"  {gate.source}" + (f" ({gate.check})" if gate.check else "")


def _text_step(step: Step) -> Iterator[str]:
    yield from ("", f"{step.number}. {clean(step.title)} [{OWNER_NAMES[step.who]}]")
    for name, words in (("AWS", step.aws), ("You", step.you)):
        if words:
            yield from _wrapped(words if name == "You" else f"AWS: {words}", "   ")
    for change in step.changes:
        yield from _wrapped(f"{change.where}: {change_words(change)}", "   change ")
    for title, words, commands in parts(step):
        yield from _wrapped(words, f"   {title}: ") or [f"   {title}:"]
        yield from (f"     $ {clean(command, 1000)}" for command in commands)


def _wrapped(words: str, first: str) -> list[str]:
    line = clean(words, 2000)
    return textwrap.wrap(
        line,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * (len(first) if len(first) < 12 else 5),
        break_long_words=False,
        break_on_hyphens=False,
    )


def markdown(playbook: Playbook) -> str:
    """Returns the playbook as GitHub Markdown with boxes to tick off."""
    lines = [f"# Upgrade to Kubernetes {playbook.target}", "", f"Of {code(playbook.source)}, as of {playbook.as_of}."]
    for cluster in playbook.clusters:
        lines += ["", *_md_cluster(cluster)]
    lines += ["", f"Changes of Kubernetes: data of {playbook.changes_checked}."]
    return "\n".join(lines) + "\n"


def _md_cluster(cluster: ClusterPlaybook) -> Iterator[str]:
    yield f"## Cluster {prose(cluster.name, 80)}: {cluster.before} to {cluster.after}"
    yield from ("", f"**{headline(cluster)}**", "")
    yield from (prose(words) for words in facts(cluster))
    for verdict in VERDICTS:
        if found := cluster.having(verdict):
            yield from ("", f"### {TITLES[verdict]} ({len(found)})", "")
            for gate in found:
                yield from _md_gate(gate, cluster)
    yield from ("", "### Steps")
    for step in cluster.steps:
        yield from _md_step(step)


def _md_gate(gate: Gate, cluster: ClusterPlaybook) -> Iterator[str]:
    box = "- [ ] " if gate.verdict in ("blocker", "ask") else "- "
    words = [prose(gate_words(gate), 800)]
    if gate.verdict != "clear":
        words += [prose(f"{blocks_words(gate, cluster)} {gate.fix}".strip(), 800), *map(_md_place, gate.evidence[:3])]
    yield f"{box}{' '.join(word for word in words if word)} {link(gate.check or 'source', gate.source)}"
    yield from _md_commands(gate.commands if gate.verdict == "ask" else [], "  ")


def _md_place(at: Evidence) -> str:
    return code(place(at))


def _md_step(step: Step) -> Iterator[str]:
    yield from ("", f"#### {step.number}. {prose(step.title)}", "", f"Who acts: **{OWNER_NAMES[step.who]}**.")
    yield " ".join(prose(words, 800) for words in (step.aws and f"AWS: {step.aws}", step.you) if words)
    if step.changes:
        yield from ("", table("Where", "Change"))
        yield from (row(code(change.where), prose(change_words(change))) for change in step.changes)
    for title, words, commands in parts(step):
        yield from ("", f"**{title}.** {prose(words, 800)}".rstrip())
        yield from _md_commands(commands, "")
    yield from ("", "Sources: " + ", ".join(link(url.rsplit("/", 1)[-1] or url, url) for url in step.sources))


def _md_commands(commands: list[str], indent: str) -> Iterator[str]:
    if commands:
        # A command holds words of a template: no backtick of it may end the block.
        body = [f"{indent}{clean(command, 1000).replace('`', ' ')}" for command in commands]
        yield from ("", f"{indent}```bash", *body, f"{indent}```", "")


def json(playbook: Playbook) -> str:
    """Returns the document itself."""
    return playbook.model_dump_json(indent=2) + "\n"


def html(playbook: Playbook) -> str:
    """Returns the playbook as one page that needs nothing else."""
    from responsibility.render.html.jinja import page  # Jinja is slow to load

    return page(
        "playbook",
        playbook=playbook,
        TITLES=TITLES,
        VERDICTS=VERDICTS,
        blocks_words=blocks_words,
        change_words=change_words,
        facts=facts,
        gate_words=gate_words,
        headline=headline,
        parts=parts,
        place=place,
    )


FORMATS: dict[str, Callable[[Playbook], str]] = {"text": text, "md": markdown, "html": html, "json": json}
"""What writes each format."""


def render(playbook: Playbook, format_: str) -> str:
    """Returns the playbook in one of ``FORMATS``. Raises BadSource for another format."""
    if format_ not in FORMATS:
        raise BadSource(f"--format {format_}: this command writes {', '.join(FORMATS)}")
    return FORMATS[format_](playbook)
