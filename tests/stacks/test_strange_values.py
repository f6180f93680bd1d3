"""Values that the CDK, CloudFormation or a person's eyes would take for something else are refused, wherever they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from safe_io.errors import BadInput
from stacks.environment.loading import load_environment, load_lock
from tests.stacks.own_workloads import Workloads
from tests.support.environments import TODAY, minimal

STRANGE = {
    "${Token[TOKEN.5]}": "a placeholder of the CDK",
    "a-#{Token[TOKEN.3]}-b": "a placeholder of the CDK",
    "${token[x.1]}": "a placeholder of the CDK",
    "-1.8881545897087626e+289": "a placeholder of the CDK",
    "x-1.8881545897087626E289y": "a placeholder of the CDK",
    -1.8881545897087626e289: "a number that the CDK uses as a token",
    -1.8882e289: "a number that the CDK uses as a token",
    "$jsii.byref": "which the CDK reads as a reference to an object",
    "{{resolve:ssm:/x}}": "CloudFormation replaces",
    "x{{ Resolve: secretsmanager:x}}": "CloudFormation replaces",
    "a\u202eb": "U+202E",
    "a\u200bb": "U+200B",
    "a\u00a0b": "U+00A0",
    "a\u0007": "U+0007",
    "\ufeffa": "U+FEFF",
    "a\u2028b": "U+2028",
    "a\u3164": "U+3164",
    "a\ufe0f": "U+FE0F",
    "x" * 20_001: "at most 20,000 (bound: text)",
}


def configured(value: Any) -> dict[str, Any]:
    """An environment with a value where anything may be: an add-on's configuration."""
    return minimal(addons={"coredns": {"enabled": True, "configuration": value}})


def refusal(folder: Path, data: Any) -> str:
    path = folder / "mine.yaml"
    path.write_text(json.dumps(data))
    with pytest.raises(BadInput) as found:
        load_environment(path, today=TODAY)
    assert len(str(found.value).splitlines()) == 1
    assert str(found.value).isprintable()
    return str(found.value)


@pytest.mark.parametrize(("value", "said"), STRANGE.items(), ids=[repr(one)[:30] for one in STRANGE])
def test_strange_values_are_refused_wherever_they_are(value: Any, said: str, tmp_path: Path) -> None:
    where = "clusters[0].addons.coredns.configuration"
    assert f"{where}.a[0].b: " in refusal(tmp_path, configured({"a": [{"b": value}]}))
    if isinstance(value, str):
        assert said in refusal(tmp_path, minimal() | {"tags": {"a": value}})
    if isinstance(value, str) and len(value) < 1000:  # YAML ends a key before
        assert said in refusal(tmp_path, configured({"a": {value: 1}}))
        assert said in refusal(tmp_path, minimal() | {"tags": {value: "a"}})
        (tmp_path / "mine.lock.yaml").write_text(json.dumps({"addons": {"1.36": {"coredns": value}}}))
        with pytest.raises(BadInput, match=r"mine\.lock\.yaml:1: addons"):
            load_lock(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    "value", ["a\n\tb", "Token[", "$ {Token", "-1.88e288", -1.88e288, -1.8e289, 1.8881545897087626e289, "{{ x }}", "caf\u00e9", "\u4e2d"]
)  # fmt: skip
def test_what_only_looks_a_little_strange_is_fine(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    data = configured({"podAnnotations": {"a": value}})
    data["clusters"][0]["compute"] = {"fargate": {"profiles": [{"name": "a", "selectors": [{"namespace": "a"}]}]}}
    path.write_text(json.dumps(data))
    assert load_environment(path, today=TODAY).clusters[0].addons["coredns"].configuration == {
        "podAnnotations": {"a": value}
    }


@pytest.fixture
def workloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workloads:
    monkeypatch.setattr("stacks.objects.folder.FOLDER", tmp_path)
    return Workloads(tmp_path)


@pytest.mark.parametrize("value", ["${Token[TOKEN.5]}", -1.8881545897087626e289, "$jsii.map", "{{resolve:ssm:/x}}"])
def test_kubernetes_objects_are_held_against_the_same(value: Any, workloads: Workloads) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": value}}
    workloads.write("mine", [settings])
    with pytest.raises(BadInput, match=r"base/all\.yaml:\d+: data\.a: (contains|found) "):
        workloads.placed("mine")


def test_scripts_in_kubernetes_objects_may_hold_any_character(workloads: Workloads) -> None:
    text = "echo caf\u00e9\u00a0\U0001f600\ufe0f\n" + "x" * 30_000
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": text}}
    workloads.write("mine", [settings])
    assert [item["data"] for item in workloads.objects("mine") if item["kind"] == "ConfigMap"] == [{"a": text}]
