"""Files that extend others: how they merge, where each value is from, and what is refused."""

from pathlib import Path

import pytest

from safe_io.errors import BadInput
from safe_io.layers import Layered

BASE = """\
a: 1
kept: {x: 1, y: 2}
named:
  - name: one
    size: 1
  - name: two
    size: 2
plain: [1, 2]
"""


def layered(folder: Path, text: str, **others: str) -> Layered:
    for name, content in {"base": BASE, **others}.items():
        (folder / f"{name}.yaml").write_text(content)
    (folder / "top.yaml").write_text(text)
    return Layered(folder / "top.yaml")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", {}),
        ("a: 2", {"a": 2}),
        ("b: 3", {"b": 3}),
        ("a: null", {"a": ...}),
        ("b: null", {"b": None}),
        ("kept: {y: 3, z: 4}", {"kept": {"x": 1, "y": 3, "z": 4}}),
        ("kept: {y: null}", {"kept": {"x": 1}}),
        ("kept: {}", {}),
        ("kept: null", {"kept": ...}),
        ("kept: {$patch: delete}", {"kept": ...}),
        ("kept: {$patch: replace, z: 4}", {"kept": {"z": 4}}),
        ("kept: text", {"kept": "text"}),
        ("plain: [3]", {"plain": [3]}),
        ("plain: []", {"plain": []}),
        ("named: [{name: two, size: 3}]", {"named": [{"name": "one", "size": 1}, {"name": "two", "size": 3}]}),
        (
            "named: [{name: new}]",
            {"named": [*({"name": n, "size": s} for n, s in (("one", 1), ("two", 2))), {"name": "new"}]},
        ),
        ("named: [{name: one, $patch: delete}]", {"named": [{"name": "two", "size": 2}]}),
        (
            "named: [{name: one, $patch: replace, a: 1}]",
            {"named": [{"name": "one", "a": 1}, {"name": "two", "size": 2}]},
        ),
        ("named: [{other: 1}]", {"named": [{"other": 1}]}),
        ("named: []", {}),
    ],
)
def test_what_a_file_says_goes_over_its_base(tmp_path, text, changed):
    before = {
        "a": 1,
        "kept": {"x": 1, "y": 2},
        "named": [{"name": "one", "size": 1}, {"name": "two", "size": 2}],
        "plain": [1, 2],
    }
    wanted = {key: value for key, value in {**before, **changed}.items() if value is not ...}
    assert layered(tmp_path, f"extends: base.yaml\n{text}").data == wanted


def test_bases_of_bases_and_several_bases_go_one_over_the_other(tmp_path):
    document = layered(
        tmp_path,
        "extends: [middle.yaml, other.yaml]\na: top",
        middle="extends: base.yaml\nb: middle\nc: middle\nkept: {$patch: delete}",
        other="c: other",
    )
    assert [document.data[key] for key in ("a", "b", "c", "plain")] == ["top", "middle", "other", [1, 2]]
    assert "kept" not in document.data
    assert [path.name for path in document.paths] == ["top.yaml", "middle.yaml", "base.yaml", "other.yaml"]


def test_each_value_has_the_file_and_line_that_say_it_and_messages_name_them(tmp_path):
    document = layered(
        tmp_path, "extends: base.yaml\nnamed:\n  - {name: one, $patch: delete}\n  - {name: two, color: red}\n"
    )
    assert document.origin(("named", 0, "size")) == (tmp_path / "base.yaml", 7)
    assert document.origin(("named", 0, "color")) == (tmp_path / "top.yaml", 4)
    assert document.origin(("named", 1)) is None
    assert document.origin(("extends",)) is None
    assert document.path_of(("kept", "x")) == tmp_path / "base.yaml"
    # The index is that of the file, where the person looks for it.
    assert document.message(("named", 0, "size"), ": no")[1] == f"{tmp_path}/base.yaml:7: named[1].size: no"
    assert document.message(("named", 0, "color"), ": no")[1] == f"{tmp_path}/top.yaml:4: named[1].color: no"
    assert document.message(("named", 0, "none"), ": no")[1] == f"{tmp_path}/top.yaml:4: named[1].none: no"


def test_a_number_is_shown_as_its_file_writes_it(tmp_path):
    document = layered(tmp_path, "extends: base.yaml\nversion: 1.30\n")
    assert document.written[("version",)] == "1.30"
    assert document.written[("named", 1, "size")] == "2"


def test_a_file_that_extends_nothing_is_read_as_it_is(tmp_path):
    document = layered(tmp_path, "a: {$patch: delete}\n")
    assert document.data == {"a": {"$patch": "delete"}}
    assert document.origin(("a",)) == (tmp_path / "top.yaml", 1)
    assert document.origin(("b",)) is None


@pytest.mark.parametrize(
    ("text", "others", "words"),
    [
        ("extends: none.yaml", {}, 'top.yaml:1: extends: found "none.yaml"; there is no file '),
        ("extends: 3", {}, "top.yaml:1: extends: found 3; it must be the path of a YAML file, or a list of paths"),
        ("extends: []", {}, "it must be the path"),
        ("extends: [base.yaml, 3]", {}, "it must be the path"),
        ("extends: top.yaml", {}, "files extend each other in a circle: "),
        ("extends: one.yaml", {"one": "a: 1\nextends: ./top.yaml"}, "one.yaml:2: extends: "),
        ("extends: one.yaml", {"one": "- a"}, "one.yaml:1: the file: must be a mapping, for "),
        ("extends: one.yaml", {"one": "a: [1"}, "one.yaml:2: is not YAML: "),
        ("extends: base.yaml\nkept: {$patch: merge}", {}, 'kept["$patch"]: found "merge"; allowed: delete, replace'),
        ("extends: base.yaml\nnone: {$patch: delete}", {}, "top.yaml:2: none: $patch: delete, but no file that is extended has it"),
        ("extends: base.yaml\nnone: {a: {$patch: replace}}", {}, "no file that is extended has none.a"),
        ("extends: base.yaml\nnamed: [{name: on, $patch: delete}]", {}, 'has the name "on". It has: one, two'),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_refused_in_one_line(tmp_path, text, others, words):
    with pytest.raises(BadInput) as refusal:
        layered(tmp_path, text, **others)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_number_of_files_has_a_bound(tmp_path):
    chain = {f"f{number}": f"extends: f{number + 1}.yaml" for number in range(30)}
    with pytest.raises(BadInput, match=r"more than 20 files are extended \(bound: files\)"):
        layered(tmp_path, "extends: f0.yaml", **chain)
