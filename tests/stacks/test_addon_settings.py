"""Settings of add-ons: held against the schema in the lock file, else against those that are known, and said where neither is."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
import yaml

from safe_io.errors import BadInput
from stacks.environment.loading import load_environment, load_lock
from tests.support.environments import NODES, TODAY, minimal
from tests.support.synth import build_platform

VERSION = "v1.13.2-eksbuild.31"
SCHEMA = {
    "$ref": "#/definitions/Dns",
    "definitions": {
        "Dns": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"somethingNew": {"type": "integer"}, "deep": {"$ref": "#/definitions/Deep"}},
        },
        "Deep": {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}},
    },
}


def written(folder: Path, addon: str, settings: dict, locked: dict | None = None) -> Path:
    """An environment with settings of an add-on, and its lock file with a schema."""
    data = minimal({"managed_nodes": NODES}, addons={addon: {"enabled": True, "configuration": settings}})
    file = folder / "t.yaml"
    file.write_text(yaml.safe_dump(data))
    if locked:
        lock = {"addons": {"1.36": {addon: VERSION}}, "settings": {addon: {VERSION: json.dumps(locked)}}}
        (folder / "t.lock.yaml").write_text(yaml.safe_dump(lock))
    return file


def said(folder: Path, file: Path) -> str:
    """What a synth says of it."""
    build_platform(load_environment(file, today=TODAY), folder / "out", lock=load_lock(file))
    found = cdk.cx_api.CloudAssembly(str(folder / "out"))
    return "\n".join(str(one.entry.data) for stack in found.stacks for one in stack.messages)


@pytest.mark.parametrize("settings", [{"somethingNew": 3}, {"deep": {"a": "b"}}])
def test_what_the_locked_schema_has_is_taken(tmp_path, settings):
    assert "not known here" not in said(tmp_path, written(tmp_path, "coredns", settings, SCHEMA))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replicaCount": 3}, r"configuration\.replicaCount: .* is not a setting of coredns"),
        ({"deep": {"b": "c"}}, r"configuration\.deep\.b: .* is not a setting"),
        ({"somethingNew": "3"}, "a whole number, without quotes"),
    ],
)
def test_what_the_locked_schema_lacks_is_refused_at_any_depth(tmp_path, settings, words):
    with pytest.raises(BadInput, match=words):
        load_environment(written(tmp_path, "coredns", settings, SCHEMA), today=TODAY)


@pytest.mark.parametrize(
    ("addon", "settings", "key"),
    [
        ("metrics-server", {"somethingNew": 3}, "metrics-server: somethingNew"),
        ("snapshot-controller", {"replicas": 3}, "snapshot-controller: replicas"),
    ],
)
def test_a_synth_names_settings_that_it_cannot_check(tmp_path, addon, settings, key):
    text = said(tmp_path, written(tmp_path, addon, settings))
    assert key in text
    assert f"make lock-addons ENV={tmp_path}/t.yaml" in text


def test_a_lock_file_with_a_broken_schema_is_refused(tmp_path):
    file = written(tmp_path, "coredns", {}, SCHEMA)
    lock = file.with_name("t.lock.yaml")
    lock.write_text(lock.read_text().replace("'{", "'["))
    with pytest.raises(BadInput, match="is not a JSON schema"):
        load_lock(file)
