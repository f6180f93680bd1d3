"""A text of which the template does not say all: its parts are texts, references, pseudo parameters, and gaps.

It is a text for all that is the same whatever a gap holds. What depends on a gap has no answer: to compare, to search or to
look it up raises ``UnknownValue``, so a check that forgets about gaps answers "unknown", never "met".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, SupportsIndex

from responsibility.reading.patterns import ANY, ONE, meet
from responsibility.reading.unknown import UnknownValue

_OPEN, _CLOSE = "\ue000", "\ue001"
"""What begins and ends a part inside of the text. Private characters: what people write has none (``written`` sees to that)."""
_MARKS = str.maketrans("", "", _OPEN + _CLOSE)
_REFERENCE = re.compile(r"([^?]+)/([A-Za-z0-9]+)(?:\.(.*))?", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:u|U0000)[eE]00[01]")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that the template does not say as text."""

    inside: str

    @property
    def text(self) -> PartlyKnown:
        """The text that is this part and nothing else."""
        return part(self.inside)

    @property
    def unknown(self) -> str:
        """Why it is not known; empty: it is a reference or a pseudo parameter."""
        return self.inside[1:] if self.inside.startswith("?") else ""

    @property
    def is_gap(self) -> bool:
        """Whether nothing is known of it."""
        return self.inside.startswith("?")

    @property
    def reference(self) -> tuple[str, str, str] | None:
        """Stack, logical id and attribute, if it is a reference to a resource."""
        match = _REFERENCE.fullmatch(self.inside)
        return (match[1], match[2], match[3] or "") if match else None

    @property
    def words(self) -> str:
        """What people read in its place."""
        if self.is_gap:
            return "..."
        found = self.reference
        return found[1] if found else f"${{{self.inside}}}"


def holes(text: str, begin: str = _OPEN, end: str = _CLOSE) -> Iterator[tuple[int, int, str]]:
    """Yields start, end and inside of each part between two marks, the innermost where one is left open.

    One pass over the text: an expression would look for the end anew from every beginning.
    """
    at = 0
    while (start := str.find(text, begin, at)) >= 0 and (close := str.find(text, end, start)) >= 0:
        start = str.rfind(text, begin, start, close)
        at = close + len(end)
        yield start, at, str.__getitem__(text, slice(start + len(begin), close))


def filled(text: str, fill: Callable[[str], str | None], begin: str = _OPEN, end: str = _CLOSE) -> str:
    """Returns a text with each marked part replaced by what ``fill`` gives for its inside; None = it stays."""
    parts: list[str] = []
    at = 0
    for start, stop, inside in holes(text, begin, end):
        put = fill(inside)
        if put is not None:
            parts += (str.__getitem__(text, slice(at, start)), put)
            at = stop
    return joined(*parts, str.__getitem__(text, slice(at, None))) if parts else text


def read(raw: str) -> str:
    """Returns a text with its parts, if it has any, as one that knows them."""
    return PartlyKnown(raw) if str.__contains__(raw, _OPEN) else raw


def part(inside: str) -> PartlyKnown:
    """Returns the text that is one part and nothing else."""
    return PartlyKnown(f"{_OPEN}{inside.translate(_MARKS)}{_CLOSE}")


def joined(*parts: str, between: str = "") -> str:
    """Returns texts one after the other; what is not known of one is not known of the whole."""
    return read(str.join(between, parts))


def surely(ask: Callable[[], Any]) -> bool:
    """Whether the answer to a question is yes whatever a gap holds."""
    try:
        return bool(ask())
    except UnknownValue:
        return False


def revived(value: Any) -> Any:
    """Returns the data of a text that was parsed, with its texts and keys as ones that know their parts."""
    if isinstance(value, str):
        return read(value)
    if isinstance(value, dict):
        return {revived(key): revived(item) for key, item in value.items()}
    return [revived(item) for item in value] if isinstance(value, list) else value


def without_marks(raw: str) -> str:
    """Returns the text of JSON or YAML for a parser, without escapes that would become marks. See ``revived``."""
    return _ESCAPED.sub("", str.__str__(raw))


def written(text: str) -> str:
    """Returns a text of the input without the two marks."""
    return text.translate(_MARKS) if _OPEN in text or _CLOSE in text else text


def _simple(name: str) -> Any:
    """Returns a method of text that works on what is known, and leaves the other parts as they are."""
    method = getattr(str, name)

    def on_parts(self: PartlyKnown) -> str:
        return read(
            "".join(method(one) if isinstance(one, str) else f"{_OPEN}{one.inside}{_CLOSE}" for one in self.parts)
        )

    return on_parts


def _of_text(name: str) -> Any:
    """Returns a method of text whose result knows its parts."""
    method = getattr(str, name)
    return lambda self, *arguments: read(method(self, *arguments))


class PartlyKnown(str):
    """Such a text. See the top of this module for what it answers and what it raises."""

    __slots__ = ()

    @property
    def parts(self) -> list[str | Part]:
        """Its parts, in order; no text among them is empty."""
        found: list[str | Part] = []
        at = 0
        for start, stop, inside in holes(self):
            found += [self._raw(at, start), Part(inside)]
            at = stop
        return [one for one in (*found, self._raw(at)) if one != ""]

    @property
    def gaps(self) -> list[Part]:
        """The parts of which nothing is known."""
        if not str.__contains__(self, f"{_OPEN}?"):
            return []
        return [one for one in self.parts if isinstance(one, Part) and one.is_gap]

    @property
    def words(self) -> str:
        """The text for people: ``...`` in the place of a gap, and of a reference, the resource's id."""
        return "".join(written(one) if isinstance(one, str) else one.words for one in self.parts)

    def _raw(self, start: int, stop: int | None = None) -> str:
        return str.__getitem__(self, slice(start, stop))

    def undecided(self) -> UnknownValue:
        """Returns what to raise where a gap decides."""
        return UnknownValue(None, f"a part of {self.words[:60]} is not known: {self.gaps[0].unknown}")

    def __str__(self) -> str:
        """Returns itself: as text it has the same parts."""
        return self

    def __eq__(self, other: object) -> bool:
        """Whether it is another text. Raises UnknownValue where a gap decides."""
        if not isinstance(other, str):
            return False
        if str.__eq__(self, other):
            return True
        if may_be(self, other):
            raise (self if self.gaps else PartlyKnown(other)).undecided()
        return False

    def __ne__(self, other: object) -> bool:
        """Whether it is not another text. Raises UnknownValue where a gap decides."""
        return not self == other

    def __hash__(self) -> int:
        """As of text: what has the same gap at the same place is found by it."""
        return str.__hash__(self)

    def __contains__(self, other: object) -> bool:
        """Whether a text is in it. Raises UnknownValue where a gap decides."""
        if isinstance(other, str) and str.__contains__(self, other):
            return True
        if self.gaps:
            raise self.undecided()
        return False

    def startswith(self, prefix: str | tuple[str, ...], *range_: Any) -> bool:
        """Whether it begins so. Raises UnknownValue where a gap decides."""
        return self._at_end(str.startswith, prefix, range_, 1)

    def endswith(self, suffix: str | tuple[str, ...], *range_: Any) -> bool:
        """Whether it ends so. Raises UnknownValue where a gap decides."""
        return self._at_end(str.endswith, suffix, range_, -1)

    def _at_end(
        self, asks: Callable[..., bool], words: str | tuple[str, ...], range_: tuple[Any, ...], side: int
    ) -> bool:
        if asks(self, words, *range_):
            return True
        if self.gaps and not range_:
            first, *more = self.parts[::side]
            known, then = (first, more[0]) if isinstance(first, str) else ("", first)
            wanted = (words,) if isinstance(words, str) else words
            if isinstance(then, Part) and then.is_gap and any(asks(one, known) for one in wanted):
                raise self.undecided()
        return False

    lower = _simple("lower")
    upper = _simple("upper")

    def __add__(self, other: str) -> str:
        """Returns both, one after the other."""
        return joined(self, other)

    def __radd__(self, other: str) -> str:
        """Returns both, one after the other."""
        return joined(other, self)

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        """Returns a piece; a part that is cut is a part no more."""
        return read(str.__getitem__(self, key))

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """Returns what is between separators; a part stays whole."""
        if sep is None:
            return [read(one) for one in str.split(self, None, maxsplit)]
        pieces: list[str] = [""]
        left = int(maxsplit) if int(maxsplit) >= 0 else len(self)
        for one in self.parts:
            if isinstance(one, Part):
                pieces[-1] += f"{_OPEN}{one.inside}{_CLOSE}"
                continue
            first, *more = one.split(sep, left)
            left -= len(more)
            pieces[-1] += first
            pieces += more
        return [read(one) for one in pieces]

    def rsplit(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """Returns what is between separators, the last ones; a part stays whole."""
        pieces = self.split(sep)
        keep = int(maxsplit)
        if keep < 0 or len(pieces) <= keep + 1:
            return pieces
        return [joined(*pieces[: len(pieces) - keep], between=sep or " "), *pieces[len(pieces) - keep :]]

    def partition(self, sep: str) -> tuple[str, str, str]:
        """Returns what is before and after the first separator."""
        first, *more = self.split(sep, 1)
        return (first, sep, more[0]) if more else (self, "", "")

    def rpartition(self, sep: str) -> tuple[str, str, str]:
        """Returns what is before and after the last separator."""
        first, *more = self.rsplit(sep, 1)
        return (first, sep, more[0]) if more else ("", "", self)

    strip, lstrip, rstrip = _of_text("strip"), _of_text("lstrip"), _of_text("rstrip")
    removeprefix, removesuffix, replace = _of_text("removeprefix"), _of_text("removesuffix"), _of_text("replace")

    def splitlines(self, keepends: bool = False) -> list[str]:
        """Returns its lines."""
        return [read(one) for one in str.splitlines(self, keepends)]


def may_be(text: str, other: str) -> bool:
    """Whether two texts, of which one has a gap at least, may be the same."""
    return _gapped(text, other) and meet(_letters(text), _letters(other))


def fits(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern with ``*`` and ``?``. Raises UnknownValue where a gap of one of them decides."""
    if fnmatchcase(text, pattern):
        return True
    if _gapped(text, pattern) and meet(_letters(text), _letters(pattern, wild=True)):
        raise (text if isinstance(text, PartlyKnown) and text.gaps else PartlyKnown(pattern)).undecided()
    return False


def fits_one(text: str, patterns: Iterable[str]) -> bool:
    """Whether a text fits one of some patterns at least. Raises UnknownValue where a gap decides, and no other pattern does."""
    undecided = None
    for pattern in patterns:
        try:
            if fits(text, pattern):
                return True
        except UnknownValue as unknown:
            undecided = unknown
    if undecided:
        raise undecided
    return False


def searched(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Returns what an expression finds anywhere in a text. Raises UnknownValue where a gap may hold it."""
    match = pattern.search(text)
    if match is None and isinstance(text, PartlyKnown) and text.gaps:
        raise text.undecided()
    return match


def found_in(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Returns what an expression matches, of a whole text. Raises UnknownValue where a gap decides."""
    match = pattern.fullmatch(text)
    if match is None and isinstance(text, PartlyKnown) and text.gaps:
        raise text.undecided()
    return match


def _gapped(*texts: str) -> bool:
    return any(isinstance(one, PartlyKnown) and one.gaps for one in texts)


def _letters(text: str, *, wild: bool = False) -> list[object]:
    """Returns the letters of a text; any text for a gap, and of a pattern for ``*``, too."""
    marks: dict[str, object] = {"*": ANY, "?": ONE} if wild else {}
    found: list[object] = []
    for one in text.parts if isinstance(text, PartlyKnown) else [text]:
        if isinstance(one, str):
            found += [marks.get(letter, letter) for letter in one]
        else:
            found.append(ANY if one.is_gap else one)
    return found


def without_gaps(text: str) -> str:
    """Returns a text for people; one that was put together from others, too."""
    return PartlyKnown(text).words if _OPEN in text or _CLOSE in text else text


def begins_open(text: str) -> bool:
    """Whether a text begins with a part that the template does not say as text."""
    return isinstance(text, PartlyKnown) and isinstance(text.parts[0], Part)


def known_to_start(text: str, *prefixes: str) -> bool:
    """Whether a text begins so, as far as it is known."""
    return str.startswith(text, prefixes)


def says(text: str, words: str) -> bool:
    """Whether what is known of a text has some words in it."""
    return any(words in one for one in known_parts(text))


def known_parts(text: str) -> list[str]:
    """Returns what is known of a text, piece by piece."""
    return [one for one in text.parts if isinstance(one, str)] if isinstance(text, PartlyKnown) else [text]
