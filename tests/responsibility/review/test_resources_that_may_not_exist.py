"""What rests on a resource that a condition decides; who a role trusts, by what is left out; roles that an ARN names."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.review.command import Request, review

NODES = """
Parameters: {Env: {Type: String}}
Conditions: {Live: !Equals [!Ref Env, live]}
Resources:
  Main: {Type: "AWS::EKS::Cluster", Properties: {Name: main, RoleArn: role, ResourcesVpcConfig: {SubnetIds: [a, b]}}}
  Workers: {Type: "AWS::EKS::Nodegroup", Properties: {ClusterName: main, NodeRole: !GetAtt Node.Arn, Subnets: [a]}}
  Node:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [%s]}
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]
%s
"""
EC2 = "{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}"
POLICY = """
  More:
    Type: AWS::IAM::ManagedPolicy
    %s
    Properties: {Roles: [!Ref Node], PolicyDocument: {Statement: [{Effect: Allow, Action: %s, Resource: "*"}]}}
"""
PULLS = """["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]"""


def _status(tmp_path: Path, text: str, code: str, subject: str) -> str:
    (tmp_path / "t.yaml").write_text(text)
    found = review(Request(str(tmp_path / "t.yaml"), date(2026, 11, 24)), warn=pytest.fail).findings
    return next(one.status for one in found if (one.code, str(one.subject)) == (code, subject))


@pytest.mark.parametrize(
    ("code", "actions", "always", "by_condition"),
    [
        ("EKR023", '"*"', "open", "unknown"),
        ("EKR220", PULLS, "met", "unknown"),
        ("EKR024", '"s3:*"', "open", "unknown"),
    ],
)
def test_a_policy_that_may_not_exist_gives_no_answer(
    tmp_path: Path, code: str, actions: str, always: str, by_condition: str
) -> None:
    for condition, status in (("", always), ("Condition: Live", by_condition)):
        text = NODES % (EC2, POLICY % (condition, actions))
        assert _status(tmp_path, text, code, "role Node") == status


@pytest.mark.parametrize(("condition", "status"), [("", "open"), ("Condition: Live", "unknown")])
def test_a_rule_that_may_not_exist_opens_nothing_for_sure(tmp_path: Path, condition: str, status: str) -> None:
    rule = f"""
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    {condition}
    Properties: {{GroupId: !GetAtt Main.ClusterSecurityGroupId, IpProtocol: "-1", CidrIp: 0.0.0.0/0}}
"""
    assert _status(tmp_path, NODES % (EC2, rule), "EKR075", "cluster main") == status


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ('{Effect: Allow, NotPrincipal: {AWS: "arn:aws:iam::111122223333:root"}, Action: sts:AssumeRole}', "open"),
        ('{Effect: Allow, Principal: "*", NotAction: sts:TagSession}', "open"),
        ('{Effect: Allow, Principal: "*", NotAction: "sts:AssumeRole*"}', "met"),
        ('{Effect: Deny, NotPrincipal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "*"}', "met"),
    ],
)
def test_what_a_trust_leaves_out_is_not_who_it_keeps_out(tmp_path: Path, statement: str, status: str) -> None:
    assert _status(tmp_path, NODES % (f"{EC2}, {statement}", ""), "EKR030", "role Node") == status


@pytest.mark.parametrize("node", ["!Sub 'arn:aws:iam::${AWS::AccountId}:role/${Node}'", "!GetAtt Node.Arn"])
def test_an_arn_that_ends_in_a_reference_means_that_role(tmp_path: Path, node: str) -> None:
    text = (NODES % (EC2, "")).replace("!GetAtt Node.Arn", node)
    assert _status(tmp_path, text, "EKR220", "role Node") == "open"


ENFORCED = """
  Cni:
    Type: AWS::EKS::Addon
    %s
    Properties: {ClusterName: main, AddonName: vpc-cni, ConfigurationValues: '{"enableNetworkPolicy": "true"}'}
"""


@pytest.mark.parametrize(("condition", "status"), [("", "met"), ("Condition: Live", "unknown")])
def test_an_add_on_that_may_not_exist_enforces_nothing_for_sure(tmp_path: Path, condition: str, status: str) -> None:
    assert _status(tmp_path, NODES % (EC2, ENFORCED % condition), "EKR319", "cluster main") == status


NETWORK = """
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Table: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref Vpc}}
  Tie: {Type: "AWS::EC2::SubnetRouteTableAssociation", Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
  Door: {Type: "AWS::EC2::InternetGateway"}
  Nat: {Type: "AWS::EC2::NatGateway", Properties: {SubnetId: !Ref Subnet}}
"""
ROUTE = """
  Out%s:
    Type: AWS::EC2::Route
    %s
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, %s}
"""
DOOR, NAT = "GatewayId: !Ref Door", "NatGatewayId: !Ref Nat"


@pytest.mark.parametrize(
    ("routes", "status"),
    [
        ([("", DOOR)], "open"),
        ([("", NAT)], "met"),
        ([("Condition: Live", DOOR)], "unknown"),
        ([("Condition: Live", DOOR), ("Condition: Live", NAT)], "unknown"),
        ([("Condition: Live", NAT)], "met"),
    ],
)
def test_a_way_out_that_may_not_exist_makes_no_subnet_public(
    tmp_path: Path, routes: list[tuple[str, str]], status: str
) -> None:
    text = NETWORK + "".join(ROUTE % (number, *route) for number, route in enumerate(routes))
    nodes = (NODES % (EC2, text)).replace("Subnets: [a]", "Subnets: [!Ref Subnet]")
    assert _status(tmp_path, nodes, "EKR076", "node group Workers") == status
