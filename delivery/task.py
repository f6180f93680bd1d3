"""What apply and remove work on: a plan, the values of its placeholders, and the tools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from delivery.plan import Plan
from delivery.tools import Helm, Kubectl


@dataclass(frozen=True)
class Task:
    """One delivery to one cluster."""

    plan: Plan
    values: Mapping[str, str]
    """Of placeholders and outputs of the stack."""
    kubectl: Kubectl
    helm: Helm | None
    """None if the plan has no charts."""
    timeout: int
    """Seconds for an object to be ready, or to go."""
    say: Callable[[str], None]
    """Prints a line of progress."""
    pause: float = 5
    """Seconds between two looks at a Job or a volume."""
