"""The files of a workload's folder: each is an object, is ignored by rule, or is refused by name."""

from collections.abc import Collection, Iterator
from pathlib import Path

from safe_io.errors import BadInput
from safe_io.terminal import one_line

_OBJECTS = (".yaml", ".yml", ".json")
_DOCUMENTS = (".md",)
"""Documentation, which is ignored."""
_RENDERED = {
    "kustomization.yaml": "is for kustomize, which is not run here; write what `kubectl kustomize` prints into base/",
    "chart.yaml": "is a Helm chart's, and charts are not rendered here; write what `helm template` prints into base/",
}
_RENDERED |= dict.fromkeys(("kustomization.yml", "kustomization"), _RENDERED["kustomization.yaml"])
_RENDERED |= dict.fromkeys(("chart.yml", "values.yaml", "values.yml", ".helmignore"), _RENDERED["chart.yaml"])
"""Lower-case names of files that other programs render."""


def object_files(folder: Path) -> list[Path]:
    """Returns the files with Kubernetes objects in ``folder`` and below it, sorted: .yaml, .yml and .json.

    Hidden files and folders (.git, .DS_Store) and Markdown are not read.

    Raises BadInput, which names every other file.
    """
    found: list[Path] = []
    problems: list[str] = []
    for path in _below(folder):
        advice = _RENDERED.get(path.name.lower())
        if advice:
            problems.append(f"{path}: {advice}")
        elif path.name.startswith(".") or path.suffix.lower() in _DOCUMENTS:
            continue
        elif path.is_symlink() and path.is_dir():
            problems.append(f"{path}: is a link to a folder, which is not followed; put the files here")
        elif not path.is_file():
            problems.append(f"{path}: is not a file; remove it")
        elif path.suffix.lower() not in _OBJECTS:
            problems.append(
                f"{path}: is not a Kubernetes object by its name; {', '.join(_OBJECTS)} are read, and .md and hidden files"
                " are not; rename it, or move it out of the workload"
            )
        else:
            found.append(path)
    _raise(problems)
    return found


def check_beside(folder: Path, known: Collection[str]) -> None:
    """Raises BadInput if ``folder``, a workload's, has files or folders beside workload.yaml that nothing reads.

    ``known``: names of the folders that are read.
    """
    problems = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "workload.yaml" or path.suffix.lower() in _DOCUMENTS:
            continue
        if path.name.lower() in _RENDERED:
            problems.append(f"{path}: {_RENDERED[path.name.lower()]}")
        elif path.is_dir() and path.name not in known:
            problems.append(
                f"{path}: is not a variant; list it in variants of {folder / 'workload.yaml'}, or remove it"
            )
        elif not path.is_dir():
            problems.append(f"{path}: is beside workload.yaml, where nothing reads it; move it into base/ or out")
    _raise(problems)


def _below(folder: Path) -> Iterator[Path]:
    """Yields what is in a folder and in those below it; of hidden folders nothing."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if not path.name.startswith("."):
                yield from _below(path)
        else:
            yield path


def _raise(problems: list[str]) -> None:
    if problems:
        raise BadInput("\n".join(one_line(problem) for problem in problems))
