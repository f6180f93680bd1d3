"""`python -m delivery apply cdk.out`, `python -m delivery remove cdk.out`."""

import argparse
import sys
from pathlib import Path

from delivery.account import ask
from delivery.applying import apply
from delivery.plan import Plan, read_plan
from delivery.problem import DeliveryProblem, Refusal
from delivery.removing import remove
from delivery.tools import Helm, Kubectl


def main(arguments: list[str] | None = None) -> int:
    """Applies or removes; returns the exit code (1: it failed on its way, 2: nothing was begun)."""
    options = _parser().parse_args(arguments)
    try:
        plan = read_plan(options.assembly, options.cluster)
        kubectl = Kubectl(options.context or None, pause=options.pause)
        helm = Helm(kubectl.context) if plan.needs_helm else None
        cluster, values = ask(plan)
        kubectl.check_context(plan.description.cluster, cluster)
        act = apply if options.action == "apply" else remove
        if act is remove and not options.yes:
            _confirm(plan, cluster.arn)
        act(plan, values, kubectl, helm, timeout=options.timeout, say=_say, pause=options.pause)
    except DeliveryProblem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("Interrupted. Run the same again: it goes on where it is.", file=sys.stderr)
        return 1
    _say(f"{plan.description.cluster}: {'everything is applied and ready' if act is apply else 'everything is gone'}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery", description="Applies or removes rendered manifests.")
    parser.add_argument("action", choices=["apply", "remove"])
    parser.add_argument("assembly", type=Path, help="the folder that a synth wrote: cdk.out")
    parser.add_argument("--cluster", help="if the environment has several")
    parser.add_argument("--context", help="kubectl's context of the cluster (default: the current one)")
    parser.add_argument("--timeout", type=int, default=900, help="seconds an object may take (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=5, help=argparse.SUPPRESS)
    parser.add_argument("--yes", action="store_true", help="do not ask before removing")
    return parser


def _confirm(plan: Plan, arn: str) -> None:
    """Raises Refusal unless the person types the name of the cluster."""
    name = plan.description.cluster
    namespaces = [step.workload for step in plan.description.steps if step.workload]
    _say(f"This deletes from {arn} every object in {plan.folder}, custom resources of its definitions included,")
    _say(f"and the namespaces {', '.join(namespaces) or '(none)'} with all that is in them, data on volumes too.")
    try:
        answer = input(f"Type the name of the cluster ({name}) to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != name:
        raise Refusal("Nothing was changed.")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
