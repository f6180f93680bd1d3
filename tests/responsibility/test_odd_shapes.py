"""Templates with values of an odd shape: a review says that it does not know, every check still answers, and no renderer minds."""

from datetime import date
from pathlib import Path

import pytest

from responsibility.document import Review
from responsibility.render.formats import FORMATS, render
from responsibility.review.command import Request, review

AS_OF = date(2026, 11, 24)

CLUSTER = """
Resources:
  Cluster: {Type: AWS::EKS::Cluster, Properties: {Name: shop, Version: "1.36"}}
  More: %s
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: web}
spec:
  template:
    spec: {containers: [{name: cart, resources: {requests: {memory: 1e999999999}}}]}
"""
PROFILE = "{Type: AWS::EKS::FargateProfile, Properties: {ClusterName: shop, Selectors: [{Namespace: web%s}]}}"
HALF = r"""'[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "half-\ud800"}, "data": {"a": "b"}}]'"""
ODD = {
    "namespaces of two types": (
        "{Type: AWS::EKS::AccessEntry, Properties: {ClusterName: shop, AccessPolicies: [{PolicyArn: x/AmazonEKSEditPolicy,"
        " AccessScope: {Type: namespace, Namespaces: [1, a, [b], {c: d}]}}]}}"
    ),
    "days that no computer could count": "{Type: AWS::KMS::Key, Properties: {PendingWindowInDays: '%s'}}"
    % ("9" * 5_000),
    "numbers and booleans in the place of text": (
        "{Type: AWS::EKS::Nodegroup, Properties: {ClusterName: shop, Version: [1.36], AmiType: {a: b}, Labels: [x], Subnets: 7}}"
    ),
    "instance types of three types": (
        "{Type: AWS::EKS::Nodegroup, Properties: {ClusterName: shop, InstanceTypes: [5, g5.xlarge, {a: b}], AmiType: CUSTOM}}"
    ),
    "groups of two types": (
        "{Type: AWS::EKS::AccessEntry, Properties: {ClusterName: shop, KubernetesGroups: [4, {a: b}], PrincipalArn: [x]}}"
    ),
    "memory that no computer could write down": PROFILE % "",
    "labels as a mapping": PROFILE % ", Labels: {app: cart}",
    "a size of 90 digits": "{Type: AWS::EKS::Nodegroup, Properties: {ClusterName: shop, ScalingConfig: {MinSize: 1%s}}}"
    % ("0" * 90),
    "a port that is not a number": (
        '{Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [{CidrIp: 0.0.0.0/0, FromPort: "--5"}]}}'
    ),
    "more blocks than fit": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [3, !Cidr [10.0.0.0/24, 4, 8]]}}",
    "a thousand million blocks": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [0, !Cidr [10.0.0.0/8, 1000000000, 1]]}}",
    "the last but infinite": "{Type: AWS::EC2::Subnet, Properties: {CidrBlock: !Select [.inf, [10.0.0.0/8]]}}",
    "half a character": (
        f"{{Type: Custom::AWSCDK-EKS-KubernetesResource, Properties: {{ClusterName: shop, Manifest: {HALF}}}}}"
    ),
    "tags that are lists": (
        "{Type: AWS::AutoScaling::AutoScalingGroup, Properties: {LaunchConfigurationName: x, Tags: [[{Key: a}], !GetAtt Cluster.Arn,"
        " {Key: !Sub 'kubernetes.io/cluster/${Cluster}', Value: owned}]}}"
    ),
    "actions and subjects of which a part is not known": (
        "{Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],"
        " AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Action: !Sub 'sts:${Nope}', Principal: {Federated: x},"
        " Condition: {StringLike: {'oidc.eks.eu-west-1.amazonaws.com/id/A:sub': !Sub 'system:${Nope}'}}}]}}}"
    ),
    "a group of which a part is not known": (
        "{Type: AWS::EKS::AccessEntry, Properties: {ClusterName: shop, PrincipalArn: !Sub 'arn:aws:iam::${Nope}:role/x',"
        " KubernetesGroups: [!Sub 'system:${Nope}']}}"
    ),
    "a day that no month has": (
        "{Type: AWS::EKS::Addon, Properties: {ClusterName: shop, AddonName: coredns, ConfigurationValues: 2026-13-45}}"
    ),
}


def reviewed(tmp_path: Path, text: str) -> Review:
    (tmp_path / "stack.yaml").write_text(text)
    return review(Request(str(tmp_path / "stack.yaml"), AS_OF), warn=lambda _words: None)


@pytest.mark.parametrize("what", ODD)
def test_every_check_answers_whatever_the_shape(what: str, tmp_path: Path) -> None:
    found = reviewed(tmp_path, CLUSTER % ODD[what])
    assert not found.defects
    for name in FORMATS:
        assert render(found, name).encode()
