"""Builds the playbook: reads sources, judges each cluster, puts everything into one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from responsibility.reading import sources
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.template import BadSource
from responsibility.review.build import facts_of
from responsibility.review.versions import support
from responsibility.upgrade.changes import changes
from responsibility.upgrade.gates import gates
from responsibility.upgrade.plan import Upgrade, findings_of, plan
from responsibility.upgrade.playbook import ClusterPlaybook, Gate, Playbook
from responsibility.upgrade.steps import steps


@dataclass(frozen=True)
class Request:
    """Which upgrade."""

    target: str
    assembly: str
    """What to read templates from; empty: none, the account alone."""
    as_of: date
    clusters: tuple[str, ...] = ()
    """Names; none = all."""
    start: str | None = None
    """The version that runs, if the templates do not have it."""
    live: bool = False
    """Whether to ask an account: in the place of templates, or of the questions that they leave."""
    region: str | None = None
    profile: str | None = None


def playbook(
    request: Request, say: Callable[[str], None] = lambda _: None, progress: Callable[[str], None] | None = None
) -> Playbook:
    """Returns the playbook. Raises BadSource for what cannot be read, and for upgrades that EKS refuses.

    Args:
        request: what is asked for.
        say: gets denied calls.
        progress: gets the progress of reading an account; the default is ``say``.
    """
    facts = facts_of(sources.read(request.assembly), request.as_of) if request.assembly else None
    if not request.live and facts:
        return of_facts(facts, request, {}, request.assembly)
    # Imported here: a playbook of templates alone does without boto3.
    from responsibility.account.session import Account
    from responsibility.audit.read import read
    from responsibility.upgrade import live

    account = Account("upgrade", region=request.region, profile=request.profile, progress=progress or say)
    chosen = _chosen(facts, request, request.assembly) if facts else []
    stated = {cluster.name: str(cluster.resource.maybe("Version", "") or "") for cluster in chosen}
    running = read(account, tuple(stated) or request.clusters, say=say, progress=progress, as_of=request.as_of)
    found = live.answers(running, request.target, stated, live.offered_by(account))
    where = (
        f"account {next((one.account for one in running.resources if one.account), '(not known)')}, {account.region}"
    )
    if facts:
        return of_facts(facts, request, found, f"{request.assembly}, and {where}")
    return of_facts(running, request, found, where)


def of_facts(facts: Facts, request: Request, answers: dict[str, dict[str, list[Gate]]], source: str) -> Playbook:
    """Returns the playbook for facts, wherever they come from.

    Args:
        facts: of templates or of an account.
        request: what is asked for.
        answers: what an account answered, by the cluster's name and API: it takes the place of the question.
        source: what was read, in words.
    """
    chosen = _chosen(facts, request, source)
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
        source=source,
        as_of=request.as_of,
        target=request.target,
        clusters=[
            _cluster(Upgrade(cluster, before, after, findings, answers.get(cluster.name, {})), request.as_of)
            for cluster, before, after in planned
        ],
        changes_checked=changes().checked,
    )


def _chosen(facts: Facts, request: Request, source: str) -> list[Cluster]:
    clusters = facts.all(Cluster)
    if not clusters:
        raise BadSource(f"{source}: no cluster in it. Name the template or assembly that holds the cluster")
    names = {cluster.name for cluster in clusters}
    for name in request.clusters:
        if name not in names:
            raise BadSource(f"--cluster {name}: {source} has {', '.join(sorted(names))}")
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
