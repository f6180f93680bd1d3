"""What a template does not say to its end: one answer whichever function brings the value, and no marks of ours in a report."""

import ast
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


ASKING = [
    path
    for folder in ("reading", "checks")
    for path in sorted((Path(__file__).parents[2] / "responsibility" / folder).rglob("*.py"))
    if path.name not in ("partly_known.py", "patterns.py")
]


@pytest.mark.parametrize("path", ASKING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_patterns_of_the_input_are_asked_by_what_knows_of_gaps(path: Path) -> None:
    """``fnmatch`` sees marks for letters, and says no where the answer is unknown. ``fits`` and ``fits_one`` ask the same."""
    named = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert "fnmatch" not in named


TRUST = """
Parameters: {Verb: {Type: String}}
Resources:
  Main: {Type: "AWS::EKS::Cluster", Properties: {Name: main, RoleArn: !GetAtt Wide.Arn, ResourcesVpcConfig: {SubnetIds: [a, b]}}}
  Wide:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: eks.amazonaws.com}, Action: sts:AssumeRole}
          - {Effect: Allow, Principal: {AWS: "*"}, Action: %s}
"""


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("sts:AssumeRole", "open"),
        ("sts:AssumeRoleWith*", "open"),
        ('"*"', "open"),
        ("sts:TagSession", "met"),
        ('!Sub "sts:${Verb}"', "unknown"),
        ('!Sub "sts:AssumeRole${Verb}"', "unknown"),
        ('!Sub "iam:${Verb}"', "met"),
        ('[!Sub "sts:${Verb}", "sts:*"]', "open"),
        ("!Ref Verb", "unknown"),
    ],
)
def test_who_may_have_a_role_is_unknown_with_the_action(tmp_path: Path, action: str, status: str) -> None:
    (tmp_path / "t.yaml").write_text(TRUST % action)
    found = review(Request(str(tmp_path / "t.yaml"), AS_OF), warn=pytest.fail).findings
    assert [one.status for one in found if one.code == "EKR030"] == [status]


MAPPED = """
Transform: AWS::LanguageExtensions
Parameters: {Env: {Type: String}}
Mappings: {Regions: {us-east-1: {open: "true"}}}
Resources:
  Main:
    Type: AWS::EKS::Cluster
    Properties:
      Name: main
      RoleArn: role
      ResourcesVpcConfig:
        SubnetIds: [a, b]
        EndpointPrivateAccess: true
        EndpointPublicAccess: !FindInMap [Regions, %s, open, {DefaultValue: "false"}]
"""


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("us-east-1", "open"),
        ("eu-west-1", "met"),
        ("!Ref AWS::Region", "unknown"),
        ("!Ref Env", "unknown"),
        ('!Sub "us-${Env}"', "unknown"),
    ],
)
def test_the_default_of_a_mapping_is_not_for_a_key_that_is_not_known(tmp_path: Path, key: str, status: str) -> None:
    (tmp_path / "t.yaml").write_text(MAPPED % key)
    found = [
        one
        for one in review(Request(str(tmp_path / "t.yaml"), AS_OF), warn=pytest.fail).findings
        if one.code == "EKR001"
    ]
    assert [one.status for one in found] == [status]
    assert "Regions has no" not in found[0].detail
    assert "${?" not in found[0].detail


WINDOWS = """
Parameters: {Conf: {Type: String}}
Resources:
  Main:
    Type: AWS::EKS::Cluster
    Properties:
      {Name: main, RoleArn: arn:aws:iam::111122223333:role/cluster, ResourcesVpcConfig: {SubnetIds: [subnet-1, subnet-2]}}
  Workers:
    Type: AWS::EKS::Nodegroup
    Properties: {ClusterName: !Ref Main, NodeRole: role, Subnets: [s-1], AmiType: WINDOWS_CORE_2022_x86_64}
  Cni:
    Type: AWS::EKS::Addon
    Properties: {ClusterName: !Ref Main, AddonName: vpc-cni, ConfigurationValues: %s}
"""


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ("""'{"enableWindowsIpam": "true"}'""", "met"),
        ("""'{"enableWindowsIpam": "false"}'""", "open"),
        ("""!Sub '{"enableWindowsIpam": "${Conf}"}'""", "unknown"),
        ("""!Sub '{"env": ${Conf}, "enableWindowsIpam": "true"}'""", "unknown"),
    ],
)
def test_a_setting_that_a_gap_may_hold_is_unknown(tmp_path: Path, settings: str, status: str) -> None:
    (tmp_path / "t.yaml").write_text(WINDOWS % settings)
    found = review(Request(str(tmp_path / "t.yaml"), AS_OF), warn=pytest.fail).findings
    assert [one.status for one in found if one.code == "EKR350"] == [status]
