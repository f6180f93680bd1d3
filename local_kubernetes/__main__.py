"""`python -m local_kubernetes`: gets the programs of a local Kubernetes, and prints the folder that has them."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from local_kubernetes import programs
from safe_io.errors import run


def main() -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_kubernetes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("programs", help="get them, unless they are here, and print their folder")
    pin = commands.add_parser("pin", help="print the sums of the official downloads, for programs.yaml")
    for command in (get, pin):
        command.add_argument("--version", choices=programs.minors(), default=programs.minors()[0])
    arguments = parser.parse_args()
    if arguments.command == "programs":
        from local_kubernetes.obtaining import obtain

        print(obtain(arguments.version, _say).folder)
        return 0
    from local_kubernetes.downloading import addresses, fetch

    with TemporaryDirectory() as folder:
        for url, _ in addresses(arguments.version).values():
            print(f"  {url}: {fetch(url, Path(folder) / 'program')}")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run(main, program="python -m local_kubernetes"))
