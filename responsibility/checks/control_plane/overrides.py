"""Checks of what was set past the constructs."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.eks import Cluster
from responsibility.reading.overridden import Overridden


@check("EKR360", Cluster)
def nothing_is_overridden(cluster: Cluster) -> Answer:
    """Lists each override of the cluster's resources, and of those that belong to no cluster alone, with its reason."""
    found = [one for one in cluster.facts.all(Overridden) if one.cluster_key in ("", cluster.cluster_key)]
    if not found:
        return met("no override sets a property")
    words = "; ".join(
        f"{one.words} {path}{f' ({reason})' if reason else ''}" for one in found for path, reason in one.overrides
    )
    return open_(f"has overrides: {words}", *(one.at(path) for one in found for path, _ in one.overrides))
