"""Files of data that a command writes and people commit: written whole, or not at all."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from responsibility.account.errors import AccountError
from responsibility.facts.template import BadSource
from safe_io.terminal import one_line


def write(file: Path, content: str) -> None:
    """Replaces a file by ``content`` in one step. Raises BadSource."""
    real = file.resolve()  # a link stays a link
    beside = real.with_name(f".{real.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        if real.exists():
            shutil.copymode(real, beside)
        beside.replace(real)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadSource(f"{file}: cannot be written: {error.strerror}") from None


@contextmanager
def kept(file: Path) -> Iterator[None]:
    """Adds to what an account did not answer that the data stays."""
    try:
        yield
    except AccountError as error:
        raise AccountError(f"{error}. {file} stays as it is", error.code) from None


def written_by(arguments: Iterable[str], day: object, region: str, what: str, *, who: str = "EKS") -> str:
    """Returns the comment that says where a file comes from."""
    command = shlex.join(["python", "-m", "responsibility", *arguments])
    return f"# Written by `{one_line(command)}` on {day}, as {who} answered in {region}: {what}\n"
