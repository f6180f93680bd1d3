"""Places and values of a file, as messages show them."""

import json
import re
from pathlib import Path

Where = tuple[str | int, ...]
"""The way to a key: names of keys and indices of items."""


def dotted(where: Where) -> str:
    """Returns the way to a key as people write it: ``clusters[0].name``."""
    text = ""
    for part in where:
        if isinstance(part, str) and re.fullmatch(r"[A-Za-z_][\w-]{0,99}", part):
            text += f".{part}"
        else:
            text += f"[{part if isinstance(part, int) else shown(part)}]"
    return text.lstrip(".") or "the file"


def shown(value: object, written: str | None = None) -> str:
    """Returns a value as a message shows it, ``written`` as the file has it."""
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "null"
    text = written or json.dumps(value, default=str, ensure_ascii=False)
    if "PRIVATE KEY" in text:
        return "a private key"  # which goes into no message
    return text if len(text) <= 60 else f"{text[:57]}..."


def said_as(file: Path, folder: Path) -> str:
    """Returns what a person says for a YAML file: the name of one in ``folder``, or else its path."""
    ours = file.suffix == ".yaml" and (file.parent == Path(folder.name) or file.resolve().parent == folder.resolve())
    return file.stem if ours else str(file)
