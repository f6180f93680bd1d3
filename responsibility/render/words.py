"""Words that several renderers use: numbers, places, kinds of compute, support dates."""

from collections.abc import Iterable, Mapping, Sequence

from responsibility.document import Review, VersionSupport
from responsibility.findings import SEVERITIES, Evidence, Finding, Severity
from responsibility.model import KIND_NAMES, ComputeKind
from safe_io.terminal import one_line


def clean(text: str, limit: int = 400) -> str:
    """Returns text from a template as one line that is safe to show, cut to ``limit`` characters."""
    return one_line(text, limit)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Returns ``1 stack``, ``2 stacks``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def few(words: Sequence[str], limit: int) -> str:
    """Returns ``a, b and 7 more``."""
    more = len(words) - limit
    return ", ".join(words[:limit]) + (f" and {more:,} more" if more > 0 else "")


def kind_words(kinds: Iterable[ComputeKind]) -> str:
    """Returns the names of kinds of compute, or says that there are none."""
    return ", ".join(KIND_NAMES[kind] for kind in kinds) or "compute that was not read"


def kubernetes(version: str) -> str:
    """Returns ``Kubernetes 1.36``, or that its version is not known."""
    return f"Kubernetes {version}" if version else "Kubernetes version not known"


def money(amount: float, currency: str) -> str:
    """Returns ``1,234.50 USD``."""
    return f"{amount:,.2f} {currency}"


def place(evidence: Evidence) -> str:
    """Returns where to look, safe to show: stack, resource, property, and the line if it is known."""
    line = f" ({clean(evidence.file, 120)}:{evidence.line})" if evidence.file and evidence.line else ""
    words = "".join(f" {clean(part, 120)}" for part in (evidence.api, evidence.path) if part)
    return f"{clean(evidence.stack, 80)}/{clean(evidence.resource, 120)}{words}{line}"


def origin(review: Review) -> str:
    """Returns what was read, in a word."""
    return "account" if review.origin == "account" else "templates" if len(review.stacks) > 1 else "template"


def named(review: Review) -> str:
    """Returns what people call the document: a review of templates, an audit of an account."""
    return "audit" if review.origin == "account" else "review"


def said(findings: Sequence[Finding], limit: int = 3) -> str:
    """Returns subjects and finding: ``cluster demo: is open``."""
    subjects = few([clean(finding.subject, 80) for finding in findings], limit)
    return f"{subjects}{': ' if subjects else ''}{clean(findings[0].detail)}"


def open_words(numbers: Mapping[Severity, int]) -> str:
    """Returns ``1 critical, 3 low``, or ``none``."""
    return ", ".join(f"{numbers[severity]:,} {severity}" for severity in SEVERITIES if numbers.get(severity)) or "none"


def holder(review: Review) -> str:
    """Returns what contains the resources: a stack, or in an account the region."""
    return "region" if review.origin == "account" else "stack"


def support_words(support: VersionSupport) -> str:
    """Returns how long EKS supports a version, in words."""
    if support.state == "unknown":
        return "support unknown"
    if support.state == "ended":
        return f"support ended {support.extended_until or ''}".strip()
    day = support.standard_until if support.state == "standard" else support.extended_until
    left = f" ({counted(support.days_left, 'day')} left)" if support.days_left is not None else ""
    return f"{support.state} support until {day or 'an unknown day'}{left}"
