"""Files of data that a command writes and people commit."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from responsibility.account.errors import AccountError
from safe_io.terminal import one_line


@contextmanager
def kept(file: Path) -> Iterator[None]:
    """Adds to an error that the data stays as it is."""
    try:
        yield
    except AccountError as error:
        raise AccountError(f"{error}. {file} stays as it is", error.code) from None


def written_by(arguments: Iterable[str], day: object, region: str, what: str, *, who: str = "EKS") -> str:
    """Returns the comment that says where a file comes from."""
    command = shlex.join(["python", "-m", "responsibility", *arguments])
    return f"# Written by `{one_line(command)}` on {day}, as {who} answered in {region}: {what}\n"
