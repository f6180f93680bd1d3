"""Collects the problems of a workload's files, to report them together."""

from safe_io.errors import BadInput
from safe_io.where import Where
from stacks.environment.validating import MAX_PROBLEMS
from stacks.objects.folder import SourceObject


class Problems:
    """Problems of one workload, each with file, line and key."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, int]] = {}

    def add(self, source: SourceObject, where: Where, text: str) -> None:
        """Adds a problem at ``where`` of an object."""
        item = source.object
        line, message = source.file.message(where, f" of {item['kind']} {item['metadata']['name']}: {text}")
        self._found.setdefault(message, (str(source.file.path), line))

    def raise_found(self, advice: str = "") -> None:
        """Raises BadInput with the problems in the order of the files, and ``advice`` below them; returns if there are none."""
        if not self._found:
            return
        lines = sorted(self._found, key=lambda message: self._found[message])
        more = [f"... and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
        raise BadInput("\n".join([*lines[:MAX_PROBLEMS], *more, *([advice] if advice else [])]))
