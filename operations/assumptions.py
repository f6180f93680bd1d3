"""Assumptions about AWS that only an account can confirm, each with the check that confirms or refutes it.

Each check reads AWS or the cluster's API, and changes nothing. `make smoke` runs them; docs/deploy.md has them as a table.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """One cluster under test, and the ways to ask about it."""

    environment: Environment
    cluster: ClusterSpec
    account: Asked
    deployed: DeployedStacks
    kubectl: Kubectl | None
    """None: there is no way to the cluster's API from here."""

    def described(self) -> Mapping[str, Any]:
        """Returns the cluster as EKS describes it."""
        return self.account.one("eks", "describe_cluster", "cluster", name=self.cluster.name) or {}

    def each(
        self, listing: str, names: str, describing: str, what: str, argument: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the name and the description of each of a cluster's parts, such as its node groups, as EKS gives them.

        Args:
            listing: the operation that lists them.
            names: the key of its answer.
            describing: the operation that describes one.
            what: the key of its answer.
            argument: its argument for the name, and the key of the name where the list has more than names.
        """
        cluster = self.cluster.name
        for one in self.account.items("eks", listing, names, clusterName=cluster):
            name = one if isinstance(one, str) else one[argument]
            yield name, self.account.one("eks", describing, what, clusterName=cluster, **{argument: name}) or {}

    def objects(self, *what: str) -> list[dict[str, Any]]:
        """Returns objects of the cluster. Raises DeliveryProblem, CannotSee."""
        if self.kubectl is None:
            raise CannotSee("no kubectl with a context of this cluster (docs/access.md)")
        found = self.kubectl.get(*what) or {}
        return list(found.get("items", [found] if found else []))


class CannotSee(Exception):
    """A check that cannot decide. Its text says why."""


Look = Callable[[Seen], str | None]
"""Returns None where the assumption holds, or what is seen instead. Raises CannotSee, AccountError, DeliveryProblem."""


@dataclass(frozen=True)
class Assumption:
    """One assumption."""

    says: str
    command: str
    """The command that shows it by hand; CLUSTER and ENV are placeholders."""
    look: Look
    applies: Callable[[Seen], bool] = lambda _: True


ASSUMPTIONS: list[Assumption] = []
"""The registry; `all_assumptions` fills it."""


def assumption(says: str, command: str, *, applies: Callable[[Seen], bool] = lambda _: True) -> Callable[[Look], Look]:
    """Adds the decorated function to the list."""

    def add(look: Look) -> Look:
        ASSUMPTIONS.append(Assumption(says, command, look, applies))
        return look

    return add


def not_active(parts: Iterable[tuple[str, Mapping[str, Any]]]) -> str | None:
    """Returns which parts of a cluster are not ACTIVE, and what they are; None: all are."""
    wrong = [f"{name} is {found.get('status')}" for name, found in parts if found.get("status") != "ACTIVE"]
    return "; ".join(wrong) or None


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
        return "cannot see", "the answer has an unexpected shape"
    return ("met", "") if instead is None else ("not met", instead)
