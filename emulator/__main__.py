"""`python -m emulator up | status | down`: a local AWS on loopback, for trying this project out. Not for production."""

import argparse
import errno
import shlex
import sys

from emulator import kubeconfig, process
from emulator.problem import Problem
from local_kubernetes.programs import how_to_get
from safe_io import errors
from safe_io.errors import INTERRUPTED, OK


def up(strict: bool) -> None:
    """Starts it and prints how to reach it."""
    running = process.find()
    engine = running or process.start(strict=strict, kubernetes=kubeconfig.wanted())
    print(f"The local AWS {'is already running' if running else 'is running'} on {engine.url} (process {engine.pid}).")
    print(f"  Log: {engine.log}")
    print('  In a shell: eval "$(python -m emulator environment)"; then the AWS CLI, boto3 and the CDK use it.')
    print("  Stop it: python -m emulator down")


def status() -> int:
    """Prints whether it is running, and its stacks; returns 1 if it is not."""
    engine = process.find()
    if engine is None:
        died = (
            " It was started and has ended unexpectedly: python -m emulator up starts a new one."
            if process.died()
            else ""
        )
        print(f"The local AWS is not running.{died}")
        return 1
    from emulator.status import stack_lines

    print(f"The local AWS is running on {engine.url} (process {engine.pid}). Log: {engine.log}")
    print("\n".join(stack_lines(engine)))
    return 0


def down() -> None:
    """Stops it and any demo that is running, and deletes everything they wrote."""
    from emulator.demo import end

    end()
    gone = process.stop()
    print("The local AWS is stopped, and everything in it is deleted." if gone else "The local AWS is not running.")


def environment() -> None:
    """Prints the commands that point a shell at it."""
    engine = process.find()
    if engine is None:
        raise Problem("the local AWS is not running. Start it: python -m emulator up")
    for key, value in engine.environment().items():
        if key.startswith("AWS_") or key.lower() == "no_proxy":
            print(f"export {key}={shlex.quote(value)}")
    # Each of these would take precedence over the file with the key.
    print("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN")


def kubectl() -> None:
    """Prints the commands that point kubectl at its clusters, as their administrator."""
    from emulator import tools

    engine = process.find()
    file = kubeconfig.write(engine.home) if engine else None
    if engine is None or file is None:
        what = "is not running" if engine is None else "has no cluster with a Kubernetes"
        raise Problem(f"the local AWS {what}. `make demo` makes one; {how_to_get()}")
    print(f"export KUBECONFIG={shlex.quote(str(file))}")
    print(f"export PATH={shlex.quote(str(tools.folder(engine.home)))}:$PATH")
    print(f"# kubectl get pods --all-namespaces; contexts: {', '.join(kubeconfig.clusters(engine.home))}")


def main() -> int:
    """Runs the command; returns the exit code (1: it is not running, or a demo failed; 2: bad input)."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    starting = commands.add_parser("up", help="start it")
    starting.add_argument("--strict", action="store_true", help="use TLS and enforce IAM permissions")
    commands.add_parser("status", help="is it running, and which stacks does it have")
    commands.add_parser("down", help="stop it and delete everything it wrote")
    commands.add_parser("kubeconfig", help="print the commands that point a shell's kubectl at its clusters")
    commands.add_parser("environment", help="print the commands that point a shell at it")
    demo = commands.add_parser("demo", help="bootstrap it, deploy an environment to it, and show the result")
    demo.add_argument(
        "--env", default="demo", help="the environment: a name in environments/, or a path (default: demo)"
    )
    commands.add_parser("readme", help="rewrite the tables of emulator/README.md from the code")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Problem(f"{process.home()}: {error.strerror}. Make room, then try again") from error
        raise
    except KeyboardInterrupt:
        print("\nInterrupted. `make demo` continues from here; `make demo-down` deletes everything.", file=sys.stderr)
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
    elif arguments.command == "kubeconfig":
        kubectl()
    else:
        from emulator.readme import write

        write()
    return OK


if __name__ == "__main__":
    sys.exit(errors.run(main, program="python -m emulator"))
