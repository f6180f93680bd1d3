"""The load balancer controller's rights: what it makes bears its cluster's tag, and one service-linked role."""

import json

from eks_constructs.load_balancer_controller import VERSION, chart, statements
from tests.constructs.mixes import mix_of


def test_it_may_make_the_role_that_elastic_load_balancing_needs_once_and_no_other():
    (linked,) = [one for one in statements("c") if "iam:CreateServiceLinkedRole" in one["Action"]]
    assert linked["Condition"] == {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}}
    assert linked["Resource"].endswith(
        ":role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"
    )
    assert {action for one in statements("c") for action in one["Action"] if action.startswith("iam:")} == {
        "iam:CreateServiceLinkedRole"
    }


def test_what_it_reads_at_start_is_allowed():
    """Without these actions controllers of 3.x stop at the first object."""
    allowed = {action for one in statements("c") for action in one["Action"]}
    assert {
        "ec2:GetSecurityGroupsForVpc",
        "ec2:DescribeRouteTables",
        "ec2:DescribeIpamPools",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeCapacityReservation",
        "elasticloadbalancing:DescribeTrustStores",
    } <= allowed


def test_the_policy_fits():
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements(100 * "c"))}, separators=(",", ":"))
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(text.replace("${Token[AWS.", "").replace("]}", "")) <= 6_144


def test_it_needs_no_resource_definitions_that_nobody_installs():
    values = chart("c", mix_of(managed_nodes="at_once")).values
    assert VERSION.startswith("3.")
    assert values["controllerConfig"]["featureGates"] == {"ALBGatewayAPI": False, "NLBGatewayAPI": False}
    assert values["keepTLSSecret"] is True
