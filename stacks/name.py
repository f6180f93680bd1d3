"""Prints the `name` of an environment, for the Makefile: `python -m stacks.name demo`."""

import sys
from pathlib import Path

from stacks.loading import BadEnvironment, environment_path, load_environment


def main(arguments: list[str]) -> int:
    """Prints the name; returns the exit code (2: bad input)."""
    try:
        path = environment_path(arguments[0] if arguments else None, Path(__file__).parent.parent / "environments")
        print(load_environment(path).name)
    except BadEnvironment as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
