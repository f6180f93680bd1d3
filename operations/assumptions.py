"""What only an account can settle: what this project takes for granted about AWS, each with the look that confirms or refutes it.

Each look asks AWS or the cluster's API, and changes nothing. `make smoke` runs them; docs/deploy.md has them as a table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from delivery.account import Asked
from delivery.problem import DeliveryProblem
from delivery.tools import Kubectl
from operations.deployed_stacks import DeployedStacks
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment


@dataclass(frozen=True)
class Seen:
    """What is looked at."""

    environment: Environment
    cluster: ClusterSpec
    account: Asked
    deployed: DeployedStacks
    kubectl: Kubectl | None
    """None: there is no way to the cluster's API from here."""

    def described(self) -> Mapping[str, Any]:
        """Returns the cluster as EKS describes it."""
        return self.account.one("eks", "describe_cluster", "cluster", name=self.cluster.name) or {}

    def objects(self, *what: str) -> list[dict[str, Any]]:
        """Returns objects of the cluster. Raises DeliveryProblem, CannotSee."""
        if self.kubectl is None:
            raise CannotSee("no kubectl with a context of this cluster (docs/access.md)")
        found = self.kubectl.get(*what) or {}
        return list(found.get("items", [found] if found else []))


class CannotSee(Exception):
    """A look that shows nothing. Its text says why."""


Look = Callable[[Seen], str | None]
"""Returns None where the assumption holds, or what is seen instead. Raises CannotSee, AccountError, DeliveryProblem."""


@dataclass(frozen=True)
class Assumption:
    """Something that is taken for granted."""

    says: str
    """One sentence."""
    command: str
    """What shows it by hand; CLUSTER and ENV stand for names."""
    look: Look
    applies: Callable[[Seen], bool] = lambda _: True


ASSUMPTIONS: list[Assumption] = []
"""Those that were added: `all_assumptions` has them all."""


def assumption(says: str, command: str, *, applies: Callable[[Seen], bool] = lambda _: True) -> Callable[[Look], Look]:
    """Adds the decorated function to the list."""

    def add(look: Look) -> Look:
        ASSUMPTIONS.append(Assumption(says, command, look, applies))
        return look

    return add


def has_auto_mode(seen: Seen) -> bool:
    """Whether the cluster has Auto Mode."""
    return seen.cluster.compute.active_auto_mode is not None


def has_managed_nodes(seen: Seen) -> bool:
    """Whether the cluster has managed nodes."""
    return seen.cluster.compute.managed_nodes is not None


def answer(one: Assumption, seen: Seen) -> tuple[str, str]:
    """Returns `met`, `not met` or `cannot see`, and why."""
    from responsibility.account.errors import AccountError

    try:
        instead = one.look(seen)
    except (CannotSee, AccountError, DeliveryProblem) as problem:
        return "cannot see", str(problem)
    except (AttributeError, KeyError, TypeError):
        return "cannot see", "what answered has another shape than it should have"
    return ("met", "") if instead is None else ("not met", instead)
