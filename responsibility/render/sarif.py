"""The review as SARIF 2.1.0: open duties as alerts of GitHub code scanning, at the resources of the templates."""

import hashlib
import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from responsibility.document import Review
from responsibility.findings import SEVERITIES, CheckInfo, Evidence, Finding, Severity
from responsibility.model import KIND_NAMES
from responsibility.render.words import clean, place

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS: dict[Severity, Literal["error", "warning", "note"]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
}
# GitHub calls a score over 9.0 critical, from 7.0 high, from 4.0 medium; only alerts of security have one.
_SCORES: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_SECURITY = {
    "ami",
    "api-endpoint",
    "cluster-role",
    "control-plane-logs",
    "iam-people",
    "iam-pods",
    "images",
    "instance-metadata",
    "kubernetes-version",
    "network-policy",
    "node-identity",
    "node-storage",
    "node-updates",
    "operating-system",
    "pod-security",
    "secrets-encryption",
    "security-groups",
    "workload-secrets",
}
"""Components whose duties keep attackers out. The others are about staying up, and cost."""
_MOST_RESULTS = 25_000  # GitHub refuses a run with more of them
_MOST_PLACES = 20


def sarif(review: Review) -> str:
    """Returns the log: a rule for each check, a result for each open finding; accepted ones are suppressed in it.

    Code scanning shows suppressed results as open alerts, unless the workflow drops or dismisses them.
    """
    index = {check.code: at for at, check in enumerate(review.checks)}
    found = sorted(
        (finding for finding in review.findings if finding.status == "open"),
        key=lambda finding: (SEVERITIES.index(review.checks[index[finding.code]].severity), finding.code),
    )
    twins: Counter[str] = Counter()
    results = []
    for finding in found[:_MOST_RESULTS]:
        print_ = _fingerprint(finding)
        twins[print_] += 1
        at = index[finding.code]
        results.append(_result(finding, review.checks[at], at, f"{print_}:{twins[print_]}", review))
    run = {
        "tool": {
            "driver": {
                "name": "eks-responsibility",
                "version": review.schema_version,  # of the findings document: the tool has no other
                "rules": [_rule(check) for check in review.checks],
            }
        },
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that the review was started in."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(len(found))}],
        "properties": {
            "asOf": str(review.as_of),
            "source": clean(review.source),
            "summary": review.summary.model_dump(mode="json"),
        },
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _notes(number: int) -> list[dict[str, Any]]:
    if number <= _MOST_RESULTS:
        return []
    text = f"{number - _MOST_RESULTS} of {number} open findings are left out: code scanning takes {_MOST_RESULTS}."
    return [{"level": "warning", "message": {"text": text}}]


def _message(words: str, limit: int = 1000) -> str:
    """Returns a plain text message: SARIF gives braces (placeholders) and ``[text](target)`` (links) a meaning."""
    line = clean(words, limit).replace("{", "{{").replace("}", "}}")
    return re.sub(r"([\\\[\]])", r"\\\1", line) if re.search(r"\]\(", line) else line


def _rule(check: CheckInfo) -> dict[str, Any]:
    kinds = [KIND_NAMES[kind] for kind in check.kinds]
    tags = [check.component, check.severity, *check.kinds]
    properties: dict[str, Any] = {"precision": "high", "problem.severity": _problem(check.severity), "tags": tags}
    if check.component in _SECURITY:
        tags.insert(0, "security")
        properties["security-severity"] = _SCORES[check.severity]
    about = f"Component {check.component}, on {', '.join(kinds)}."
    return {
        "id": check.code,
        "shortDescription": {"text": _message(check.title)},
        "fullDescription": {"text": _message(check.why)},
        "help": {
            "text": _message(f"Why: {check.why} Fix: {check.fix} {about} Source: {check.source}", 4000),
            "markdown": _braces(
                f"**Why:** {check.why}\n\n**Fix:** {check.fix}\n\n{about} [AWS's page]({check.source})"
            ),
        },
        "helpUri": check.source,
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": properties,
    }


def _braces(markdown: str) -> str:
    # The checks' own words, not a template's: Markdown is meant, HTML is not.
    return markdown.replace("<", "&lt;").replace("{", "{{").replace("}", "}}")


def _problem(severity: Severity) -> str:
    return {"error": "error", "warning": "warning", "note": "recommendation"}[_LEVELS[severity]]


def _result(finding: Finding, check: CheckInfo, at: int, fingerprint: str, review: Review) -> dict[str, Any]:
    places = [_location(evidence) for evidence in finding.evidence[:_MOST_PLACES]]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": at,
        "level": _LEVELS[check.severity],
        "message": {
            "text": f"{_message(f'{finding.subject} {finding.detail}').rstrip('.')}. Fix: {_message(check.fix)}"
        },
        # Code scanning shows the first place of an alert, and refuses an alert without one.
        "locations": places[:1] or _fallback(review),
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
        # An empty list says "not suppressed"; none would say "not known".
        "suppressions": [],
        "properties": {"subject": clean(finding.subject), "cluster": clean(finding.cluster)},
    }
    if len(places) > 1:
        result["relatedLocations"] = [{"id": number, **one} for number, one in enumerate(places[1:], 1)]
    if finding.accepted and not finding.accepted.expired:
        words = f"{clean(finding.accepted.reason)} (until {finding.accepted.until})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": words}]
    return result


def _fingerprint(finding: Finding) -> str:
    """Returns what stays the same while lines move and numbers in the sentence change."""
    places = [(at.stack, at.resource, at.path) for at in finding.evidence]
    text = json.dumps([finding.code, finding.cluster, finding.subject, places])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _location(evidence: Evidence) -> dict[str, Any]:
    full = f"{evidence.stack}/{evidence.resource}" + (f"/{evidence.path}" if evidence.path else "")
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": clean(evidence.resource), "fullyQualifiedName": clean(full, 1000), "kind": "resource"}
        ],
        "message": {"text": _message(f"{evidence.type} {place(evidence)}")},
    }
    if evidence.file:
        # A line is required: use the first one for a line that is not known.
        location["physicalLocation"] = _physical(evidence.file, evidence.line or 1)
    return location


def _fallback(review: Review) -> list[dict[str, Any]]:
    files: Iterable[str] = (stack.file for stack in review.stacks if stack.file)
    return [{"physicalLocation": _physical(file, 1)} for file in list(files)[:1]]


def _physical(file: str, line: int) -> dict[str, Any]:
    return {"artifactLocation": _artifact(file), "region": {"startLine": line}}


def _artifact(file: str) -> dict[str, str]:
    """Returns the file relative to where the review was started, or its whole address if it is elsewhere."""
    path = Path(posixpath.normpath(file))
    here = Path.cwd()
    if path.is_absolute() and path.is_relative_to(here):
        path = path.relative_to(here)
    if path.is_absolute() or path.parts[:1] == ("..",):
        return {"uri": Path(posixpath.normpath(here / path)).as_uri()}
    return {"uri": quote(path.as_posix(), errors="replace"), "uriBaseId": _ROOT}
