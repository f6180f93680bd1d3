"""What cdk-nag finds and this project accepts: each finding once, with its reason. The only place where findings are accepted.

A row names constructs by a pattern of their path, a rule, and the exact findings of that rule. `{arn}` is
`arn:PARTITION`, `{logs}` for the ARN prefix of this account's log groups, `{log_group}` for the one that the stack writes to,
`{bucket}` for the bucket beside a role.
"""

import re
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import IConstruct

from eks_constructs.compute.fargate import objects as fargate
from stacks.compute import ComputeStack
from stacks.network import NetworkStack
from stacks.platform import Platform


@dataclass(frozen=True)
class Acknowledged:
    """Findings of one rule on some constructs, and why they stay."""

    path: str
    rule: str
    reason: str
    findings: tuple[str, ...] = ()


def _aws_policies(path: str, reason: str, *names: str) -> Acknowledged:
    return Acknowledged(
        path, "AwsSolutions-IAM4", reason, tuple(f"Policy::{{arn}}:iam::aws:policy/{name}" for name in names)
    )


_PRESCRIBED = (
    "EKS prescribes this managed policy for the role and keeps it current with the service;"
    " a copy of ours would fall behind and break nodes or the control plane. "
)

ACKNOWLEDGED = (
    Acknowledged(
        r"/Cluster/Default$",
        "AwsSolutions-EKS1",
        "The environment file opens a public endpoint, and only for the networks it lists; the whole internet needs allow_anywhere.",
    ),
    Acknowledged(
        r"/Cluster/Default$",
        "Review::EKR001",
        "The environment file names the networks that reach the endpoint, and says allow_anywhere where that is the whole internet.",
    ),
    _aws_policies(
        r"-foundation/[^/]+ClusterRole$",
        _PRESCRIBED
        + "EKS alone can take the role (without Auto Mode, for this cluster alone), and the Auto Mode policies act by tag on this"
        " cluster's resources alone.",
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStoragePolicyV2",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
    ),
    Acknowledged(
        r"-foundation/[^/]+ClusterRolePolicy$",
        "AwsSolutions-IAM5",
        "AWS asks for these statements where what Auto Mode makes has tags of ours: instances, volumes, interfaces and load balancers get"
        " their ids at run time, and only those that bear the name of this session's cluster may be made.",
        (
            "Resource::*",
            "Resource::{arn}:ec2:<AWS::Region>:<AWS::AccountId>:volume/*",
            "Resource::{arn}:ec2:<AWS::Region>::snapshot/*",
        ),
    ),
    _aws_policies(
        r"-foundation/[^/]+Auto(Custom)?NodeRole$",
        _PRESCRIBED + "It is the minimal pair for Auto Mode nodes: pull images and serve Pod Identity.",
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    ),
    _aws_policies(
        r"/ManagedNodes/NodeRole$",
        _PRESCRIBED + "The CNI policy is not among them: the CNI has a role of its own.",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonSSMManagedInstanceCore",
    ),
    _aws_policies(
        r"/Fargate/PodExecutionRole$",
        _PRESCRIBED + "It pulls images and no more.",
        "AmazonEKSFargatePodExecutionRolePolicy",
    ),
    _aws_policies(
        r"/Addons/VpcCniRole$",
        _PRESCRIBED + "Only the service account aws-node of this cluster can take the role.",
        "AmazonEKS_CNI_Policy",
    ),
    _aws_policies(
        r"/Addons/AwsEbsCsiDriverRole$",
        _PRESCRIBED
        + "It acts by tag on this cluster's volumes alone, and only the driver's service account can take the role.",
        "AmazonEBSCSIDriverEKSClusterScopedPolicy",
    ),
    _aws_policies(
        r"/Addons/AwsEfsCsiDriverRole$",
        _PRESCRIBED + "Only the driver's service account can take the role.",
        "service-role/AmazonEFSCSIDriverPolicy",
    ),
    _aws_policies(
        r"/Addons/AmazonCloudwatchObservabilityRole$",
        _PRESCRIBED + "Only the agent's service account can take the role.",
        "CloudWatchAgentServerPolicy",
        "AWSXrayWriteOnlyAccess",
    ),
    _aws_policies(
        r"/TunnelHost/Role$",
        "Session Manager needs it; the host has no other rights, no open port and no key.",
        "AmazonSSMManagedInstanceCore",
    ),
    Acknowledged(
        r"/Network/FlowLogRolePolicy$",
        "AwsSolutions-IAM5",
        "Log streams get their names at run time: the wildcard is those of one log group. DescribeLogGroups knows no single group.",
        ("Resource::{logs}:{log_group}:*", "Resource::{logs}:*"),
    ),
    Acknowledged(
        r"/Fargate/PodExecutionRolePolicy$",
        "AwsSolutions-IAM5",
        "The names of log streams are made at run time: the wildcard is the streams of one log group.",
        ("Resource::{logs}:{log_group}:*",),
    ),
    Acknowledged(
        r"/Addons/VpcCniRolePolicy$",
        "AwsSolutions-IAM5",
        "EC2's Describe calls take no resource, and network interfaces get their ids at run time; AWS documents this very policy for IPv6.",
        ("Resource::*", "Resource::{arn}:ec2:*:*:network-interface/*"),
    ),
    Acknowledged(
        r"/Addons/ExternalDnsRolePolicy$",
        "AwsSolutions-IAM5",
        "Which hosted zones are ExternalDNS's is the add-on's setting (domainFilters); listing zones takes no resource.",
        ("Resource::*", "Resource::{arn}:route53:::hostedzone/*"),
    ),
    _aws_policies(
        r"/Kubectl/HandlerRole$",
        "Lambda prescribes it for functions in a VPC; only this function can take the role.",
        "service-role/AWSLambdaVPCAccessExecutionRole",
    ),
    Acknowledged(
        r"/Kubectl/HandlerRolePolicy$",
        "AwsSolutions-IAM5",
        "The names of log streams are made at run time: the wildcard is the streams of one log group. Signing in to Amazon ECR Public,"
        " where Karpenter's charts are, takes no resource.",
        ("Resource::<KubectlLogsA888FEDB.Arn>:*", "Resource::*"),
    ),
    _aws_policies(
        r"/Kubectl/Provider/Provider/framework-onEvent/ServiceRole/Resource$",
        "The CDK's provider framework makes this role: it writes a log and invokes the kubectl handler, and no more.",
        "service-role/AWSLambdaBasicExecutionRole",
    ),
    Acknowledged(
        r"/Kubectl/Provider/Provider/framework-onEvent/ServiceRole/DefaultPolicy/Resource$",
        "AwsSolutions-IAM5",
        "The CDK's provider framework makes this policy: the wildcard is the versions of one function.",
        ("Resource::<KubectlProviderHandler14607D6C.Arn>:*",),
    ),
    Acknowledged(
        r"/Kubectl/Provider/Provider/framework-onEvent/ServiceRole/DefaultPolicy/Resource$",
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "The CDK's provider framework makes it inline; it allows to invoke one function, and lives and dies with its role.",
    ),
    Acknowledged(
        r"/Kubectl/Provider/Handler/Resource$",
        "AwsSolutions-L1",
        "The handler is the CDK's code: which runtime it is tested with is the CDK's to say, and moves with aws-cdk-lib.",
    ),
    Acknowledged(
        r"/Kubectl/Provider/(Handler|Provider/framework-onEvent)/Resource$",
        "NIST.800.53.R5-LambdaConcurrency",
        "CloudFormation alone invokes it, a few times in a deploy; a reservation would take concurrency from the account all year.",
    ),
    Acknowledged(
        r"/Kubectl/Provider/(Handler|Provider/framework-onEvent)/Resource$",
        "NIST.800.53.R5-LambdaDLQ",
        "A failure fails the stack with its reason: CloudFormation waits for an answer, so no event is lost in silence.",
    ),
    Acknowledged(
        r"/Kubectl/Provider/Provider/framework-onEvent/Resource$",
        "NIST.800.53.R5-LambdaInsideVPC",
        "It calls Lambda's API and answers CloudFormation, nothing in the VPC; the handler that calls the cluster is inside.",
    ),
    Acknowledged(
        r"-workloads-[^/]+/[^/]+/RolePolicy$",
        "AwsSolutions-IAM5",
        "The objects below one prefix of one bucket, whose names the workload makes up; the rest of the bucket is closed to it.",
        ("Resource::<{bucket}.Arn>/data/*",),
    ),
    Acknowledged(
        r"-workloads-[^/]+/[^/]+/Bucket/Bucket$",
        "AwsSolutions-S1",
        "A sample's own bucket, closed to the public: CloudTrail records who uses it; a log bucket would cost more than it stores.",
    ),
    Acknowledged(
        r"-workloads-[^/]+/[^/]+/Bucket/Bucket$",
        "NIST.800.53.R5-S3BucketLoggingEnabled",
        "A sample's own bucket, closed to the public: CloudTrail records who uses it; a log bucket would cost more than it stores.",
    ),
    Acknowledged(
        r"-workloads-[^/]+/[^/]+/Bucket/Bucket$",
        "NIST.800.53.R5-S3BucketReplicationEnabled",
        "A sample's data can be made again; old versions are kept for a month.",
    ),
    Acknowledged(
        r"-workloads-[^/]+/[^/]+/Files/FileSystem$",
        "NIST.800.53.R5-EFSInBackupPlan",
        "Its own backup policy is on: AWS Backup saves it every day. The rule looks for a selection of a plan in the template.",
    ),
    Acknowledged(
        r"/LoadBalancerController/RolePolicy$",
        "AwsSolutions-IAM5",
        "Describe calls take no resource; load balancers, target groups and security groups get their names at run time, and all"
        " but the opening of groups and the parts of load balancers is limited by the tag of this cluster.",
        (
            "Resource::*",
            "Resource::{arn}:ec2:<AWS::Region>:<AWS::AccountId>:security-group/*",
            "Resource::{arn}:ec2:<AWS::Region>:<AWS::AccountId>:vpc/*",
            *(
                f"Resource::{{arn}}:elasticloadbalancing:<AWS::Region>:<AWS::AccountId>:{what}"
                for what in (
                    "targetgroup/*/*",
                    "loadbalancer/net/*/*",
                    "loadbalancer/app/*/*",
                    "listener/net/*/*/*",
                    "listener/app/*/*/*",
                    "listener-rule/net/*/*/*",
                    "listener-rule/app/*/*/*",
                )
            ),
        ),
    ),
    _aws_policies(
        r"/Karpenter/NodeRole$",
        _PRESCRIBED + "The CNI policy is not among them: the CNI has a role of its own.",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    ),
    Acknowledged(
        r"/Karpenter/ControllerRolePolicy$",
        "AwsSolutions-IAM5",
        "Instances, volumes and templates get their ids at run time: it may make those that bear the tag of this cluster and a pool,"
        " and change or end no others. Describe calls, prices and the list of profiles take no resource.",
        (
            "Resource::*",
            "Resource::{arn}:ec2:<AWS::Region>::image/*",
            "Resource::{arn}:ec2:<AWS::Region>::snapshot/*",
            "Resource::{arn}:ssm:<AWS::Region>::parameter/aws/service/*",
            *(
                f"Resource::{{arn}}:ec2:<AWS::Region>:<AWS::AccountId>:{kind}/*"
                for kind in (
                    "fleet",
                    "instance",
                    "launch-template",
                    "network-interface",
                    "security-group",
                    "spot-instances-request",
                    "subnet",
                    "volume",
                )
            ),
        ),
    ),
    Acknowledged(
        r"/Karpenter/Queue$",
        "AwsSolutions-SQS3",
        "Its messages are warnings that are worth nothing after five minutes: nobody would read them later from a dead-letter queue.",
    ),
    Acknowledged(
        r"/Network/PublicDefaultRoute6?$",
        "NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
        "Public subnets hold NAT gateways and load balancers, and give no instance a public address. `public_subnets: false` ends them.",
    ),
    Acknowledged(
        r"/Network/PrivateSubnet\d$",
        "NIST.800.53.R5-VPCSubnetAutoAssignPublicIpDisabled",
        "IPv6 only, which EKS requires of nodes' subnets: the way in from the internet is closed by the egress-only gateway.",
    ),
    Acknowledged(
        r"/Network/(Public|Private|Isolated|Pods)Subnet\d$",
        "CloudFormation-Validate::W3010",
        "The environment file names the AZs: in regions where EKS cannot use all of them that is the only way.",
    ),
    Acknowledged(
        r"/TunnelHost/Instance$",
        "AwsSolutions-EC28",
        "A tunnel without state or service levels: basic monitoring shows what there is to see.",
    ),
    Acknowledged(
        r"/TunnelHost/Instance$",
        "AwsSolutions-EC29",
        "It holds nothing. Termination protection would make CloudFormation fail to replace or delete it.",
    ),
)


def acknowledge(platform: Platform) -> None:
    """Acknowledges the findings of the table on the constructs of ``platform``."""
    rows = [(re.compile(row.path), row) for row in ACKNOWLEDGED]
    for stack in platform.stacks:
        shared = _names(stack)
        for construct in stack.node.find_all():
            path = construct.node.path
            names = {**shared, "bucket": _bucket_beside(construct)}
            for pattern, row in rows:
                if pattern.search(path):
                    rules = [f"{row.rule}[{finding.format(**names)}]" for finding in row.findings] or [row.rule]
                    cdk.Validations.of(construct).acknowledge(
                        *(cdk.Acknowledgment(id=rule, reason=row.reason) for rule in rules)
                    )
        if isinstance(stack, ComputeStack):
            _acknowledge_pod_identities(stack)


def _acknowledge_pod_identities(stack: ComputeStack) -> None:
    """Acknowledges what the environment file says of applications' rights: whoever reviews the file decides; the review judges it."""
    reason = "The environment file gives these rights to one service account (pod_identities): they are reviewed there, and by the review."
    for spec in stack.spec.pod_identities:
        own = stack.node.find_child("PodIdentities").node.find_child(spec.construct_id)
        wide = [f"Action::{action}" for one in spec.allow for action in one.actions if "*" in action]
        wide += [f"Resource::{text}" for one in spec.allow for text in one.resources if "*" in text]
        named = [
            one if one.startswith("arn:") else f"arn:<AWS::Partition>:iam::aws:policy/{one}" for one in spec.policies
        ]
        rows = {
            "Role": [f"AwsSolutions-IAM4[Policy::{one}]" for one in named if ":iam::aws:" in one],
            "RolePolicy": [f"AwsSolutions-IAM5[{finding}]" for finding in dict.fromkeys(wide)],
        }
        for name, rules in rows.items():
            if rules and (construct := own.node.try_find_child(name)):
                cdk.Validations.of(construct).acknowledge(
                    *(cdk.Acknowledgment(id=rule, reason=reason) for rule in rules)
                )


def _bucket_beside(construct: IConstruct) -> str:
    """Returns the logical id of the bucket beside a role, or nothing."""
    scope = construct.node.scope
    bucket = scope.node.try_find_child("Bucket") if scope else None
    resource = bucket.node.try_find_child("Bucket") if bucket else None
    return cdk.Stack.of(construct).get_logical_id(resource) if isinstance(resource, cdk.CfnElement) else ""


def _names(stack: cdk.Stack) -> dict[str, str]:
    """How cdk-nag spells what is known only at deploy time."""
    log_group = ""
    if isinstance(stack, NetworkStack):
        log_group = stack.log_groups.flow_logs
    elif isinstance(stack, ComputeStack):
        log_group = fargate.log_group_name(stack.spec.name)
    arn = "arn:<AWS::Partition>"
    return {"arn": arn, "logs": f"{arn}:logs:<AWS::Region>:<AWS::AccountId>:log-group", "log_group": log_group}
