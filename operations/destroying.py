"""`make destroy`: lists what would block it, deletes workloads, compute and control planes, checks again, then deletes networks."""

from collections.abc import Callable, Sequence

from delivery.account import Asked
from operations.blocker import Blocker
from operations.blockers import of_clusters
from operations.deployed_stacks import DeployedStacks
from operations.deploying import refuse_without_account
from operations.environment import cluster_stacks, network_stacks
from operations.network_blockers import of_networks
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
        say: prints a line of what was found.

    Raises:
        BadInput: something would stop it; nothing more was deleted.
    """
    name = environment.name
    networks = network_stacks(environment)
    deployed = _there(environment, asked, say)
    if deployed:
        found = of_clusters(environment, deployed, asked())
        _tell(found, say)
        if look:
            _tell(of_networks(environment, deployed, asked()), say)
        else:
            _refuse(found, environment.env, anyway=anyway)
    if look:
        return 0
    # The CLI deletes dependents first. These go together, so that none outlives what it depends on.
    stacks = [stack for cluster in environment.clusters for stack in cluster_stacks(environment, cluster)]
    if deployed:
        stacks = [stack for stack in stacks if deployed.find(stack)]
    if not stacks and not any(deployed.find(stack) for stack in networks if deployed):
        say(f"There is nothing to delete: no cluster or network of {name} is deployed.")
        return 0
    if stacks and (code := run([*command, *stacks])):
        return code
    if not networks:
        return 0
    deployed = _there(environment, asked, say)
    if deployed:
        networks = [stack for stack in networks if deployed.find(stack)]
        left = [
            stack
            for cluster in environment.clusters
            for stack in cluster_stacks(environment, cluster)
            if deployed.find(stack)
        ]
        if left:
            say(f"Still there: {', '.join(left)}. The networks stay.")
            return 0
        found = of_networks(environment, deployed, asked())
        _tell(found, say)
        _refuse(found, environment.env, anyway=anyway)
    return run([*command, *networks]) if networks else 0


def _there(environment: Environment, asked: Callable[[], Asked], say: Say) -> DeployedStacks | None:
    try:
        return DeployedStacks(asked(), environment)
    except AccountError as problem:
        refuse_without_account(problem)
        say(one_line(f"What would stop the deletion cannot be read: {problem}"))
        return None


def _tell(found: Sequence[Blocker], say: Say) -> None:
    for one in found:
        say(f"{'stops it' if one.stops else 'note'}: {one_line(one.what)}")
        for command in one.commands:
            say(f"    {one_line(command)}")


def _refuse(found: Sequence[Blocker], name: str, *, anyway: bool) -> None:
    """Raises BadInput if something that was found would stop the deletion."""
    stopping = [one for one in found if one.stops and (one.certain or not anyway)]
    if stopping:
        more = "" if any(one.certain for one in stopping) else "; ANYWAY=yes goes on regardless"
        raise BadInput(
            f"{len(stopping)} of these would stop the deletion half-way. Nothing more was deleted. Remove them with the commands"
            f" above, and run make destroy ENV={name} again{more}"
        )
