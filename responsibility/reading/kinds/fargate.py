"""Fargate: each pod has a machine of its own, which AWS runs."""

from __future__ import annotations

from responsibility.reading.eks import FargateProfile
from responsibility.reading.kinds.kind import GroupKind
from responsibility.reading.resource import text


class Fargate(GroupKind[FargateProfile]):
    """Profiles select the pods."""

    id = "fargate"
    compute_type = "fargate"
    entry_types = ("FARGATE_LINUX",)
    group = FargateProfile
    noun = "profile"

    def describe(self, group: FargateProfile) -> str:
        selectors = group.resource.maybe("Selectors", [])
        names = [text(item.get("Namespace", "?")) for item in selectors if isinstance(item, dict)]
        return f"{group.name} ({', '.join(names) or 'no selector'})"
