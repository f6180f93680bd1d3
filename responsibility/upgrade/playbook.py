"""Builds the playbook: reads sources, judges each cluster, puts everything into one document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from responsibility.facts import sources
from responsibility.facts.eks import Cluster
from responsibility.facts.facts import Facts
from responsibility.facts.template import BadSource
from responsibility.review.build import facts_of
from responsibility.review.versions import support
from responsibility.upgrade.changes import changes
from responsibility.upgrade.document import ClusterPlaybook, Gate, Playbook
from responsibility.upgrade.gates import gates
from responsibility.upgrade.plan import Upgrade, findings_of, plan
from responsibility.upgrade.steps import steps


@dataclass(frozen=True)
class Request:
    """Which upgrade."""

    target: str
    assembly: str
    as_of: date
    clusters: tuple[str, ...] = ()
    """Names; none = all."""
    start: str | None = None
    """The version that runs, where the templates do not say."""


def playbook(request: Request, answers: dict[str, dict[str, list[Gate]]] | None = None) -> Playbook:
    """Returns the playbook. Raises BadSource for what cannot be read, and for upgrades that EKS refuses.

    Args:
        request: what is asked for.
        answers: what an account answered, by the cluster's name and API: it takes the place of the question.
    """
    facts = facts_of(sources.read(request.assembly), request.as_of)
    return of_facts(facts, request, answers or {})


def of_facts(facts: Facts, request: Request, answers: dict[str, dict[str, list[Gate]]]) -> Playbook:
    """Returns the playbook for facts, wherever they come from."""
    chosen = _chosen(facts, request)
    # All refusals at once: nobody wants to be told one after the other.
    planned, refused = [], []
    for cluster in chosen:
        try:
            planned.append((cluster, *plan(cluster, request.target, request.start)))
        except BadSource as error:
            refused.append(str(error))
    if refused:
        more = "\nName those to upgrade now with --cluster." if planned else ""
        raise BadSource("\n".join(dict.fromkeys(refused)) + more)
    findings = tuple(findings_of(facts))
    return Playbook(
        source=request.assembly,
        as_of=request.as_of,
        target=request.target,
        clusters=[
            _cluster(Upgrade(cluster, before, after, findings, answers.get(cluster.name, {})), request.as_of)
            for cluster, before, after in planned
        ],
        changes_checked=changes().checked,
    )


def _chosen(facts: Facts, request: Request) -> list[Cluster]:
    clusters = facts.all(Cluster)
    if not clusters:
        raise BadSource(f"{request.assembly}: no cluster in it. Name the template or assembly that holds the cluster")
    names = {cluster.name for cluster in clusters}
    for name in request.clusters:
        if name not in names:
            raise BadSource(f"--cluster {name}: {request.assembly} has {', '.join(sorted(names))}")
    return [cluster for cluster in clusters if not request.clusters or cluster.name in request.clusters]


def _cluster(upgrade: Upgrade, as_of: date) -> ClusterPlaybook:
    found = gates(upgrade)
    return ClusterPlaybook(
        id=upgrade.cluster.resource.key,
        name=upgrade.cluster.name,
        environment=upgrade.environment,
        before=upgrade.before,
        after=upgrade.after,
        kinds=upgrade.cluster.kinds,
        support_before=support(upgrade.before, as_of),
        support=support(upgrade.after, as_of),
        gates=found,
        steps=steps(upgrade, found),
        notes_complete=upgrade.after in changes().notes_read,
    )
