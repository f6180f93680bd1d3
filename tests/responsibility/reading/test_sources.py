"""What can be read, and what is said of what cannot."""

import io
import json
import os
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from responsibility import bounds
from responsibility.reading import sources
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.reader import read
from responsibility.reading.template import RULES, BadSource
from safe_io.json_text import json_lines
from safe_io.yaml_file import YamlFile

TEMPLATE = {"Resources": {"Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "blue"}}}}

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in pairwise("abcdefghij")
)
"""Aliases of aliases: ten lines that stand for ten thousand million values."""


def test_a_template_is_a_stack_named_like_its_file(tmp_path: Path) -> None:
    file = tmp_path / "blue.template.json"
    file.write_text(json.dumps(TEMPLATE, indent=1))
    found = sources.read(str(file)).templates[0]
    assert found.name == "blue"
    assert [found.line("Cluster"), found.line("Cluster", "Name"), found.line("Cluster", "Version")] == [3, 6, 3]


def test_lines_of_yaml_are_those_of_the_resources(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        "Parameters:\n  Cluster: {Type: String}\nResources:\n  Role:\n    Type: R\n"
        "    Properties:\n      Cluster: x\n  Cluster:\n    Type: C\n"
    )
    found = sources.read(str(file)).templates[0]
    assert [found.line("Role"), found.line("Cluster"), found.line("Nobody")] == [4, 8, 0]


LINED = """\
Transform: AWS::LanguageExtensions
Conditions:
  Yes: !Equals [a, a]
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress:
        - CidrIp: 10.0.0.0/8
        - CidrIp: !If
            - Yes
            - 0.0.0.0/0
            - 10.0.0.0/8
  Fn::ForEach::Addons:
    - Name
    - [coredns, kube-proxy]
    - Addon&{Name}:
        Type: AWS::EKS::Addon
        Properties:
          AddonName: !Ref Name
      Fn::ForEach::Roles:
        - Kind
        - [a, b]
        - ${Name}${Kind}:
            Type: AWS::IAM::Role
            Properties: {Path: /}
"""


def test_evidence_has_the_line_of_the_property(tmp_path: Path) -> None:
    """Of what a function gives, the line that is the deepest one; of what a loop makes, the loop's."""
    file = tmp_path / "t.yaml"
    file.write_text(LINED)
    found = sources.read(str(file)).templates[0]
    wanted = {
        ("Group", "SecurityGroupIngress.1.CidrIp"): 10,
        ("Group", "SecurityGroupIngress.0.CidrIp"): 9,
        ("Group", "SecurityGroupIngress.7"): 8,
        ("Group", "VpcId"): 5,
        ("Addonkubeproxy", "AddonName"): 20,
        ("Addoncoredns", "AddonVersion"): 17,
        ("corednsb", "Path"): 26,
    }
    assert {key: found.line(*key) for key in wanted} == wanted


@pytest.mark.parametrize("indent", [None, 1])
def test_json_has_the_lines_that_yaml_has(indent: int | None) -> None:
    data = {
        "a": [1, {"b c": "x: [{", 'd"e': [[], {}, True, "", [{"f": None}]]}],
        "\u00e9": {"n": [[[1.5], "\n"]]},
        "z": {},
    }
    text = json.dumps(data, indent=indent)
    [yaml] = YamlFile.parse(text, "t.json", replace(RULES, lines_to=99))
    assert json_lines(text) == yaml.lines


def test_objects_have_lines(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "o.yaml").write_text(
        "# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n- kind: Pod\n"
        "  metadata:\n    labels: {}\n    name: b\n---\nkind: Namespace\napiVersion: v1\nmetadata:\n  name: c\n"
    )
    facts = read(sources.read(str(tmp_path)), date(2026, 11, 24))
    found = {item.name: (item.at().line, item.at("metadata.name").line) for item in facts.all(KubernetesObject)}
    assert found == {"default/a": (6, 7), "default/b": (8, 11), "c": (13, 16)}


def test_standard_input() -> None:
    assert sources.read("-", io.StringIO(json.dumps(TEMPLATE))).templates[0].name == "template"


def test_a_folder_gives_templates_and_kubernetes_objects(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "b.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n---\napiVersion: v1\nkind: Pod\n"
    )
    (tmp_path / "notes.txt").write_text("no")
    found = sources.read(str(tmp_path))
    assert [template.name for template in found.templates] == ["a"]
    assert [item["kind"] for item in found.manifests[0].objects] == ["Namespace", "Pod"]


def test_stacks_of_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("eks.json", "eks.yaml", "eks.dev.yaml", "net.template"):
        (tmp_path / name).write_text(json.dumps(TEMPLATE))
    (tmp_path / "two.yaml").write_text(f"{json.dumps(TEMPLATE)}\n---\n{json.dumps(TEMPLATE)}\n")
    names = [template.name for template in sources.read(str(tmp_path)).templates]
    assert names == ["eks.dev", "eks", "eks-2", "net", "two", "two-2"]


def test_files_of_a_folder_that_are_about_something_else_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "chart.yaml").write_text(
        "apiVersion: v1\nkind: Pod\n{{- if .Values.x }}\n{{ include 'y' . }}\n{{- end }}\n"
    )
    (tmp_path / "playbook.yml").write_text("- name: {{ name }}\n  x: [")
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\xff")
    with (tmp_path / "data.json").open("wb") as file:
        file.truncate(RULES.max_bytes + 1)
    assert [template.name for template in sources.read(str(tmp_path)).templates] == ["a"]
    (tmp_path / "broken.yaml").write_text("Resources:\n  A: {Type: AWS::EKS::Cluster\n")
    with pytest.raises(BadSource, match=r"broken\.yaml:3: is not YAML"):
        sources.read(str(tmp_path))


def test_an_assembly_with_stages_and_nested_stacks(tmp_path: Path) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/eu-west-1",
        "properties": {"templateFile": "s.json"},
    }
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}
    (tmp_path / "stage").mkdir()
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"stage": stage}}))
    (tmp_path / "stage/manifest.json").write_text(json.dumps({"artifacts": {"top": stack}}))
    nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "n.json"}, "Properties": {}}
    (tmp_path / "stage/s.json").write_text(json.dumps({"Resources": {"Inner": nested}}))
    (tmp_path / "stage/n.json").write_text(json.dumps(TEMPLATE))
    top, inner = sources.read(str(tmp_path)).templates
    assert (top.name, top.account, top.region) == ("top", "123456789012", "eu-west-1")
    assert (inner.name, inner.parent) == ("top/Inner", ("top", "Inner"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "a.json:1: is not JSON"),
        ("a.yaml", "Resources: [", "a.yaml:2: is not YAML"),
        ("a.yaml", "", "a.yaml: is empty"),
        ("a.yaml", "just text", "has no `Resources`"),
        ("a.json", "[1]", "has no `Resources`"),
        ("a.json", '{"Resources": {"A": {}}}', "Resources.A: has no `Type`"),
        ("a.yaml", "Resources: {A: !Rain::Module ./a.yaml}", "Resources.A: has no `Type`"),
        ("a.json", '{"Resources": {"A": {"Type": "T", "Properties": 3}}}', "Resources.A.Properties: is not a mapping"),
        ("a.json", '{"Resources": {"A": {"Type": "T"}}, "Outputs": []}', ""),
        ("a.json", '{"Resources": {"A": {"Type": "T"}}, "Outputs": [1]}', "Outputs: is not a mapping"),
        ("a.yaml", "Resources: {A: !!python/object/apply:os.system ['true']}", "a.yaml:1: Resources.A: "),
        ("a.yaml", BOMB, "more than 300,000 values once the aliases (*) are followed (bound: values)"),
        ("a.yaml", "[" * 200, "nested more than"),
        ("a.json", "[" * 100_000, "nested more than 100 levels deep (bound: depth)"),
        ("a.json", "[" * 101 + "]" * 101, "nested more than 100 levels deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    if not said:
        assert sources.read(str(tmp_path / name)).templates
        return
    with pytest.raises(BadSource) as error:
        sources.read(str(tmp_path / name))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_text_or_too_large_or_absent(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(RULES.max_bytes + 1)
    for name, said in {
        "binary": "not UTF-8",
        "large.json": "more than 20,000,000 bytes",
        "absent": "No such file",
    }.items():
        with pytest.raises(BadSource, match=said):
            sources.read(str(tmp_path / name))


def test_a_manifest_that_is_no_assembly(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(BadSource, match="not a cloud assembly"):
        sources.read(str(tmp_path))
    (tmp_path / "manifest.json").write_text(
        '{"artifacts": {"s": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "gone.json"}}}}'
    )
    with pytest.raises(BadSource, match=r"gone\.json: cannot be read"):
        sources.read(str(tmp_path))


def assembly(folder: Path, manifest: object, **files: object) -> str:
    folder.mkdir(exist_ok=True)
    for name, content in {"manifest.json": manifest, "t.json": TEMPLATE, **files}.items():
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name.replace("__", ".")).write_bytes(text)
    return str(folder)


def artifact(file: object, **more: object) -> dict[str, Any]:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": file}, **more}
    return {"artifacts": {"s": stack}}


def stage(properties: object) -> dict[str, Any]:
    return {"artifacts": {"a": {"type": "cdk:cloud-assembly", "properties": properties}}}


SHAPES: dict[str, tuple[object, str]] = {
    "empty": (b"", "manifest.json: is empty"),
    "null": (None, "manifest.json: is empty"),
    "a list": ([1], "this is not a cloud assembly"),
    "NUL bytes": (b"\0" * 9, "manifest.json:1: "),
    "artifacts that are a list": ({"artifacts": [1]}, "this is not a cloud assembly"),
    "an artifact that is a number": ({"artifacts": {"x": 5}}, "artifacts.x: is not a mapping"),
    "properties that are a list": (
        {"artifacts": {"s": {"type": "aws:cloudformation:stack", "properties": ["a"]}}},
        "artifacts.s.properties: is not a mapping",
    ),
    "no file": (artifact(None), "artifacts.s.properties.templateFile: is not the name of a file"),
    "a file that is a list": (artifact(["t.json"]), "templateFile: is not the name of a file"),
    "a device": (artifact("/dev/zero"), "templateFile: /dev/zero leads out of"),
    "another folder": (artifact("../other/t.json"), "templateFile: ../other/t.json leads out of"),
    "a link out of it": (artifact("link.json"), "templateFile: link.json leads out of"),
    "a NUL in the name": (artifact("a\0b"), "leads out of"),
    "a pipe": (artifact("pipe"), "pipe: is not a regular file"),
    "a folder": (artifact("folder"), "folder: "),
    "a template that is empty": (artifact("empty.json"), "empty.json: is empty"),
    "resources that are null": (artifact("null.json"), "null.json: Resources: is not a mapping"),
    "a template that is a list": (artifact("list.json"), "list.json: is not a CloudFormation template"),
    "a stage that is itself": (stage({"directoryName": "."}), "stacks inside of one another (bound: stack-depth)"),
    "a stage elsewhere": (stage({"directoryName": ".."}), "directoryName: .. leads out of"),
    "a stage without a folder": (stage({}), "directoryName: is not the name of a file"),
    "a stage of another type": (stage([]), "artifacts.a.properties: is not a mapping"),
    "a key that stands twice": (b'{"artifacts": {}, "artifacts": {}}', "duplicate key"),
    "a number without end": (b'{"artifacts": 1' + b"0" * 5_000 + b"}", "(bound: digits)"),
}


@pytest.mark.parametrize("what", SHAPES)
def test_an_assembly_of_another_shape_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    manifest, said = SHAPES[what]
    (tmp_path / "other").mkdir()
    (tmp_path / "other/t.json").write_text(json.dumps(TEMPLATE))
    nothing = {"Resources": None}
    where = assembly(tmp_path / "it", manifest, empty__json=b"", null__json=nothing, list__json=[])
    os.mkfifo(tmp_path / "it/pipe")
    (tmp_path / "it/folder").mkdir()
    (tmp_path / "it/link.json").symlink_to(tmp_path / "other/t.json")
    with pytest.raises(BadSource) as error:
        sources.read(where)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_artifacts_of_other_kinds_may_be_of_any_shape(tmp_path: Path) -> None:
    manifest = artifact("t.json", environment=["odd"], metadata=7)
    manifest["artifacts"]["tree"] = {"type": "cdk:tree", "properties": [1]}
    assert [one.name for one in sources.read(assembly(tmp_path / "it", manifest)).templates] == ["s"]


def test_a_nested_template_outside_of_the_assembly_is_not_read(tmp_path: Path) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "../secret.json"}}
    (tmp_path / "secret.json").write_text(json.dumps(TEMPLATE))
    where = assembly(tmp_path / "it", artifact("top.json"), top__json={"Resources": {"Inner": nested}})
    with pytest.raises(BadSource, match=r"Inner\.Metadata\.aws:asset:path: \.\./secret\.json leads out of"):
        sources.read(where)
    odd = {"Type": "AWS::CloudFormation::Stack", "Metadata": ["odd"]}
    assembly(tmp_path / "it", artifact("top.json"), top__json={"Resources": {"Inner": odd}})
    assert len(sources.read(where).templates) == 1


def test_stacks_of_one_name_are_two_stacks(tmp_path: Path) -> None:
    manifest: dict[str, Any] = {"artifacts": {}}
    for region in "ab":
        manifest["artifacts"][region] = artifact("t.json", environment=f"aws://1/{region}")["artifacts"]["s"]
        manifest["artifacts"][region]["properties"] = {"templateFile": "t.json", "stackName": "shop"}
    found = sources.read(assembly(tmp_path / "it", manifest)).templates
    assert [(one.name, one.region) for one in found] == [("shop", "a"), ("shop-2", "b")]


def test_a_folder_of_other_things_is_passed_over_and_links_out_of_it_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / "t.json").write_text(json.dumps(TEMPLATE))
    os.mkfifo(folder / "pipe.json")
    (folder / "zero.json").symlink_to("/dev/zero")
    (tmp_path / "package.json").write_text("{}")
    (folder / "package.json").symlink_to(tmp_path / "package.json")
    assert [one.name for one in sources.read(str(folder)).templates] == ["t"]
    (tmp_path / "theirs.json").write_text(json.dumps(TEMPLATE))
    (folder / "theirs.json").symlink_to(tmp_path / "theirs.json")
    with pytest.raises(BadSource, match=r"theirs\.json leads out of"):
        sources.read(str(folder))


def test_what_is_read_is_counted_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / f"{number}.json").write_text(json.dumps(TEMPLATE))
    for name, bound, what in (("FILES", 3, "files"), ("READ", 4, "values"), ("RESOURCES_READ", 3, "resources")):
        with monkeypatch.context() as changed:
            module = "sources" if name == "RESOURCES_READ" else "files"
            changed.setattr(f"responsibility.reading.{module}.{name}", bounds.Bound(name.lower(), bound, what))
            with pytest.raises(BadSource, match=rf"more than {bound} {what} \(bound: {name.lower()}\)"):
                sources.read(str(tmp_path))
