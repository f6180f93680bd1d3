"""Links an account's resources with references, as templates do, and assigns what only one cluster uses to that cluster."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from responsibility.reading.resource import Resource
from responsibility.reading.values import Reference, references

_OWN_WORDS = {"AssumeRolePolicyDocument", "PolicyDocument", "Policies", "Tags", "Arn", "AssociationArn"}
"""Properties whose text stays as it is: documents that facts read as text, and what names the resource itself."""


def link(resources: list[Resource]) -> None:
    """Replaces ids and ARNs of what was read by references, and gives what one cluster alone uses to that cluster."""
    known = {name: Reference(r.stack, r.id) for r in resources for name in _names(r)}
    for resource in resources:
        for key, value in resource.properties.items():
            if key not in _OWN_WORDS:
                resource.properties[key] = _linked(value, known, resource.id)
    _give_to_clusters(resources)


def _names(resource: Resource) -> list[str]:
    """Returns what others call a resource by."""
    arn = resource.properties.get("Arn")
    names = [arn] if isinstance(arn, str) else []
    return names if resource.type.startswith(("AWS::EKS::", "EKS::")) else [resource.id, *names]


def _linked(value: Any, known: dict[str, Reference], own: str) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _linked(item, known, own)
        return value
    if isinstance(value, list):
        return [_linked(item, known, own) for item in value]
    found = known.get(value) if isinstance(value, str) else None
    return found if found and found.resource != own else value


def _give_to_clusters(resources: list[Resource]) -> None:
    by_key = {resource.key: resource for resource in resources}
    users: dict[str, set[Any]] = defaultdict(set)
    # First what clusters name, then what belongs to a VPC, or is named by what does.
    for _ in range(2):
        for resource in resources:
            owners = {resource.belongs_to} if resource.belongs_to else users[resource.key]
            for key, _attribute in references(resource.properties):
                target = by_key.get(key)
                if target is None or target.belongs_to:
                    continue
                if resource.belongs_to:
                    users[key] |= owners
                elif target.type == "AWS::EC2::VPC":
                    users[resource.key] |= users[key]
    for resource in resources:
        if not resource.belongs_to and resource.type != "AWS::IAM::Role" and len(users[resource.key]) == 1:
            resource.belongs_to = next(iter(users[resource.key]))
