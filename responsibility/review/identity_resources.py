"""The resources of an IAM statement, in words: ``the bucket orders``, ``every resource``."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.reading.facts import Fact
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import Part, PartlyKnown, begins_open, filled, without_gaps
from responsibility.reading.policy_statements import Statement
from responsibility.reading.values import has_gap

_NOUNS = {
    "AWS::DynamoDB::Table": "table",
    "AWS::EC2::SecurityGroup": "security group",
    "AWS::EC2::VPC": "VPC",
    "AWS::ECR::Repository": "repository",
    "AWS::EFS::FileSystem": "file system",
    "AWS::EKS::Cluster": "cluster",
    "AWS::IAM::ManagedPolicy": "policy",
    "AWS::IAM::Role": "role",
    "AWS::KMS::Key": "key",
    "AWS::Lambda::Function": "function",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Route53::HostedZone": "hosted zone",
    "AWS::S3::Bucket": "bucket",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::StepFunctions::StateMachine": "state machine",
}
_KINDS = {
    "accesspoint": "access point",
    "addon": "add-on",
    "fargateprofile": "Fargate profile",
    "hostedzone": "hosted zone",
    "loadbalancer": "load balancer",
    "nodegroup": "node group",
    "podidentityassociation": "Pod Identity association",
    "targetgroup": "target group",
}
_IN_CLUSTER = ("addon", "fargateprofile", "nodegroup", "podidentityassociation")
"""What has the name of its cluster in its ARN."""
_BARE = {"sns": "topic", "sqs": "queue"}
"""What a resource is, of services whose ARNs do not say it."""


def resource_words(role: Role, statement: Statement) -> Iterator[str]:
    """Yields what a statement is about."""
    if statement.not_resources:
        yield "every resource but those that NotResource names"
    for value in statement.resources:
        yield _one(role, value)


def _one(role: Role, value: str) -> str:
    if str(without_gaps(value)) == "*":
        return "every resource"
    if begins_open(value) and has_gap(value):
        return "a resource that the template does not name"
    first = value.parts[0] if isinstance(value, PartlyKnown) else None
    if isinstance(first, Part) and (found := first.reference):
        return _referred(role, f"{found[0]}/{found[1]}")
    shown = without_gaps(filled(value, lambda inside: "*" if inside.startswith("AWS::") else None))
    return _arn(shown) if shown.startswith("arn:") else without_gaps(value)


def _referred(role: Role, key: str) -> str:
    fact = role.facts.get(Fact, key)
    noun = _NOUNS.get(fact.resource.type, "") if fact else ""
    return f"the {noun} {_name(role, fact, key)}" if noun else _name(role, fact, key)


def _name(role: Role, fact: Fact | None, key: str) -> str:
    """Returns the name that a resource gives itself, else its logical id, with its stack if that is another one."""
    if fact is None:
        return key
    named = fact.name not in (fact.resource.id, fact.resource.label)
    return fact.name if named or fact.resource.stack == role.resource.stack else f"{fact.resource.stack}/{fact.name}"


def _arn(arn: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    service, rest = parts[2], parts[5].removesuffix(":*").removesuffix("/*")
    if service == "s3":
        kind, name = "bucket", rest.split("/", 1)[0]
    elif service == "logs":
        kind, _, name = rest.partition(":")
    else:
        kind, _, name = rest.partition("/") if "/" in rest else rest.partition(":")
    if not name:
        # The ARN does not say what it is, or it is for everything of a kind.
        kind, name = (_BARE[service], kind) if service in _BARE else (kind, "*")
    noun = _KINDS.get(kind, kind.replace("-", " ").replace("*", "resource"))
    if kind in _IN_CLUSTER and parts[5].endswith("/*") and name != "*":
        return f"every {noun} of {name}"
    return f"every {noun}" if name.strip("*/") == "" else f"the {noun} {name}"
