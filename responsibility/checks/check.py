"""What a check is: a question about one kind of subject, with a stable code, and the answer it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from responsibility.findings import CheckInfo, Evidence, Origin, Severity, Status
from responsibility.model import COMPUTE_KINDS, ComputeKind
from responsibility.reading.facts import Fact
from responsibility.reading.kubernetes import HelmChart, KubernetesObject

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found at one subject."""

    status: Status
    detail: str
    """One sentence, without the subject's name: ``is open to 0.0.0.0/0``."""
    evidence: tuple[Evidence, ...]


def met(detail: str, *evidence: Evidence) -> Answer:
    """The duty is done."""
    return Answer("met", detail, evidence)


def open_(detail: str, *evidence: Evidence) -> Answer:
    """The duty is not done."""
    return Answer("open", detail, evidence)


def not_applicable(detail: str) -> Answer:
    """The question makes no sense for this subject, and why."""
    return Answer("not_applicable", detail, ())


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the function that answers it for one subject.

    The function raises UnknownValue, by reading a fact that the template does not say, to answer ``unknown``.
    """

    info: CheckInfo
    of: type[Fact]
    judge: Callable[[Any], Answer | None]
    """Answers for one subject; None: this one is not meant (a role that no node has)."""


REGISTRY: dict[str, Check] = {}
"""Every check by its code; filled by importing the modules of this package (``checks.all_checks``)."""


def check(
    code: str,
    of: type[F],
    *,
    title: str,
    component: str,
    severity: Severity,
    why: str,
    fix: str,
    source: str,
    kinds: tuple[ComputeKind, ...] = COMPUTE_KINDS,
    only: Origin | None = None,
) -> Callable[[Callable[[F], Answer | None]], Callable[[F], Answer | None]]:
    """Registers the function below it as the check ``code``.

    Args:
        code: stable, ``EKR001``...; a code is never given to another question.
        of: the class of facts it is asked of, one answer each.
        title: the duty, as a statement that is true when it is met.
        component: id of a row of the model.
        severity: what an open answer weighs.
        why: what happens if nobody does it, in a sentence or two.
        fix: what to write where, in CloudFormation's or Kubernetes' words.
        source: the page it comes from.
        kinds: kinds of compute it speaks of. In a cluster that has none of them it is not applicable.
        only: where alone it makes sense: ``templates`` for what no API tells, ``account`` for what no template says.
            Kubernetes objects stand in templates and manifests alone: an audit does not ask a cluster's own API.

    Raises ValueError for a code that stands twice.
    """

    def register(judge: Callable[[F], Answer | None]) -> Callable[[F], Answer | None]:
        if code in REGISTRY:
            raise ValueError(f"{code} stands twice")
        info = CheckInfo(
            code=code,
            title=title,
            component=component,
            kinds=list(kinds),
            severity=severity,
            why=why,
            fix=fix,
            source=source,
            only="templates" if issubclass(of, KubernetesObject | HelmChart) else only,
        )
        REGISTRY[code] = Check(info, of, judge)
        return judge

    return register
