"""Templates are judged with the parameters that they are deployed with; what was not read is named, and makes answers unknown."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.reading.parameters import defaults_used, give
from responsibility.reading.sources import read
from responsibility.reading.template import BadSource, Template
from responsibility.reading.unread import unread
from responsibility.review.command import Request, review

TEXT = """
Parameters:
  Stage: {Type: String, Default: test}
  Secret: {Type: String, Default: hidden, NoEcho: true}
  Image: {Type: AWS::SSM::Parameter::Value<String>, Default: /aws/x}
  Zones: {Type: CommaDelimitedList}
Conditions: {Public: !Equals [!Ref Stage, test]}
Resources:
  Cluster:
    Type: AWS::EKS::Cluster
    Properties:
      RoleArn: arn:aws:iam::123456789012:role/cluster
      ResourcesVpcConfig: {SubnetIds: [subnet-1, subnet-2], EndpointPublicAccess: !If [Public, true, false], EndpointPrivateAccess: true}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "t.yaml"
    file.write_text(TEXT)
    return file


def reviewed(template: Path, *words: str, file: Path | None = None) -> dict[str, object]:
    request = Request(str(template), date(2026, 11, 28), parameter=words, parameters=file)
    return review(request, warn=lambda _: None).model_dump(mode="json")


def status(document: dict[str, object], code: str) -> str:
    (found,) = [one["status"] for one in document["findings"] if one["code"] == code]  # type: ignore[attr-defined]
    return str(found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", '[{"ParameterKey": "Stage", "ParameterValue": "prod"}]'),
        ("p.json", '{"Parameters": {"Stage": "prod"}}'),
        ("p.yaml", "Stage: prod\n"),
    ],
)
def test_a_file_of_parameters(template: Path, name: str, content: str) -> None:
    (template.parent / name).write_text(content)
    assert status(reviewed(template, file=template.parent / name), "EKR001") == "met"


def test_a_default_is_judged_and_named_and_a_value_takes_its_place(template: Path) -> None:
    by_default = reviewed(template)
    assert status(by_default, "EKR001") == "open"
    assert by_default["defaults"] == ["Stage=test", "Secret=***"]
    given = reviewed(template, "Stage=prod")
    assert status(given, "EKR001") == "met"
    assert given["defaults"] == ["Secret=***"]
    assert status(reviewed(template, "t:Stage=prod"), "EKR001") == "met"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Stage", r"--parameter Stage: should be NAME=VALUE"),
        ("=x", r"should be NAME=VALUE"),
        ("Stge=x", r"parameter Stge: .* has none of that name; did you mean Stage\?"),
        ("other:Stage=x", r"parameter Stage: stack other has none of that name"),
    ],
)
def test_a_parameter_that_there_is_not(template: Path, word: str, message: str) -> None:
    with pytest.raises(BadSource, match=message):
        give(read(str(template)).templates, [word], None)


@pytest.mark.parametrize("content", ["[1]", "a: [b]", "- x", "3"])
def test_a_file_of_something_else(template: Path, content: str) -> None:
    file = template.parent / "p.yaml"
    file.write_text(content)
    with pytest.raises(BadSource, match="is not a file of parameters"):
        give(read(str(template)).templates, [], file)


def test_a_list_is_split_and_a_default_of_ssm_is_no_value(template: Path) -> None:
    templates = read(str(template)).templates
    give(templates, ["Zones=a,b"], None)
    assert "Zones" not in dict(defaults_used(templates))
    assert "Image" not in dict(defaults_used(templates))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"Resources": {"W": {"Type": "AWS::CloudFormation::Stack"}}}, "nested stack W"),
        ({"Resources": {"M": {"Type": "Own::EKS::Cluster::MODULE"}}}, "module M (Own::EKS::Cluster::MODULE)"),
        ({"Transform": "Own", "Resources": {}}, "what macro Own makes of the template"),
        ({"Transform": ["AWS::LanguageExtensions", {"Name": "Own"}], "Resources": {}}, "what macro Own makes of the template"),
        ({"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}, "what macro AWS::Serverless-2016-10-31 makes of its resources"),
        ({"Resources": {"R": {"Properties": {"Fn::Transform": {"Name": "AWS::Include"}}}}}, "what Fn::Transform brings into R"),
    ],
)  # fmt: skip
def test_what_was_not_read_is_named(body: dict[str, object], what: str) -> None:
    assert [part.what for part in unread([Template("t", "t.yaml", body, "")])] == [what]


def test_a_nested_stack_that_was_read_is_not_named() -> None:
    outer = Template("t", "t.yaml", {"Resources": {"W": {"Type": "AWS::CloudFormation::Stack"}}}, "")
    assert unread([outer, Template("t/W", "w.yaml", {"Resources": {}}, "", parent=("t", "W"))]) == []


def test_compute_of_a_nested_stack_that_was_not_read_is_unknown(template: Path) -> None:
    template.write_text(
        TEXT + "  Workers: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://x/w.yaml}}\n"
    )
    document = reviewed(template)
    assert document["not_read"] == ["nested stack Workers"]
    assert status(document, "EKR078") == "unknown"


def test_what_a_nested_stack_may_bring_is_unknown_not_absent(template: Path) -> None:
    """No node group, no role and no add-on was read; Kubernetes objects are in no stack."""
    template.write_text(
        TEXT + "  Workers: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://x/w.yaml}}\n"
    )
    document = reviewed(template)
    for code in ("EKR023", "EKR040", "EKR045", "EKR050", "EKR060", "EKR120"):
        assert status(document, code) == "unknown", code
    assert status(document, "EKR080") == "not_applicable"


def test_what_sam_makes_is_no_node(template: Path) -> None:
    template.write_text("Transform: AWS::Serverless-2016-10-31\n" + TEXT)
    assert status(reviewed(template), "EKR045") == "not_applicable"
