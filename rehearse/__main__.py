"""`python -m rehearse --to 1.37 --env demo`: what would an upgrade do, before anyone touches an account."""

import sys

from rehearse.options import PROGRAM
from safe_io.errors import run


def main(arguments: list[str] | None = None) -> int:
    """Plays, and reports; returns the exit code.

    0: nothing at or above --fail-on was found; 1: something was; 2: bad input; 70: a defect of ours; 130: interrupted.
    """
    return run(lambda: _main(sys.argv[1:] if arguments is None else arguments), program=PROGRAM)


def _main(arguments: list[str]) -> int:
    if "--schema" in arguments:
        from rehearse.render import schema

        print(schema(), end="")
        return 0
    from rehearse.options import read_options

    options = read_options(arguments)
    # Imported here: a misspelt option is answered at once.
    from rehearse.command import rehearse

    return rehearse(options, (lambda _: None) if options.quiet else _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
