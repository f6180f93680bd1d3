"""Asks every check of every subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from responsibility.checks.check import Answer, Check
from responsibility.document import Finding
from responsibility.facts.facts import Facts
from responsibility.facts.resource import Fact, UnknownValue
from responsibility.model import KIND_NAMES


def run(checks: Iterable[Check], facts: Facts) -> list[Finding]:
    """Returns the answers: one for each subject; one ``not_applicable`` for a check that has no subject at all."""
    return [finding for check in checks for finding in _ask(check, facts)]


def _ask(check: Check, facts: Facts) -> Iterator[Finding]:
    asked = False
    for subject in facts.all(check.of):
        answer = _answer(check, subject, facts)
        if answer:
            asked = True
            yield Finding(
                code=check.info.code,
                status=answer.status,
                subject=subject.words,
                detail=answer.detail,
                cluster=subject.cluster_key,
                evidence=list(answer.evidence) or [subject.at()],
            )
    if not asked:
        # Of Kubernetes objects, each says itself what it is.
        what = check.of.what if isinstance(check.of.what, str) else "Kubernetes object"
        yield Finding(
            code=check.info.code, status="not_applicable", subject="", detail=f"no {what} that it is asked of"
        )


def _answer(check: Check, subject: Fact, facts: Facts) -> Answer | None:
    cluster = facts.cluster(subject.cluster_key)
    try:
        if cluster and cluster.kinds and not cluster.has_any(check.info.kinds):
            names = " or ".join(KIND_NAMES[kind] for kind in check.info.kinds)
            return Answer("not_applicable", f"the cluster has no {names}", ())
        answer = check.judge(subject)
    except UnknownValue as unknown:
        return Answer("unknown", str(unknown), (unknown.evidence,))
    except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        # A value of a shape that CloudFormation would refuse: a list where a mapping belongs.
        return Answer("unknown", f"a value has a shape that cannot be read ({error})", ())
    if answer and answer.status == "open" and subject.resource.conditional:
        return Answer("unknown", f"would be open, but may not exist: {subject.resource.conditional}", answer.evidence)
    return answer
