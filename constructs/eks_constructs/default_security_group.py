"""Applies this project's rules to the CDK's function that empties a VPC's default security group."""

from collections.abc import Mapping

from aws_cdk import CfnResource, Stack
from constructs import Construct

from eks_constructs.roles import IamSpec, allow, arn, document, prescribe


def dress_function(scope: Construct, *, name: str, iam: IamSpec, log_group: str, tags: Mapping[str, str]) -> None:
    """Sets the organisation's role settings, tags, and a log group with retention.

    Raises TypeError: the CDK makes it in another way than it did.
    """
    provider = Stack.of(scope).node.find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
    function_role, function = provider.node.find_child("Role"), provider.node.find_child("Handler")
    if not isinstance(function_role, CfnResource) or not isinstance(function, CfnResource):
        raise TypeError("the CDK makes the default security group's function in another way than it did: mend this")
    prescribe(provider, iam)
    function_role.add_property_override("Path", iam.path)  # always set: leaving it out would replace the role
    function_role.add_property_override(
        "Description", f"Lets the CDK's function empty the default security group of {name}"
    )
    function.add_property_override("LoggingConfig.LogGroup", log_group)
    # In place of the managed policy, which lets it make any log group: that one would have no key and no retention.
    group_arn = arn("logs", f"log-group:{log_group}")
    write = allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], [group_arn, f"{group_arn}:*"], sid="WriteToTheLogGroup"
    )
    function_role.add_property_deletion_override("ManagedPolicyArns")
    function_role.add_property_override("Policies.1", {"PolicyName": "Log", "PolicyDocument": document([write])})
    for resource in (function_role, function):
        resource.add_property_override("Tags", [{"Key": key, "Value": value} for key, value in tags.items()])
