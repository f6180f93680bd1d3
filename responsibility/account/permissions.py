"""Which AWS API calls each command may make, and on what. The IAM policies in docs/lock.md and docs/audit.md are made of this.

An :class:`~responsibility.account.session.Account` refuses a call that is not listed here, so a policy cannot lack one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

_EKS = "arn:aws:eks:*:*:"
_CLUSTER = f"{_EKS}cluster/*"
_AUDIT: dict[str, str] = {
    "eks:ListClusters": "*",
    "eks:DescribeClusterVersions": "*",
    "eks:DescribeAddonVersions": "*",
    "eks:DescribeCluster": _CLUSTER,
    "eks:ListNodegroups": _CLUSTER,
    "eks:DescribeNodegroup": f"{_EKS}nodegroup/*",
    "eks:ListFargateProfiles": _CLUSTER,
    "eks:DescribeFargateProfile": f"{_EKS}fargateprofile/*",
    "eks:ListAddons": _CLUSTER,
    "eks:DescribeAddon": f"{_EKS}addon/*",
    "eks:ListAccessEntries": _CLUSTER,
    "eks:DescribeAccessEntry": f"{_EKS}access-entry/*",
    "eks:ListAssociatedAccessPolicies": f"{_EKS}access-entry/*",
    "eks:ListPodIdentityAssociations": _CLUSTER,
    "eks:DescribePodIdentityAssociation": f"{_EKS}podidentityassociation/*",
    "eks:ListCapabilities": _CLUSTER,
    "eks:DescribeCapability": f"{_EKS}capability/*",
    "eks:ListCertificateAuthorities": _CLUSTER,
    "eks:DescribeCertificateAuthority": _CLUSTER,
    "eks:ListInsights": _CLUSTER,
    "eks:DescribeInsight": _CLUSTER,
    "eks:ListUpdates": _CLUSTER,
    "eks:DescribeUpdate": _CLUSTER,
    "ec2:DescribeVpcs": "*",
    "ec2:DescribeVpcAttribute": "arn:aws:ec2:*:*:vpc/*",
    "ec2:DescribeSubnets": "*",
    "ec2:DescribeRouteTables": "*",
    "ec2:DescribeNatGateways": "*",
    "ec2:DescribeInternetGateways": "*",
    "ec2:DescribeVpcEndpoints": "*",
    "ec2:DescribeFlowLogs": "*",
    "ec2:DescribeSecurityGroups": "*",
    "ec2:DescribeLaunchTemplates": "*",
    "ec2:DescribeLaunchTemplateVersions": "*",
    "ec2:DescribeInstances": "*",
    "ec2:DescribeImages": "*",
    "iam:GetRole": "arn:aws:iam::*:role/*",
    "iam:ListAttachedRolePolicies": "arn:aws:iam::*:role/*",
    "iam:ListRolePolicies": "arn:aws:iam::*:role/*",
    "iam:GetRolePolicy": "arn:aws:iam::*:role/*",
    "iam:GetUser": "arn:aws:iam::*:user/*",
    "iam:GetPolicy": "arn:aws:iam::*:policy/*",
    "iam:GetPolicyVersion": "arn:aws:iam::*:policy/*",
    "cloudformation:ListStackResources": "arn:aws:cloudformation:*:*:stack/*",
    "kms:DescribeKey": "arn:aws:kms:*:*:key/*",
    "kms:GetKeyRotationStatus": "arn:aws:kms:*:*:key/*",
    "logs:DescribeLogGroups": "*",
    "ssm:GetParameter": "arn:aws:ssm:*:*:parameter/aws/service/*",
    "ssm:DescribeActivations": "*",
    "rolesanywhere:ListTrustAnchors": "*",
    "rolesanywhere:ListProfiles": "*",
}
CALLS: dict[str, dict[str, str]] = {
    "lock-addons": {"eks:DescribeAddonVersions": "*", "eks:DescribeAddonConfiguration": "*"},
    "refresh versions": {"eks:DescribeClusterVersions": "*"},
    "refresh prices": {"pricing:GetProducts": "*"},
    "deliver": {
        "sts:GetCallerIdentity": "*",
        "eks:DescribeCluster": _CLUSTER,
        "cloudformation:DescribeStacks": "arn:aws:cloudformation:*:*:stack/*",
    },
    "operate": {
        "cloudformation:DescribeStacks": "*",
        "cloudformation:GetTemplate": "arn:aws:cloudformation:*:*:stack/*",
        "cloudformation:ListStackResources": "arn:aws:cloudformation:*:*:stack/*",
        "sts:GetCallerIdentity": "*",
        **{
            action: _AUDIT[action]
            for action in (
                "eks:DescribeCluster",
                "eks:ListAddons",
                "eks:DescribeAddon",
                "eks:ListNodegroups",
                "eks:DescribeNodegroup",
                "eks:ListFargateProfiles",
                "eks:DescribeFargateProfile",
                "eks:ListPodIdentityAssociations",
                "eks:ListCapabilities",
                "eks:DescribeCapability",
                "eks:DescribeClusterVersions",
                "ec2:DescribeInstances",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcEndpoints",
                "logs:DescribeLogGroups",
            )
        },
        "ec2:DescribeNetworkInterfaces": "*",
        "ec2:DescribeVolumes": "*",
        "elasticloadbalancing:DescribeLoadBalancers": "*",
        "elasticloadbalancing:DescribeTags": "*",
        "aps:ListScrapers": "*",
        "backup:DescribeRegionSettings": "*",
        "lambda:GetAccountSettings": "*",
        "s3:ListBucketVersions": "arn:aws:s3:::*",
    },
    "look-up": {
        "eks:DescribeCluster": _CLUSTER,
        "ec2:DescribeVpcs": "*",
        "ec2:DescribeSubnets": "*",
        "iam:ListOpenIDConnectProviders": "*",
    },
    "check-network": {
        "ec2:DescribeVpcs": "*",
        "ec2:DescribeVpcAttribute": "arn:aws:ec2:*:*:vpc/*",
        "ec2:DescribeSubnets": "*",
    },
    "empty-bucket": {"s3:ListBucketVersions": "arn:aws:s3:::*", "s3:DeleteObjectVersion": "arn:aws:s3:::*/*"},
    "audit": _AUDIT,
    "upgrade": _AUDIT,
}
"""IAM actions by command, each with the resources that a policy can name for it; "*" where it works on none
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)."""


NAMED_OTHERWISE = {"s3:ListObjectVersions": "s3:ListBucketVersions", "s3:DeleteObjects": "s3:DeleteObjectVersion"}
"""Calls whose IAM action has another name
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""


def policy(*commands: str) -> dict[str, Any]:
    """Returns the IAM policy that lets some commands run, and no more."""
    actions: dict[str, set[str]] = defaultdict(set)
    for command in commands:
        for action, resource in CALLS[command].items():
            actions[resource].add(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": sorted(actions[resource]), "Resource": resource}
            for resource in sorted(actions)
        ],
    }
