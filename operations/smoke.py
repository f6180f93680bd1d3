"""`make smoke`: after a real deploy, whether what this project takes for granted about AWS holds. It reads, and prints a line each."""

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
"""That a call of kubectl may take."""


def smoke(environment: Environment, account: Asked, *, context: str | None, say: Callable[[str], None]) -> int:
    """Looks; returns the exit code: 0 if everything is met, 1 if something is not, or cannot be seen.

    Args:
        environment: what was deployed.
        account: where.
        context: kubectl's; None: the current one. One that leads elsewhere is not used.
        say: is told a line for each assumption and cluster.

    Raises:
        BadInput: the account cannot be asked at all.
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
    """Returns kubectl, if it leads to the cluster; says why not."""
    try:
        kubectl = Kubectl(context, timeout=_SECONDS)
        found = account.one("eks", "describe_cluster", "cluster", name=name)
        kubectl.check_context(name, Cluster(found["arn"], found["endpoint"], found["certificateAuthority"]["data"]))
    except (BadInput, AccountError, KeyError, TypeError) as problem:
        say(one_line(f"{name}: its Kubernetes API is not looked at: {problem}", 600))
        return None
    return kubectl
