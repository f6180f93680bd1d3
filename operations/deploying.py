"""`make deploy`: asks CloudFormation what is there, refuses what would delete objects, and deploys a new cluster in two steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from delivery.account import Asked
from operations.environment import cluster_stack, context, workloads_stack
from operations.sizes import sizes_that_stay, spelt
from operations.there import NOT_MADE, There
from operations.zones import other_zones
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment

Run = Callable[[Sequence[str]], int]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Way:
    """How an environment gets deployed."""

    first: tuple[ClusterSpec, ...] = ()
    """Clusters that are made now, and get deletion protection or some add-ons in a step of its own."""
    waiting: tuple[ClusterSpec, ...] = ()
    """Those of them whose add-ons wait for `make apply`."""


def deploy(environment: Environment, asked: Callable[[], Asked], command: Sequence[str], *, run: Run, say: Say) -> int:
    """Deploys; returns the exit code of the CDK.

    Args:
        environment: what to deploy.
        asked: gives the account.
        command: the call of the CDK that deploys everything.
        run: runs it.
        say: is told what happens, a line at a time.

    Raises:
        BadInput: it would delete Kubernetes objects, or a stack is in a state that needs somebody. Nothing was changed.
    """
    try:
        account = asked()
        there = There(account, environment)
        _refuse_to_delete_objects(environment, there)
        way = _way(environment, there)
    except AccountError as problem:
        say(
            one_line(
                f"CloudFormation cannot be asked which clusters are there: {problem}. A new cluster: say FIRST_DEPLOY=NAME."
            )
        )
        way = Way()
    else:
        if refused := "\n".join(_zones(environment, there, say)):
            raise BadInput(f"{refused}. Nothing was changed.")
        command = _with_sizes(command, environment, there, account, say)
    if context(command).get("first_deploy") is not None:
        way = Way()  # the person knows, and says so
    if not way.first:
        return run(command)

    names = ",".join(cluster.name for cluster in way.first)
    say(
        f"New: {names}. Deployed in two steps, so that a failure on the way can be rolled back: deletion protection comes last."
    )
    if code := run([*command, "-c", f"first_deploy={names}"]):
        return code
    if way.waiting:
        waiting = ", ".join(cluster.name for cluster in way.waiting)
        say(
            f"The first step is done. Add-ons of {waiting} wait for node pools, which make apply ENV={environment.name} makes"
            f" (docs/access.md). Then make deploy ENV={environment.name} again: they follow, and deletion protection."
        )
        return 0
    say("The first step is done. The second one switches deletion protection on.")
    return run(command)


def look(environment: Environment, asked: Callable[[], Asked], command: Sequence[str], *, run: Run, say: Say) -> int:
    """Shows what a deploy would change; arguments and result are those of :func:`deploy`."""
    try:
        account = asked()
        there = There(account, environment)
    except AccountError as problem:
        say(one_line(f"CloudFormation cannot be asked what is there: {problem}. Desired sizes are the file's."))
        return run(command)
    for line in _zones(environment, there, say):
        say(line)
    return run(_with_sizes(command, environment, there, account, say))


def _zones(environment: Environment, there: There, say: Say) -> list[str]:
    """Returns what EKS would refuse of the AZs of control planes."""
    try:
        return list(other_zones(environment, there))
    except AccountError as problem:
        say(one_line(f"In which AZs clusters are cannot be asked: {problem}."))
        return []


def _with_sizes(
    command: Sequence[str], environment: Environment, there: There, account: Asked, say: Say
) -> Sequence[str]:
    """Returns a call of the CDK that leaves groups of nodes at their present sizes."""
    if context(command).get("sizes") is not None:
        return command  # the person knows, and says so
    try:
        sizes = sizes_that_stay(environment, there, account)
    except AccountError as problem:
        say(one_line(f"How many nodes there are cannot be asked: {problem}. Desired sizes are the file's."))
        return command
    if not sizes:
        return command
    say(f"Desired sizes stay: -c sizes={spelt(sizes)} (name desired_size in the file to set one).")
    return [*command, "-c", f"sizes={spelt(sizes)}"]


def _refuse_to_delete_objects(environment: Environment, there: There) -> None:
    for cluster in environment.clusters:
        name = workloads_stack(environment, cluster.name)
        if not cluster.delivered_by_stack and there.deletes_objects(name):
            raise BadInput(
                f"{cluster.name}: its stack {name} applies the Kubernetes objects, and delivery: files would have CloudFormation"
                " delete them all: namespaces, volumes, load balancers. Nothing was changed. Deploy delivery: handover first,"
                " then delivery: files (docs/workloads.md)"
            )


def _way(environment: Environment, there: There) -> Way:
    """Returns which clusters are new and need a second step. Raises BadInput for what is left of one that failed."""
    from stacks.workloads import late_addons

    first, waiting = [], []
    for cluster in environment.clusters:
        name = cluster_stack(environment, cluster.name)
        stack = there.find(name)
        if stack and stack.StackStatus not in NOT_MADE:
            continue
        if stack and (stack.EnableTerminationProtection or stack.StackStatus == "ROLLBACK_FAILED"):
            raise BadInput(
                f"{name} is {stack.StackStatus}: its first deploy failed, and deletion protection keeps what is left. Nothing was"
                f" changed. Take it away, then deploy again: aws eks update-cluster-config --name {cluster.name}"
                " --no-deletion-protection; aws cloudformation update-termination-protection"
                f" --no-enable-termination-protection --stack-name {name}; aws cloudformation delete-stack --stack-name {name}"
            )
        waits = not cluster.delivered_by_stack and bool(late_addons(cluster, first_deploy=False))
        if waits:
            waiting.append(cluster)
        if waits or cluster.control_plane.deletion_protection:
            first.append(cluster)
    return Way(tuple(first), tuple(waiting))
