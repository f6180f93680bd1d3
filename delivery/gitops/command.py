"""Writes the tree of an environment into a working copy of a Git repository, and shows what changed. It never commits or pushes."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from delivery.account import Asked
from delivery.gitops import argo_cd, flux
from delivery.gitops.components import Place, Tree, components
from delivery.gitops.values import FILE, read_values, written
from delivery.plan import Plan, read_plans
from safe_io.errors import BadInput
from safe_io.output import staged
from safe_io.ownership import listed
from safe_io.terminal import as_it_is, one_line
from safe_io.text_file import read_text

_MAX_BYTES = 1_000_000
_ENGINES = {"argo_cd": argo_cd, "flux": flux}
_SHOWN = 400
"""Lines of the difference that are printed; ``git diff`` shows the rest."""


def write_tree(
    assembly: Path,
    out: Path,
    say: Callable[[str], None],
    *,
    look_up: bool = False,
    check: bool = False,
    account: Asked | None = None,
) -> int:
    """Writes the folder of the environment; returns the exit code: 1 if ``check`` finds a difference, else 0.

    Args:
        assembly: what a synth wrote.
        out: a working copy of the repository.
        say: prints a line.
        look_up: asks the account for the values that only it knows.
        check: writes nothing.
        account: to ask; default: that of the credentials.

    Raises BadInput: no cluster is delivered so, a value is not known, an object must not be in Git, or ``out`` cannot be written.
    """
    plans = [plan for plan in read_plans(assembly) if plan.description.gitops]
    if not plans:
        raise BadInput(
            one_line(
                f"{assembly}: no cluster has delivery: gitops; write that into the environment file, and the repository (docs/gitops.md)"
            )
        )
    said = plans[0].description
    home = out / (said.gitops.path if said.gitops else "") / said.environment
    files = _files(plans, home, look_up=look_up, account=account)
    lines = list(_differences(home, files))
    for line in lines[:_SHOWN]:
        say(line)
    if len(lines) > _SHOWN:
        say(f"... and {len(lines) - _SHOWN} more lines")
    if not lines:
        say(one_line(f"{home}: is as it should be"))
        return 0
    if check:
        say(one_line(f"{home}: nothing was written (--check)"))
        return 1
    replaceable = [name for name in files if name.endswith(f"/{FILE}")]
    with staged(home, replaceable=replaceable) as new:
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(content, encoding="utf-8")
    say(one_line(f"{home}: written. Look at it, commit it, push it; docs/gitops.md says what to apply once"))
    return 0


def _files(plans: list[Plan], home: Path, *, look_up: bool, account: Asked | None) -> dict[str, str]:
    found: dict[str, str] = {}
    trees: list[Tree] = []
    for plan in plans:
        said = plan.description
        if said.gitops is None:
            continue
        file = f"{said.cluster}/{FILE}"
        values = read_values(plan, home / file, account, look_up=look_up)
        if look_up:
            found[file] = written(values)
        elif (home / file).exists():  # as somebody wrote it
            found[file] = read_text(home / file, max_bytes=_MAX_BYTES)
        place = Place(said.environment, said.cluster, said.gitops, _arn(said.cluster, values))
        own = components(plan, values)
        trees.append((place, own))
        found |= _ENGINES[said.gitops.engine].files(place, own)
    found |= _ENGINES[trees[0][0].settings.engine].bootstrap(trees)
    return found


def _arn(cluster: str, values: Mapping[str, str]) -> str | None:
    parts = [values.get(name) for name in ("AWS_PARTITION", "AWS_REGION", "AWS_ACCOUNT_ID")]
    if not all(parts):
        return None
    partition, region, account = parts
    return f"arn:{partition}:eks:{region}:{account}:cluster/{cluster}"


def _differences(home: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Yields what changes in a folder, as `diff -u` says it."""
    ours = listed(home) if home.is_dir() else set()
    for name in sorted({*files, *ours}):
        path = home / name
        try:
            before = path.read_text(encoding="utf-8") if path.is_file() and not path.is_symlink() else ""
        except (OSError, UnicodeDecodeError):
            before = ""
        after = files.get(name, "")
        old, new = (name if text else "/dev/null" for text in (before, after))
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="", n=2):
            yield line[:1] + as_it_is(line[1:], 500)
