"""Makes untrusted text safe to print: file names, file contents, output of AWS, kubectl and helm.

A terminal acts on control characters (it moves the cursor, hides text, sets the title, answers as if the person had typed).
Bidirectional and invisible characters disguise text (https://www.unicode.org/reports/tr36/).
"""

import re

# ECMA-48: control sequences, control strings (window title, hyperlink, device control) and the shorter escapes. A string that
# does not end loses its first two characters alone, so that it hides nothing that follows.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# Letters and marks by their category, which show as nothing: Hangul fillers, an empty Braille cell, variation selectors ...
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]+"
)


def one_line(text: str, limit: int = 1000) -> str:
    """Returns text on one line, with a question mark for each character that a terminal would act on or not show.

    Args:
        text: of anybody, of any length.
        limit: characters at most; a text that is cut ends in ``...``.
    """
    # Cut first: a string may have a megabyte. Most texts have fewer blanks and escapes than letters.
    line = " ".join(_seen(text[: 8 * limit]).split())
    return line if len(line) <= limit and len(text) <= 8 * limit else f"{line[: limit - 3]}..."


def lines(text: str, *, last: int | None = None, limit: int = 1000) -> str:
    """Returns text that may have several lines, each safe as ``one_line`` makes it, without the empty ones.

    Args:
        text: of anybody, such as what a program printed.
        last: how many lines to keep, from the end; None keeps all.
        limit: characters of a line at most.
    """
    found = [line for part in text.splitlines() if (line := one_line(part, limit))]
    return "\n".join(found if last is None else found[-last:])


def as_it_is(text: str, limit: int = 1000) -> str:
    """Returns a line of a file with its blanks, and with a question mark for what a terminal would act on or not show."""
    body = text.lstrip(" ")
    return (" " * (len(text) - len(body)) + _seen(body[: 8 * limit]))[:limit]


def unseen(text: str) -> str:
    """Returns the first character that a terminal would act on or not show, or that looks like a space and is none.

    Empty if there is none. Newlines and tabs are fine.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return ""
    hidden = _INVISIBLE.search(text)
    odd = next((one for one in text if not one.isprintable() and one not in "\n\t"), "")
    return odd or (hidden[0][0] if hidden else "")


def _seen(text: str) -> str:
    text = _INVISIBLE.sub("", _SEQUENCE.sub("", text))
    if text.isascii() and text.isprintable():
        return text
    # Not printable: control and format characters, surrogates, what Unicode does not define, and blanks other than a space.
    return "".join(one if one.isprintable() or one.isspace() else "?" for one in text)
