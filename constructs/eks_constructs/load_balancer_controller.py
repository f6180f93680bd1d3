"""The AWS Load Balancer Controller, for clusters or compute without Auto Mode's own: its chart, its role and its rights.

https://docs.aws.amazon.com/eks/latest/userguide/lbc-helm.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eks_constructs.compute.mix import ComputeMix
from eks_constructs.manifests import HelmChart
from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow, create_service_linked_role

NAMESPACE, SERVICE_ACCOUNT = "kube-system", "aws-load-balancer-controller"
ROLE_ARN, VPC_ID = "SERVICE_ACCOUNT_ROLE_ARN", "VPC_ID"
"""Placeholders in the chart's values."""

ORDER = 50
VERSION = "3.5.0"
"""Of the chart, and of the controller in it: since 3.0.0 both have one number (https://github.com/aws/eks-charts/pull/1354,
read 2026-11-28; AWS's page still shows controller 2.14.1 with chart 1.14.0)."""


def chart(
    cluster: str,
    mix: ComputeMix,
    *,
    tags: Mapping[str, str] | None = None,
    isolated: bool = False,
    version: str | None = None,
) -> HelmChart:
    """Returns the controller's chart; it runs where the add-ons' Deployments do.

    ``tags`` are those of what it makes. ``version``: of the chart, if not ours.
    ``isolated``: there is no way to the internet, and so none to WAF and Shield.
    https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
    """
    selector = mix.host.node_selector if mix.host else {}
    on_nodes = mix.deployments_run_on != "fargate"
    values: dict[str, Any] = {
        "clusterName": cluster,
        # Neither Fargate nor a hop limit of 1 lets it ask the instance metadata.
        "region": "${AWS_REGION}",
        "vpcId": f"${{{VPC_ID}}}",
        "replicaCount": 2,
        "serviceAccount": {
            "name": SERVICE_ACCOUNT,
            "annotations": {} if on_nodes else {"eks.amazonaws.com/role-arn": f"${{{ROLE_ARN}}}"},
        },
        "nodeSelector": dict(selector),
        **({"tolerations": [dict(one) for one in mix.deployments_tolerations]} if mix.deployments_tolerations else {}),
        "podDisruptionBudget": {"maxUnavailable": 1},
        "ingressClass": "alb",
        **({"defaultTags": dict(tags)} if tags else {}),
        "enableServiceMutatorWebhook": False,  # Services say their class themselves
        # Else each upgrade makes a new certificate, and the webhooks fail until every replica has it.
        "keepTLSSecret": True,
        # On by default since 3.0.0, and in need of resource definitions that nothing here installs: Gateways are Auto Mode's.
        "controllerConfig": {"featureGates": {"ALBGatewayAPI": False, "NLBGatewayAPI": False}},
    }
    if isolated:
        values |= dict.fromkeys(("enableShield", "enableWaf", "enableWafv2"), False)
    outputs = {VPC_ID: "VpcId"} | ({} if on_nodes else {ROLE_ARN: "LoadBalancerControllerRoleArn"})
    return HelmChart(
        order=ORDER,
        name=SERVICE_ACCOUNT,
        namespace=NAMESPACE,
        repository="https://aws.github.io/eks-charts",
        chart=SERVICE_ACCOUNT,
        version=version or VERSION,
        values=values,
        note="Makes load balancers for Ingresses and Services on compute without Auto Mode. Yours to run and to upgrade.",
        outputs=outputs,
    )


def application_load_balancers() -> str:
    """Returns the ARN that matches the account's application load balancers in the region."""
    return f"arn:{Aws.PARTITION}:elasticloadbalancing:{Aws.REGION}:{Aws.ACCOUNT_ID}:loadbalancer/app/*/*"


def statements(cluster: str, features: Sequence[Statement] = ()) -> Sequence[Statement]:
    """Returns what the controller may do: look at the network; change what it tagged as the cluster's, and nothing else.

    The actions are those of the controller's documentation for ALB, NLB and their security groups. ``features`` are those for
    what else the workloads use: WAF, Shield, Cognito. IAM server certificates and capacity reservations are left out.
    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/#setup-iam-manually
    """
    own = {"aws:ResourceTag/elbv2.k8s.aws/cluster": cluster}
    asked = {"aws:RequestTag/elbv2.k8s.aws/cluster": cluster}
    groups = f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:security-group/*"
    balancing = f"arn:{Aws.PARTITION}:elasticloadbalancing:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    things = [f"{balancing}:targetgroup/*/*", f"{balancing}:loadbalancer/net/*/*", application_load_balancers()]
    listeners = [
        f"{balancing}:{kind}/{family}/*/*/*" for kind in ("listener", "listener-rule") for family in ("net", "app")
    ]
    vpc = f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:vpc/*"
    return [
        # Describe calls take no resource.
        allow(
            [
                "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInternetGateways", "ec2:DescribeVpcs", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeTags",
                "ec2:DescribeCoipPools", "ec2:GetCoipPoolUsage", "ec2:DescribeIpamPools", "ec2:DescribeRouteTables",
                "ec2:GetSecurityGroupsForVpc", "acm:ListCertificates", "acm:DescribeCertificate",
                "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes",
                "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeListenerCertificates",
                "elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeSSLPolicies",
                "elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetHealth",
                "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTrustStores",
                "elasticloadbalancing:DescribeCapacityReservation",
            ],
            "*", sid="Look",
        ),
        create_service_linked_role("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
        # The shared backend security group is opened on nodes' groups, which EKS and not the controller tags.
        allow(["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"], groups, sid="OpenGroupsOfTheCluster"),
        allow(["ec2:CreateSecurityGroup"], [vpc], sid="MakeGroupsInAVpc"),
        {**allow(["ec2:CreateSecurityGroup"], [groups], sid="MakeTaggedGroups"), "Condition": {"StringEquals": asked}},
        {
            **allow(["ec2:CreateTags"], [groups], sid="TagNewGroups"),
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **asked}},
        },
        {**allow(["ec2:CreateTags", "ec2:DeleteTags", "ec2:DeleteSecurityGroup"], [groups], sid="ChangeItsGroups"),
         "Condition": {"StringEquals": own}},
        {**allow(["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"], things, sid="MakeTagged"),
         "Condition": {"StringEquals": asked}},
        {
            **allow(["elasticloadbalancing:AddTags"], things, sid="TagNewOnes"),
            "Condition": {
                "StringEquals": {"elasticloadbalancing:CreateAction": ["CreateTargetGroup", "CreateLoadBalancer"], **asked}
            },
        },
        {
            **allow(
                [
                    "elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags",
                    "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:SetIpAddressType",
                    "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets",
                    "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:ModifyTargetGroup",
                    "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:DeleteTargetGroup",
                    "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
                    "elasticloadbalancing:CreateListener", "elasticloadbalancing:ModifyIpPools",
                ],
                things, sid="ChangeItsOwn",
            ),
            "Condition": {"StringEquals": own},
        },
        # Listeners and rules are parts of a load balancer; their tags come a moment after them.
        allow(
            [
                "elasticloadbalancing:DeleteListener", "elasticloadbalancing:ModifyListener",
                "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:AddListenerCertificates",
                "elasticloadbalancing:RemoveListenerCertificates", "elasticloadbalancing:CreateRule",
                "elasticloadbalancing:ModifyRule", "elasticloadbalancing:DeleteRule", "elasticloadbalancing:SetRulePriorities",
                "elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags",
            ],
            listeners, sid="ChangeListeners",
        ),
        *features,
    ]  # fmt: skip
