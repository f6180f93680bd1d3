"""The one YAML loader: what it reads, what it refuses, and that neither costs more than it should."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from safe_io.errors import BadInput
from safe_io.yaml_file import OURS, PEOPLE, Rules, YamlFile, load
from tests.support.environments import ROOT

KUBECTL = Rules(yaml_1_1=True, empty_values=True, merge_keys=True)


def read(text: str, rules: Rules = PEOPLE) -> Any:
    (document,) = YamlFile.parse(text, "mine.yaml", rules)
    return document.data


def refusal(text: str, rules: Rules = PEOPLE) -> str:
    with pytest.raises(BadInput) as found:
        YamlFile.parse(text, "mine.yaml", rules)
    line = str(found.value)
    assert line.isprintable()
    assert len(line) <= 1000
    return line


@pytest.mark.parametrize(
    ("text", "value", "value_1_1"),
    [
        *((word, True, True) for word in ("true", "True", "TRUE")),
        *((word, word, True) for word in ("yes", "On")),
        *((word, word, False) for word in ("no", "OFF")),
        *((word, word, word) for word in ("y", "nO", "tRue", "text", "=", "1:30", "1:30.5", ".inf", "-.INF", ".nan")),
        *((word, None, None) for word in ("~", "null", "Null")),
        *(("2027-05-01",) * 3, ("2027-05-01T10:00:00Z",) * 3, ("1e999",) * 3, ("1.2.3",) * 3, ("+",) * 3),
        *((word, int(word), int(word)) for word in ("0", "-0", "+17", "-5", "123456789012345678901234567890")),
        ("0x1F", 31, 31),
        ("0o17", 15, 15),
        ("0755", 755, 0o755),
        ("012345678901", 12345678901, "012345678901"),
        ("1_000", "1_000", 1000),
        ("0b11", "0b11", 3),
        *((word, float(word), float(word)) for word in ("1.30", ".5", "5.", "-1.5e+3", "1e3")),
        *((f"'{word}'", word, word) for word in ("true", "5", "", "~", "2027-05-01")),
        *(('"\\u263A"', "\u263a", "\u263a"), ("!!str 5", "5", "5"), ("! 5", "5", "5"), ("!!float 5", 5.0, 5.0)),
        *(("!!int 0x10", 16, 16), ("!!null ~", None, None), ("!!bool true", True, True)),
    ],
)
def test_scalars_are_read_as_each_version_of_yaml_says(text: str, value: Any, value_1_1: Any) -> None:
    for rules, expected in ((PEOPLE, value), (KUBECTL, value_1_1)):
        (found,) = read(f"- {text}", rules)
        assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((f"a: !!{kind} ''", f"YAML cannot read that as {kind}") for kind in ("int", "float", "bool")),
        ("a: !!int 1:30", "YAML cannot read that as int"),
        ("a: !!int 1.5", "YAML cannot read that as int"),
        ("a: !!float x", "YAML cannot read that as float"),
        ("a: !!bool maybe", "YAML cannot read that as bool"),
        *((f"a: !!{tag} x", f"the YAML tag !!{tag} is not used here") for tag in ("timestamp", "binary", "python/none")),
        *((f"a: !!{tag} []", f"the YAML tag !!{tag} is not used here") for tag in ("set", "omap", "pairs", "map")),
        ("a: !Sub x", "the YAML tag !Sub is not used here"),
        ("a: !<tag:example.com,2000:x> y", "is not used here"),
        ("!!timestamp a: 1", "the YAML tag !!timestamp is not used here"),
        ("a: " + "9" * 101, "a number with 101 digits; at most 100 (bound: digits)"),
        ("a: -0x" + "f" * 5000, "a number with 5,000 digits"),
        ("a:\n  b: 1\n  'b': 2", "mine.yaml:3: a.b: duplicate key, first in line 2"),
        ("1: x\n!!str 1: y", "mine.yaml:2: [\"1\"]: duplicate key, first in line 1"),
        ("? [a]\n: b", "a key must be text, not a list or a mapping"),
        ("<<: {a: 1}", "merging (<<) is not supported"),
        ("a: *b", "found undefined alias b"),
        ("a: &a [*a]", "an alias (*) that contains itself"),
        ("a: &b {c: *b}", "an alias (*) that contains itself"),
        ("a:", "a: has no value; give it one"),
        ("- ", "[0]: has no value"),
        ("a: \x1b[2J", "the character U+001B is not allowed in YAML"),
        ("a: '\ud800'", "the character U+D800 is not allowed in YAML"),
        ('a: "\\uD800"', "is not YAML"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what(text: str, said: str) -> None:
    found = refusal(text)
    assert found.startswith("mine.yaml:")
    assert said in found


@pytest.mark.parametrize(
    ("text", "rules", "said"),
    [
        ("[" * 200_000, PEOPLE, "nested more than 50 levels deep (bound: depth)"),
        ("{a: " * 200_000, PEOPLE, "nested more than 50 levels deep (bound: depth)"),
        ("- " * 200_000, PEOPLE, "nested more than 50 levels deep (bound: depth)"),
        ("\n".join(f"key{index}: 1" for index in range(60_000)), PEOPLE, "more than 100,000 values"),
        ("- &a 1\n" + "- *a\n" * 100_000, PEOPLE, "more than 100,000 values once the aliases (*) are followed"),
        ("#" * 101, Rules(max_bytes=100), "more than 100 characters (bound: bytes)"),
        (
            "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 40)),
            Rules(max_values=10**5),
            "more than 100,000 values once the aliases (*) are followed (bound: values)",
        ),
    ],
    ids=["lists", "mappings", "blocks", "keys", "aliases", "bytes", "alias-bomb"],
)
def test_work_is_bounded(text: str, rules: Rules, said: str) -> None:
    assert said in refusal(text, rules)


def test_an_alias_is_what_its_anchor_was_where_it_stands() -> None:
    text = "a: &x 1\nb: &y [*x, &z {k: *x}]\nc: &x 2\nd: *y\ne: *x\n*x : key\nf: *z"
    found = read(text)
    assert found == {"a": 1, "b": [1, {"k": 1}], "c": 2, "d": [1, {"k": 1}], "e": 2, "2": "key", "f": {"k": 1}}
    assert found["b"] is not found["d"], "what changes one must not change the other"


def test_what_an_alias_repeats_has_the_line_where_it_is_written() -> None:
    (file,) = YamlFile.parse("a: &a\n  b: [1.30]\nc: *a\n", "mine.yaml")
    assert file.message(("c", "b", 0), "") == (2, "mine.yaml:2: c.b[0]")
    assert file.written == {("a", "b", 0): "1.30", ("c", "b", 0): "1.30"}
    assert file.message(("c",), "")[0] == 3
    assert file.message(("nothing", "there"), "")[0] == 1


def test_rules_that_a_file_may_have() -> None:
    assert read("a: 2027-05-01", OURS) == {"a": date(2027, 5, 1)}
    assert "day is out of range for month" in refusal("a: 2027-02-30", OURS)
    assert read("a:", OURS) == {"a": None}
    merged = "base: &b {x: 1, y: 1}\na: {<<: *b, y: 2}\nb: {y: 3, <<: [{z: 1}, *b]}"
    assert read(merged, KUBECTL) == {"base": {"x": 1, "y": 1}, "a": {"x": 1, "y": 2}, "b": {"y": 3, "z": 1, "x": 1}}
    assert "<< merges a mapping" in refusal("a: {<<: 5}", KUBECTL)


def test_tags_make_what_their_reader_says() -> None:
    def short_form(tag: str, value: Any) -> Any:
        if tag == "No":
            raise ValueError("!No is not a function")
        return {f"Fn::{tag}": value}

    rules = Rules(tags=short_form)
    text = "a: !Sub 5\nb: !Join ['-', [!Ref x, !If [c, {d: 1}, true]]]\nc: !Map {k: 'v'}"
    assert read(text, rules) == {
        "a": {"Fn::Sub": "5"},
        "b": {"Fn::Join": ["-", [{"Fn::Ref": "x"}, {"Fn::If": ["c", {"d": 1}, True]}]]},
        "c": {"Fn::Map": {"k": "v"}},
    }
    assert refusal("a:\n- !No x", rules) == "mine.yaml:2: a[0]: !No is not a function"
    assert "is not used here" in refusal("a: !!python/object:os.system x", rules)


def test_a_file_has_one_document_unless_several_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("---\na: 1\n---\n---\nb: 2\n...\n")
    assert [file.data for file in YamlFile.documents(path)] == [{"a": 1}, {"b": 2}]
    assert YamlFile.documents(path)[1].lines[("b",)] == 5
    with pytest.raises(BadInput, match=r"mine\.yaml:3: found another document"):
        YamlFile(path)
    for empty in ("", "# nothing\n", "---\n"):
        path.write_text(empty)
        assert YamlFile(path).data is None
        assert YamlFile.documents(path) == []


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "none.yaml", tmp_path / ("x" * 300), Path("a\0b")):
        with pytest.raises(BadInput, match=r"cannot be read|not a regular file"):
            YamlFile(path)


def test_all_yaml_that_is_shipped_reads_as_yaml_says() -> None:
    folders = ("eks_facts", "responsibility", "environments", "emulator")
    # Kubernetes manifests may have several documents.
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.yaml") if "manifests" not in path.parts]
    assert len(files) > 20
    for path in files:
        assert load(path) == yaml.load(path.read_text(), yaml.CSafeLoader), path
