"""Whether CloudFormation keeps the data of a resource that it removes or replaces."""

from typing import Any

from responsibility.reading.resource import Resource
from responsibility.review.replacement import LOSSES

_SNAPSHOT_BY_DEFAULT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
"""What CloudFormation snapshots when it goes, unless told otherwise.
Source: AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""
_OUTSIDE = "manifests"
"""The stack of Kubernetes objects in files: taking a file away deletes nothing."""


def kept(resource: Resource) -> bool:
    """Whether the data of a removed resource survives."""
    if resource.type not in LOSSES or resource.stack.split("/")[0] == _OUTSIDE:
        return True
    raw = _raw(resource).get("DeletionPolicy")
    if raw is None and resource.type in _SNAPSHOT_BY_DEFAULT and not resource.maybe("DBClusterIdentifier"):
        return True
    return _retains(resource.deletion_policy)


def _retains(policy: str) -> bool:
    return policy in ("Retain", "RetainExceptOnCreate", "Snapshot")


def kept_when_replaced(resource: Resource) -> bool:
    """Whether the data of a resource survives its replacement."""
    return _retains(update_replace_policy(resource))


def update_replace_policy(resource: Resource) -> str:
    """Returns the UpdateReplacePolicy of a resource."""
    return str(_raw(resource).get("UpdateReplacePolicy", "Delete"))


def _raw(resource: Resource) -> dict[str, Any]:
    template = resource.template
    raw = (template.body.get("Resources") or {}).get(resource.id) if template else None
    return raw if isinstance(raw, dict) and "Type" in raw else {}
