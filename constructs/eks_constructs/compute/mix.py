"""The mix of compute kinds in a cluster, as add-ons and controllers depend on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OWN_LABELS = "eks-platform/"
"""Beginning of the labels that this project gives nodes: controllers, plugins and drivers find theirs by them, so nobody else sets them."""
KIND_LABEL = f"{OWN_LABELS}compute-kind"
"""Label of the nodes whose labels we can set."""

Hosting = Literal["at_once", "once_applied", "never"]
"""When ordinary pods find a node: as soon as the stack is deployed, once Kubernetes objects are applied, or never."""


@dataclass(frozen=True)
class Share:
    """One kind of compute in a mix."""

    kind: str
    hosting: Hosting
    rank: int
    """Deployments of add-ons and controllers go to the kind of the lowest rank that has room for them."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of its nodes, and of no others; empty: its pods have no nodes to choose."""
    takes_workloads: bool = True
    """Whether a workload may name it. Nodes of Karpenter are beside the managed ones."""
    windows: bool = False
    """Whether some of its nodes have Windows."""
    tolerations: tuple[Mapping[str, str], ...] = ()
    """What the Deployments of add-ons and controllers must tolerate to run there."""


@dataclass(frozen=True)
class ComputeMix:
    """Which kinds of compute a cluster has once its stack is deployed."""

    shares: tuple[Share, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The kinds that workloads may name."""
        return [share.kind for share in self.shares if share.takes_workloads]

    @property
    def host(self) -> Share | None:
        """The kind that runs the Deployments of add-ons and controllers: the first with room for them, now or later."""
        hosts = [share for share in self.shares if share.hosting != "never"]
        return min(hosts, key=lambda share: (share.hosting != "at_once", share.rank), default=None)

    @property
    def windows(self) -> bool:
        """Whether some nodes have Windows."""
        return any(share.windows for share in self.shares)

    @property
    def deployments_run_on(self) -> str | None:
        """Its name."""
        return self.host.kind if self.host else None

    @property
    def deployments_wait_for_pools(self) -> bool:
        """Whether those Deployments find a node only once the node pools of the environment file are applied."""
        return self.host is not None and self.host.hosting == "once_applied"

    @property
    def deployments_selector(self) -> Mapping[str, str]:
        """Labels of the nodes for those Deployments, where there are others beside them; on Fargate profiles select pods."""
        several = sum(bool(share.node_selector) for share in self.shares) > 1
        return self.host.node_selector if self.host and several else {}

    @property
    def deployments_tolerations(self) -> tuple[Mapping[str, str], ...]:
        """What those Deployments must tolerate."""
        return self.host.tolerations if self.host else ()
