"""The folder of the cloud assembly. Files of others stay in it; a failed synth leaves it unchanged."""

import json
import subprocess
from collections.abc import Callable, Iterator
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
        outdir: CDK_OUTDIR, as the CLI sets it for ``--output``; None: cdk.out in the project.

    Raises OutputProblem: no assembly can be written there, or it would overwrite other files.
    """
    folder = _folder(outdir)
    return staged(folder, replaceable=set(_replaceable(folder)))


def _folder(outdir: str | None) -> Path:
    if outdir is None:
        return DEFAULT
    advice = "Name a folder of its own for the assembly, such as cdk.out"
    if not outdir.strip():
        raise OutputProblem(f"CDK_OUTDIR is empty. {advice}, or unset CDK_OUTDIR")
    folder = Path(outdir).absolute()
    try:
        real = folder.resolve()
        if real == _ROOT or real in _ROOT.parents:
            raise OutputProblem(f"{outdir}: is the folder of this project, or contains it. {advice}")
        if not listed(real) and not (real / "cdk.out").is_file() and _is_committed(real):
            raise OutputProblem(f"{outdir}: contains files that are committed to Git. {advice}")
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


def _replaceable(folder: Path) -> Iterator[str]:
    """Yields what the manifests of an older assembly list: of the CDK's, of any app, of deliveries, of files for people."""
    yield from _listed_by(folder / "manifest.json", folder, _of_the_cdk)
    for description in folder.glob("manifests/*/delivery.json"):
        yield from _listed_by(description, folder, _of_a_delivery)
    for index in folder.glob("hybrid/*/sites.json"):
        yield from _listed_by(index, folder, lambda sites: sites["files"])


def _listed_by(manifest: Path, folder: Path, names: Callable[[Any], list[Any]]) -> list[str]:
    try:
        found = names(json.loads(manifest.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []  # no manifest, or none that says anything
    place = manifest.parent.relative_to(folder)
    return [str(place / name) for name in [manifest.name, *found] if isinstance(name, str)]


def _of_the_cdk(manifest: Any) -> list[Any]:
    names = ["cdk.out", "validation-report.json"]
    for artifact in manifest["artifacts"].values():
        properties = artifact.get("properties", {})
        names += [properties.get("templateFile"), properties.get("file"), artifact.get("additionalMetadataFile")]
    return names


def _of_a_delivery(description: Any) -> list[Any]:
    return [step["file"] for step in description["steps"]]
