"""Turns what was played into findings."""

from __future__ import annotations

from collections.abc import Iterator

from local_kubernetes.nodes.drain import NAMED
from local_kubernetes.nodes.journal import Refusal
from local_kubernetes.nodes.mirror import key_of
from rehearse.document import VERDICTS, Finding, Happening, Point, Rehearsal, Step, Topic, Verdict, Workload
from rehearse.play import Played
from rehearse.stage import Refused
from rehearse.track import Line, Name

_UPDATE = "https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html"
_BUDGETS = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
_DISRUPTION = "https://karpenter.sh/docs/concepts/disruption/"
_GUIDE = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
_PRACTICE = "https://docs.aws.amazon.com/eks/latest/best-practices/application.html"
_PRESSURE = "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/"
_OWNERS = "https://kubernetes.io/docs/concepts/workloads/controllers/"
_SLOW_SECONDS = 600.0
"""An eviction that is refused for longer, and then works, is worth a word: EKS gives up after 900."""

_MORE_INSTANCES = "Raise the quota, or make room on the nodes that are there."
_MORE = "Raise the quota, or choose the update strategy MINIMAL."
_REQUEST = "Request what the pods use, and set limits no higher than that for memory."
_TWO = "Run two replicas or more, and a budget that keeps one."
_SPREAD = "Keep one by a PodDisruptionBudget, and spread the replicas over nodes."
_ROOM = "Make room, or change what keeps its pods off the nodes that are left."
_REMEDIES = {
    "webhook": "Let the pods of the webhook's Service run before those that it judges, or exempt their namespace, or let it fail open.",
    "exceeded quota": "Raise the ResourceQuota of the namespace: new pods need room beside those that end.",
    "ValidatingAdmissionPolicy": "Change what the admission policy names.",
    "does not end": "Remove its finalizer, or let the controller run that does.",
    "and its limit is": "Raise its limit, or let it use less.",
    "exceeds the": "Raise its limit, or let it use less.",
}
"""By words of the reasons, the first that fits."""
_CHECKS = {"disruption-budget": "EKR082", "several-budgets": "EKR082", "forced-update": "EKR044"}
"""Checks of the review that find the same without a cluster."""

_NODE_NAME = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename"
_UNNAMED = "Take nodeName out of the pod template; a nodeSelector or an affinity leaves the choice to the scheduler."
_FIX: dict[str, tuple[str, str]] = {
    "disruption-budget": (
        "Let the budget allow one disruption: maxUnavailable: 1, or fewer minAvailable than there are ready replicas.",
        _BUDGETS,
    ),
    "several-budgets": ("Let one PodDisruptionBudget alone select the pod: the Eviction API refuses a pod that has several.", _BUDGETS),
    "do-not-disrupt": ("Remove the annotation before the upgrade, or give the node pool a terminationGracePeriod.", _DISRUPTION),
    "node-budget": ("Let a disruption budget of the node pool allow a node for the reason Drifted at some time.", _DISRUPTION),
    "finalizer": ("Let the controller run that removes the finalizer, or remove the finalizer.", "https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/"),
    "grace-period": ("Shorten terminationGracePeriodSeconds below 15 minutes, or force the update.", _UPDATE),
    "eviction": ("Make the pod evictable, or delete it yourself.", _UPDATE),
    "forced-update": ("Change what kept the pod: it was deleted all the same, whatever its budget or annotation says.", _UPDATE),
    "slow-eviction": ("Let the budget allow more disruptions at a time, or let pods become ready faster.", _BUDGETS),
}  # fmt: skip


def judge(played: Played) -> Rehearsal:
    """Returns the document."""
    found = [
        *_objects(played), *_before(played), *_refusals(played), *_failures(played), *_pressed(played), *_workloads(played),
    ]  # fmt: skip
    order = {verdict: number for number, verdict in enumerate(VERDICTS)}
    found = sorted(_once(found), key=lambda one: (order[one.verdict], one.subject, one.topic))
    begin, journal = played.begin, played.journal
    failed = {event.step for event in journal.events if event.failed}
    return Rehearsal(
        source=played.case.source,
        cluster=played.case.name,
        question=played.question,
        before=played.case.version,
        after=played.after,
        nodes=played.nodes,
        pods=sum(played.ready.values()),
        findings=found,
        workloads=[_line(line, played) for name, line in sorted(played.tracker.lines.items()) if _counts(name, played)],
        steps=[
            Step(id=id_, title=title, begin=max(0.0, start - begin), end=max(0.0, end - begin), failed=id_ in failed, skipped=why)
            for id_, title, start, end, why in played.steps
        ],
        events=[
            Happening(at=max(0.0, event.at - begin), step=event.step, what=event.what, failed=event.failed) for event in journal.events
            if event.at >= begin
        ],
        not_played=list(dict.fromkeys([*played.not_played, *played.world.unsettled])),
    )  # fmt: skip


def _counts(name: Name, played: Played) -> bool:
    return bool(played.ready.get(name) or played.asked.get(name))


def _once(found: list[Finding]) -> list[Finding]:
    """Returns the findings, each subject and topic once: the first."""
    seen: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        seen.setdefault((one.topic, one.subject, one.node), one)
    return list(seen.values())


def _objects(played: Played) -> Iterator[Finding]:
    for one, verdict in [
        *((one, "warning") for one in played.refused_before),
        *((one, "blocker") for one in played.refused_after),
    ]:
        yield _object(one, verdict, played.case.version if verdict == "warning" else played.after)  # type: ignore[arg-type]


def _object(one: Refused, verdict: Verdict, version: str) -> Finding:
    strict = (
        "unknown field" in one.message
        or "strict decoding" in one.message
        or "field not declared in schema" in one.message
    )
    topic: Topic = "removed-api" if one.gone else "strict-fields" if strict else "admission"
    fix = {
        "removed-api": "Move to an API that the version serves.",
        "strict-fields": "Remove or correct the field: the API server drops it, or refuses the object.",
        "admission": "Change what the API server's words name.",
    }[topic]
    return Finding(
        topic=topic, verdict=verdict, step="control_plane" if verdict == "blocker" else "before", subject=one.given.name,
        detail=f"Kubernetes {version} does not take it: {one.message}", at=0, fix=fix, source=_GUIDE, where=one.given.where,
    )  # fmt: skip


def _before(played: Played) -> Iterator[Finding]:
    """What did not run before anything began: it says nothing of the upgrade."""
    for name, line in sorted(played.tracker.lines.items()):
        ready, asked = line.at(played.begin), played.asked.get(name, 0)
        if ready < asked:
            why = "; ".join(played.lacking.get(name, []))
            yield Finding(
                topic="not-ready-before", verdict="warning", step="before", subject=_words(name),
                detail=f"{ready} of {asked} replicas were ready before it began: {why or 'no pod says why'}",
                at=0, fix="Let it run first: what is not ready before cannot be judged.", source=_PRACTICE, where=_where(played, name),
            )  # fmt: skip


def _topic(one: Refusal) -> Topic:
    text = one.message
    if "more than one PodDisruptionBudget" in text or "multiple P" in text:
        return "several-budgets"
    if 'has "karpenter.sh/do-not-disrupt"' in text:
        return "do-not-disrupt"
    if "finalizers keep it" in text:
        return "finalizer"
    if "grace period" in text:
        return "grace-period"
    if "not all pods would schedule" in text:
        return "eviction"
    return "disruption-budget" if one.budgets or "disruption budget" in text else "eviction"


def _refusals(played: Played) -> Iterator[Finding]:
    for one in played.journal.refusals.values():
        lasted = one.until - one.since
        topic = _topic(one)
        verdict: Verdict = "blocker"
        if one.outcome == "left":
            if lasted < _SLOW_SECONDS:
                continue
            topic, verdict = "slow-eviction", "warning"
        elif one.outcome == "deleted":
            # What a finalizer keeps outlives even its node.
            topic, verdict = topic if topic == "finalizer" else "forced-update", "warning"
        elif one.node not in played.world.nodes:
            continue  # the node went in the end, and the pod with it
        fix, source = (_UNNAMED, _NODE_NAME) if NAMED in one.message else _FIX[topic]
        step = {"karpenter": "self_managed_nodes"}.get(one.runner, one.runner)
        yield Finding(
            topic=topic, verdict=verdict, check=_CHECKS.get(topic, ""),
            step=step, subject=f"Pod {'/'.join(one.pod)}", detail=one.message, node=one.node, group=one.group,
            budgets=["/".join(key) for key in one.budgets], at=one.since - played.begin, seconds=lasted, fix=fix, source=source,
        )  # fmt: skip


def _failures(played: Played) -> Iterator[Finding]:
    for event in played.journal.events:
        if event.failed and "NodeCreationFailure" in event.what:
            yield Finding(
                topic="capacity", verdict="blocker", step=event.step, subject=event.what.partition(":")[0],
                detail=event.what.partition(": ")[2], at=event.at - played.begin, fix=_MORE,
                source=_UPDATE,
            )  # fmt: skip
        elif (
            event.failed
            and "still runs the old version" in event.what
            and any(words in event.what for words in ("budgets of node pool", "more cannot start"))
        ):
            topic: Topic = "node-budget" if "budgets of node pool" in event.what else "capacity"
            fix, source = _FIX.get(topic, (_MORE_INSTANCES, _DISRUPTION))
            yield Finding(
                topic=topic, verdict="blocker", step=event.step, subject=event.what.partition(" still")[0], detail=event.what,
                at=event.at - played.begin, group=event.what.partition(" of pool ")[2].split()[0], fix=fix, source=source,
            )  # fmt: skip


def _pressed(played: Played) -> Iterator[Finding]:
    """The pods that kubelets evicted, once for each workload and node."""
    seen = set()
    for one in played.world.pressure.evicted:
        subject = f"Pod {'/'.join(one.pod)}"
        if one.at < played.begin or (mark := (one.pod[0], one.pod[1].rpartition("-")[0], one.node)) in seen:
            continue
        seen.add(mark)
        yield Finding(
            topic="node-pressure", verdict="warning", step=_step_at(played, one.at), subject=subject, detail=one.message, node=one.node,
            group=one.group, at=one.at - played.begin, fix=_REQUEST, source=_PRESSURE,
        )  # fmt: skip


def _workloads(played: Played) -> Iterator[Finding]:
    world, begin = played.world, played.begin
    for name, line in sorted(played.tracker.lines.items()):
        before = played.ready.get(name, 0)
        if not before:
            continue
        common = {"step": _step_of(played, line), "subject": _words(name), "where": _where(played, name)}
        end, now = line.now, world.clock.now
        if end < before:
            reasons = list(dict.fromkeys(f"{_pod(pod)}: {why}" for pod, why in played.tracker.pending(name)))
            if name[0] == "Pod" and not reasons:
                yield Finding(
                    topic="no-owner", verdict="down", detail="nothing makes it again: no controller owns it", at=_drop(line, begin) - begin,
                    fix="Let a Deployment, StatefulSet or Job make it.", source=_OWNERS, **common,
                )  # fmt: skip
                continue
            yield Finding(
                topic="never-back", verdict="down", detail=f"{end} of {before} replicas are ready at the end. {' '.join(reasons)}".strip(),
                at=_drop(line, begin) - begin, fix=_remedy(" ".join(reasons)),
                source=_PRACTICE, **common,
            )  # fmt: skip
        seconds = line.below(1, begin, now)
        if line.lowest(begin, now) == 0 and (end or end == before):
            single = before == 1
            asked = played.asked.get(name, 1)
            words = "because it has one" if asked <= 1 else f"because one of {asked} was ready before"
            yield Finding(
                topic="single-replica" if single else "all-replicas", verdict="down", check="EKR080" if single else "EKR081",
                detail=f"no replica was ready for {seconds:.0f} s" + (f", {words}" if single else f", out of {before}"),
                at=_drop(line, begin) - begin, seconds=seconds,
                fix=_TWO if single else _SPREAD,
                source=_PRACTICE, **common,
            )  # fmt: skip


def _remedy(reasons: str) -> str:
    """Returns what helps against the reasons that pods of a workload give."""
    return next((fix for words, fix in _REMEDIES.items() if words in reasons), _ROOM)


def _drop(line: Line, since: float) -> float:
    """Returns when fewer than before were ready for the first time."""
    before = line.at(since)
    return next((at for at, count in line.points if at > since and count < before), since)


def _step_of(played: Played, line: Line) -> str:
    return _step_at(played, _drop(line, played.begin))


def _step_at(played: Played, when: float) -> str:
    return next((id_ for id_, _, start, end, _ in played.steps if start <= when <= end), "")


def _words(name: Name) -> str:
    return f"{name[0]} {name[1]}/{name[2]}"


def _pod(pod: dict[str, object]) -> str:
    namespace, name = key_of(pod)
    return f"{namespace}/{name}"


def _where(played: Played, name: Name) -> str:
    for given in played.case.objects:
        metadata = given.item["metadata"]
        if (given.item.get("kind"), metadata.get("namespace", "default"), metadata["name"]) == name:
            return given.where
    return ""


def _line(line: Line, played: Played) -> Workload:
    begin, now = played.begin, played.world.clock.now
    before = played.ready.get(line.name, 0)
    return Workload(
        name=_words(line.name), before=before, lowest=line.lowest(begin, now), after=line.now,
        seconds_without=line.below(1, begin, now) if before else 0.0, seconds_below=line.below(before, begin, now),
        points=[Point(at=0, ready=line.at(begin)), *(Point(at=at - begin, ready=count) for at, count in line.points if at > begin)],
    )  # fmt: skip
