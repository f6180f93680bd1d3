"""AWS roles of applications: who can take them, what they may do, and what EKS is told of them."""

import json

import pytest
from pydantic import ValidationError

from tests.stacks.arns import resolved, unknown
from tests.support.environments import FARGATE, NODES, minimal, validated
from tests.support.templates import of_type

TARGET = "arn:aws:iam::222222222222:role/data"
QUEUE = {"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:222222222222:orders"]}
CART = {"namespace": "shop", "service_account": "cart"}


@pytest.fixture
def made(synth):
    def run(*identities, compute=None):
        templates = synth(minimal(compute, pod_identities=list(identities)))
        assert unknown(templates) == []
        template = templates["t-compute-c"]
        roles = [one for key, one in of_type(template, "AWS::IAM::Role").items() if key.startswith("PodIdentities")]
        policies = [one for key, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if "PodIdentities" in key]
        associations = [
            one
            for key, one in of_type(template, "AWS::EKS::PodIdentityAssociation").items()
            if key.startswith("PodIdentities")
        ]
        return roles, policies, associations, template

    return run


def test_a_role_with_policies_of_aws_for_one_service_account(made):
    roles, policies, associations, _ = made(
        {**CART, "policies": ["AmazonDynamoDBReadOnlyAccess", "arn:aws:iam::aws:policy/A"]}
    )
    (role,), (association,) = roles, associations
    assert resolved(role["ManagedPolicyArns"]) == [
        "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess",
        "arn:aws:iam::aws:policy/A",
    ]
    assert policies == []
    (statement,) = resolved(role["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "123456789012",
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:123456789012:cluster/c",
        "aws:RequestTag/kubernetes-namespace": "shop",
        "aws:RequestTag/kubernetes-service-account": "cart",
    }
    assert (association["Namespace"], association["ServiceAccount"]) == ("shop", "cart")
    assert not {"Policy", "TargetRoleArn", "DisableSessionTags"} & set(association)


def test_rights_of_its_own_with_conditions(made):
    condition = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    _, (policy,), _, _ = made({**CART, "allow": [{**QUEUE, "conditions": condition}]})
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (QUEUE["actions"], QUEUE["resources"])
    assert statement["Condition"] == condition


def test_a_role_that_exists_is_associated_and_nothing_is_made(made):
    arn = "arn:aws:iam::123456789012:role/mine"
    roles, policies, (association,), _ = made({**CART, "role_arn": arn})
    assert (roles, policies) == ([], [])
    assert association["RoleArn"] == arn


def test_a_target_role_is_taken_by_the_first_one(made):
    _, (policy,), (association,), _ = made({**CART, "target_role_arn": TARGET})
    assert association["TargetRoleArn"] == TARGET
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["sts:AssumeRole", "sts:TagSession"], TARGET)


def test_a_session_policy_goes_without_session_tags_and_so_does_the_trust(made):
    (role,), _, (association,), _ = made({**CART, "policies": ["AmazonSQSFullAccess"], "session_policy": [QUEUE]})
    assert association["DisableSessionTags"] is True
    (statement,) = json.loads(association["Policy"])["Statement"]
    assert statement["Action"] == QUEUE["actions"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    # EKS sends no tags then: conditions on them would let nobody in.
    assert set(trust["Condition"]["StringEquals"]) == {"aws:SourceAccount"}


@pytest.mark.parametrize(
    ("compute", "identity"),
    [({"fargate": FARGATE}, CART), ({"fargate": FARGATE, "managed_nodes": NODES}, {**CART, "irsa": True})],
)
def test_pods_on_fargate_take_it_by_the_clusters_tokens(made, compute, identity):
    (role,), _, associations, template = made({**identity, "policies": ["AmazonSQSFullAccess"]}, compute=compute)
    assert associations == []
    assert "system:serviceaccount:shop:cart" in resolved(role["AssumeRolePolicyDocument"])
    # The service account's annotation is the author's to write.
    assert any("shop/cart" in output.get("Description", "") for output in template["Outputs"].values())


LABELLED = {"profiles": [{"name": "apps", "selectors": [{"namespace": "shop", "labels": {"on": "fargate"}}]}]}
WHOLE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "sh*"}]}]}


def test_pods_that_a_profile_draws_take_it_by_tokens_beside_nodes_too(made):
    (role,), _, associations, template = made(
        {**CART, "policies": ["AmazonSQSFullAccess"]}, compute={"fargate": WHOLE, "managed_nodes": NODES}
    )
    assert associations == []
    assert "system:serviceaccount:shop:cart" in resolved(role["AssumeRolePolicyDocument"])
    assert any("shop/cart" in output.get("Description", "") for output in template["Outputs"].values())


def test_pods_on_nodes_and_on_fargate_take_one_role_in_both_ways(made):
    (role,), _, (association,), template = made(
        {**CART, "policies": ["AmazonSQSFullAccess"]}, compute={"fargate": LABELLED, "managed_nodes": NODES}
    )
    text, values = role["AssumeRolePolicyDocument"]["Fn::Sub"]
    by_tokens, by_agent = json.loads(text)["Statement"]
    assert by_tokens["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert by_agent["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert by_agent["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "${AWS::AccountId}",
        "aws:RequestTag/eks-cluster-arn": "${ClusterArn}",
        "aws:RequestTag/kubernetes-namespace": "shop",
        "aws:RequestTag/kubernetes-service-account": "cart",
    }
    assert set(values) == {"Provider", "Issuer", "ClusterArn"}
    assert association["ServiceAccount"] == "cart"
    assert any("shop/cart" in output.get("Description", "") for output in template["Outputs"].values())


@pytest.mark.parametrize("fargate", [WHOLE, LABELLED])
def test_what_only_pod_identity_knows_is_refused_where_pods_run_on_fargate(fargate):
    compute = {"fargate": fargate, "managed_nodes": NODES}
    with pytest.raises(ValidationError, match="pods of shop can run on Fargate"):
        validated(minimal(compute, pod_identities=[{**CART, "target_role_arn": TARGET}]))
    validated(minimal(compute, pod_identities=[{**CART, "target_role_arn": TARGET, "irsa": False}]))


BAD = [
    ({}, "gives no rights"),
    ({"policies": ["A"], "role_arn": "arn:aws:iam::123456789012:role/a"}, "cannot be combined with role_arn"),
    ({"policies": ["A"], "session_policy": [QUEUE], "session_tags": True}, "must be false with a session_policy"),
    ({"policies": ["A"], "irsa": True}, "is for pods on Fargate, and there is none"),
    ({"irsa": True, "target_role_arn": TARGET}, "is for EKS Pod Identity, and this is irsa"),
    ({"policies": ["an policy"]}, "must be the name of an AWS managed policy"),
    ({"allow": [{"actions": ["GetItem"], "resources": ["*"]}]}, "must be an IAM action"),
]


@pytest.mark.parametrize(("fields", "text"), BAD)
def test_what_cannot_work_is_refused(fields, text):
    with pytest.raises(ValidationError, match=text):
        validated(minimal({"managed_nodes": NODES}, pod_identities=[{**CART, **fields}]))


@pytest.mark.parametrize(
    ("others", "text"),
    [
        ([CART], "has a role already, of pod_identities"),
        ([{"namespace": "kube-system", "service_account": "aws-node"}], "has a role already, of the add-on vpc-cni"),
        ([{"namespace": "kube-system", "service_account": "karpenter"}], "has a role already, of karpenter"),
    ],
)
def test_a_service_account_takes_one_role(others, text):
    identities = [{**one, "policies": ["AmazonSQSFullAccess"]} for one in [CART, *others]]
    with pytest.raises(ValidationError, match=text):
        validated(minimal({"managed_nodes": NODES}, pod_identities=identities))


def test_a_role_of_another_account_is_no_first_role():
    data = minimal(pod_identities=[{**CART, "role_arn": TARGET}])
    with pytest.raises(ValidationError, match="A role of another account is a target_role_arn"):
        validated({**data, "account": "123456789012"})
