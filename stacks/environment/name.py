"""Prints the `name` of an environment, for the Makefile: `python -m stacks.environment.name demo`."""

import re
import sys

from safe_io.errors import run
from safe_io.layers import Layered
from stacks.environment.path import NAME, environment_path


def main(arguments: list[str]) -> int:
    """Prints the name; returns the exit code. Raises BadInput."""
    file = Layered(environment_path(arguments[0] if arguments else None))
    name = file.data.get("name") if isinstance(file.data, dict) else None
    # It becomes part of a pattern of stacks to delete: nothing but a name will do.
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        file.fail(("name",), "must be at most 24 lower-case letters, digits and hyphens")
    print(name)
    return 0


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m stacks.environment.name"))
