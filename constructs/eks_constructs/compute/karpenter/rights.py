"""What Karpenter's controller may do: make instances that bear its cluster's tags, and change or end those alone.

After the policy of its documentation (https://karpenter.sh/docs/reference/cloudformation/), less what it would need to make
instance profiles: this project makes the only one. Read in use with version 1.14, 2026-11-26.
"""

from collections.abc import Sequence
from typing import Any

from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow, arn, create_service_linked_role

# What a launch makes, and what it is made of.
_MADE = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_USED = ("security-group", "subnet", "capacity-reservation", "placement-group")
_PUBLIC = ("image", "snapshot")
"""Amazon's: their ARNs have no account."""


def statements(cluster: str, *, queue_arn: str, node_role_arn: str, profile_arn: str) -> Sequence[Statement]:
    """Returns the statements of the controller's policy for the cluster called ``cluster``."""
    owned = f"kubernetes.io/cluster/{cluster}"
    asked: dict[str, Any] = {
        "StringEquals": {f"aws:RequestTag/{owned}": "owned", "aws:RequestTag/eks:eks-cluster-name": cluster},
        "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"},  # whatever the pool is called
    }
    its_own: dict[str, Any] = {
        "StringEquals": {f"aws:ResourceTag/{owned}": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }
    made = [arn("ec2", f"{kind}/*") for kind in _MADE]
    used = [arn("ec2", f"{kind}/*") for kind in _USED]
    used += [f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}::{kind}/*" for kind in _PUBLIC]
    launch = ["ec2:RunInstances", "ec2:CreateFleet"]
    return [
        allow(launch, used, sid="LaunchFrom"),
        {**allow(launch, arn("ec2", "launch-template/*"), sid="LaunchByItsTemplates"), "Condition": its_own},
        {**allow([*launch, "ec2:CreateLaunchTemplate"], made, sid="LaunchTagged"), "Condition": asked},
        {
            **allow(["ec2:CreateTags"], made, sid="TagNewOnes"),
            "Condition": {
                **asked,
                "StringEquals": {
                    **asked["StringEquals"],
                    "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
                },
            },
        },
        {
            **allow(["ec2:CreateTags"], arn("ec2", "instance/*"), sid="TagItsInstances"),
            "Condition": {
                **its_own,
                "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": cluster},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
                },
            },
        },
        {
            **allow(
                ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
                [arn("ec2", "instance/*"), arn("ec2", "launch-template/*")],
                sid="EndItsOwn",
            ),
            "Condition": its_own,
        },
        {
            **allow(
                [
                    "ec2:DescribeCapacityReservations",
                    "ec2:DescribeImages",
                    "ec2:DescribeInstances",
                    "ec2:DescribeInstanceStatus",
                    "ec2:DescribeInstanceTypeOfferings",
                    "ec2:DescribeInstanceTypes",
                    "ec2:DescribeLaunchTemplates",
                    "ec2:DescribePlacementGroups",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSpotPriceHistory",
                    "ec2:DescribeSubnets",
                ],
                "*",  # these calls take no resource
                sid="Look",
            ),
            "Condition": {"StringEquals": {"aws:RequestedRegion": Aws.REGION}},
        },
        # Neither takes a resource. It asks for every profile, to tidy up those that it would have made.
        allow(["pricing:GetProducts", "iam:ListInstanceProfiles"], "*", sid="LookAtPricesAndProfiles"),
        allow(
            ["ssm:GetParameter"],
            f"arn:{Aws.PARTITION}:ssm:{Aws.REGION}::parameter/aws/service/*",
            sid="FindAmis",
        ),
        allow(["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], queue_arn, sid="ReadWarnings"),
        allow(["iam:GetInstanceProfile"], profile_arn, sid="FindTheProfile"),
        {
            **allow(["iam:PassRole"], node_role_arn, sid="GiveNodesTheirRole"),
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        },
        # Without it the first Spot node of an account is refused: AuthFailure.ServiceLinkedRoleCreationNotPermitted
        # (https://karpenter.sh/docs/troubleshooting/#missing-service-linked-role).
        create_service_linked_role("spot.amazonaws.com", "AWSServiceRoleForEC2Spot"),
        allow(["eks:DescribeCluster"], arn("eks", f"cluster/{cluster}"), sid="FindTheCluster"),
    ]
