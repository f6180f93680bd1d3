"""The schema of environment files: editors find what the loader finds, and explain every key."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.spec import descriptions
from stacks.environment.loading import BadInput, load_environment
from stacks.environment.reference import reference
from stacks.node import pinned_node
from tests.support.environments import ENVIRONMENTS, ROOT, TODAY, minimal

SCHEMA = json.loads((ROOT / "environments/schema.json").read_text())  # test_front_door.py: it is current
EDITOR = jsonschema.Draft202012Validator(SCHEMA)
FREE = {
    "ca_bundle": "the path of a file, or certificates",
    "conditions": "IAM takes any text",
    "existing": "the path of a file",
    "extends": "paths of files",
    "folder": "the path of a folder",
    "manifests": "paths of files and folders",
}
"""Keys with text that no rule is for, and why."""


def keys() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in SCHEMA["$defs"].items():
        for key, value in definition.get("properties", {}).items():
            if key != "$patch":
                yield f"{name}.{key}", value


def texts(value: Any) -> Iterator[dict[str, Any]]:
    """Every text of a key, with its rule if there is one."""
    if isinstance(value, dict):
        if value.get("type") == "string":
            yield value
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from texts(one)


def test_the_reference_is_current_and_has_every_key():
    page = (ROOT / "docs/reference.md").read_text()
    assert page == reference(), "run `make schema`"
    assert [key for key, _ in keys() if f"| `{key.split('.')[1]}` |" not in page] == []


def test_every_key_has_a_description():
    assert [key for key, value in keys() if not value.get("description", "").strip()] == []


def test_every_text_has_a_rule_unless_anything_goes():
    rules = {"enum", "const", "pattern", "format"}
    free = {key for key, value in keys() for text in texts(value) if not rules & text.keys()}
    assert {key.split(".")[1] for key in free} == set(FREE), "give it pattern(), Literal or an enum"


def test_no_definition_takes_a_key_that_it_does_not_know():
    for name, definition in SCHEMA["$defs"].items():
        if "properties" in definition:
            assert definition["additionalProperties"] is False, name


def test_the_expressions_are_those_of_editors_too():
    node = pinned_node() or shutil.which("node")
    found = {text["pattern"] for _, value in keys() for text in texts(value) if "pattern" in text}
    program = 'for (const one of JSON.parse(require("fs").readFileSync(0))) new RegExp(one, "u")'
    subprocess.run([str(node), "-e", program], input=json.dumps(sorted(found)), check=True, text=True, timeout=60)
    assert len(found) > 30


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Not-A-Name"},
        {"account": "123"},
        {"account": 123456789012},
        {"tags": {"aws:x": "y"}},
        {"iam": {"path": "no-slash"}},
        {"network": {"cidr": "10.0.0.0"}},
        {"network": {"nat": "two"}},
        {"network": {"additional_endpoints": ["dynamo"]}},
        {"netwrok": {}},
        {"clusters": []},
        {"foundation": {"log_retention_days": 12}},
        {"registries": {"not a host": {"mirror": "a.example.com"}}},
    ],
)
def test_editors_refuse_what_the_loader_refuses(change, tmp_path):
    data = {**minimal(), **change}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(BadInput):
        load_environment(tmp_path / "mine.yaml", today=TODAY)
    assert list(EDITOR.iter_errors(data))


def test_editors_ask_a_file_that_extends_another_for_nothing_but_check_what_it_says():
    assert not list(EDITOR.iter_errors({"extends": "base.yaml"}))
    taken = {
        "network": None,
        "clusters": [{"name": "a", "$patch": "delete"}, {"name": "b", "access": {"admins": None}}],
    }
    assert not list(EDITOR.iter_errors({"extends": ["base.yaml"], **taken}))
    assert list(EDITOR.iter_errors({"extends": "base.yaml", "netwrok": {}}))
    assert list(EDITOR.iter_errors({"extends": "base.yaml", "network": {"nat": "two"}}))
    assert list(EDITOR.iter_errors({"network": None}))


def test_editors_can_read_it():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_environment_names_the_schema_and_keeps_it(name):
    text = (ROOT / f"environments/{name}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./schema.json\n")
    EDITOR.validate(yaml.safe_load(text))


def test_keys_of_generic_and_inherited_specs_have_their_own_descriptions():
    assert descriptions(ManagedNodesSpec)["groups"] == "Groups of like EC2 instances."
    assert set(ManagedNodesSpec.model_fields) >= set(descriptions(ManagedNodesSpec))
