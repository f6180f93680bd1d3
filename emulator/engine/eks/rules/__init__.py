"""What EKS rejects: one table of rules, each with AWS's page about it."""

from emulator.engine.eks.rules import (  # noqa: F401 - they fill the table
    access,
    certificates,
    cluster,
    compute,
    identity_providers,
    node_entries,
    remote_networks,
    versions,
)
from emulator.engine.eks.rules.table import RULES, Rule, check

__all__ = ["RULES", "Rule", "check"]
