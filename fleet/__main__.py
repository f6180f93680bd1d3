"""`python -m fleet table | review | deploy | gate`: what make runs of a fleet."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from safe_io.errors import FINDINGS, OK, BadInput, run

PROGRAM = "python -m fleet"


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (1: something is not as it should be, 2: bad input, 70: a defect of ours)."""
    return run(lambda: _main(sys.argv[1:] if arguments is None else arguments), program=PROGRAM)


def _main(arguments: list[str]) -> int:
    from delivery.subprocesses import until_stopped

    return until_stopped(lambda: _act(arguments))


def _act(arguments: list[str]) -> int:
    from delivery.options import OneLineParser

    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = OneLineParser(prog=PROGRAM, description="Fleets: docs/fleet.md")
    actions = parser.add_subparsers(dest="action", required=True)
    for action, (words, _) in ACTIONS.items():
        one = actions.add_parser(action, help=words)
        if action in ("table", "review"):
            one.add_argument("name", help="a fleet or an environment: its name, or the path of its file")
        elif action != "schema":
            one.add_argument("name", help="a fleet: its name, or the path of its file")
            one.add_argument(
                "--wave", required=True, help="the name of a wave" + (", or all" if action == "deploy" else "")
            )
        if action == "table":
            one.add_argument("--format", choices=("text", "json", "html"), default="text")
            one.add_argument("--as-of", type=_day, default=None, help="the day for support dates: YYYY-MM-DD")
            one.add_argument(
                "-o", "--output", type=Path, action="append", default=[], help="a file: .txt, .json or .html"
            )
        elif action == "review":
            one.add_argument("--wave", help="only the environments of this wave")
            one.add_argument("--checks", choices=("on", "off"), default="off", help="the checks of a synth too")
            one.add_argument("--fail-on", choices=("critical", "high", "medium", "low", "never"), default="never")
        elif action == "deploy":
            one.add_argument("--approved", action="store_true", help="whoever approves the wave has done so elsewhere")
    options = parser.parse_args(arguments[:split])
    options.command = arguments[split + 1 :]
    return ACTIONS[options.action][1](options)


def _schema(_options: argparse.Namespace) -> int:
    from fleet.render import schema

    print(schema(), end="")
    return OK


def _table(options: argparse.Namespace) -> int:
    from fleet.path import named
    from fleet.render import render
    from fleet.table import table_of_environment, table_of_fleet
    from safe_io.output import write_all

    as_of = options.as_of or date.today()
    suffixes = {".txt": "text", ".json": "json", ".html": "html"}
    for file in options.output:
        if file.suffix not in suffixes:
            raise BadInput(f"--output {file}: its suffix is not a known format; use one of {', '.join(suffixes)}")
    path, is_fleet = named(options.name)
    if is_fleet:
        from fleet.loading import load_fleet

        found = table_of_fleet(load_fleet(path, today=as_of), as_of)
    else:
        from stacks.environment.loading import load_environment

        found = table_of_environment(path, load_environment(path, today=as_of), as_of)
    write_all({file: render(found, suffixes[file.suffix]) for file in options.output})
    print(render(found, options.format), end="")
    return OK


def _review(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.loading import load_fleet
    from fleet.path import named
    from fleet.reviewing import review
    from stacks.environment.loading import load_environment

    path, is_fleet = named(options.name)
    if is_fleet:
        fleet = load_fleet(path)
        wave = fleet.waves[fleet.wave(options.wave)] if options.wave else None
        found = [(one.path, one.environment) for of, one in fleet.members if wave in (None, of)]
    else:
        found = [(path, load_environment(path))]
    return review(found, checks=options.checks == "on", fail_on=options.fail_on, run=through, say=_say)


def _deploy(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.deploying import Deployer
    from fleet.gates import account_of, audit_of, look_at
    from fleet.loading import load_fleet
    from fleet.path import fleet_path

    fleet = load_fleet(fleet_path(options.name))
    account = account_of(lambda member: fleet.account_of(member).profile)
    audit = audit_of(lambda member: fleet.account_of(member).profile, date.today(), _say)
    deployer = Deployer(
        fleet, options.command, account_of=account, look=look_at(account, audit), run=through, ask=_ask, say=_say
    )
    return deployer.deploy(options.wave, approved=options.approved)


def _gate(options: argparse.Namespace) -> int:
    from fleet.gates import GateShut, account_of, audit_of, look_at, wait
    from fleet.loading import load_fleet
    from fleet.path import fleet_path

    fleet = load_fleet(fleet_path(options.name))
    wave = fleet.waves[fleet.wave(options.wave)]
    account = account_of(lambda member: fleet.account_of(member).profile)
    audit = audit_of(lambda member: fleet.account_of(member).profile, date.today(), _say)
    try:
        wait(wave.members, fleet.spec.gate_of(wave.spec), look_at(account, audit), say=_say)
    except GateShut as shut:
        _say(f"wave {wave.spec.name}: its gate is shut: {shut}")
        return FINDINGS
    _say(f"wave {wave.spec.name}: its gate is open")
    return OK


ACTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "table": ("every cluster of a fleet or an environment", _table),
    "review": ("synthesise and review each environment, for the table", _review),
    "deploy": ("deploy a wave; after --, a call of the CDK", _deploy),
    "gate": ("wait until the gate of a wave is open", _gate),
    "schema": ("the JSON schema of the table", _schema),
}


def _ask(question: str) -> str:
    try:
        return input(question)
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):
        return ""  # nobody is there, or what is typed is not text


def _say(text: str) -> None:
    print(text, flush=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-28") from None


if __name__ == "__main__":
    sys.exit(main())
