"""Every assumption about AWS: importing the modules registers theirs."""

from operations import account_assumptions, cluster_assumptions, compute_assumptions  # noqa: F401 - they add to the list
from operations.assumptions import ASSUMPTIONS, Assumption


def assumptions() -> list[Assumption]:
    """Returns every assumption, in the order to check."""
    return ASSUMPTIONS


def table() -> str:
    """Returns the assumptions as the table of docs/deploy.md."""
    rows = [f"| {one.says} | `{one.command}` |" for one in assumptions()]
    return "\n".join(["| Assumption | Command that shows it |", "|---|---|", *rows]) + "\n"
