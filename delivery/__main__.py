"""`python -m delivery apply cdk.out`, `... remove cdk.out`, `... gitops cdk.out --output FOLDER`, `... hybrid cdk.out`."""

import sys

from safe_io.errors import BadInput, run

PROGRAM = "python -m delivery"


def main(arguments: list[str] | None = None) -> int:
    """Applies, removes or writes a tree; returns the exit code.

    0: it is done; 1: it failed on its way; 2: nothing was begun; 70: a defect of ours; 128 and a signal's number: that ended it.
    """
    return run(lambda: _main(sys.argv[1:] if arguments is None else arguments), program=PROGRAM)


def _main(arguments: list[str]) -> int:
    if arguments[:1] == ["hybrid"]:
        from delivery.hybrid import hybrid

        _say(hybrid(arguments[1:], PROGRAM))
        return 0
    # Imported here: a signal must not meet a module that is half imported with nobody to answer it.
    from delivery.subprocesses import until_stopped

    return until_stopped(lambda: _deliver(arguments), " Run the same again: it goes on where it is.")


def _deliver(arguments: list[str]) -> int:
    from delivery.account import ask
    from delivery.applying import apply
    from delivery.options import read_options
    from delivery.plan import read_plan
    from delivery.problem import DeliveryProblem
    from delivery.removing import remove
    from delivery.task import Task
    from delivery.tools import Helm, Kubectl

    options = read_options(arguments, PROGRAM)
    if options.action == "gitops":
        from delivery.gitops.command import write_tree

        return write_tree(options.assembly, options.output, _say, look_up=options.look_up, check=options.check)
    plan = read_plan(options.assembly, options.cluster)
    if plan.description.gitops and not options.in_place_of_git:
        raise BadInput(
            f"{plan.description.cluster}: its objects come from a Git repository (delivery: gitops). make gitops writes them;"
            " what leaves the repository is removed by who applies it (docs/gitops.md)"
        )
    kubectl = Kubectl(options.context or None, timeout=options.timeout, pause=options.pause)
    helm = Helm(kubectl.context) if plan.needs_helm else None
    cluster, values = ask(plan)
    kubectl.check_context(plan.description.cluster, cluster)
    act = apply if options.action == "apply" else remove
    if act is remove and not options.yes:
        _confirm(
            plan.description.cluster, cluster.arn, [step.workload for step in plan.description.steps if step.workload]
        )
    try:
        act(Task(plan, values, kubectl, helm, options.timeout, _say, options.pause))
    except DeliveryProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    _say(f"{plan.description.cluster}: {'everything is applied and ready' if act is apply else 'everything is gone'}.")
    return 0


def _confirm(name: str, arn: str, namespaces: list[str]) -> None:
    """Raises BadInput unless the person types the name of the cluster."""
    _say(
        f"This deletes from {arn} every object that was synthesised for it, custom resources of its definitions included,"
    )
    _say(f"and the namespaces {', '.join(namespaces) or '(none)'} with all that is in them, data on volumes too.")
    try:
        answer = input(f"Type the name of the cluster ({name}) to go on: ")
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):
        answer = ""  # nobody is there, or what is typed is not text
    if answer.strip() != name:
        raise BadInput("Nothing was changed.")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
