"""Flow logs of a network, and the role that writes them."""

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.roles import IamSpec, allow, arn, from_source, role, trust_service


def flow_logs(scope: Construct, *, name: str, iam: IamSpec, vpc_id: str, log_group: str, tags: list[CfnTag]) -> None:
    """Writes what the VPC of the network ``name`` accepts and rejects to a log group that exists."""
    group_arn = arn("logs", f"log-group:{log_group}")
    writer = role(
        scope,
        "FlowLogRole",
        spec=iam,
        name=f"{name}-flow-logs",
        description=f"Lets VPC flow logs of {name} write to their log group",
        trust=trust_service(
            "vpc-flow-logs.amazonaws.com",
            conditions=from_source(arn("ec2", "vpc-flow-log/*")),
        ),
        statements=[
            # ":*" are the log streams of this one group.
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                [group_arn, f"{group_arn}:*"],
                sid="WriteToTheLogGroup",
            ),
            # DescribeLogGroups lists all groups or none: it takes no single group.
            allow(
                ["logs:DescribeLogGroups"],
                [arn("logs", "log-group:*")],
                sid="FindTheLogGroup",
            ),
        ],
    )
    ec2.CfnFlowLog(
        scope,
        "FlowLog",
        resource_id=vpc_id,
        resource_type="VPC",
        traffic_type="ALL",
        log_group_name=log_group,
        deliver_logs_permission_arn=writer.attr_arn,
        max_aggregation_interval=600,
        tags=tags,
    )
