"""Which kind of compute a resource is there for."""

from datetime import date

import yaml

from responsibility import model
from responsibility.reading.reader import read
from responsibility.reading.sources import Sources
from responsibility.reading.template import Template
from responsibility.review.cells import owner_of
from responsibility.review.ownership import _table, compute_kinds

TEXT = """
Resources:
  Key: {Type: AWS::KMS::Key}
  ClusterRole: {Type: AWS::IAM::Role}
  AutoRole: {Type: AWS::IAM::Role}
  NodeRole: {Type: AWS::IAM::Role}
  NodePolicy: {Type: AWS::IAM::Policy, Properties: {Roles: [{Ref: NodeRole}]}}
  CniRole: {Type: AWS::IAM::Role}
  Shared: {Type: AWS::EC2::SecurityGroup}
  Template: {Type: AWS::EC2::LaunchTemplate, Properties: {LaunchTemplateData: {SecurityGroupIds: [{Ref: Shared}]}}}
  Subnet: {Type: AWS::EC2::Subnet}
  Cluster:
    Type: AWS::EKS::Cluster
    Properties:
      RoleArn: {'Fn::GetAtt': [ClusterRole, Arn]}
      ComputeConfig: {Enabled: true, NodeRoleArn: {'Fn::GetAtt': [AutoRole, Arn]}}
      ResourcesVpcConfig: {SubnetIds: [{Ref: Subnet}], SecurityGroupIds: [{Ref: Shared}]}
  Nodes:
    Type: AWS::EKS::Nodegroup
    Properties:
      ClusterName: {Ref: Cluster}
      NodeRole: {'Fn::GetAtt': [NodeRole, Arn]}
      LaunchTemplate: {Id: {Ref: Template}}
      Subnets: [{Ref: Subnet}]
  Cni:
    Type: AWS::EKS::Addon
    Properties: {ClusterName: {Ref: Cluster}, AddonName: vpc-cni, ServiceAccountRoleArn: {'Fn::GetAtt': [CniRole, Arn]}}
  Profile: {Type: AWS::EKS::FargateProfile, Properties: {ClusterName: {Ref: Cluster}, Subnets: [{Ref: Subnet}]}}
"""


def test_what_a_kind_alone_needs_is_its_own_and_what_serves_all_is_nobodys() -> None:
    facts = read(Sources("t", [Template("s", "s.yaml", yaml.safe_load(TEXT), TEXT)]), date(2026, 11, 24))
    assert {key.removeprefix("s/"): kind for key, kind in compute_kinds(facts).items()} == {
        "AutoRole": "auto_mode",
        "Nodes": "managed_nodes",
        "NodeRole": "managed_nodes",
        "NodePolicy": "managed_nodes",
        "Template": "managed_nodes",
        "Cni": "managed_nodes",
        "CniRole": "managed_nodes",
        "Profile": "fargate",
    }


def test_every_component_of_the_table_is_one_of_the_model() -> None:
    types, addons = _table()
    shown = {show.component for rows in types.values() for show in rows} | set(addons.values())
    assert shown <= set(model.components())


def test_the_owner_of_a_resource() -> None:
    assert owner_of("ami", "managed_nodes", []) == model.components()["ami"].cells["managed_nodes"].owner
    assert owner_of("vpc", None, ["auto_mode", "fargate"]) == "customer"
    assert owner_of("kubelet", None, ["auto_mode", "hybrid_nodes"]) == "shared"
    assert owner_of("", None, []) == "customer"
