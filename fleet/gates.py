"""What must hold of a wave before the next one begins: CloudFormation and EKS say it, no file of ours does."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from delivery.account import Asked
from fleet.model import Member
from fleet.wave_spec import GateSpec
from operations.deployed_stacks import DeployedStacks
from operations.environment import network_stacks, stacks_in_templates
from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from responsibility.audit.command import Request, audit
from responsibility.document import Review
from responsibility.findings import SEVERITIES
from stacks.environment.stack_names import foundation_stack

COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
"""States of a stack whose last change succeeded."""
HEALTH = ("EKR124", "EKR125", "EKR126", "EKR127", "EKR128")
"""Checks of what EKS says of the health of clusters, node groups, add-ons, Fargate profiles and capabilities."""
INSIGHT = "EKR129"
"""The check of EKS's upgrade insights in ERROR."""
WARNING = "EKR130"
"""The check of those in WARNING, which keep no gate shut."""
AT_ONCE = 8
"""Environments that are looked at at the same time: an audit waits for its account most of the time."""
SECONDS = 30.0
"""Between two looks."""
_SHOWN = 5

Audit = Callable[[Member], Review]
AccountOf = Callable[[Member], Asked]
Look = Callable[[Member, GateSpec], list[str]]


def stacks_not_complete(member: Member, account: Asked) -> Iterator[str]:
    """Yields each stack of an environment that is not there, or whose last change failed or still runs. Raises AccountError."""
    environment = member.environment
    deployed = DeployedStacks(account, environment)
    for name in [
        foundation_stack(environment.name),
        *network_stacks(environment),
        *reversed(stacks_in_templates(environment)),
    ]:
        found = deployed.find(name)
        if found is None:
            yield f"stack {name} is not there"
        elif found.StackStatus not in COMPLETE:
            yield f"stack {name} is {found.StackStatus}"


def versions_that_differ(member: Member, account: Asked) -> Iterator[str]:
    """Yields each cluster that runs another Kubernetes version than its file says. Raises AccountError."""
    for cluster in member.environment.clusters:
        found = running_version(cluster.name, account)
        if found != cluster.control_plane.kubernetes_version:
            yield f"cluster {cluster.name} runs {found or 'nowhere'}; its file says {cluster.control_plane.kubernetes_version}"


def running_version(cluster: str, account: Asked) -> str | None:
    """Returns the Kubernetes version of a cluster; None: there is no such cluster. Raises AccountError."""
    try:
        return (account.one("eks", "describe_cluster", "cluster", name=cluster) or {}).get("version")
    except AccountError as problem:
        if problem.missing:
            return None
        raise


def judged(document: Review, gate: GateSpec, clusters: Sequence[str]) -> Iterator[str]:
    """Yields what an audit of these clusters found, or could not see, that keeps a gate shut."""
    severe = _severe(document, gate)
    for one in document.findings:
        health, insight = one.code in HEALTH, one.code == INSIGHT and gate.insights
        # What cannot be seen of health, or is between two states, is not healthy; unseen() says it of other duties.
        changes = (
            one.status == "not_applicable" and health and bool(one.subject)
        )  # without a subject there is none to be healthy
        waits = changes or (one.status == "unknown" and (health or insight))
        if waits or (one.counts_as_open and (health or insight or one.code in severe)):
            yield f"{one.code} {one.subject}: {one.detail}"
    if gate.insights:
        ids = {one.name: one.id for one in document.clusters}
        seen = {one.cluster for one in document.findings if one.code in (INSIGHT, WARNING)}
        for name in clusters:
            if ids.get(name) not in seen:
                # https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html
                yield f"EKS has no upgrade insight of cluster {name} yet; it looks every 24 hours (insights: false does without)"


def unseen(document: Review, gate: GateSpec) -> list[str]:
    """Returns the codes of duties that would keep a gate shut if they were open, and that the audit could not see."""
    severe = _severe(document, gate)
    return sorted({one.code for one in document.findings if one.status == "unknown" and one.code in severe})


def _severe(document: Review, gate: GateSpec) -> set[str]:
    """Returns the codes of the duties that a gate names by their severity."""
    wanted = SEVERITIES[: SEVERITIES.index(gate.audit) + 1] if gate.audit != "never" else ()
    return {one.code for one in document.checks if one.severity in wanted} - {*HEALTH, INSIGHT}


def look_at(account_of: AccountOf, audit_of: Audit, say: Callable[[str], None]) -> Look:
    """Returns the function that looks at an environment: what keeps its gate shut, nothing if it is open.

    ``say`` gets what the audit could not see, once.
    """
    said: dict[str, list[str]] = {}

    def look(member: Member, gate: GateSpec) -> list[str]:
        account, name = account_of(member), member.environment.name
        if found := [*stacks_not_complete(member, account), *versions_that_differ(member, account)]:
            return found
        document = audit_of(member)
        if (codes := unseen(document, gate)) and said.get(name) != codes:
            say(
                f"{name}: the audit could not see {', '.join(codes)}: the gate does not answer for them (docs/audit.md)"
            )
            said[name] = codes
        return list(judged(document, gate, [one.name for one in member.environment.clusters]))

    return look


def account_of(profile_of: Callable[[Member], str | None]) -> AccountOf:
    """Returns the function that gives the account of an environment, whose number is checked."""

    def account(member: Member) -> Asked:
        made = Account("operate", region=member.region, profile=profile_of(member))
        number = str(made.one("sts", "get_caller_identity", "Account"))
        if number != member.account:
            raise AccountError(
                f"{member.environment.name}: the credentials are of account {number}, and the environment is in {member.account}:"
                " name a profile of that account in the fleet's accounts"
            )
        return made

    return account


def audit_of(profile_of: Callable[[Member], str | None], as_of: date, say: Callable[[str], None]) -> Audit:
    """Returns the function that audits the clusters of an environment."""

    def run(member: Member) -> Review:
        names = tuple(cluster.name for cluster in member.environment.clusters)
        return audit(
            Request(as_of=as_of, clusters=names, region=member.region, profile=profile_of(member)), say, lambda _: None
        )

    return run


class GateShut(Exception):
    """A gate that did not open in time. Its text says what keeps it shut."""


def wait(
    members: Sequence[Member],
    gate: GateSpec,
    look: Look,
    *,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once everything has held for the gate's soak time.

    Raises:
        GateShut: it did not, within the time limit.
        AccountError: an account cannot be asked at all.
    """
    begun, held, said = clock(), None, ""
    while True:
        shut = _shut(members, gate, look)
        now = clock()
        held = None if shut else now if held is None else held
        if held is not None and now - held >= gate.soak_minutes * 60:
            return
        words = _words(shut) or f"everything holds; waiting until it has for {gate.soak_minutes} minutes"
        if now - begun + SECONDS > gate.time_limit_minutes * 60:
            raise GateShut(f"{words} (after {gate.time_limit_minutes} minutes, the gate's time limit)")
        if words != said:
            say(f"the gate is shut: {words}" if shut else words)
            said = words
        sleep(SECONDS)


def _shut(members: Sequence[Member], gate: GateSpec, look: Look) -> dict[str, list[str]]:
    """Looks at every environment, several at the same time; returns what keeps the gate shut, by environment."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        found = pool.map(lambda one: _looked(look, one, gate), members)
        return {one.environment.name: shut for one, shut in zip(members, found, strict=True) if shut}
    finally:
        pool.shutdown(cancel_futures=True)


def _looked(look: Look, member: Member, gate: GateSpec) -> list[str]:
    try:
        return look(member, gate)
    except AccountError as problem:
        if not problem.code:
            raise  # no credentials, no region, no network: waiting does not help
        return [str(problem)]


def _words(shut: dict[str, list[str]]) -> str:
    lines = [f"{name}: {text}" for name, found in shut.items() for text in found]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more
