"""Asks every check of every subject.

A value of an odd shape raises ``UnknownValue`` where it is read: the answer is unknown. Whatever else a check raises is a
defect of ours: the answer is unknown, the finding says so, and the command ends with exit code 70.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Sequence

from responsibility.checks.check import Answer, Check
from responsibility.findings import Finding, evidence_of
from responsibility.model import KIND_NAMES
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.resource import UnknownValue
from responsibility.reading.unread import Unread
from safe_io import errors

_SHOWN = 3
"""So many parts that were not read are named."""


def run(checks: Iterable[Check], facts: Facts) -> list[Finding]:
    """Returns the answers: one for each subject; one ``not_applicable`` for a check that has no subject at all."""
    return [finding for check in checks for finding in _ask(check, facts)]


def _ask(check: Check, facts: Facts) -> Iterator[Finding]:
    asked = False
    for subject in facts.all(check.of):
        try:
            answer = _answer(check, subject, facts)
        except Exception as error:
            asked = True
            yield _fell_over(check, subject, error)
            continue
        if answer:
            asked = True
            yield _finding(check, subject, answer)
    if not asked:
        # Of Kubernetes objects, each says itself what it is.
        what = check.of.what if isinstance(check.of.what, str) else "Kubernetes object"
        status, detail = "not_applicable", f"there is no {what} to check"
        if parts := _may_bring(check, facts):
            status, detail = "unknown", f"nothing to check was read, but {_named(parts)} was not read either"
        yield Finding(code=check.info.code, status=status, subject="", detail=detail)


def _may_bring(check: Check, facts: Facts) -> list[Unread]:
    """Returns what was not read and may bring a subject of a check that has none."""
    if issubclass(check.of, KubernetesObject | HelmChart):
        return [part for part in facts.unread if part.brings == "objects"]
    return [part for part in facts.unread if part.brings == "resources"] if facts.all(Cluster) else []


def _named(parts: Sequence[Unread]) -> str:
    return ", ".join(part.what for part in parts[:_SHOWN])


def _absent(answer: Answer) -> bool:
    """Whether an answer rests on something that is not there."""
    if answer.status == "met":
        # Not on a property: "has no public endpoint".
        return answer.detail.startswith(("no ", "has no rule", "has no load balancer controller"))
    return answer.status == "not_applicable" and answer.detail.startswith(("has no ", "no "))


def _finding(check: Check, subject: Fact, answer: Answer, defect: str = "") -> Finding:
    return Finding(
        code=check.info.code,
        status=answer.status,
        subject=subject.words,
        detail=answer.detail,
        cluster=subject.cluster_key,
        evidence=list(answer.evidence) or [subject.at()],
        defect=defect,
    )


def _fell_over(check: Check, subject: Fact, error: Exception) -> Finding:
    if errors.debugging():
        traceback.print_exception(error)
    answer = Answer("unknown", "the check itself crashed: a defect of this program, not of the input", ())
    return _finding(check, subject, answer, errors.defect(error))


def _of_what_is_known(check: Check, subject: Fact, facts: Facts) -> Answer | None:
    """Returns that the duty is open, where it is by the known items of a list alone, and one more could not mend it."""
    known = facts.known_part() if check.more_never_helps else None
    for same in known.all(check.of) if known else ():
        if same.resource.key == subject.resource.key and same.words == subject.words:
            try:
                answer = check.judge(same)
            except UnknownValue:
                return None
            return answer if answer and answer.status == "open" else None
    return None


def _may_belong(subject: Fact, facts: Facts) -> str:
    """Returns what was not read and may bring a resource that changes what a subject is; empty = nothing of the kind.

    What a nested stack brings can belong to what it gets as a parameter.
    """
    for part in facts.unread:
        if part.beside_all or (part.resource and _gets(facts, f"{part.stack}/{part.resource}", subject)):
            return part.what
    return ""


def _may_lack(answer: Answer, subject: Fact, facts: Facts) -> str:
    """Returns which resource an answer rests on and may not exist, and why; empty = none.

    One such resource takes away what is met; what is open stays so by any other.
    """
    if subject.resource.conditional:
        return ""
    rests = [facts.get(Fact, f"{evidence.stack}/{evidence.resource}") for evidence in answer.evidence]
    lacking = [one for one in rests if one and one is not subject and one.resource.conditional]
    if not lacking or (answer.status == "open" and len(lacking) < len(rests)):
        return ""
    return f"{lacking[0].words} may not exist: {lacking[0].resource.conditional}"


def _gets(facts: Facts, key: str, subject: Fact) -> bool:
    part = facts.get(Fact, key)
    if part is None or part is subject:
        return False
    got = facts.references(part.resource)
    # A route changes what every subnet of the table is.
    return subject.resource.key in got or any(
        facts.get(Fact, one) in facts.of_type("AWS::EC2::RouteTable") for one in got
    )


def _is_about(check: Check, subject: Fact) -> bool:
    """Whether a check asks a subject at all: a role that no node has, it does not."""
    try:
        return check.judge(subject) is not None
    except UnknownValue:
        return True


def _answer(check: Check, subject: Fact, facts: Facts) -> Answer | None:
    cluster = facts.get(Cluster, subject.cluster_key)
    try:
        if not cluster and facts.stated_kinds and not {*facts.stated_kinds} & {*check.info.kinds}:
            stated = " or ".join(KIND_NAMES[kind] for kind in facts.stated_kinds)
            return Answer("not_applicable", f"it runs on {stated}", ())
        if cluster and cluster.kinds and not cluster.has_any(check.info.kinds):
            names = " or ".join(KIND_NAMES[kind] for kind in check.info.kinds)
            absent = Answer("not_applicable", f"the cluster has no {names}", ())
            return absent if _is_about(check, subject) else None
        facts.searched = False
        answer = check.judge(subject)
    except UnknownValue as unknown:
        answer = _of_what_is_known(check, subject, facts) or Answer(
            "unknown", str(unknown), (evidence_of(unknown) if unknown.where else subject.at(),)
        )
    if answer and answer.status == "met" and facts.searched and (more := _may_belong(subject, facts)):
        return Answer("unknown", f"{answer.detail}, but {more} was not read", answer.evidence or (subject.at(),))
    if (
        answer
        and cluster
        and facts.unread
        and _absent(answer)
        and (isinstance(subject, Cluster) if answer.status == "met" else not cluster.kinds)
    ):
        return Answer("unknown", f"{answer.detail}, but {_named(facts.unread)} was not read", (cluster.at(),))
    if answer and answer.status == "met" and (may_lack := _may_lack(answer, subject, facts)):
        return Answer("unknown", f"{answer.detail}, but {may_lack}", answer.evidence)
    if answer and answer.status == "open" and (may_lack := _may_lack(answer, subject, facts)):
        return Answer("unknown", f"would be open, but {may_lack}", answer.evidence)
    if answer and answer.status == "open" and subject.resource.conditional:
        return Answer("unknown", f"would be open, but may not exist: {subject.resource.conditional}", answer.evidence)
    return answer
