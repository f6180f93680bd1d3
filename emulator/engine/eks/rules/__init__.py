"""What EKS rejects: one table of rules, each with AWS's page about it."""

from emulator.engine.eks.rules import access, certificates, cluster, compute, versions  # noqa: F401 - they fill the table
from emulator.engine.eks.rules.table import RULES, Rule, check

__all__ = ["RULES", "Rule", "check"]
