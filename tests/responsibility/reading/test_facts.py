"""Typed facts: what belongs to what, and values as CloudFormation means them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.reading import sources
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Addon, Cluster, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Facts
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import Workload
from responsibility.reading.network import Subnet
from responsibility.reading.reader import read
from responsibility.reading.resource import UnknownValue
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template

FOREIGN = Path(__file__).parents[1] / "foreign"


def facts(text: str, **more: str) -> Facts:
    stacks = {"main": text, **more}
    templates = [Template(name, f"{name}.yaml", yaml.safe_load(body), body) for name, body in stacks.items()]
    return read(Sources("test", templates), date(2026, 11, 24))


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def test_numbers_and_booleans_written_as_text() -> None:
    found = facts("""
Resources:
  C: {Type: AWS::EKS::Cluster, Properties: {Version: 1.36, DeletionProtection: 'true', ResourcesVpcConfig: {EndpointPublicAccess: 'False'}}}
  G: {Type: AWS::EKS::Nodegroup, Properties: {ClusterName: {Ref: C}, ScalingConfig: {MinSize: '4'}}}
""")
    cluster, group = found.all(Cluster)[0], found.all(NodeGroup)[0]
    assert (cluster.version, cluster.deletion_protection, cluster.public_access) == ("1.36", True, False)
    assert group.min_size == 4
    assert group.cluster is cluster
    assert cluster.kinds == ["managed_nodes"]


def test_a_value_that_is_not_there_is_the_services_default_and_one_that_is_hidden_is_unknown() -> None:
    found = facts("""
Parameters: {Open: {Type: String}}
Resources:
  A: {Type: AWS::EKS::Cluster, Properties: {ResourcesVpcConfig: {}}}
  B: {Type: AWS::EKS::Cluster, Properties: {ResourcesVpcConfig: {EndpointPublicAccess: {Ref: Open}}}}
""")
    first, second = found.all(Cluster)
    assert first.public_access is True
    with pytest.raises(UnknownValue, match="parameter Open has no default") as unknown:
        assert second.public_access
    assert unknown.value.path == "ResourcesVpcConfig.EndpointPublicAccess"


def test_a_group_finds_its_cluster_by_reference_by_name_and_across_stacks() -> None:
    found = facts(
        """
Resources:
  C: {Type: AWS::EKS::Cluster, Properties: {Name: blue}}
  D: {Type: AWS::EKS::Cluster, Properties: {Name: green}}
Outputs: {Green: {Value: {Ref: D}, Export: {Name: green}}}
""",
        named="Resources: {A: {Type: AWS::EKS::Addon, Properties: {AddonName: coredns, ClusterName: blue}}}",
        imported="Resources: {A: {Type: AWS::EKS::Addon, Properties: {AddonName: vpc-cni, ClusterName: {'Fn::ImportValue': green}}}}",
        hidden="Resources: {A: {Type: AWS::EKS::Addon, Properties: {AddonName: kube-proxy, ClusterName: {Ref: Nothing}}}}",
    )
    assert {addon.name: addon.cluster_key for addon in found.all(Addon)} == {
        "coredns": "main/C",
        "vpc-cni": "main/D",
        "kube-proxy": "",
    }


def test_reach_of_subnets_comes_from_their_routes() -> None:
    found = facts("""
Resources:
  Igw: {Type: AWS::EC2::InternetGateway}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: {Ref: Pub}}}
  V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Pub: {Type: AWS::EC2::Subnet, Properties: {VpcId: {Ref: V}, CidrBlock: 10.0.0.0/24}}
  Priv: {Type: AWS::EC2::Subnet, Properties: {VpcId: {Ref: V}}}
  Alone: {Type: AWS::EC2::Subnet, Properties: {VpcId: {Ref: V}}}
  T1: {Type: AWS::EC2::RouteTable}
  T2: {Type: AWS::EC2::RouteTable}
  R1: {Type: AWS::EC2::Route, Properties: {RouteTableId: {Ref: T1}, DestinationCidrBlock: 0.0.0.0/0, GatewayId: {Ref: Igw}}}
  R2: {Type: AWS::EC2::Route, Properties: {RouteTableId: {Ref: T2}, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: {Ref: Nat}}}
  A1: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: {Ref: Pub}, RouteTableId: {Ref: T1}}}
  A2: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: {Ref: Priv}, RouteTableId: {Ref: T2}}}
""")
    assert {subnet.name: subnet.reach for subnet in found.all(Subnet)} == {
        "Pub": "public",
        "Priv": "private",
        "Alone": "isolated",
    }
    vpc = found.all(Subnet)[0].vpc
    assert vpc
    assert len(vpc.subnets) == 3
    assert len(vpc.nat_gateways) == 1
    assert found.all(Subnet)[0].addresses == 251


def test_policies_are_found_inside_beside_and_as_text() -> None:
    found = facts("""
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: '{"Statement": {"Effect": "Allow", "Principal": {"Service": ["eks.amazonaws.com"]}}}'
      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}}]
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy', {Ref: M}]
  M: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: [{Effect: Allow, Action: ['kms:*'], Resource: '*'}]}}}
  P:
    Type: AWS::IAM::Policy
    Properties: {Roles: [{Ref: R}], PolicyDocument: {Statement: [{Effect: Deny, NotAction: 'iam:*', Resource: '*'}]}}
""")
    role = found.all(Role)[0]
    assert role.assumed_by("eks.amazonaws.com")
    assert role.managed_policies[0] == "service-role/AmazonEBSCSIDriverPolicy"
    assert sorted(statement.actions or statement.not_actions for statement in role.inline) == [
        ("iam:*",),
        ("kms:*",),
        ("s3:GetObject",),
    ]


def test_what_stands_before_a_resource() -> None:
    found = facts("""
Resources:
  A: {Type: AWS::EKS::Addon, Properties: {AddonName: vpc-cni}}
  B: {Type: AWS::EC2::LaunchTemplate, DependsOn: A, Properties: {}}
  G: {Type: AWS::EKS::Nodegroup, Properties: {LaunchTemplate: {Id: {Ref: B}}}}
""")
    assert found.waits_for(found.all(NodeGroup)[0].resource) == {"main/A", "main/B"}


def test_an_older_cdk_cluster_reads_like_a_native_one() -> None:
    found = read(sources.read(str(FOREIGN / "cdk-v1")), date(2026, 11, 24))
    cluster = found.all(Cluster)[0]
    assert set(cluster.kinds) == {"managed_nodes", "fargate", "self_managed_nodes"}
    assert cluster.version
    assert cluster.vpc
    assert cluster.at("ResourcesVpcConfig.SubnetIds").path == "Config.resourcesVpcConfig.subnetIds"
    assert len(found.all(HelmChart)) == 2
    assert found.all(SelfManagedNodes)[0].cluster is cluster
    assert {workload.cluster_key for workload in found.all(Workload)} <= {cluster.resource.key}


def test_eksctl_stacks_are_joined_by_exports() -> None:
    found = read(sources.read(str(FOREIGN / "eksctl")), date(2026, 11, 24))
    group = found.all(NodeGroup)[0]
    assert group.cluster is found.all(Cluster)[0]
    assert group.launch_template
    assert group.role


def test_fargate_takes_a_pod_by_namespace_and_every_label_of_one_selector() -> None:
    body = yaml.safe_load("""
Resources:
  C: {Type: AWS::EKS::Cluster, Properties: {Name: blue}}
  F:
    Type: AWS::EKS::FargateProfile
    Properties: {ClusterName: {Ref: C}, Selectors: [{Namespace: 'web-*', Labels: [{Key: size, Value: small}]}, {Namespace: jobs}]}
""")

    def lands(namespace: str, **labels: str) -> bool:
        pod = {"kind": "Pod", "metadata": {"namespace": namespace, "name": "p", "labels": labels}, "spec": {}}
        made = read(
            Sources("t", [Template("m", "m", body, "")], [ManifestFile("p.yaml", "blue", [pod])]), date(2026, 11, 24)
        )
        return made.all(Workload)[0].on_fargate

    assert lands("web-1", size="small")
    assert lands("jobs")
    assert not lands("web-1")
    assert not lands("web-1", size="large")
    assert not lands("job")


def test_below_a_text_nothing_can_be_read() -> None:
    found = facts("Resources: {C: {Type: AWS::EKS::Cluster, Properties: {ResourcesVpcConfig: nonsense}}}")
    with pytest.raises(UnknownValue, match="neither a mapping nor a list"):
        assert found.all(Cluster)[0].public_access
