"""What blocks the upgrade, as far as templates and manifests show it. Every question leaves an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import all_known
from responsibility.review.versions import support
from responsibility.upgrade import detect
from responsibility.upgrade.account import GUIDE, questions
from responsibility.upgrade.changes import Changes, Note, RemovedApi, changes, minor
from responsibility.upgrade.gates_nodes import from_check, nodes
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import VERDICTS, Gate, StepId, Verdict

_ROLLBACK = timedelta(days=7)
_DRAINING: tuple[StepId, ...] = ("managed_nodes", "self_managed_nodes", "auto_mode", "hybrid_nodes")


def gates(upgrade: Upgrade) -> list[Gate]:
    """Returns everything that was looked at, blockers first."""
    found = [
        *nodes(upgrade),
        *_apis(upgrade),
        *_budgets(upgrade),
        *_addresses(upgrade),
        *_rollback(upgrade),
        *_notes(upgrade),
        *questions(upgrade),
    ]
    return sorted(_answered(found, upgrade.answers), key=lambda gate: VERDICTS.index(gate.verdict))


def _answered(found: list[Gate], answers: dict[str, list[Gate]]) -> Iterator[Gate]:
    """Yields what an account answered in the place of the questions, and what it answered unasked."""
    yield from (gate for gate in found if gate.verdict != "ask" or gate.api not in answers)
    for gates in answers.values():
        yield from gates


def _apis(upgrade: Upgrade) -> Iterator[Gate]:
    data = changes()
    objects = upgrade.objects
    seen = 0
    for item in objects:
        try:
            api = str(item.get("apiVersion", "v1"))
        except UnknownValue as unknown:
            yield _object(item, "ask", f"its API version is not known here: {unknown.reason}", data.guide)
            continue
        if not all_known(api) or "${" in api:
            yield _object(item, "ask", "its API version is filled in later", data.guide)
            continue
        seen += 1
        if row := data.removed(api, item.what):
            yield _removed(upgrade, item, row, data)
        elif (old := data.deprecated_since(api, item.what)) and minor(old.since) <= upgrade.target:
            words = f"uses {api} {item.what}, deprecated since {old.since}; it is still served"
            yield _object(item, "warning", words, old.source, f"Move to {old.use}.", topic="deprecated-api")
    for chart in upgrade.cluster.facts.belonging(HelmChart, upgrade.cluster.resource.key):
        yield Gate(
            topic="removed-api",
            verdict="ask",
            subject=chart.words,
            detail="what the chart applies was not read",
            fix=f"Look for removed APIs in it, and for a chart version that supports {upgrade.after}.",
            commands=["helm get manifest RELEASE -n NAMESPACE | grep -B1 ^kind:"],
            api="helm get manifest",
            evidence=[chart.at("Version")],
            source=data.guide,
        )
    yield _apis_clear(upgrade, seen, len(objects), data)


def _apis_clear(upgrade: Upgrade, seen: int, total: int, data: Changes) -> Gate:
    if not total:
        return Gate(
            topic="removed-api",
            verdict="ask",
            subject=upgrade.cluster.words,
            detail="no Kubernetes manifest was read, so nothing is known of the APIs in use",
            fix="The insights list the APIs that were called; or give a folder that holds your manifests, too.",
            api="eks:ListInsights",
            evidence=[upgrade.cluster.at()],
            source=data.guide,
        )
    return Gate(
        topic="removed-api",
        verdict="clear",
        subject=upgrade.cluster.words,
        detail=f"the API versions of {seen} of {total} Kubernetes objects were compared with what {upgrade.after} serves; "
        "what is not named above is served, or belongs to no API of Kubernetes itself",
        source=data.guide,
    )


def _removed(upgrade: Upgrade, item: Fact, row: RemovedApi, data: Changes) -> Gate:
    source = row.source or data.guide
    fix = f"Use {row.use}" + (f" ({row.note})." if row.note else ".")
    what = f"{row.api} {item.what}"
    if minor(row.removed) > upgrade.target:
        words = f"uses {what}, which is removed in {row.removed}"
        return _object(item, "warning", words, source, fix, verified=row.verified, topic="deprecated-api")
    gone = minor(row.removed) <= minor(upgrade.before)
    words = f"uses {what}, " + (f"gone since {row.removed}" if gone else f"removed in {row.removed}")
    return _object(item, "blocker", words, source, fix, verified=row.verified)


def _object(
    item: Fact,
    verdict: Verdict,
    words: str,
    source: str,
    fix: str = "",
    *,
    topic: str = "removed-api",
    verified: bool = True,
) -> Gate:
    return Gate(
        topic=topic,
        verdict=verdict,
        subject=item.words,
        detail=words,
        fix=fix or "Look at the object that is applied in the end.",
        evidence=[item.at("apiVersion")],
        source=source,
        verified=verified,
    )


def _budgets(upgrade: Upgrade) -> Iterator[Gate]:
    """The answers of EKR082 and EKR080, seen from an upgrade."""
    drains = upgrade.cluster.kinds != ["fargate"]
    verdicts: dict[str, Verdict] = {"open": "blocker" if drains else "warning", "unknown": "ask", "met": "clear"}
    for finding in upgrade.found("EKR082"):
        if verdict := verdicts.get(finding.status):
            yield from_check(
                finding,
                verdict,
                "disruption-budget",
                "Let one pod go: maxUnavailable 1, or more replicas than minAvailable.",
                GUIDE + "managed-node-update-behavior.html",
                next((step for step in _DRAINING if step in upgrade.cluster.kinds), "control_plane"),
                api="kubectl get poddisruptionbudgets" if verdict == "ask" else "",
            )
    for finding in upgrade.found("EKR080"):
        if finding.status == "open":
            yield from_check(
                finding,
                "warning",
                "single-replica",
                "Give it a second replica, or announce that it stops while its node is replaced.",
                "https://docs.aws.amazon.com/eks/latest/best-practices/application.html",
            )


def _addresses(upgrade: Upgrade) -> Iterator[Gate]:
    """The answer of EKR072. How many addresses are free, only the account knows: that is asked in any case."""
    for finding in upgrade.found("EKR072"):
        if finding.status in ("open", "met"):
            verdict: Verdict = "blocker" if finding.status == "open" else "clear"
            fix = "Let EKS use larger subnets of the same zones: it makes up to five new network interfaces."
            yield from_check(finding, verdict, "addresses", fix, GUIDE + "update-cluster.html")


def _rollback(upgrade: Upgrade) -> Iterator[Gate]:
    """A version in extended support takes a cluster back only if its policy is EXTENDED."""
    day = upgrade.cluster.facts.as_of
    before = support(upgrade.before, day)
    policy = upgrade.cluster.resource.maybe("UpgradePolicy.SupportType", "EXTENDED")
    where = upgrade.cluster.at("UpgradePolicy.SupportType")
    source = GUIDE + "rollback-cluster.html"
    if before.standard_until is None or before.standard_until >= day + _ROLLBACK:
        return
    words = f"standard support of {upgrade.before} ends on {before.standard_until}, before the 7 days of a rollback are over"
    if before.standard_until < day:
        words = f"{upgrade.before} is past its standard support"
    fix = "Going back would cost extended support again."
    if policy == "STANDARD":
        fix = "A rollback needs the upgrade policy EXTENDED first; it then costs extended support."
    yield Gate(
        topic="rollback",
        verdict="warning",
        subject=upgrade.cluster.words,
        detail=words,
        fix=fix,
        evidence=[where],
        source=source,
    )


def _notes(upgrade: Upgrade) -> Iterator[Gate]:
    kinds = set(upgrade.cluster.kinds)
    for note in changes().notes:
        if note.version != upgrade.after or note.covered_by or (kinds and not kinds & set(note.kinds)):
            continue
        found = detect.look(note.detect, upgrade) if note.detect else None
        if found is None:
            yield _note_gate(upgrade, note, "read", "")
        elif found:
            for fact, where in found:
                yield _note_gate(upgrade, note, "blocker" if note.blocks else "warning", fact.words, where)
        else:
            yield _note_gate(upgrade, note, "clear", "")


def _note_gate(upgrade: Upgrade, note: Note, verdict: Verdict, subject: str, where: Evidence | None = None) -> Gate:
    return Gate(
        topic=note.id,
        verdict=verdict,
        subject=subject or upgrade.cluster.words,
        detail=f"{note.title}. {note.what}" + (" Nothing in what was read uses it." if verdict == "clear" else ""),
        fix="" if verdict == "clear" else note.do,
        evidence=[where] if where else [],
        source=note.source,
        verified=note.verified,
    )
