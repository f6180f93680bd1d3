"""`python -m operations deploy | diff | destroy | smoke | look-up | check-network | empty-bucket`: and what make runs of these."""

import os
import sys
from datetime import date
from pathlib import Path

from safe_io.errors import BadInput, run
from safe_io.terminal import one_line

PROGRAM = "python -m operations"
LOOKUP_PROFILE = "EKS_PLATFORM_LOOKUP_PROFILE"
"""The AWS profile that reads an account, where the CDK has credentials of another one (fleet/access.py)."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (1: something is not as it should be, 2: bad input, 70: a defect of ours)."""
    return run(lambda: _main(sys.argv[1:] if arguments is None else arguments), program=PROGRAM)


def _main(arguments: list[str]) -> int:
    from delivery.subprocesses import until_stopped

    return until_stopped(lambda: _operate(arguments))


def _operate(arguments: list[str]) -> int:
    from delivery.options import OneLineParser

    split = arguments.index("--") if "--" in arguments else len(arguments)
    command = arguments[split + 1 :]
    parser = OneLineParser(prog=PROGRAM, description="What make deploy, destroy and smoke run.")
    parser.add_argument(
        "action", choices=["deploy", "diff", "destroy", "smoke", "look-up", "check-network", "empty-bucket"]
    )
    parser.add_argument(
        "name", help="an environment; a cluster for look-up, a bucket for empty-bucket; after --, a call of the CDK"
    )
    parser.add_argument("--anyway", action="store_true", help="destroy: whatever would stop it")
    parser.add_argument("--look", action="store_true", help="destroy: only say what would stop it")
    parser.add_argument("--context", help="smoke: kubectl's context (default: the current one)")
    parser.add_argument(
        "--file", type=Path, help="look-up: what is written, such as environments/existing/CLUSTER.yaml"
    )
    parser.add_argument("--cluster", help="deploy, diff, destroy: this cluster of the environment alone")
    options = parser.parse_args(arguments[:split])

    from responsibility.account.session import Account

    if options.action == "empty-bucket":
        from operations.empty_bucket import empty_bucket

        return empty_bucket(Account("empty-bucket"), options.name, ask=_ask, say=_say)

    if options.action == "look-up":
        from operations.looking_up import look_up

        file = options.file or Path("environments/existing") / f"{options.name}.yaml"
        return look_up(Account("look-up"), options.name, file, today=date.today(), say=_say)

    _check_first(options.action, options.name)
    from operations.environment import load, only, stacks_in_templates

    environment = load(options.name, command)
    if options.cluster and options.action in ("deploy", "diff", "destroy"):
        # What clusters share comes along as what theirs depend on, and stays in a destroy.
        shared = {"network": None} if options.action == "destroy" else {}
        environment = only(environment, options.cluster).model_copy(update=shared)
        if options.action != "destroy":
            names = stacks_in_templates(environment)
            command = [*(word for word in command if word != "--all"), *names]

    def account() -> Account:
        return Account("operate", region=environment.region, profile=os.environ.get(LOOKUP_PROFILE) or None)

    if options.action == "check-network":
        from operations.checking_network import check_network

        return check_network(environment, Account("check-network", region=environment.region), say=_say)

    if options.action == "smoke":
        from operations.smoke import smoke

        return smoke(environment, account(), context=options.context or None, say=_say)

    from delivery.subprocesses import through

    if options.action == "deploy":
        from operations.deploying import deploy

        return deploy(environment, account, command, run=through, ask=_ask, say=_say)
    if options.action == "diff":
        from operations.deploying import look

        return look(environment, account, command, run=through, say=_say)
    from operations.destroying import destroy

    return destroy(environment, account, command, anyway=options.anyway, look=options.look, run=through, say=_say)


def _check_first(action: str, name: str) -> None:
    """Raises BadInput for what would stop any command, before the environment and the CDK's modules are read."""
    from responsibility.account.errors import AccountError
    from responsibility.account.session import Account
    from stacks.environment.path import environment_path

    environment_path(name)
    command = "check-network" if action == "check-network" else "operate"
    try:
        Account(command, profile=os.environ.get(LOOKUP_PROFILE) or None).check_credentials()
    except AccountError as problem:
        raise BadInput(one_line(f"{problem}. Nothing was changed.")) from None


def _ask(question: str) -> str:
    try:
        return input(question)
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):
        return ""  # nobody is there, or what is typed is not text


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
