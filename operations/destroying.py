"""`make destroy`: names what would stop it; then deletes workloads, compute and control planes, looks again, and deletes networks."""

from collections.abc import Callable, Sequence

from delivery.account import Asked
from operations.blockers import Blocker, of_clusters, of_networks
from operations.environment import cluster_stacks, network_stacks
from operations.there import There
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from stacks.environment.model import Environment

Run = Callable[[Sequence[str]], int]
Say = Callable[[str], None]


def destroy(
    environment: Environment,
    asked: Callable[[], Asked],
    command: Sequence[str],
    *,
    anyway: bool,
    look: bool,
    run: Run,
    say: Say,
) -> int:
    """Destroys workloads, clusters and networks; returns the exit code of the CDK, 2 if something would stop it.

    Args:
        environment: what to destroy.
        asked: gives the account.
        command: the call of the CDK, without the names of stacks.
        anyway: go on whatever is found.
        look: look only.
        run: runs the CDK, which asks the person.
        say: is told what is found, a line at a time.

    Raises:
        BadInput: something would stop it; nothing more was deleted.
    """
    name = environment.name
    there = _there(environment, asked, say)
    if there:
        _stop(of_clusters(environment, there, asked()), name, anyway=anyway or look, say=say)
    if look:
        if there:
            _stop(of_networks(environment, there, asked()), name, anyway=True, say=say)
        return 0
    # The CLI deletes what depends on something before it. Nothing of what this finds may be left standing on nothing.
    if code := run([*command, f"{name}-workloads-*", f"{name}-compute-*", f"{name}-control-plane-*"]):
        return code
    networks = network_stacks(environment)
    if not networks:
        return 0
    there = _there(environment, asked, say)
    if there:
        left = [
            stack
            for cluster in environment.clusters
            for stack in cluster_stacks(environment, cluster)
            if there.find(stack)
        ]
        if left:
            say(f"Still there: {', '.join(left)}. The networks stay.")
            return 0
        _stop(of_networks(environment, there, asked()), name, anyway=anyway, say=say)
    return run([*command, *networks])


def _there(environment: Environment, asked: Callable[[], Asked], say: Say) -> There | None:
    try:
        return There(asked(), environment)
    except AccountError as problem:
        say(one_line(f"What would stop the deletion cannot be seen: {problem}"))
        return None


def _stop(found: Sequence[Blocker], name: str, *, anyway: bool, say: Say) -> None:
    """Says what was found. Raises BadInput if something of it would stop the deletion."""
    stopping = [one for one in found if one.stops]
    for one in found:
        say(f"{'stops it' if one.stops else 'note'}: {one_line(one.what)}")
        for command in one.commands:
            say(f"    {one_line(command)}")
    if stopping and not anyway:
        raise BadInput(
            f"{len(stopping)} of these would stop the deletion half-way. Nothing more was deleted. Remove them by the commands"
            f" beneath, and run make destroy ENV={name} again; ANYWAY=yes goes on all the same"
        )
