"""What a template does not say to its end: one answer whichever function brings the value, and no marks of ours in a report."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.document import Review
from responsibility.reading.partly_known import _CLOSE as CLOSE
from responsibility.reading.partly_known import _OPEN as OPEN
from responsibility.render.formats import FORMATS, render
from responsibility.review.command import Request, review

AS_OF = date(2026, 11, 24)
CLUSTER = """
Transform: AWS::LanguageExtensions
Parameters: {Version: {Type: String}, Size: {Type: String}, Env: {Type: String}}
Resources:
  Main:
    Type: AWS::EKS::Cluster
    Properties:
      Name: main
      Version: %s
      RoleArn: arn:aws:iam::111122223333:role/cluster
      ResourcesVpcConfig: {SubnetIds: [subnet-1, subnet-2], SecurityGroupIds: [!ImportValue {"Fn::Sub": "${Env}-Group"}]}
  Workers:
    Type: AWS::EKS::Nodegroup
    Properties:
      {ClusterName: main, NodeRole: role, Subnets: [s-1], InstanceTypes: [!Ref Size], ScalingConfig: {MinSize: 2, MaxSize: 3}}
  Fn::ForEach::Addons:
    - Name
    - [coredns, kube-proxy]
    - Addon&{Name}: {Type: "AWS::EKS::Addon", Properties: {ClusterName: !Ref Main, AddonName: !Ref Name}}
"""


def _reviewed(tmp_path: Path, version: str) -> Review:
    (tmp_path / "t.yaml").write_text(CLUSTER % version)
    return review(Request(str(tmp_path / "t.yaml"), AS_OF), warn=pytest.fail)


@pytest.mark.parametrize("version", ["!Ref Version", '!Sub "${Version}"', '!Join ["", [!Ref Version]]'])
def test_a_parameter_is_the_same_by_each_function(tmp_path: Path, version: str) -> None:
    found = _reviewed(tmp_path, version)
    answers = {one.code: (one.status, one.detail) for one in found.findings}
    assert answers["EKR013"] == ("met", "states a version, which is known at the deploy")
    assert answers["EKR010"] == ("unknown", "Version: parameter Version has no default")
    for style in FORMATS:
        shown = render(found, style)
        assert not {OPEN, CLOSE} & {*shown}
        assert "${?" not in shown
    shown = render(found, "text")
    assert "main: Kubernetes version not known" in shown
    assert "2 to 3 nodes of a type that is not known" in " ".join(shown.split())


def test_evidence_is_in_the_loop_that_made_the_resource(tmp_path: Path) -> None:
    found = _reviewed(tmp_path, '"1.36"')
    lines = {place.line for one in found.findings if one.code == "EKR063" for place in one.evidence}
    assert [CLUSTER.splitlines()[line - 1].strip(" -")[:5] for line in lines] == ["Addon"]
