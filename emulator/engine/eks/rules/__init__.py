"""What EKS itself would say: one table of rules, each with the page that it follows."""

from emulator.engine.eks.rules import access, certificates, cluster, compute  # noqa: F401 - they fill the table
from emulator.engine.eks.rules.table import RULES, Rule, check

__all__ = ["RULES", "Rule", "check"]
