"""Whether the ARNs that policies spell out name what the assembly has.

What a template refers to (Ref, GetAtt, ImportValue) is there by construction. An ARN that is put together of names is not:
a slip in a name makes a role that nobody can take, or a right to nothing, and nothing refuses it.
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.support.templates import Templates, of_type

_PSEUDO = {"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "eu-west-1"}
_MADE = "<reference>"
_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy", "FileSystemPolicy", "Policies")
_CLUSTER_NAMES = re.compile(r"(?i)aws:(Resource|Request)Tag/(eks:(eks-)?cluster-name|elbv2\.k8s\.aws/cluster)$")
_OWNED = re.compile(r"(?i)aws:(?:Resource|Request)Tag/kubernetes\.io/cluster/(.+)$")


def unknown(templates: Templates) -> list[str]:
    """The ARNs and cluster names in policies that name nothing of the assembly, each with the resource that says it."""
    known = _known(templates)
    found = []
    for template in templates.values():
        for logical_id, resource in template["Resources"].items():
            for name in _DOCUMENTS:
                document = resolved(resource.get("Properties", {}).get(name))
                if isinstance(document, str) and document.startswith("{"):
                    document = json.loads(document)
                found += [f"{logical_id}: {text}" for text in _texts(document) if not _names(text, known)]
                found += [
                    f"{logical_id}: {key} {text}" for key, text in _clusters(document) if text not in known["eks"]
                ]
    return found


def resolved(value: Any) -> Any:
    """A part of a template without intrinsic functions: one account and region, and a mark for what a reference gives."""
    match value:
        case {"Ref": str() as name}:
            return _PSEUDO.get(name, _MADE)
        case {"Fn::Join": [str() as between, [*parts]]}:
            return between.join(str(resolved(part)) for part in parts)
        case {"Fn::Sub": str() as text}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: _PSEUDO.get(found[1], _MADE), text)
        case {"Fn::Sub": [str() as text, {**parts}]}:
            given = _PSEUDO | {key: str(resolved(part)) for key, part in parts.items()}
            return re.sub(r"\$\{([^}]+)\}", lambda found: given.get(found[1], _MADE), text)
        case {**inner} if len(inner) == 1 and next(iter(inner)).startswith("Fn::"):
            return _MADE
        case {**inner}:
            return {key: resolved(part) for key, part in inner.items()}
        case [*parts]:
            return [resolved(part) for part in parts]
    return value


def _known(templates: Templates) -> dict[str, set[str]]:
    def names(kind: str, key: str) -> set[str]:
        return {
            str(resolved(one[key]))
            for template in templates.values()
            for one in of_type(template, kind).values()
            if key in one
        }

    return {
        "eks": names("AWS::EKS::Cluster", "Name"),
        "logs": names("AWS::Logs::LogGroup", "LogGroupName"),
        "iam": names("AWS::IAM::Role", "RoleName"),
    }


def _names(text: str, known: dict[str, set[str]]) -> bool:
    """Whether an ARN names something of the assembly, something of AWS's own, or everything of a kind."""
    match = re.fullmatch(r"arn:aws:([a-z0-9-]*):[^:]*:([^:]*):(.+)", text)
    if not match or _MADE in text:
        return True
    service, account, resource = match.groups()
    kind, _, name = resource.partition("/")
    if account not in ("", "123456789012") or (service == "ssm" and resource.startswith("parameter/aws/service/")):
        return True
    if re.fullmatch(r"[a-z-]+(/(app|net))?(/\*)+", resource) or resource in ("*", "root"):
        return True
    if (service, resource) == ("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*"):
        return True
    if service == "eks" and kind in ("cluster", "fargateprofile", "nodegroup"):
        return name.split("/")[0] in known["eks"]
    if service == "logs":
        group = resource.removeprefix("log-group:").removesuffix(":*")
        # A family of log groups may be empty, a group may not.
        return group.endswith("*") or any(fnmatchcase(one, group) for one in known["logs"])
    if service == "iam" and re.fullmatch(
        r"role/aws-service-role/[a-z0-9.]+\.amazonaws\.com/AWSServiceRoleFor\w+", resource
    ):
        return True
    if service == "iam" and kind == "role":
        return name.rsplit("/", 1)[-1] in known["iam"]
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)


def _clusters(value: Any) -> Iterator[tuple[str, str]]:
    """Names of clusters in conditions on tags."""
    if isinstance(value, dict):
        for key, part in value.items():
            if owned := _OWNED.fullmatch(key):
                yield key, owned[1]
            elif _CLUSTER_NAMES.fullmatch(key):
                # ${aws:PrincipalTag/...}: the session says which cluster.
                yield from ((key, text) for text in _texts(part) if not text.startswith("${aws:"))
            else:
                yield from _clusters(part)
    elif isinstance(value, list):
        for part in value:
            yield from _clusters(part)
