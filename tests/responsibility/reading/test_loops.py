"""`Fn::ForEach` and macros among the resources of a template."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.reading import sources
from responsibility.reading.functions import world_of
from responsibility.reading.template import BadSource, Template


def read(tmp_path: Path, text: str) -> Template:
    (tmp_path / "t.yaml").write_text(text)
    return sources.read(str(tmp_path / "t.yaml")).templates[0]


def test_a_loop_makes_a_resource_for_each_item(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
Transform: AWS::LanguageExtensions
Parameters:
  Zones: {Type: CommaDelimitedList, Default: 'a-1, b-2'}
Resources:
  Fn::ForEach::Groups:
    - Zone
    - !Ref Zones
    - Nodes&{Zone}:
        Type: AWS::EKS::Nodegroup
        Properties: {ClusterName: shop, Labels: {zone: !Ref Zone}, NodegroupName: !Sub 'in-${Zone}-${Other}'}
""",
    ).body["Resources"]
    assert list(found) == ["Nodesa1", "Nodesb2"]
    assert found["Nodesb2"]["Properties"] == {
        "ClusterName": "shop",
        "Labels": {"zone": "b-2"},
        "NodegroupName": {"Fn::Sub": "in-b-2-${Other}"},
    }


def test_loops_in_loops(tmp_path: Path) -> None:
    inner = {"Fn::ForEach::Y": ["Y", ["1", "2"], {"R${X}${Y}": {"Type": "T", "Properties": {"P": {"Ref": "X"}}}}]}
    found = read(tmp_path, yaml.safe_dump({"Resources": {"Fn::ForEach::X": ["X", ["a", "b"], inner]}}))
    assert {name: resource["Properties"]["P"] for name, resource in found.body["Resources"].items()} == {
        "Ra1": "a",
        "Ra2": "a",
        "Rb1": "b",
        "Rb2": "b",
    }


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("Fn::Transform", {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/x.yaml"}}, "Fn::Transform"),
        ("Fn::ForEach::X", ["X", {"Ref": "Nowhere"}, {"R${X}": {"Type": "T"}}], "Fn::ForEach"),
        ("Fn::ForEach::X", "no loop", "Fn::ForEach"),
    ],
)
def test_what_no_reader_can_write_out_is_counted_and_unknown(tmp_path: Path, name: str, body: Any, kind: str) -> None:
    found = read(tmp_path, yaml.safe_dump({"Resources": {name: body, "A": {"Type": "T"}}}))
    resource = found.body["Resources"][name]
    assert resource["Type"] == kind
    assert "is not known here" in world_of([found]).scopes["t"].value(resource["Properties"])["Resources"].reason


def test_loops_that_make_too_much_are_refused(tmp_path: Path) -> None:
    body: dict[str, Any] = {"R${A}${B}${C}${D}": {"Type": "T"}}
    for name in "ABCD":
        body = {f"Fn::ForEach::{name}": [name, [str(n) for n in range(30)], body]}
    with pytest.raises(BadSource, match=r"more than 5,000 resources in a template.*bound: resources"):
        read(tmp_path, yaml.safe_dump({"Resources": body}))
