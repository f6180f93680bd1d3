"""Checks what was just written against the limits of CloudFormation and Kubernetes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from eks_facts.files import limit
from safe_io.errors import BadInput


class LimitExceeded(BadInput):
    """Something generated is larger than AWS or Kubernetes takes. Its text is for the person who wrote the environment."""


def check_templates(templates: Iterable[Path]) -> None:
    """Raises LimitExceeded if a template is larger than CloudFormation takes, or two of them make a role of one name."""
    roles: dict[str, str] = {}
    for path in templates:
        stack = path.name.removesuffix(".template.json")
        size = path.stat().st_size
        template = json.loads(path.read_bytes())
        resources, outputs = len(template.get("Resources", {})), len(template.get("Outputs", {}))
        found_of = {"stack_resources": resources, "stack_outputs": outputs, "template_bytes": size}
        for name, found in found_of.items():
            what = name.split("_")[1]
            if found > limit(name):
                raise LimitExceeded(
                    f"stack {stack}: {found:,} {what}; CloudFormation takes at most {limit(name):,}. "
                    f"{_advice(stack)} https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
                )

        for name, resource in template.get("Resources", {}).items():
            _check_handed_over(stack, name, resource)
            if resource["Type"] == "AWS::IAM::ManagedPolicy":
                _check_policy(stack, name, resource["Properties"])
            if resource["Type"] == "AWS::IAM::Role":
                _check_role_name(f"{name} of stack {stack}", resource.get("Properties", {}).get("RoleName"), roles)


_SHORTEST = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}


def _check_policy(stack: str, name: str, properties: Mapping[str, Any]) -> None:
    """Raises LimitExceeded if IAM would refuse a policy for its size; values that CloudFormation fills in count as short ones."""
    text = json.dumps(_filled(properties.get("PolicyDocument")), separators=(",", ":"))
    if len(text) > limit("policy_characters"):
        raise LimitExceeded(
            f"{name} of stack {stack}: the policy has {len(text):,} characters; IAM takes at most {limit('policy_characters'):,}. Name"
            " fewer resources, or name them by a shorter pattern"
        )


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Ref", name)]:
            return _SHORTEST.get(name, "")
        case [("Fn::Join", [separator, list(parts)])]:
            return separator.join(str(_filled(one)) for one in parts)
        case [(name, _)] if name.startswith("Fn::"):
            return ""
    return {key: _filled(one) for key, one in value.items()}


def _check_role_name(what: str, name: object, taken: dict[str, str]) -> None:
    """Raises LimitExceeded if IAM would refuse the name of a role: names are not case-sensitive."""
    if not isinstance(name, str):
        return
    if other := taken.get(name.lower()):
        raise LimitExceeded(
            f"{what}: its role would be called {name}, as that of {other} is, and IAM has a name once;"
            " choose another name for the cluster, the role or the namespace that it is made of"
        )
    if len(name) > limit("role_name"):
        raise LimitExceeded(
            f"{what}: the role name {name} has {len(name)} characters; IAM takes at most {limit('role_name')}"
        )
    taken[name.lower()] = what


def _check_handed_over(stack: str, name: str, resource: Mapping[str, Any]) -> None:
    """Raises LimitExceeded if a custom resource has more Kubernetes objects than CloudFormation hands to its function."""
    if "Manifest" not in resource.get("Properties", {}):
        return
    size = len(json.dumps(resource["Properties"]).encode())
    if size > limit("manifest_bytes"):
        raise LimitExceeded(
            f"stack {stack}: the Kubernetes objects of {name} have {size:,} bytes; CloudFormation hands at most"
            f" {limit('manifest_bytes'):,} to the function that applies them. Make two workloads of it, or say delivery: files"
        )


def check_manifests(folder: Path) -> None:
    """Raises LimitExceeded if a Kubernetes object in the folder's YAML is larger than kubectl and Lambda take."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder.rglob("*.yaml")):
        if path.stat().st_size <= limit("manifest_bytes"):
            continue
        for item in yaml.load_all(path.read_text(encoding="utf-8"), loader):
            size = len(json.dumps(item).encode())
            if size > limit("manifest_bytes"):
                raise LimitExceeded(
                    f"{path.relative_to(folder.parent)}: {item['kind']} {item['metadata']['name']} has {size:,} bytes;"
                    f" at most {limit('manifest_bytes'):,} can be applied. Split it"
                )


def _advice(stack: str) -> str:
    if stack.endswith("-foundation"):
        return "Each cluster adds a few resources to it: divide the clusters among several environment files."
    if "-workloads-" in stack:
        return "Divide the workloads among several clusters, or say delivery: files."
    return "Divide node groups, profiles and access entries among several clusters."
