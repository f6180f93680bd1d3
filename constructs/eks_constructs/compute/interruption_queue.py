"""The queue that brings EC2's warnings to a controller in a cluster, with the rules that fill it."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from eks_constructs.roles import document

EVENTS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "SpotInterruption": ("aws.ec2", "EC2 Spot Instance Interruption Warning", {}),
    "Rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation", {}),
    "InstanceState": ("aws.ec2", "EC2 Instance State-change Notification", {}),
    "ScheduledChange": ("aws.health", "AWS Health Event", {"service": ["EC2"]}),
    "Termination": ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", {}),
}
"""Source, detail type and detail of each kind of event, by the id of its rule."""


def interruption_queue(scope: Construct, reader: str, kinds: Sequence[str]) -> sqs.CfnQueue:
    """Makes the queue, its policy and a rule for each of ``kinds`` (keys of EVENTS); ``reader``: who reads it."""
    # A warning is worth nothing after five minutes: EC2 takes a Spot instance after two.
    queue = sqs.CfnQueue(scope, "Queue", message_retention_period=300, sqs_managed_sse_enabled=True)
    rules = [
        events.CfnRule(
            scope,
            kind,
            description=f"{detail_type}, for {reader}",
            event_pattern={"source": [source], "detail-type": [detail_type]} | ({"detail": detail} if detail else {}),
            targets=[events.CfnRule.TargetProperty(id="Queue", arn=queue.attr_arn)],
        )
        for kind, (source, detail_type, detail) in ((kind, EVENTS[kind]) for kind in kinds)
    ]
    send = {
        "Sid": "RulesSend",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.attr_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [rule.attr_arn for rule in rules]}},
    }
    encrypted_only = {
        "Sid": "OverTlsAlone",
        "Effect": "Deny",
        "Principal": "*",  # a denial: nobody is let in by it
        "Action": "sqs:*",
        "Resource": queue.attr_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    sqs.CfnQueuePolicy(scope, "QueuePolicy", queues=[queue.ref], policy_document=document([send, encrypted_only]))
    return queue
