"""A cluster that no template makes: a compute stack says in its metadata what it joins."""

from __future__ import annotations

from typing import Any

METADATA = "eks-platform/existing-cluster"
"""Key of the metadata of a template: the properties of the cluster, as CloudFormation would have them."""
NOT_SAID = "(not looked up)"
"""In place of a property that EKS did not say: it is unknown, not left out."""
EXISTING = "ExistingCluster"
"""Logical id of the cluster among what was read."""


def add_existing_cluster(body: dict[str, Any]) -> None:
    """Puts the cluster that the metadata of a template describes among its resources, for the facts alone."""
    metadata = body.get("Metadata")
    properties = metadata.get(METADATA) if isinstance(metadata, dict) else None
    if isinstance(properties, dict):
        # A reference to nothing is what the reader takes for a value that it cannot know.
        body["Resources"].setdefault(EXISTING, {"Type": "AWS::EKS::Cluster", "Properties": _unknown(properties)})


def _unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unknown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown(item) for item in value]
    return {"Ref": "NotLookedUp"} if value == NOT_SAID else value
