"""Where a synth writes: the folder of the cloud assembly. What others have there stays; a synth that fails leaves it as it was."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from safe_io.output import staged
from safe_io.ownership import OutputProblem, listed

_ROOT = Path(__file__).parent.parent
DEFAULT = _ROOT / "cdk.out"


def assembly(outdir: str | None) -> AbstractContextManager[Path]:
    """Yields an empty folder for a synth; at its end what is in it becomes the assembly in ``outdir``.

    Args:
        outdir: what CDK_OUTDIR says, as the CLI sets it for ``--output``; None: cdk.out in the project.

    Raises OutputProblem: no assembly can go there, or it would overwrite what no synth wrote.
    """
    folder = _folder(outdir)
    return staged(folder, replaceable=set(_files_of_the_cdk(folder)))


def _folder(outdir: str | None) -> Path:
    if outdir is None:
        return DEFAULT
    advice = "Name a folder of its own for the assembly, such as cdk.out"
    if not outdir.strip():
        raise OutputProblem(f"CDK_OUTDIR is empty. {advice}, or leave CDK_OUTDIR away")
    folder = Path(outdir).absolute()
    try:
        real = folder.resolve()
        if real == _ROOT or real in _ROOT.parents:
            raise OutputProblem(f"{outdir}: is the folder of this project, or holds it. {advice}")
        if not listed(real) and not (real / "cdk.out").is_file() and _is_committed(real):
            raise OutputProblem(f"{outdir}: holds files that are committed to Git. {advice}")
    except (OSError, ValueError):
        pass  # staged() says what is wrong with it
    return folder


def _is_committed(folder: Path) -> bool:
    if (folder / ".git").exists():
        return True
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    asked = ["git", "-C", str(folder), "ls-files", "--error-unmatch", "--", "."]
    try:
        return subprocess.run(asked, capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603 - fixed
    except (OSError, subprocess.TimeoutExpired):  # no git, or none that answers
        return False


def _files_of_the_cdk(folder: Path) -> Iterator[str]:
    """Yields the files of an assembly that another app, or this one of another day, left there: the CDK overwrites them."""
    try:
        if not (folder / "cdk.out").is_file():
            return
        artifacts = json.loads((folder / "manifest.json").read_bytes())["artifacts"].values()
        found = [_files_of_an_artifact(artifact) for artifact in artifacts]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
    yield from ("cdk.out", "manifest.json", "validation-report.json")
    yield from (name for names in found for name in names if isinstance(name, str))


def _files_of_an_artifact(artifact: dict[str, Any]) -> list[Any]:
    properties = artifact.get("properties", {})
    return [properties.get("templateFile"), properties.get("file"), artifact.get("additionalMetadataFile")]
