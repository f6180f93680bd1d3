"""`make smoke`: checks the project's assumptions about AWS after a real deploy. It only reads, and prints a line each."""

from collections.abc import Callable

from delivery.account import Asked, Cluster
from delivery.tools import Kubectl
from operations.all_assumptions import assumptions
from operations.assumptions import Seen, answer
from operations.deployed_stacks import DeployedStacks
from responsibility.account.errors import AccountError
from safe_io.errors import FINDINGS, OK, BadInput
from safe_io.terminal import one_line
from stacks.environment.model import Environment

_SECONDS = 60
"""Limit for one call of kubectl."""


def smoke(environment: Environment, account: Asked, *, context: str | None, say: Callable[[str], None]) -> int:
    """Runs the checks; returns the exit code: 0 if everything is met, 1 if something is not, or cannot be seen.

    Args:
        environment: what was deployed.
        account: where.
        context: kubectl's; None: the current one. One of another cluster is not used.
        say: prints a line for each assumption and cluster.

    Raises:
        BadInput: the account cannot be read at all.
    """
    try:
        deployed = DeployedStacks(account, environment)
    except AccountError as problem:
        raise BadInput(one_line(str(problem))) from None
    counted = {"met": 0, "not met": 0, "cannot see": 0}
    for cluster in environment.clusters:
        kubectl = _kubectl(cluster.name, account, context, say)
        seen = Seen(environment, cluster, account, deployed, kubectl)
        for one in assumptions():
            if not one.applies(seen):
                continue
            word, why = answer(one, seen)
            counted[word] += 1
            say(one_line(f"{word:<10}  {cluster.name}: {one.says}{f': {why}' if why else ''}", 600))
    say(", ".join(f"{number} {word}" for word, number in counted.items()) + ".")
    return OK if not counted["not met"] and not counted["cannot see"] else FINDINGS


def _kubectl(name: str, account: Asked, context: str | None, say: Callable[[str], None]) -> Kubectl | None:
    """Returns kubectl if its context is this cluster's; otherwise prints why not."""
    try:
        kubectl = Kubectl(context, timeout=_SECONDS)
        found = account.one("eks", "describe_cluster", "cluster", name=name)
        kubectl.check_context(name, Cluster(found["arn"], found["endpoint"], found["certificateAuthority"]["data"]))
    except (BadInput, AccountError, KeyError, TypeError) as problem:
        say(one_line(f"{name}: its Kubernetes API is skipped: {problem}", 600))
        return None
    return kubectl
