"""`python -m emulator up | status | down`: a local AWS on loopback, for trying this project out. Not for production."""

import argparse
import errno
import shlex
import sys

from emulator import process
from emulator.problem import Problem
from safe_io import errors
from safe_io.errors import INTERRUPTED, OK


def up(strict: bool) -> None:
    """Starts it, and says how to reach it."""
    running = process.find()
    engine = running or process.start(strict=strict)
    print(f"The local AWS {'runs already' if running else 'runs'} on {engine.url} (process {engine.pid}).")
    print(f"  Log: {engine.log}")
    print('  In a shell: eval "$(python -m emulator environment)"; then the AWS CLI, boto3 and the CDK talk to it.')
    print("  End it: python -m emulator down")


def status() -> int:
    """Says whether it runs, and which stacks stand in it; returns 1 where it does not run."""
    engine = process.find()
    if engine is None:
        died = " It was started, and ended by itself: python -m emulator up begins anew." if process.died() else ""
        print(f"The local AWS does not run.{died}")
        return 1
    from emulator.standing import stack_lines

    print(f"The local AWS runs on {engine.url} (process {engine.pid}). Log: {engine.log}")
    print("\n".join(stack_lines(engine)))
    return 0


def down() -> None:
    """Ends it, and a demo that is under way, and deletes what it wrote."""
    from emulator.demo import end

    end()
    gone = process.stop()
    print("The local AWS is gone, with all that was in it." if gone else "The local AWS does not run.")


def environment() -> None:
    """Prints what a shell needs to talk to it."""
    engine = process.find()
    if engine is None:
        raise Problem("the local AWS does not run: python -m emulator up")
    for key, value in engine.environment().items():
        if key.startswith("AWS_") or key.lower() == "no_proxy":
            print(f"export {key}={shlex.quote(value)}")
    # Each of them would win over the file with the key.
    print("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN")


def main() -> int:
    """Runs the command; returns the exit code (1: does not run, or a demo failed; 2: cannot)."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    starting = commands.add_parser("up", help="start it")
    starting.add_argument("--strict", action="store_true", help="with TLS, and IAM enforced")
    commands.add_parser("status", help="is it there, and what stands in it")
    commands.add_parser("down", help="end it; nothing of it is left")
    commands.add_parser("environment", help="what a shell needs to talk to it")
    demo = commands.add_parser("demo", help="bootstrap and deploy an environment into it, and show what stands")
    demo.add_argument("--env", default="demo", help="name of the environment (default: demo)")
    commands.add_parser("readme", help="the tables of emulator/README.md, from the code")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Problem(f"{process.home()}: {error.strerror}. Make room, then try again") from error
        raise
    except KeyboardInterrupt:
        print("\nInterrupted. `make demo` goes on from here; `make demo-down` takes everything away.", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "status":
        return status()
    if arguments.command == "demo":
        from emulator.demo import run

        return run(arguments.env)
    if arguments.command == "up":
        up(arguments.strict)
    elif arguments.command == "down":
        down()
    elif arguments.command == "environment":
        environment()
    else:
        from emulator.readme import write

        write()
    return OK


if __name__ == "__main__":
    sys.exit(errors.run(main, program="python -m emulator"))
