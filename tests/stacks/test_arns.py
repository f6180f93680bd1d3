"""Every ARN that a policy spells out names something that the assembly has (tests/stacks/arns.py)."""

import pytest

from tests.stacks.arns import unknown
from tests.support.environments import NODES, SHIPPED, minimal, validated
from tests.support.synth import shipped

APPS = {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}
PREFIXED = {"name_prefix": "x-", "path": "/platform/"}


@pytest.mark.parametrize("name", SHIPPED)
def test_of_a_shipped_environment(name):
    assert unknown(shipped(name).templates) == []


def test_of_everything_at_once(synth):
    """Names that differ from each other in each place where one could be taken for another."""
    workloads = [
        {
            "name": "bucket-reader",
            "compute": kind,
            **({"namespace": f"{kind}-b".replace("_", "-")} if kind != "fargate" else {}),
        }
        for kind in ("auto_mode", "managed_nodes", "fargate")
    ]
    data = minimal({"auto_mode": {}, "managed_nodes": NODES, "fargate": APPS}, workloads=workloads, name="blue")
    other = minimal({"managed_nodes": NODES, "karpenter": {"node_pools": [{"name": "more"}]}}, name="green")
    templates = synth({**data, "name": "env", "iam": PREFIXED, "clusters": data["clusters"] + other["clusters"]})
    assert unknown(templates) == []


def trusting(cluster="c", **conditions):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": conditions},
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [statement]}}}
    return {
        "t": {"Resources": {"Role": role, "Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": cluster}}}}
    }


def arn(resource):
    return {"Fn::Sub": "arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:" + resource}


@pytest.mark.parametrize(
    ("conditions", "wrong"),
    [
        ({"aws:RequestTag/eks-cluster-arn": arn("cluster/c")}, False),
        ({"aws:RequestTag/eks-cluster-arn": arn("cluster/c-apps")}, True),
        ({"aws:SourceArn": arn("fargateprofile/c/*")}, False),
        ({"aws:SourceArn": arn("fargateprofile/d/*")}, True),
        ({"aws:ResourceTag/elbv2.k8s.aws/cluster": "d"}, True),
        ({"aws:ResourceTag/kubernetes.io/cluster/d": "owned"}, True),
        ({"aws:SourceArn": "arn:aws:sns:eu-west-1:123456789012:nobody-has-it"}, True),
    ],
)
def test_a_name_that_nothing_has_is_found(conditions, wrong):
    assert bool(unknown(trusting(**conditions))) is wrong


@pytest.mark.parametrize(
    "arn", ["arn:aws:sqs:us-east-1:123456789012:q", "arn:${AWS_PARTITION}:sqs:${AWS_REGION}:${AWS_ACCOUNT_ID}:q"]
)
def test_what_a_role_may_use_can_be_in_another_region(arn):
    rights = [{"actions": ["sqs:SendMessage"], "resources": [arn]}]
    data = minimal(pod_identities=[{"namespace": "shop", "service_account": "cart", "allow": rights}])
    validated({**data, "region": "eu-west-1"})
