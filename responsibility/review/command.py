"""What `review` does: reads, judges, compares."""

from __future__ import annotations

import fnmatch
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from eks_facts.versions import kubernetes_versions
from responsibility.checks import all_checks
from responsibility.document import Review
from responsibility.findings import SEVERITIES
from responsibility.model import COMPUTE_KINDS
from responsibility.reading import sources
from responsibility.reading.parameters import give
from responsibility.reading.reader import read as read_facts
from responsibility.reading.template import BadSource
from responsibility.review import acceptance, build
from responsibility.review.cost import load_prices


@dataclass(frozen=True)
class Request:
    """What to review."""

    assembly: str | None
    """A cloud assembly, template, folder of them or ``-``; None = manifests alone."""
    as_of: date
    manifests: tuple[str, ...] = ()
    """Folders and files of Kubernetes objects, or ``-``."""
    compute: tuple[str, ...] = ()
    """Kinds of compute that manifests without a template run on."""
    kubernetes_version: str | None = None
    baseline: str | None = None
    accepted: Path | None = None
    prices: Path | None = None
    parameter: tuple[str, ...] = ()
    """``[STACK:]NAME=VALUE``"""
    parameters: Path | None = None


def review(request: Request, warn: Callable[[str], None]) -> Review:
    """Returns the findings document.

    Raises BadSource for anything that cannot be read. ``warn`` gets acceptances that no finding needs.
    """
    options = options_of(request.as_of, request.accepted, request.prices)
    found = _read_all(request)
    give(found.templates, request.parameter, request.parameters)
    facts = build.facts_of(found, options.as_of)
    document, unused = build.review(found, facts, options)
    warn_of(unused, options, [template.name for template in found.templates], warn)
    if request.baseline is None:
        return document
    from responsibility.review.baseline import compare

    older = (
        _read_all(replace(request, manifests=(request.baseline,)))
        if request.assembly is None
        else _read(request.baseline)
    )
    if len(older.templates) == len(found.templates) == 1:
        # Two lone templates are the same stack, whatever their files are called.
        older.templates[0].name = found.templates[0].name
    facts_before = read_facts(older, options.as_of)  # there may have been no cluster yet
    before, _ = build.review(older, facts_before, options)
    return document.model_copy(update={"baseline": compare(before, document, facts_before, facts, request.baseline)})


def options_of(as_of: date, accepted: Path | None, prices: Path | None) -> build.Options:
    """Returns what a document depends on besides the input. Raises BadSource."""
    file = accepted or (Path(acceptance.FILE) if Path(acceptance.FILE).exists() else None)
    codes = [check.info.code for check in all_checks()]
    entries = tuple(acceptance.read(file, codes)) if file else ()
    return build.Options(as_of, load_prices(prices), entries, str(file or ""))


def warn_of(
    unused: list[acceptance.Accepted], options: build.Options, stacks: list[str], warn: Callable[[str], None]
) -> None:
    """Reports acceptances that nothing needs. One for a stack that was not read may be needed elsewhere."""
    for entry in unused:
        if any(fnmatch.fnmatchcase(name, entry.resource.split("/")[0]) for name in stacks):
            what = f"{options.accepted_in}: {entry.code} {entry.resource}"
            warn(f"{what} is accepted, but nothing of that name is open: remove the entry")


def _read_all(request: Request) -> sources.Sources:
    """Reads templates, manifests or both. Raises BadSource."""
    if request.assembly is not None:
        if request.compute or request.kubernetes_version:
            raise BadSource("--compute and --kubernetes-version are for --manifests without a template, which has both")
        found = _read(request.assembly)
        if request.manifests:
            sources.add_manifests(found, request.manifests, sys.stdin or io.StringIO())
        return found
    known = kubernetes_versions()
    version = request.kubernetes_version or max(
        (name for name, one in known.items() if one.released is None or one.released <= request.as_of),
        key=lambda name: [int(part) for part in name.split(".")],
    )
    if version not in known:
        raise BadSource(f"--kubernetes-version {version}: is none that EKS has; one of {', '.join(known)}")
    kinds = []
    for name in request.compute:
        kind = name.replace("-", "_")
        if kind not in COMPUTE_KINDS:
            raise BadSource(f"--compute {name}: is no kind of compute; one of {', '.join(COMPUTE_KINDS)}")
        kinds.append(kind)
    found = sources.Sources(", ".join(request.manifests), compute=tuple(kinds), version=version)
    sources.add_manifests(found, request.manifests, sys.stdin or io.StringIO())
    return found


def _read(where: str) -> sources.Sources:
    if not where:
        # Path("") would be the current folder.
        raise BadSource("no template given: --template and --baseline need a file, a folder, or -")
    return sources.read(where, sys.stdin or io.StringIO())


def worst(document: Review, at_least: str) -> bool:
    """Returns whether a duty of a severity, or of a worse one, is open."""
    counted = SEVERITIES[: [str(name) for name in SEVERITIES].index(at_least) + 1]
    return any(document.summary.open[name] for name in counted)
