"""Synthesises an environment as it was at another commit: `python -m stacks.base origin/main demo review/base-assembly`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safe_io.errors import BadInput, run
from safe_io.ownership import remove
from stacks.assembly import assembly

_ROOT = Path(__file__).parent.parent


class NoBase(BadInput):
    """The commit cannot be built."""


def build(revision: str, environment: str, output: Path) -> bool:
    """Builds ``environment`` at ``revision`` into ``output``; returns False if that commit does not have it yet.

    The commit is checked out to a temporary folder and uses the packages that are installed here.
    Raises NoBase, and OutputProblem: ``output`` has files that no synth wrote.
    """
    with tempfile.TemporaryDirectory(prefix="eks-platform-base-") as folder:
        tree = Path(folder) / "tree"
        try:
            added = _run("git", "worktree", "add", "--quiet", "--detach", "--", str(tree), revision, cwd=_ROOT)
            if added.returncode:
                raise NoBase(f"BASE={revision}: git cannot check it out: {_last_line(added.stderr)}")
            file = _file(environment)
            if not (tree / file).is_file():
                remove(output)  # yesterday's assembly is not today's base
                return False
            with assembly(str(output)) as made:
                _synth(revision, environment if file.stem == environment else str(file), tree, made)
        finally:
            # Also after a checkout that was interrupted; of one that never began, git says so and does nothing.
            _run("git", "worktree", "remove", "--force", str(tree), cwd=_ROOT)
    return True


def _file(environment: str) -> Path:
    """Returns the file of an environment, from the root of a checkout; a path outside the checkout stays as it is."""
    if not environment.endswith((".yaml", ".yml")):
        return Path("environments") / f"{environment}.yaml"
    path = Path(os.path.abspath(environment))
    return path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path


def _synth(revision: str, environment: str, tree: Path, output: Path) -> None:
    paths = {
        **os.environ,
        "PYTHONPATH": str(tree / "constructs"),  # its own constructs, before those that are installed here
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    flags = ["--quiet", "-c", f"env={environment}", "-c", "checks=off", "--output", str(output)]
    made = _run(str(_ROOT / "node_modules/.bin/cdk"), "synth", *flags, cwd=tree, env=paths)
    if made.returncode:
        raise NoBase(f"BASE={revision}: {environment} cannot be synthesised there:\n{made.stderr.strip()}")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it does not say why"])[-1]


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True)  # noqa: S603 - fixed programs
    except FileNotFoundError as error:
        raise NoBase(f"{error.filename}: is not installed; `make setup` installs the CDK CLI") from None


def main(arguments: list[str]) -> int:
    """Builds it; returns the exit code. Raises BadInput."""
    if len(arguments) != 3:
        raise BadInput("usage: python -m stacks.base REVISION ENVIRONMENT OUTPUT")
    revision, environment, output = arguments
    if not build(revision, environment, Path(output)):
        print(f"{environment} is new since {revision}: nothing to compare it with.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(run(lambda: main(sys.argv[1:]), program="python -m stacks.base"))
