"""Roles that exist, in place of those that the stacks make: none is made then, and AWS is told of the other."""

import pytest
from pydantic import ValidationError

from tests.support.environments import FARGATE, NODES, minimal, validated
from tests.support.templates import of_type

CLUSTER, OF_NODES, OF_PODS = (f"arn:aws:iam::123456789012:role/corp/{name}" for name in ("Cluster", "Nodes", "Pods"))


@pytest.fixture
def templates(synth):
    return synth(
        minimal(
            {
                "managed_nodes": {**NODES, "role_arn": OF_NODES},
                "fargate": {**FARGATE, "pod_execution_role_arn": OF_PODS},
            },
            control_plane={"kubernetes_version": "1.36", "role_arn": CLUSTER},
        )
    )


def test_aws_is_told_of_them(templates):
    (cluster,) = of_type(templates["t-control-plane-c"], "AWS::EKS::Cluster").values()
    assert cluster["RoleArn"] == CLUSTER
    groups = of_type(templates["t-compute-c"], "AWS::EKS::Nodegroup").values()
    assert {one["NodeRole"] for one in groups} == {OF_NODES}
    profiles = of_type(templates["t-compute-c"], "AWS::EKS::FargateProfile").values()
    assert {one["PodExecutionRoleArn"] for one in profiles} == {OF_PODS}


def test_none_is_made_for_these(templates):
    made = [
        key for template in templates.values() for key in of_type(template, "AWS::IAM::Role")
        if "ClusterRole" in key or "NodeRole" in key or "PodExecutionRole" in key
    ]  # fmt: skip
    assert made == []
    assert not [key for key in templates["t-foundation"].get("Outputs", {}) if "ClusterRole" in key]


def test_rights_of_a_role_that_exists_are_not_given_here():
    data = minimal({"managed_nodes": {**NODES, "role_arn": OF_NODES, "session_manager": True}})
    with pytest.raises(ValidationError, match="is a right of the node role, and role_arn names one that exists"):
        validated(data)
