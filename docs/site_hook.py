"""What the site changes of pages that people also read in the repository: links to files outside of docs/ become their paths."""

import os
import re
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).resolve().parent
_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Returns a page for the site. Raises FileNotFoundError: it links to a file that the repository does not have."""
    folder = (_DOCS / page.file.src_uri).parent

    def replaced(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[2]))
        if target.is_relative_to(_DOCS):
            return link[0]
        if not target.exists():
            raise FileNotFoundError(f"docs/{page.file.src_uri} links to {link[2]}, which is not there")
        path = target.relative_to(_DOCS.parent)
        return f"`{path}`" if link[1].strip("`") in (str(path), path.name) else f"{link[1]} (`{path}`)"

    return _LINK.sub(replaced, markdown)
