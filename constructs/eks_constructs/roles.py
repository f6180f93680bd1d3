"""IAM roles: one function makes every role of the platform, so that each follows the same rules.

Least privilege, a description, the environment's path, name prefix and permissions boundary; permissions as managed
policies (never inline: a role's rights are then listed in one place, which NIST 800-53 r5 asks for).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import jsii
from aws_cdk import Aspects, CfnResource, IAspect, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct
from pydantic import Field

from eks_constructs.pseudo import Aws
from eks_constructs.spec import POLICY_ARN, Spec, pattern
from eks_facts.files import limit

Statement = Mapping[str, Any]
"""One statement of an IAM policy, as JSON spells it."""

_AWS_POLICY = re.compile(r"^arn:aws[a-z-]*:iam::aws:policy/")
_HASH = 8
"""Characters of the hash at the end of a shortened name."""


class IamSpec(Spec):
    """What an organisation prescribes for every IAM role."""

    path: Annotated[str, pattern(r"/([\w+=,.@:~-]+/)*", "must begin and end with '/'"), Field(max_length=512)] = "/"
    """Path of every role and policy, such as `/platform/`. EKS has not always found node roles by a path: try it before you rely on it
    (https://github.com/aws/containers-roadmap/issues/2486)."""
    name_prefix: (
        Annotated[str, pattern(r"[A-Za-z0-9+=,.@_-]{1,32}", "must be at most 32 of A-Z a-z 0-9 + = , . @ _ -")] | None
    ) = None
    """If set, every role is named PREFIX + CLUSTER-PURPOSE (shortened, with a hash at the end, where IAM's 64 characters do not hold
    it); without it CloudFormation makes the names. Names of roles are one for all regions: give each region a prefix of its own."""
    permissions_boundary: (
        Annotated[
            str,
            pattern(
                POLICY_ARN,
                "must be the ARN of a managed policy: arn:aws:iam::ACCOUNT:policy/NAME",
            ),
        ]
        | None
    ) = None
    """ARN of the policy that bounds every role."""

    @property
    def prescribes(self) -> bool:
        """Whether anything is set."""
        return self != IamSpec()


def aws_policy(name: str) -> str:
    """Returns the ARN of the AWS managed policy ``name`` (with its path, such as ``service-role/...``); an ARN as it is."""
    return name if name.startswith("arn:") else f"arn:{Aws.PARTITION}:iam::aws:policy/{name}"


def allow(actions: Sequence[str], resources: Sequence[str] | str, *, sid: str) -> Statement:
    """Returns a policy statement that allows ``actions`` on ``resources``."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def create_service_linked_role(service: str, name: str) -> Statement:
    """Returns a statement that allows to make the role that a service needs once in an account, and no other.

    EC2 and Elastic Load Balancing make it with the rights of the caller who first needs it, or refuse the call.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    """
    role_arn = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/{service}/{name}"
    return {
        **allow(["iam:CreateServiceLinkedRole"], role_arn, sid="MakeTheRoleOfTheService"),
        "Condition": {"StringEquals": {"iam:AWSServiceName": service}},
    }


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Returns an IAM policy document with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust_service(service: str, *, tag_session: bool = False, conditions: Statement | None = None) -> dict[str, Any]:
    """Returns a trust policy for an AWS service, such as ``eks.amazonaws.com``.

    ``tag_session`` allows ``sts:TagSession`` too, which EKS Auto Mode and EKS Pod Identity ask for.
    """
    actions = ["sts:AssumeRole", "sts:TagSession"] if tag_session else ["sts:AssumeRole"]
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    if conditions:
        statement["Condition"] = conditions
    return document([statement])


def from_source(source: str) -> Statement:
    """Returns the condition against a confused deputy: the caller acts for ``source``, an ARN (wildcards allowed), in this account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}


def arn(service: str, resource: str) -> str:
    """Returns the ARN of a resource of this account and region, such as ``eks`` and ``cluster/NAME``."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def account_principal() -> dict[str, str]:
    """Returns this account as a principal: its own IAM policies decide who in it may."""
    return {"AWS": f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:root"}


def role(
    scope: Construct,
    construct_id: str,
    *,
    spec: IamSpec,
    name: str,
    description: str,
    trust: Any,
    managed: Sequence[str] = (),
    statements: Sequence[Statement] = (),
    more: Sequence[Sequence[Statement]] = (),
    named: bool = False,
) -> iam.CfnRole:
    """Makes an IAM role.

    Args:
        scope: parent construct.
        construct_id: id below the parent.
        spec: what the organisation prescribes.
        name: CLUSTER-PURPOSE; becomes the role's name where names are set.
        description: what the role is for, at most 1,000 characters.
        trust: the trust policy, a document or a token that becomes one.
        managed: names of AWS managed policies.
        statements: what else it may do; becomes a customer managed policy beside the role.
        more: the statements of further policies, for what one policy has no place for: 6,144 characters.
        named: names the role even without a prefix, for the few roles that Kubernetes objects refer to by name.
    """
    # The file may name a policy that the role has anyway, as a name or as an ARN: IAM takes each once.
    arns = [aws_policy(policy) for policy in dict.fromkeys(_AWS_POLICY.sub("", policy) for policy in managed)]
    for index, own in enumerate(filter(None, (statements, *more)), 1):
        policy = iam.CfnManagedPolicy(
            scope,
            f"{construct_id}Policy{index if index > 1 else ''}",
            path=spec.path,
            description=description,
            policy_document=document(own),
        )
        arns.append(policy.ref)
    return iam.CfnRole(
        scope,
        construct_id,
        role_name=role_name(spec, name) if named or spec.name_prefix else None,
        path=spec.path,
        description=description,
        assume_role_policy_document=trust,
        permissions_boundary=spec.permissions_boundary,
        managed_policy_arns=arns or None,
    )


def role_name(spec: IamSpec, name: str) -> str:
    """Returns the full name of a named role: the prefix and ``name``, shortened to what IAM allows."""
    return shortened(f"{spec.name_prefix or ''}{name}", limit("role_name"))


def shortened(name: str, longest: int) -> str:
    """Returns ``name``, or its beginning and a hash of all of it if it has more than ``longest`` characters."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: longest - _HASH - 1]}-{digest}"


def prescribe(scope: IConstruct, spec: IamSpec) -> None:
    """Holds every role and policy below ``scope``, whoever makes it, to what the organisation prescribes.

    The CDK makes some roles by itself: for its custom resources and the functions behind them.
    """
    if spec.prescribes:
        Aspects.of(scope).add(_Prescribed(spec))


@jsii.implements(IAspect)
class _Prescribed:
    def __init__(self, spec: IamSpec) -> None:
        self._spec = spec

    def visit(self, node: IConstruct) -> None:
        if not isinstance(node, CfnResource):
            return
        match _type_of(node):
            case "AWS::IAM::Role":
                self._bound(node)
                # The CDK's own roles have a token for a name, which resolves to nothing.
                if self._spec.name_prefix and not Stack.of(node).resolve(_said_name(node)):
                    node.add_property_override("RoleName", role_name(self._spec, _name_of(node)))
            case "AWS::IAM::User":
                self._bound(node)
            case "AWS::IAM::ManagedPolicy" | "AWS::IAM::InstanceProfile" | "AWS::IAM::Group":
                node.add_property_override("Path", self._spec.path)
            case "AWS::Serverless::Function" | "AWS::Serverless::StateMachine":
                # SAM makes their roles while CloudFormation deploys, and names them itself:
                # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
                self._bound(node, path="RolePath")

    def _bound(self, resource: CfnResource, path: str = "Path") -> None:
        resource.add_property_override(path, self._spec.path)
        if self._spec.permissions_boundary:
            resource.add_property_override("PermissionsBoundary", self._spec.permissions_boundary)


def _type_of(resource: CfnResource) -> str | None:
    """Returns the type of a resource that can be or make a role; its class says which that are, and costs no call of Node."""
    own = next(one.__module__ for one in type(resource).__mro__ if one.__module__.startswith("aws_cdk"))
    # Of aws_cdk itself is a resource of which the CDK, or a module of the environment, says the type's name alone.
    return resource.cfn_resource_type if own in ("aws_cdk", "aws_cdk.aws_iam", "aws_cdk.aws_sam") else None


def _said_name(resource: CfnResource) -> Any:
    return resource.role_name if isinstance(resource, iam.CfnRole) else resource._cfn_properties.get("RoleName")


def _name_of(resource: CfnResource) -> str:
    """Returns a name for a role that the CDK makes: unlike any other's, and the same in every synth."""
    stack = Stack.of(resource)
    # By its path, not its name: CloudFormation names a nested stack itself, with more characters than a role may have.
    return f"{stack.node.path.replace('/', '-')}-{stack.get_logical_id(resource)}"
