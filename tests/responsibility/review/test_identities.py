"""Identities in words: who may become a role, what it may do, and how broad that is."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest

from eks_facts.iam_words import access_policy, broadest, managed_policy
from responsibility.document import Identity
from responsibility.reading import reader, sources
from responsibility.review.identities import identities

FOREIGN = Path(__file__).parents[1] / "foreign"
CLUSTER = """
  Cluster:
    Type: AWS::EKS::Cluster
    Properties: {Name: demo, RoleArn: !GetAtt ClusterRole.Arn, ResourcesVpcConfig: {SubnetIds: [subnet-1]}}
  ClusterRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: eks.amazonaws.com}, Action: sts:AssumeRole}]}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonEKSClusterPolicy]
"""
PODS = """
  Pods:
    Type: AWS::EKS::PodIdentityAssociation
    Properties: {ClusterName: !Ref Cluster, Namespace: shop, ServiceAccount: orders, RoleArn: !GetAtt Role.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: pods.eks.amazonaws.com}
            Action: [sts:AssumeRole, sts:TagSession]
"""
ENTRY = """
  Entry:
    Type: AWS::EKS::AccessEntry
    Properties:
      ClusterName: !Ref Cluster
      PrincipalArn: arn:aws:iam::123456789012:role/dev
"""


def read(text: str) -> dict[str, Identity]:
    source = sources.read("-", StringIO(text))
    found = identities(reader.read(source, date(2026, 11, 24)))
    # A role and its access entry have the same name: the role wins.
    return {one.name: one for one in sorted(found, key=lambda one: one.what == "role")}


def role_with(*statements: str) -> Identity:
    policy = "      Policies:\n        - PolicyName: own\n          PolicyDocument:\n            Statement:\n"
    lines = "".join(f"              - {{Effect: Allow, {statement}}}\n" for statement in statements)
    return read(f"Resources:{CLUSTER}{PODS}{policy}{lines}")["Role"]


def trusted_by(principal: str, rest: str = "Action: sts:AssumeRole") -> list[str]:
    entry = ENTRY.replace("arn:aws:iam::123456789012:role/dev", "!GetAtt Role.Arn")
    role = f"""
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Principal: {principal}, {rest}}}]}}
"""
    return read(f"Resources:{CLUSTER}{entry}{role}")["Role"].assumed_by


def test_a_managed_policy_is_said_by_what_it_does() -> None:
    role = read(f"Resources:{CLUSTER}")["ClusterRole"]
    assert role.assumed_by == ["the EKS service: cluster demo"]
    assert role.may == [f"{managed_policy('AmazonEKSClusterPolicy').does} (AmazonEKSClusterPolicy)"]  # type: ignore[union-attr]
    assert role.breadth == "broad"
    assert role.clusters == ["template/Cluster"]


def test_the_role_that_backs_a_cluster_up_is_an_identity() -> None:
    """It reads everything in the cluster: whoever reviews the file must see it."""
    backup = """
  Selection:
    Type: AWS::Backup::BackupSelection
    Properties:
      BackupPlanId: plan
      BackupSelection: {SelectionName: all, IamRoleArn: !GetAtt Role.Arn, Resources: [RESOURCE]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: backup.amazonaws.com}, Action: sts:AssumeRole}]}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]
"""
    role = read(f"Resources:{CLUSTER}{backup}".replace("RESOURCE", "!GetAtt Cluster.Arn"))["Role"]
    assert role.assumed_by == ["AWS Backup: backups of cluster demo"]
    assert role.breadth == "broad"
    assert role.clusters == ["template/Cluster"]
    assert "Role" not in read(f"Resources:{CLUSTER}{backup}".replace("RESOURCE", "'arn:aws:ec2:*:*:volume/*'"))


def test_pods_are_named_by_their_service_account() -> None:
    role = role_with("Action: s3:GetObject, Resource: 'arn:aws:s3:::orders/*'")
    assert role.assumed_by == ["pods of service account shop/orders of cluster demo through Pod Identity"]
    assert role.may == ["reads objects from S3: the bucket orders"]
    assert role.breadth == "narrow"


@pytest.mark.parametrize(
    ("statement", "words", "breadth"),
    [
        ("Action: '*', Resource: '*'", "does everything in the account", "admin"),
        ("NotAction: 'iam:*', Resource: '*'", "does everything but what NotAction names", "admin"),
        ("Action: 'iam:*', Resource: '*'", "does everything with IAM: every resource", "admin"),
        ("Action: iam:AttachRolePolicy, Resource: '*'", "attaches policies to roles: every resource", "admin"),
        ("Action: 's3:*', Resource: '*'", "does everything with S3 buckets and objects: every resource", "broad"),
        (
            "Action: 'sqs:*', Resource: 'arn:aws:sqs:*:1:jobs'",
            "does everything with SQS queues: the queue jobs",
            "narrow",
        ),
        (
            "Action: secretsmanager:GetSecretValue, Resource: '*'",
            "reads secrets from Secrets Manager: every resource",
            "broad",
        ),
        ("Action: [ec2:DescribeInstances], Resource: '*'", "reads EC2 and the VPC: every resource", "narrow"),
        (
            "Action: [ec2:CreateTags], Resource: 'arn:aws:ec2:*:*:volume/*'",
            "changes EC2 and the VPC: every volume",
            "narrow",
        ),
        (
            "Action: [ec2:CreateVolume], Resource: '*', Condition: {StringLike: {'aws:RequestTag/csi': '*'}}",
            "changes EC2 and the VPC: every resource, under conditions",
            "narrow",
        ),
        (
            "Action: ['dynamodb:GetItem', 'dynamodb:PutItem'], Resource: 'arn:aws:dynamodb:*:1:table/orders'",
            "reads and changes DynamoDB tables: the table orders",
            "narrow",
        ),
        (
            "Action: [eks:DescribeFargateProfile], Resource: 'arn:aws:eks:eu-west-1:1:fargateprofile/demo/*'",
            "reads EKS clusters: every Fargate profile of demo",
            "narrow",
        ),
        (
            "Action: [logs:PutLogEvents], Resource: !Sub 'arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/a/b:*'",
            "changes CloudWatch logs: the log group /a/b",
            "narrow",
        ),
        (
            "Action: iam:PassRole, Resource: !GetAtt ClusterRole.Arn",
            "hands roles to AWS services: the role ClusterRole",
            "narrow",
        ),
    ],
)
def test_a_statement_is_read_aloud(statement: str, words: str, breadth: str) -> None:
    role = role_with(statement)
    assert role.may == [words]
    assert role.breadth == breadth


def test_resources_of_the_templates_are_named_as_people_know_them() -> None:
    role = role_with("Action: eks:DescribeCluster, Resource: !GetAtt Cluster.Arn")
    assert role.may == ["reads EKS clusters: the cluster demo"]


def test_what_stands_in_another_stack_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(
        "Resources:\n  Key: {Type: AWS::KMS::Key}\nOutputs:\n  Key: {Value: !GetAtt Key.Arn, Export: {Name: key}}\n"
    )
    policy = "      Policies: [{PolicyName: own, PolicyDocument: {Statement: [{Effect: Allow, Action: kms:Decrypt, "
    (tmp_path / "shop.yaml").write_text(f"Resources:{CLUSTER}{PODS}{policy}Resource: !ImportValue key}}]}}}}]\n")
    found = {one.name: one for one in identities(reader.read(sources.read(str(tmp_path)), date(2026, 11, 24)))}
    assert found["Role"].may == ["decrypts with KMS keys: the key keys/Key"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("ManagedPolicyArns: ['arn:aws:iam::123456789012:policy/own']", "was not read"),
        ("ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonNeverHeardOf']", "what AmazonNeverHeardOf allows"),
        ("ManagedPolicyArns: [!ImportValue shared]", "belongs to a stack that is not here"),
    ],
)
def test_what_is_not_known_is_said(extra: str, words: str) -> None:
    role = read(f"Resources:{CLUSTER}{PODS}      {extra}\n")["Role"]
    assert role.breadth == "unknown"
    assert words in role.may[0]
    assert "${" not in role.may[0]


@pytest.mark.parametrize(
    ("principal", "rest", "words"),
    [
        ("'*'", "Action: sts:AssumeRole", "everybody, in every AWS account"),
        (
            "{AWS: '*'}",
            "Action: sts:AssumeRole, Condition: {StringEquals: {'aws:PrincipalOrgID': o-1}}",
            "everybody, in every AWS account, under conditions (aws:PrincipalOrgID)",
        ),
        (
            "{AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}",
            "Action: sts:AssumeRole",
            "anyone in this account whom IAM lets",
        ),
        ("{AWS: '123456789012'}", "Action: sts:AssumeRole", "anyone in account 123456789012 whom that account lets"),
        ("{AWS: 'arn:aws:iam::123456789012:user/ada'}", "Action: sts:AssumeRole", "the user ada"),
        ("{AWS: !GetAtt ClusterRole.Arn}", "Action: sts:AssumeRole", "role ClusterRole"),
        ("{Service: codebuild.amazonaws.com}", "Action: sts:AssumeRole", "CodeBuild projects"),
        (
            "{Federated: 'arn:aws:iam::1:saml-provider/Okta'}",
            "Action: sts:AssumeRoleWithSAML",
            "people who sign in through the SAML provider Okta",
        ),
        (
            "{Federated: 'arn:aws:iam::1:oidc-provider/ci.example.com'}",
            "Action: sts:AssumeRoleWithWebIdentity",
            "everybody with a token of ci.example.com",
        ),
        (
            "{Federated: 'arn:aws:iam::1:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A'}",
            "Action: sts:AssumeRoleWithWebIdentity, "
            "Condition: {StringLike: {'oidc.eks.eu-west-1.amazonaws.com/id/A:sub': 'system:serviceaccount:shop:*'}}",
            "pods of every service account that fits shop/* of cluster demo through IRSA",
        ),
        ("{AWS: !ImportValue who}", "Action: sts:AssumeRole", "somebody whom the template does not name"),
    ],
)
def test_who_may_become_it(principal: str, rest: str, words: str) -> None:
    assert trusted_by(principal, rest) == [words]


@pytest.mark.parametrize(
    ("more", "words", "breadth"),
    [
        (
            "AccessPolicies: [{PolicyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy', "
            "AccessScope: {Type: cluster}}]",
            "does everything in the Kubernetes API, in the whole cluster (AmazonEKSClusterAdminPolicy)",
            "admin",
        ),
        (
            "AccessPolicies: [{PolicyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy', "
            "AccessScope: {Type: namespace, Namespaces: [shop]}}]",
            f"{access_policy('AmazonEKSEditPolicy').does}, in namespace shop (AmazonEKSEditPolicy)",  # type: ignore[union-attr]
            "narrow",
        ),
        ("KubernetesGroups: [team]", "what is bound to group team, which was not read", "unknown"),
        ("Type: EC2_LINUX", "joins the cluster as a node", "narrow"),
        ("Username: dev", "signs in, and may do nothing else", "narrow"),
    ],
)
def test_an_access_entry_says_what_it_gives(more: str, words: str, breadth: str) -> None:
    entry = read(f"Resources:{CLUSTER}{ENTRY}      {more}\n")["role/dev"]
    assert entry.what == "access_entry"
    assert entry.may == [words]
    assert entry.breadth == breadth
    assert entry.assumed_by == ["whoever may assume that role, which was not read"]


@pytest.mark.parametrize(
    ("rules", "breadth"),
    [
        ("[{apiGroups: [''], resources: [pods], verbs: [get, list]}]", "narrow"),
        ("[{apiGroups: [''], resources: [secrets], verbs: [get]}]", "broad"),
        ("[{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]", "admin"),
    ],
)
def test_a_group_may_what_is_bound_to_it(rules: str, breadth: str) -> None:
    rbac = f"""---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: team}}
rules: {rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: team}}
roleRef: {{kind: ClusterRole, name: team}}
subjects: [{{kind: Group, name: team}}]
"""
    entry = read(f"Resources:{CLUSTER}{ENTRY}      KubernetesGroups: [team]\n{rbac}")["role/dev"]
    assert entry.may == ["what ClusterRole team allows, in the whole cluster"]
    assert entry.breadth == breadth


def test_the_role_of_an_entry_says_it_too() -> None:
    found = identities(reader.read(sources.read(str(FOREIGN / "cdk-v2-naive")), date(2026, 11, 24)))
    handler = next(one for one in found if "KubectlProviderHandler" in one.name and one.what == "role")
    assert handler.assumed_by == ["Lambda functions: the one that runs kubectl in cluster Cluster"]
    assert handler.breadth == "admin"
    assert "does everything in the Kubernetes API" in handler.may[0]


def test_the_older_cdk_is_read_through_its_custom_resources() -> None:
    found = {
        one.name: one for one in identities(reader.read(sources.read(str(FOREIGN / "cdk-v1")), date(2026, 11, 24)))
    }
    maker = found["ClusterCreationRole"]
    assert (maker.breadth, maker.may[0]) == (
        "admin",
        "in cluster shop: can do everything, because it creates the cluster",
    )
    assert found["ClusterKubectlHandlerRole"].breadth == "admin"
    pods = found["ClusterShopAccountRole"]
    assert pods.assumed_by == ["pods of service account shop/shop of cluster shop through IRSA"]


def test_the_broadest_comes_first() -> None:
    found = identities(reader.read(sources.read(str(FOREIGN / "eks-blueprints")), date(2026, 11, 24)))
    order = ["admin", "unknown", "broad", "narrow"]
    places = [order.index(one.breadth) for one in found]
    assert places == sorted(places)
    assert broadest("narrow", "unknown", "broad") == "unknown"
    assert broadest("unknown", "admin") == "admin"


def test_each_of_sixty_clusters_keeps_its_own_identities() -> None:
    parts = [
        (CLUSTER + PODS + ENTRY)
        .replace("Cluster:", f"Cluster{n}:")
        .replace("!Ref Cluster", f"!Ref Cluster{n}")
        .replace("ClusterRole", f"ClusterRole{n}")
        .replace("  Pods:", f"  Pods{n}:")
        .replace("  Role:", f"  Role{n}:")
        .replace("!GetAtt Role.", f"!GetAtt Role{n}.")
        .replace("  Entry:", f"  Entry{n}:")
        .replace("Name: demo", f"Name: demo{n}")
        for n in range(60)
    ]
    read_facts = reader.read(sources.read("-", StringIO(f"Resources:{''.join(parts)}")), date(2026, 11, 24))
    found = identities(read_facts)
    assert len(found) == 180
    assert all(len(one.clusters) == 1 for one in found)
