"""Gets the programs where they are not here yet: a download whose sums are pinned, or Go."""

from local_kubernetes import building, downloading
from local_kubernetes.programs import Programs, Say, cache_folder, find, in_folder
from safe_io.errors import BadInput


def obtain(minor: str, say: Say) -> Programs:
    """Returns the programs, and gets them first where they are not here: downloaded if every sum is pinned, else built.

    Args:
        minor: the Kubernetes version, such as ``1.36``.
        say: is called with a line for each step that takes time.

    Raises BadInput: neither way works; the text says why.
    """
    if found := find(minor):
        return found
    folder, problems = cache_folder(minor), []
    for way in (downloading.download, building.build):
        try:
            way(minor, folder, say)
        except BadInput as problem:
            problems.append(str(problem))
        else:
            return in_folder(folder)
    raise BadInput(f"No programs of Kubernetes {minor}. " + " ".join(problems))
