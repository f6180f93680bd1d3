"""IAM roles that clusters use, with their policies; and principals that are named but do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from responsibility.audit.questions import Gone, Questions
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown

_PATHS = (
    "RoleArn",
    "ComputeConfig.NodeRoleArn",
    "NodeRole",
    "PodExecutionRoleArn",
    "ServiceAccountRoleArn",
    "PrincipalArn",
    "TargetRoleArn",
)
GET_ROLE, GET_USER = ("iam", "get_role"), ("iam", "get_user")
ATTACHED, INLINE = ("iam", "list_attached_role_policies"), ("iam", "get_role_policy")


def principals(resources: list[Resource], account: str) -> list[str]:
    """Returns the ARNs of the account's roles and users that clusters and what belongs to them name."""
    found: dict[str, None] = {}
    for resource in resources:
        values = [resource.maybe(path) for path in _PATHS]
        values += [
            item.get("RoleArn") for item in resource.maybe("PodIdentityAssociations", []) if isinstance(item, dict)
        ]
        for value in values:
            if isinstance(value, str) and f":iam::{account}:" in value:
                found[value] = None
    return [arn for arn in found if ":role/" in arn or ":user/" in arn]


def read_principal(ask: Questions, arn: str) -> list[Resource]:
    """Returns a role with its policies, nothing for a user that exists, or the fact that there is no such principal."""
    name = arn.rsplit("/", 1)[-1]
    is_role = ":role/" in arn
    call = GET_ROLE if is_role else GET_USER
    answer = ask.one(*call, "Role", RoleName=name) if is_role else ask.one(*call, "User", UserName=name)
    if answer is None:
        return [ask.resource("IAM::MissingPrincipal", arn, {"Arn": arn}, call=call)]
    if not is_role:
        return [] if isinstance(answer, dict) else [ask.resource("IAM::MissingPrincipal", arn, answer, call=call)]
    attached = _attached(ask, name)
    properties = answer
    if isinstance(answer, dict):
        properties = {
            "RoleName": name,
            "Arn": arn,
            "CreateDate": answer["CreateDate"],
            "AssumeRolePolicyDocument": _document(answer["AssumeRolePolicyDocument"]),
        }
        properties["ManagedPolicyArns"] = attached
        properties["Policies"] = _inline(ask, name)
    known = {"RoleName": name, "Arn": arn}
    apis = {"ManagedPolicyArns": ATTACHED, "Policies": INLINE}
    role = ask.resource("AWS::IAM::Role", f"role/{name}", properties, call=call, known=known, apis=apis)
    return [role, *_policies(ask, attached)]


def _attached(ask: Questions, role: str) -> list[str] | Unknown:
    try:
        found = ask.items(*ATTACHED, "AttachedPolicies", RoleName=role)
    except Gone:
        return []
    return found if isinstance(found, Unknown) else [str(one["PolicyArn"]) for one in found]


def _inline(ask: Questions, role: str) -> list[dict[str, Any]] | Unknown:
    try:
        names = ask.items("iam", "list_role_policies", "PolicyNames", RoleName=role)
    except Gone:
        return []
    if isinstance(names, Unknown):
        return names
    policies = []
    for name in names:
        found = ask.one(*INLINE, "PolicyDocument", RoleName=role, PolicyName=name)
        if found is not None:
            policies.append({"PolicyName": name, "PolicyDocument": _document(found)})
    return policies


def _policies(ask: Questions, arns: list[str] | Unknown) -> Iterator[Resource]:
    """Yields the customer's own managed policies: what AWS's say is known by their names."""
    for arn in [] if isinstance(arns, Unknown) else arns:
        if ":iam::aws:" in arn:
            continue
        call, version = ("iam", "get_policy"), ("iam", "get_policy_version")
        policy = ask.one(*call, "Policy", PolicyArn=arn)
        if policy is None:
            continue
        document: Any = policy
        if isinstance(policy, dict):
            found = ask.one(*version, "PolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
            document = _document(found["Document"]) if isinstance(found, dict) else found
        properties = {"ManagedPolicyName": arn.rsplit("/", 1)[-1], "Arn": arn, "PolicyDocument": document}
        apis = {"PolicyDocument": version}
        yield ask.resource(
            "AWS::IAM::ManagedPolicy", f"policy/{arn.rsplit('/', 1)[-1]}", properties, call=call, apis=apis
        )


def _document(value: Any) -> Any:
    try:
        return json_in(unquote(value)) if isinstance(value, str) else value
    except NoData:
        return Unknown("a policy document that is not JSON")
