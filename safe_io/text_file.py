"""Reads a regular file within a bound."""

import os
import stat
from pathlib import Path

from safe_io.errors import BadInput
from safe_io.terminal import one_line


def read_text(path: Path, *, max_bytes: int) -> str:
    """Returns the text of a regular file in UTF-8, without a byte order mark.

    Devices, pipes and sockets are refused: they may never end, or never begin.

    Args:
        path: the file.
        max_bytes: the bound.

    Raises:
        BadInput: it cannot be read, is larger, or is not UTF-8 text; with the file, and the line where there is one.
    """
    raw = read_bytes(path, max_bytes=max_bytes)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text = f"{path}:{line}: the byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        raise BadInput(one_line(text)) from None


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """Returns the bytes of a regular file. Raises BadInput as read_text does."""
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer; the device behind a name may change after a look at it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise BadInput(one_line(f"{path}: is not a regular file (a device, a pipe or a socket)"))
            raw = stream.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise BadInput(one_line(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")) from None
    if len(raw) > max_bytes:
        raise BadInput(one_line(f"{path}:1: the file has more than {max_bytes:,} bytes (bound: bytes)"))
    return raw
