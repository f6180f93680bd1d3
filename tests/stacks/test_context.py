"""What the caller and the machine say: context, Node, home folder, temporary files. A wrong one is one line."""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from safe_io.errors import BadInput
from stacks import node, summary
from stacks.environment.context import SynthOptions, read_context, synth_options
from tests.support.environments import ROOT

CDK_JSON = ROOT / "cdk.json"


def test_the_callers_context_goes_over_that_of_the_file() -> None:
    plain = json.loads(CDK_JSON.read_text())["context"]
    assert read_context(CDK_JSON, None) == plain
    assert read_context(CDK_JSON, "") == plain
    assert read_context(CDK_JSON, '{"env": "demo", "a": [1]}') == plain | {"env": "demo", "a": [1]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "CDK_CONTEXT_JSON:1: is not JSON"),
        ("[]", "CDK_CONTEXT_JSON is []; it must be a mapping"),
        ("null", "CDK_CONTEXT_JSON is null"),
        ('"demo"', 'CDK_CONTEXT_JSON is "demo"'),
        ('{"env": "a", "env": "b"}', "duplicate key"),
        ("[" * 10_000, "(bound: depth)"),
        ('{"a": NaN}', "NaN"),
    ],
)
def test_context_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput) as found:
        read_context(CDK_JSON, text)
    assert said in str(found.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"context": []}', '{"context": "x"}', '{"context": {"a": 1, "a": 2}}']
)
def test_an_odd_cdk_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text(text)
    with pytest.raises(BadInput, match=r"cdk\.json"):
        read_context(tmp_path / "cdk.json", None)
    with pytest.raises(BadInput, match=r"cdk\.json: cannot be read"):
        read_context(tmp_path / "no" / "cdk.json", None)


def test_options() -> None:
    assert synth_options({}) == synth_options({"checks": None, "today": ""}) == SynthOptions(None, True, None, ())
    given = {"today": "2026-11-23", "checks": "off", "delivery": "files", "before_pools": "a, b,"}
    assert synth_options(given) == SynthOptions(date(2026, 11, 23), False, "files", ("a", "b"))
    assert synth_options({"sizes": "a/g:3,b-c/h:0"}).sizes == {("a", "g"): 3, ("b-c", "h"): 0}


@pytest.mark.parametrize(
    "value", [5, True, ["x"], {}, "soon", "2026-13-01", "20261123", "2026-W48-1", "\x1b[2J", "x" * 9000]
)
@pytest.mark.parametrize("key", ["today", "checks", "delivery", "before_pools", "sizes"])
def test_a_wish_of_another_type_is_refused(key: str, value: Any) -> None:
    if key == "before_pools" and isinstance(value, str):
        return  # names of clusters; app.py knows which there are
    with pytest.raises(BadInput) as found:
        synth_options({key: value})
    assert str(found.value).startswith(f"{key} is ")
    assert str(found.value).isprintable()
    assert len(str(found.value)) < 300


def test_a_home_without_room_gets_jsii_a_cache_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache, root = "JSII_RUNTIME_PACKAGE_CACHE", "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
    for name in (cache, root, "JSII_NODE", "TMPDIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    for home in ("/dev/null", "/proc/nowhere"):
        monkeypatch.setenv("HOME", home)
        node.use_pinned_node()
        assert os.environ.pop(root) == str(tmp_path / "venv/.cache/jsii")
        assert cache not in os.environ
    open_to_others = tmp_path / "open"
    open_to_others.mkdir()
    open_to_others.chmod(0o777)
    monkeypatch.setenv("HOME", str(open_to_others))
    node.use_pinned_node()
    assert os.environ.pop(root) == str(tmp_path / "venv/.cache/jsii"), "jsii does not trust it"
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setattr(sys, "prefix", "/dev/null")
    node.use_pinned_node()
    assert os.environ.pop(cache) == "disabled"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    node.use_pinned_node()
    assert not {cache, root} & set(os.environ), "jsii's own place is good"
    assert os.environ["JSII_NODE"] == node.pinned_node()


@pytest.mark.parametrize(("name", "value"), [("JSII_NODE", "/none/node"), ("TMPDIR", "/none"), ("TMPDIR", "/dev/null")])
def test_a_node_or_a_folder_that_is_not_there_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"{name}={value}: "):
        node.use_pinned_node()


STACK = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}


@pytest.mark.parametrize(
    ("manifest", "template"),
    [
        *((text, "{}") for text in ("", "null", "[]", "{}", '{"artifacts": []}', '{"artifacts": {"a": 5}}', '{"artifacts": {}}')),
        (json.dumps({"artifacts": {"a": STACK | {"dependencies": ["b"]}, "b": STACK | {"dependencies": ["a"]}}}), "{}"),
        (json.dumps({"artifacts": {"a": STACK | {"dependencies": [["b"]]}}}), "{}"),
        *((json.dumps({"artifacts": {"a": STACK}}), text) for text in ("", "[]", "{}", '{"Resources": {"a": 5}}')),
        (json.dumps({"artifacts": {"a": STACK | {"properties": {"templateFile": "../\0"}}}}), "{}"),
    ],
)  # fmt: skip
def test_a_summary_of_no_assembly_is_one_line(
    manifest: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "t.json").write_text(template)
    monkeypatch.setattr(sys, "argv", ["summary", str(tmp_path)])
    with pytest.raises(BadInput) as found:
        summary.main()
    assert str(found.value).startswith(str(tmp_path))
    assert str(found.value).isprintable()


def test_node_has_a_home_where_the_person_has_none(monkeypatch, tmp_path):
    def nobody(_):
        raise KeyError("no such user")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("atexit.register", lambda clean: made.append(clean))
    for name, value in {"HOME": str(tmp_path), "JSII_RUNTIME_PACKAGE_CACHE": "x"}.items():
        monkeypatch.setenv(name, value)
    made = []
    node.use_pinned_node()
    assert (os.environ["HOME"], made) == (str(tmp_path), [])
    monkeypatch.delenv("HOME")
    node.use_pinned_node()
    assert Path(os.environ["HOME"]).is_dir()
    made[0]()
    assert not Path(os.environ["HOME"]).exists()
