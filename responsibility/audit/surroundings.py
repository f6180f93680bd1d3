"""What clusters use besides the network and IAM: log groups, keys, launch templates, instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responsibility.audit.questions import UNLISTED, Gone, Questions
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown

_LOG_GROUPS = "/aws/eks/"
"""https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html"""


def read_log_groups(ask: Questions, clusters: list[str]) -> Iterator[Resource]:
    """Yields the log groups of control planes."""
    call = ("logs", "describe_log_groups")
    found = ask.items(*call, "logGroups", logGroupNamePrefix=_LOG_GROUPS)
    if isinstance(found, Unknown):
        yield ask.resource("AWS::Logs::LogGroup", f"{_LOG_GROUPS}{UNLISTED}", found, call=call)
        return
    owners = {f"{_LOG_GROUPS}{name}/cluster": name for name in clusters}
    for one in found:
        name = one["logGroupName"]
        if name in owners:
            properties = {
                "LogGroupName": name,
                "RetentionInDays": one.get("retentionInDays"),
                "KmsKeyId": one.get("kmsKeyId"),
                "StoredBytes": one.get("storedBytes"),
            }
            yield ask.resource("AWS::Logs::LogGroup", name, properties, call=call, cluster=owners[name])


def keys(resources: list[Resource]) -> list[str]:
    """Returns the ARNs of KMS keys that clusters and log groups use."""
    found: dict[str, None] = {}
    for resource in resources:
        if resource.type == "AWS::EKS::Cluster":
            count = len(resource.maybe("EncryptionConfig", []))
            values = [resource.maybe(f"EncryptionConfig.{index}.Provider.KeyArn") for index in range(count)]
        else:
            values = [resource.maybe("KmsKeyId")] if resource.type == "AWS::Logs::LogGroup" else []
        found |= {value: None for value in values if isinstance(value, str)}
    return list(found)


def read_key(ask: Questions, arn: str) -> list[Resource]:
    """Returns a KMS key; none of another account's, which does not show itself."""
    call, rotation = ("kms", "describe_key"), ("kms", "get_key_rotation_status")
    answer = ask.one(*call, "KeyMetadata", KeyId=arn)
    if answer is None:
        return []
    properties = answer
    if isinstance(answer, dict):
        turns = ask.one(*rotation, "KeyRotationEnabled", KeyId=arn) if answer["KeyState"] == "Enabled" else False
        properties = {**answer, "EnableKeyRotation": turns}
    known = {"Arn": arn}
    apis = {"EnableKeyRotation": rotation}
    return [
        ask.resource("AWS::KMS::Key", f"key/{arn.rsplit('/', 1)[-1]}", properties, call=call, known=known, apis=apis)
    ]


def read_launch_template(ask: Questions, group: Resource) -> list[Resource]:
    """Returns the version of a launch template that a node group was given, and points the group to it."""
    named = group.maybe("LaunchTemplate", {})
    identity, version = named.get("Id"), str(named.get("Version", "$Default"))
    if not identity:
        return []
    name = f"{identity}/{version}"
    call, versions = ("ec2", "describe_launch_templates"), ("ec2", "describe_launch_template_versions")
    try:
        data = ask.items(*versions, "LaunchTemplateVersions", LaunchTemplateId=identity, Versions=[version])
        found = ask.items(*call, "LaunchTemplates", LaunchTemplateIds=[identity])
    except Gone:
        return []  # EKS then says so in the group's health
    properties: Any = data
    if not isinstance(data, Unknown):
        if not data or found == []:
            return []  # deleted meanwhile
        about = found[0] if not isinstance(found, Unknown) else {}
        properties = {
            "LaunchTemplateName": data[0]["LaunchTemplateName"],
            "LaunchTemplateData": data[0]["LaunchTemplateData"],
            "VersionNumber": data[0]["VersionNumber"],
            "DefaultVersionNumber": about.get("DefaultVersionNumber", found),
            "LatestVersionNumber": about.get("LatestVersionNumber", found),
        }
    named["Id"] = name
    apis = dict.fromkeys(("DefaultVersionNumber", "LatestVersionNumber"), call)
    known = {"LaunchTemplateName": named.get("Name", identity)}
    return [ask.resource("AWS::EC2::LaunchTemplate", name, properties, call=versions, known=known, apis=apis)]


_OWNERS = ("eks:eks-cluster-name", "eks:cluster-name", "aws:eks:cluster-name")
"""Tags by which Auto Mode and managed node groups mark their instances; the last one is on both
(docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-manager.html)."""


def read_instances(ask: Questions, clusters: list[str]) -> Iterator[Resource]:
    """Yields the instances that EKS started for clusters and that run."""
    call = ("ec2", "describe_instances")
    filters = [
        {"Name": "tag-key", "Values": list(_OWNERS)},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    # Auto Mode's instances are AWS's: an account may hide them, but not from who asks for them.
    found = ask.items(*call, "Reservations", Filters=filters, IncludeManagedResources=True)
    if isinstance(found, Unknown):
        for name in clusters:
            yield ask.resource("EKS::Node", f"{name}/node/{UNLISTED}", found, call=call, cluster=name)
        return
    for one in (instance for reservation in found for instance in reservation["Instances"]):
        tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
        owner = next((tags[key] for key in _OWNERS if key in tags), "")
        if owner in clusters:
            properties = {
                "InstanceId": one["InstanceId"],
                "LaunchTime": one["LaunchTime"],
                "ImageId": one.get("ImageId"),
                "InstanceType": one.get("InstanceType"),
                "SubnetId": one.get("SubnetId"),
                "NodePool": tags.get("eks:kubernetes-node-pool-name"),
                "NodegroupName": tags.get("eks:nodegroup-name"),
            }
            yield ask.resource("EKS::Node", one["InstanceId"], properties, call=call, cluster=owner)
