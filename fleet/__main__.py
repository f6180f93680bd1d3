"""`python -m fleet table | review | upgrade | gitops | deploy | gate`: what make runs of a fleet."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from safe_io.errors import FINDINGS, OK, BadInput, run

if TYPE_CHECKING:
    from fleet.gates import AccountOf, Audit
    from fleet.model import Fleet, Member

PROGRAM = "python -m fleet"
SOURCES = ("EcsContainer", "Environment", "Ec2InstanceMetadata")
"""Where the credentials are from that assume a lookup role: fleet/access.py."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (1: something is not as it should be, 2: bad input, 70: a defect of ours)."""
    return run(lambda: _main(sys.argv[1:] if arguments is None else arguments), program=PROGRAM)


def _main(arguments: list[str]) -> int:
    from delivery.subprocesses import until_stopped

    return until_stopped(lambda: _act(arguments))


def _act(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser().parse_args(arguments[:split])
    options.lookup_roles = getattr(options, "lookup_roles", None)
    options.command = arguments[split + 1 :]
    return ACTIONS[options.action][1](options)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of every command, which says in one line what is wrong with it."""
    from delivery.options import OneLineParser

    parser = OneLineParser(prog=PROGRAM, description="Fleets: docs/fleet.md")
    actions = parser.add_subparsers(dest="action", required=True)
    for action, (words, _) in ACTIONS.items():
        one = actions.add_parser(action, help=words)
        if action in ("table", "review"):
            one.add_argument("name", help="a fleet or an environment: its name, or the path of its file")
        elif action != "schema":
            one.add_argument("name", help="a fleet: its name, or the path of its file")
        if action in ("deploy", "look", "gate", "upgrade", "gitops"):
            one.add_argument(
                "--wave",
                required=True,
                help="the name of a wave" + (", or all" if action in ("deploy", "upgrade", "gitops") else ""),
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
        elif action == "upgrade":
            one.add_argument("--to", default="next", help="a Kubernetes version, such as 1.37 (default: the next one)")
            one.add_argument("--no-rehearsal", action="store_true", help="playbooks alone")
        elif action == "gitops":
            one.add_argument("--output", type=Path, required=True, help="a working copy of the repository")
            one.add_argument(
                "--look-up", action="store_true", help="ask the accounts for the values that only they know"
            )
            one.add_argument("--check", action="store_true", help="write nothing; 1: something would change")
        _add_lookup_roles(one, action)
        if action == "deploy":
            one.add_argument(
                "--only", help="this environment of the wave alone: gates and approvals are somebody else's"
            )
            one.add_argument("--approved", action="store_true", help="whoever approves the wave has done so elsewhere")
    return parser


def _add_lookup_roles(one: argparse.ArgumentParser, action: str) -> None:
    if action in ("deploy", "gate", "look"):
        one.add_argument(
            "--lookup-roles",
            choices=SOURCES,
            help="read by the lookup roles of the bootstrap, with credentials from there",
        )


def _schema(_options: argparse.Namespace) -> int:
    from fleet.render import schema

    print(schema(), end="")
    return OK


def _github(options: argparse.Namespace) -> int:
    from fleet.github import workflow
    from fleet.loading import load_fleet
    from fleet.path import fleet_path

    print(workflow(load_fleet(fleet_path(options.name))), end="")
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


def _upgrade(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.loading import load_fleet
    from fleet.path import fleet_path
    from fleet.upgrading import plan

    fleet = load_fleet(fleet_path(options.name))
    return plan(fleet, options.wave, options.to, rehearsal=not options.no_rehearsal, run=through, say=_say)


def _gitops(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.loading import load_fleet
    from fleet.path import fleet_path
    from fleet.trees import write_trees

    fleet = load_fleet(fleet_path(options.name))
    return write_trees(
        fleet, options.wave, options.output, look_up=options.look_up, check=options.check, run=through, say=_say
    )


@dataclass
class _Opened:
    """A fleet, and the ways to its accounts."""

    fleet: Fleet
    account: AccountOf
    audit: Audit
    lookup: bool


@contextmanager
def _opened(options: argparse.Namespace, say: Callable[[str], None]) -> Iterator[_Opened]:
    from fleet.access import lookup_config, lookup_profile
    from fleet.gates import account_of, audit_of
    from fleet.loading import load_fleet
    from fleet.path import fleet_path

    fleet = load_fleet(fleet_path(options.name))

    def profile(member: Member) -> str | None:
        return lookup_profile(member) if options.lookup_roles else fleet.account_of(member).profile

    with tempfile.NamedTemporaryFile("w", prefix="eks-platform-fleet-", suffix=".config") as config:
        if options.lookup_roles:
            config.write(lookup_config(fleet, options.lookup_roles))
            config.flush()
            os.environ["AWS_CONFIG_FILE"] = config.name
        yield _Opened(fleet, account_of(profile), audit_of(profile, date.today(), say), bool(options.lookup_roles))


def _deploy(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.access import lookup_profile
    from fleet.deploying import Deployer
    from fleet.gates import look_at

    with _opened(options, _say) as opened:
        deployer = Deployer(
            opened.fleet,
            options.command,
            account_of=opened.account,
            look=look_at(opened.account, opened.audit, _say),
            run=through,
            ask=_ask,
            say=_say,
            lookup_profile=lookup_profile if opened.lookup else None,
        )
        if options.only:
            return deployer.deploy_one(options.wave, options.only)
        return deployer.deploy(options.wave, approved=options.approved)


def _look(options: argparse.Namespace) -> int:
    from delivery.subprocesses import through
    from fleet.looking import replacements

    with _opened(options, _tell) as opened:
        wave = opened.fleet.waves[opened.fleet.wave(options.wave)]
        with _output_to_stderr():
            found = replacements(wave.members, opened.account, run=through, say=_tell)
    print(found)
    return OK


def _gate(options: argparse.Namespace) -> int:
    from fleet.gates import GateShut, look_at, wait

    with _opened(options, _say) as opened:
        wave = opened.fleet.waves[opened.fleet.wave(options.wave)]
        gate = opened.fleet.spec.gate_of(wave.spec)
        try:
            wait(wave.members, gate, look_at(opened.account, opened.audit, _say), say=_say)
        except GateShut as shut:
            _say(f"wave {wave.spec.name}: its gate is shut: {shut}")
            return FINDINGS
    _say(f"wave {wave.spec.name}: its gate is open")
    return OK


@contextmanager
def _output_to_stderr() -> Iterator[None]:
    """Sends what programs that we start print to the standard error output: ours is one number."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


ACTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "table": ("every cluster of a fleet or an environment", _table),
    "review": ("synthesise and review each environment, for the table", _review),
    "deploy": ("deploy a wave; after --, a call of the CDK", _deploy),
    "look": ("print how many resources a wave would replace or remove", _look),
    "gate": ("wait until the gate of a wave is open", _gate),
    "upgrade": ("playbook and rehearsal of an upgrade, for each cluster of a wave", _upgrade),
    "gitops": ("write the Kubernetes objects of a wave into a Git working copy", _gitops),
    "github": ("print the workflow for GitHub Actions", _github),
    "schema": ("the JSON schema of the table", _schema),
}


def _ask(question: str) -> str:
    try:
        return input(question)
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):
        return ""  # nobody is there, or what is typed is not text


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(text, flush=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-28") from None


if __name__ == "__main__":
    sys.exit(main())
