"""Text of strangers on a terminal: nothing that it acts on, nothing that cannot be seen, never long."""

import sys
import unicodedata

import pytest

from safe_io.terminal import as_it_is, lines, one_line

SHOWN = {
    "usual text, ä and 日本": "usual text, ä and 日本",
    " blanks\tand\r\nlines\u2028here\x0b ": "blanks and lines here",
    "\x1b[1;31mError\x1b[0m: no\x1b[K": "Error: no",
    "\x9b31mred": "red",
    "title \x1b]0;rm -rf\x07set": "title set",
    "\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1bP1$tx\x1b\\device \x1b_app\x1b\\ \x1b^pm\x1b\\": "device",
    "\x1bcreset \x1b(Bset": "reset set",
    "\x1b]0;a title that does not end\nand more": "0;a title that does not end and more",
    "bell\x07 back\x08 null\x00 delete\x7f": "bell? back? null? delete?",
    "txt\u202eexe": "txt?exe",
    "\u2066a\u2069 \u200eb\u061c": "?a? ?b?",
    "ze\u200bro\ufeff wi\u00addth": "ze?ro? wi?dth",
    "tag\U000e0041 \ue000 \ud800 \uffff": "tag? ? ? ?",
    "fill\u3164er \u2800 x\ufe0f": "filler x",
}


@pytest.mark.parametrize("text", SHOWN)
def test_what_a_terminal_acts_on_or_hides_is_not_there(text: str) -> None:
    assert one_line(text) == SHOWN[text]


UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_character_gets_through_that_is_not_seen() -> None:
    everything = [chr(number) for number in range(sys.maxunicode + 1)]
    # A million of them are of nobody yet, or of each for himself: they are shown many at once.
    nobodys = [one for one in everything if unicodedata.category(one) in ("Cn", "Co")]
    others = sorted(set(everything) - set(nobodys))
    shown = [one_line(f"a{one}b", 10) for one in others]
    many = [one_line("a".join(nobodys[at : at + 500]), 2_000) for at in range(0, len(nobodys), 500)]
    assert all(len(line) > 500 for line in many[:-1])
    for line in (*shown, *many):
        assert line.isprintable()
        assert not UNSEEN & set(map(unicodedata.category, line))
    kept = sum(one in line for one, line in zip(others, shown, strict=True))
    assert kept > 100_000  # letters of every script


@pytest.mark.parametrize("unit", ["word ", "\x1b]", "\x1b[", "\x1b[0", "\u202e", "\x00", "\n", "a" * 50])
def test_a_text_without_end_is_cut(unit: str) -> None:
    line = one_line(unit * 1_000_000, 100)
    assert len(line) <= 100
    assert line.endswith("...")
    assert line.isprintable()


def test_several_lines_stay_lines() -> None:
    assert lines("\x1b[31mone\x1b[0m\r\n\n  two\x85three\n") == "one\ntwo\nthree"
    assert lines("one\ntwo\nthree", last=2) == "two\nthree"
    assert lines("", last=2) == ""


def test_a_line_keeps_its_blanks_and_loses_what_a_terminal_would_act_on() -> None:
    assert as_it_is("    a: b  c") == "    a: b  c"
    assert as_it_is("  \x1b[2Ja\u202e") == one_line("  \x1b[2Ja\u202e").rjust(4)
    assert as_it_is("x" * 9, 5) == "xxxxx"
