"""Synthesises an environment as it was at another commit: `python -m stacks.base origin/main demo review/base-assembly`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent


class NoBase(Exception):
    """The commit cannot be built. Its text is for the person who named it."""


def build(revision: str, environment: str, output: Path) -> bool:
    """Builds ``environment`` at ``revision`` into ``output``; returns False if that commit does not have it yet.

    The commit is checked out beside this one, for the time of the synth, and uses the packages that are installed here.
    Raises NoBase.
    """
    shutil.rmtree(output, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="eks-platform-base-") as folder:
        tree = Path(folder) / "tree"
        added = _run("git", "worktree", "add", "--quiet", "--detach", "--", str(tree), revision, cwd=_ROOT)
        if added.returncode:
            raise NoBase(f"BASE={revision}: git cannot check it out: {added.stderr.strip().splitlines()[-1]}")
        try:
            file = (
                Path(environment)
                if environment.endswith((".yaml", ".yml"))
                else Path("environments") / f"{environment}.yaml"
            )
            if not (tree / file).is_file():
                return False
            # Its own constructs, before those that are installed here.
            paths = {**os.environ, "PYTHONPATH": str(tree / "constructs")}
            flags = ["--quiet", "-c", f"env={environment}", "-c", "checks=off", "--output", str(output.absolute())]
            made = _run(str(_ROOT / "node_modules/.bin/cdk"), "synth", *flags, cwd=tree, env=paths)
            if made.returncode:
                raise NoBase(f"BASE={revision}: {environment} cannot be synthesised there:\n{made.stderr.strip()}")
        finally:
            _run("git", "worktree", "remove", "--force", str(tree), cwd=_ROOT)
    return True


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True)  # noqa: S603 - fixed programs


def main(arguments: list[str]) -> int:
    """Builds it; returns the exit code (2: bad input)."""
    revision, environment, output = arguments
    try:
        if not build(revision, environment, Path(output)):
            print(f"{environment} is new since {revision}: nothing to compare it with.", file=sys.stderr)
    except NoBase as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
