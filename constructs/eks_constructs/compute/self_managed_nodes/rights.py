"""What the controllers beside self-managed nodes may do: end the wait for a drained node, and change the size of a group."""

from collections.abc import Sequence

from eks_constructs.compute.self_managed_nodes.tags import handled_tag
from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow

_GROUPS = f"arn:{Aws.PARTITION}:autoscaling:{Aws.REGION}:{Aws.ACCOUNT_ID}:autoScalingGroup:*:autoScalingGroupName/*"
"""Groups get their names at deploy; tags say whose they are."""


def termination_handler(cluster: str, queue_arn: str) -> Sequence[Statement]:
    """Returns the statements of the AWS Node Termination Handler of a cluster.

    https://github.com/aws/aws-node-termination-handler#5-create-an-iam-role-for-the-pods
    """
    return [
        allow(["sqs:DeleteMessage", "sqs:ReceiveMessage"], queue_arn, sid="ReadItsQueue"),
        {
            **allow(["autoscaling:CompleteLifecycleAction"], _GROUPS, sid="EndTheWait"),
            "Condition": {"StringEquals": {f"autoscaling:ResourceTag/{handled_tag(cluster)}": "true"}},
        },
        # The Describe calls take no resource.
        allow(
            ["autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeTags", "ec2:DescribeInstances"],
            "*",
            sid="Look",
        ),
    ]


def cluster_autoscaler(cluster: str) -> Sequence[Statement]:
    """Returns the statements of Cluster Autoscaler for the groups of a cluster.

    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#full-cluster-autoscaler-features-policy-recommended
    """
    return [
        {
            **allow(
                ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
                _GROUPS,
                sid="SizeItsGroups",
            ),
            "Condition": {"StringEquals": {f"autoscaling:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}},
        },
        # The Describe calls take no resource. Nodes of managed groups are none of its affair: it finds groups by tags.
        allow(
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            "*",
            sid="Look",
        ),
    ]
