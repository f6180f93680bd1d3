"""Downloads the programs from where their projects publish them, against sums that are pinned in programs.yaml."""

import hashlib
import tarfile
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from local_kubernetes.building import filling
from local_kubernetes.programs import PARTS, Say, machine, releases, table
from safe_io.errors import BadInput

_SECONDS = 60
_BLOCK = 1 << 20
_LIMIT = 400 << 20
"""Bytes: more than twice the largest of them."""


def addresses(minor: str) -> dict[str, tuple[str, str | None]]:
    """Returns, by program, its address and its path in the archive, if that is one."""
    words = {**releases(minor), "arch": machine()}
    rows = table()["downloads"]
    return {
        name: (rows[name]["url"].format(**words), rows[name].get("member", "").format(**words) or None)
        for name in PARTS
    }


def download(minor: str, folder: Path, say: Say) -> None:
    """Downloads everything into ``folder``, or nothing.

    Raises BadInput: a sum is not pinned, is another one, or an address does not answer.
    """
    sums = table()["sha256"]
    wanted = addresses(minor)
    if unknown := [name for name, (url, _) in wanted.items() if url not in sums]:
        raise BadInput(
            f"Nothing was downloaded: programs.yaml has no SHA-256 of {', '.join(unknown)} for this version."
        )
    with filling(folder) as work, TemporaryDirectory() as downloads:
        for name, (url, member) in wanted.items():
            say(f"Downloading {url}")
            file = Path(downloads) / name
            found = fetch(url, file)
            if found != sums[url]:
                raise BadInput(f"{url}: its SHA-256 is {found}, and {sums[url]} is pinned. It is not used.")
            _unpack(url, file, member, work / name)


def _unpack(url: str, file: Path, member: str | None, program: Path) -> None:
    with ExitStack() as stack, program.open("xb") as out:
        source: IO[bytes] | None
        if member:
            archive = stack.enter_context(tarfile.open(file))
            source = archive.extractfile(member) if member in archive.getnames() else None
        else:
            source = stack.enter_context(file.open("rb"))
        if source is None:
            raise BadInput(f"{url}: has no file {member}.")
        _copy(source, out)
    program.chmod(0o755)


def fetch(url: str, file: Path) -> str:
    """Writes what an address answers into ``file``; returns its SHA-256. Raises BadInput."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer, file.open("xb") as out:  # noqa: S310 (programs.yaml)
            return _copy(answer, out)
    except (urllib.error.URLError, OSError) as problem:
        raise BadInput(f"{url}: cannot be downloaded: {getattr(problem, 'reason', problem)}.") from None


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    digest, total = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
        total += len(block)
        if total > _LIMIT:
            raise BadInput(f"More than {_LIMIT >> 20} MiB were answered: that is none of the programs.")
    return digest.hexdigest()
