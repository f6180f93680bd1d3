"""`make deploy`: asks CloudFormation what is there, and refuses what would delete objects."""

from collections.abc import Callable, Sequence

from delivery.account import Asked
from operations.blockers import other_stacks
from operations.deployed_stacks import DeployedStacks
from operations.environment import context
from operations.sizes import as_context, sizes_that_stay
from operations.zones import other_zones
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from stacks.environment.model import Environment
from stacks.environment.stack_names import protection_stack, workloads_stack

Run = Callable[[Sequence[str]], int]
Ask = Callable[[str], str]
Say = Callable[[str], None]


SIDE_BY_SIDE = 4
"""Stacks that are deployed at the same time, where the call does not say: a new account has few concurrent Lambda functions,
and each cluster with `delivery: kubectl` uses some (docs/deploy.md)."""


def deploy(
    environment: Environment, asked: Callable[[], Asked], command: Sequence[str], *, run: Run, ask: Ask, say: Say
) -> int:
    """Deploys; returns the exit code of the CDK.

    Args:
        environment: what to deploy.
        asked: gives the account.
        command: the call of the CDK that deploys everything.
        run: runs it.
        ask: puts a question to the person; "" if nobody is there.
        say: prints a line of progress.

    Raises:
        BadInput: it would delete Kubernetes objects, EKS would refuse it, or the person does not want what it would change. Nothing
            was changed.
    """
    try:
        account = asked()
        deployed = DeployedStacks(account, environment)
        _refuse_to_delete_objects(environment, deployed)
    except AccountError as problem:
        refuse_without_account(problem)
        say(one_line(f"CloudFormation cannot be read: {problem}. It is deployed as the file says."))
        waiting = []
    else:
        waiting = _waiting(environment, deployed)
        try:
            for one in other_stacks(environment, deployed):
                say(f"{one.what}: {one.commands[0]}")
        except AccountError as problem:
            say(one_line(f"Stacks that are no longer in the file cannot be read: {problem}."))
        if refused := "\n".join(_zones(environment, deployed, say)):
            raise BadInput(f"{refused}. Nothing was changed.")
        command = _with_sizes(command, environment, deployed, account, say)
    if context(command).get("before_pools") is not None:
        waiting = []  # the caller decides
    command = _side_by_side(command, run, ask)
    if not waiting:
        return run(command)
    if code := run([*command, "-c", f"before_pools={','.join(waiting)}"]):
        return code
    say(
        f"Add-ons of {', '.join(waiting)} wait for nodes: of sites, which join by hand (docs/hybrid.md), or of pools, which"
        f" come with the Kubernetes objects: make apply ENV={environment.env}"
        " (docs/access.md), or a sync where delivery is gitops (docs/gitops.md)."
        f" Then make deploy ENV={environment.env} again: they follow."
    )
    return 0


def refuse_without_account(problem: AccountError) -> None:
    """Raises BadInput unless the account answered that this call is not allowed: the CDK's own role may do more.

    Without credentials, or a region, the CDK would fail too: later, and in other words.
    """
    if not problem.denied:
        raise BadInput(one_line(f"{problem}. Nothing was changed."))


def _side_by_side(command: Sequence[str], run: Run, ask: Ask) -> list[str]:
    """Returns a call of the CDK that deploys stacks at the same time, once the person has seen what it would permit.

    The CLI cannot ask while it deploys several: so the question comes before, and once for all stacks.
    Raises BadInput: the person does not want it, or is not there.
    """
    said = dict(zip(command, [*command[1:], ""], strict=True)) | dict(
        word.split("=", 1) for word in command if word.startswith("--") and "=" in word
    )
    approval = said.get("--require-approval")
    if approval not in (None, "never"):
        return list(command)  # one stack after the other, with the CLI's own questions
    at_once = [] if "--concurrency" in said else ["--concurrency", str(SIDE_BY_SIDE)]
    if approval or said.keys() & {"--yes", "-y"}:
        return [*command, *at_once]
    looking = ["diff" if word == "deploy" else word for word in command if word != "--all"]
    if run([*looking, "--security-only", "--fail-on", "broadening", "--method", "template"]):
        answer = ask("Deploy what is shown above? (y/n) ").strip().lower()
        if answer not in ("y", "yes"):
            raise BadInput(
                "Nothing was changed: the permissions above were not approved."
                ' Without a question: CDK_FLAGS="--require-approval never"'
            )
    return [*command, "--require-approval", "never", *at_once]


def look(environment: Environment, asked: Callable[[], Asked], command: Sequence[str], *, run: Run, say: Say) -> int:
    """Shows what a deploy would change; arguments and result are those of :func:`deploy`."""
    try:
        account = asked()
        deployed = DeployedStacks(account, environment)
    except AccountError as problem:
        refuse_without_account(problem)
        say(one_line(f"CloudFormation cannot be read: {problem}. The file's desired sizes are used."))
        return run(command)
    for line in _zones(environment, deployed, say):
        say(line)
    return run(_with_sizes(command, environment, deployed, account, say))


def _zones(environment: Environment, deployed: DeployedStacks, say: Say) -> list[str]:
    """Returns what EKS would refuse of the AZs of control planes."""
    try:
        return list(other_zones(environment, deployed))
    except AccountError as problem:
        say(one_line(f"The AZs of the clusters cannot be read: {problem}."))
        return []


def _with_sizes(
    command: Sequence[str], environment: Environment, deployed: DeployedStacks, account: Asked, say: Say
) -> Sequence[str]:
    """Returns a call of the CDK that leaves groups of nodes at their present sizes."""
    if context(command).get("sizes") is not None:
        return command  # the caller decides
    try:
        sizes = sizes_that_stay(environment, deployed, account)
    except AccountError as problem:
        say(one_line(f"The sizes of node groups cannot be read: {problem}. The file's desired sizes are used."))
        return command
    if not sizes:
        return command
    say(f"Desired sizes stay: -c sizes={as_context(sizes)} (name desired_size in the file to set one).")
    return [*command, "-c", f"sizes={as_context(sizes)}"]


def _refuse_to_delete_objects(environment: Environment, deployed: DeployedStacks) -> None:
    for cluster in environment.clusters:
        name = workloads_stack(environment.name, cluster.name)
        if not cluster.delivered_by_stack and deployed.deletes_objects(name):
            raise BadInput(
                f"{cluster.name}: its stack {name} applies the Kubernetes objects, and delivery: {cluster.delivery} would have"
                " CloudFormation delete them all: namespaces, volumes, load balancers. Nothing was changed. Deploy delivery:"
                f" handover first, then delivery: {cluster.delivery} (docs/workloads.md)"
            )


def _waiting(environment: Environment, deployed: DeployedStacks) -> list[str]:
    """Returns the names of clusters whose add-ons wait for the node pools that `make apply` makes."""
    from stacks.workloads import late_addons

    return [
        cluster.name
        for cluster in environment.clusters
        if not cluster.delivered_by_stack
        and late_addons(cluster, before_pools=False)
        and not deployed.created(protection_stack(environment.name, cluster.name))
    ]
