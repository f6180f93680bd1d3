"""The command line of `python -m delivery`."""

import argparse
import math
from pathlib import Path
from typing import NoReturn

from safe_io.errors import BadInput
from safe_io.terminal import one_line

_DAY = 86_400


class OneLineParser(argparse.ArgumentParser):
    """Reports errors in one line that is safe to print: arguments may contain anything."""

    def error(self, message: str) -> NoReturn:
        """Raises BadInput."""
        raise BadInput(one_line(f"{self.prog}: {message}. --help says more"))


def read_options(arguments: list[str], program: str) -> argparse.Namespace:
    """Returns what was asked for. Raises BadInput."""
    parser = OneLineParser(
        prog=program,
        description="Applies or removes rendered manifests, or writes them as a tree for Git.",
        epilog="hybrid: shows the step before hybrid nodes join.",
    )
    parser.add_argument("action", choices=["apply", "remove", "gitops"])
    parser.add_argument("assembly", type=Path, help="the folder that a synth wrote: cdk.out")
    parser.add_argument("--cluster", help="if the environment has several")
    parser.add_argument("--context", help="kubectl's context of the cluster (default: the current one)")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=900,
        help="seconds that an object, and each call of kubectl or helm, may take (default: %(default)s)",
    )
    parser.add_argument("--pause", type=_pause, default=5.0, help=argparse.SUPPRESS)
    parser.add_argument("--yes", action="store_true", help="do not ask before removing")
    parser.add_argument("--in-place-of-git", action="store_true", help=argparse.SUPPRESS)
    tree = parser.add_argument_group("gitops")
    tree.add_argument("--output", type=Path, help="a working copy of the repository; ENVIRONMENT/ in it is written")
    tree.add_argument("--look-up", action="store_true", help="ask the account for the values that only it knows")
    tree.add_argument("--check", action="store_true", help="write nothing; exit code 1 if something would change")
    options = parser.parse_args(arguments)
    if options.action == "gitops" and options.output is None:
        parser.error("gitops needs --output FOLDER")
    return options


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= _DAY):
        raise argparse.ArgumentTypeError(f"{text!r} must be whole seconds, from 1 to {_DAY}")
    return int(text)


def _pause(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _DAY:
        raise argparse.ArgumentTypeError(f"{text!r} must be seconds, from 0 to {_DAY}")
    return value
