"""Resources with properties that somebody set past the constructs: `overrides:` of an environment file (stacks/overrides.py)."""

from __future__ import annotations

from typing import Any

from responsibility.reading.facts import Fact

METADATA = "eks-platform/overrides"
"""Key of a resource's metadata: property and reason of each override."""


class Overridden(Fact):
    """A resource with overrides."""

    what = "resource"

    @property
    def overrides(self) -> list[tuple[str, str]]:
        """Property and reason of each."""
        return [
            (str(one["Property"]), str(one.get("Reason", "")))
            for one in said(self.resource.template.body if self.resource.template else {}, self.resource.id)
        ]


def said(body: dict[str, Any], logical_id: str) -> list[dict[str, Any]]:
    """Returns what the metadata of a resource says of overrides."""
    resources = body.get("Resources")
    resource = resources.get(logical_id) if isinstance(resources, dict) else None
    metadata = resource.get("Metadata") if isinstance(resource, dict) else None
    found = metadata.get(METADATA) if isinstance(metadata, dict) else None
    return [one for one in found if isinstance(one, dict) and "Property" in one] if isinstance(found, list) else []
