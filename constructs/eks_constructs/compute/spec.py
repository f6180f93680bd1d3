"""The kinds of compute of a cluster, in any mix: the `compute` section of an environment file."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import model_validator

from eks_constructs.compute.auto_mode.spec import AutoModeSpec
from eks_constructs.compute.fargate.spec import FargateSpec
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.kind import ComputeKind
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.compute.mix import ComputeMix
from eks_constructs.compute.registry import KINDS
from eks_constructs.compute.self_managed_nodes.spec import SelfManagedNodesSpec
from eks_constructs.control_plane import RemoteNetworks
from eks_constructs.spec import Misplaced, Spec


class ComputeSpec(Spec):
    """The kinds of compute of a cluster, in any mix."""

    auto_mode: AutoModeSpec | None = None
    managed_nodes: ManagedNodesSpec | None = None
    self_managed_nodes: SelfManagedNodesSpec | None = None
    karpenter: KarpenterSpec | None = None
    """EC2 nodes beside the managed ones, added and removed by your own autoscaler."""
    fargate: FargateSpec | None = None
    hybrid_nodes: HybridNodesSpec | None = None
    """Machines of yours, outside of AWS (docs/hybrid.md)."""

    def present(self) -> Iterator[tuple[ComputeKind[Any], Any]]:
        """Yields each kind that the file names, switched off or not, with its section."""
        for name, kind in KINDS.items():
            if (section := getattr(self, name, None)) is not None:
                yield kind, section

    def active(self) -> Iterator[tuple[ComputeKind[Any], Any]]:
        """Yields each kind that the cluster has, with its section."""
        return ((kind, section) for kind, section in self.present() if kind.active(section))

    @property
    def sections(self) -> Mapping[str, Any]:
        """The section of each kind that the cluster has, by name."""
        return {kind.name: section for kind, section in self.active()}

    @property
    def active_auto_mode(self) -> AutoModeSpec | None:
        """Auto Mode, unless it is off or on its way out."""
        return self.auto_mode if self.auto_mode and self.auto_mode.enabled else None

    @property
    def remote_networks(self) -> RemoteNetworks | None:
        """The networks outside of the VPC that its nodes and pods have, or had."""
        return next(filter(None, (kind.remote_networks(section) for kind, section in self.present())), None)

    @property
    def mix(self) -> ComputeMix:
        """What the rest of the cluster needs to know of it."""
        return ComputeMix(tuple(kind.share(section) for kind, section in self.active()))

    @model_validator(mode="after")
    def _together(self) -> "ComputeSpec":
        present = {kind.name: section for kind, section in self.present()}
        for kind, section in self.present():
            kind.check(section, present)
        return self

    @model_validator(mode="after")
    def _room_for_addons(self) -> "ComputeSpec":
        groups = "managed_nodes" if self.managed_nodes else "self_managed_nodes" if self.self_managed_nodes else None
        # AWS wants replicas of CoreDNS in the cloud, and webhooks; drivers of EBS and EFS do not run at sites at all.
        if groups and self.mix.deployments_run_on in (None, "hybrid_nodes"):
            at_sites = self.mix.deployments_run_on and (
                " (hybrid nodes do not do: https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-webhooks.html)"
            )
            raise Misplaced(
                "no group can host CoreDNS and the other add-ons: one needs Linux, a desired_size above 0, no taints and no revision."
                " A built-in pool of Auto Mode would do, too, a node pool of auto_mode without taints, or Fargate"
                f"{at_sites or ''}",
                *(groups, "groups"),
            )
        return self

    @model_validator(mode="after")
    def _something(self) -> "ComputeSpec":
        active = [(kind, section) for kind, section in self.active() if kind.rule]
        if not active:
            raise ValueError(
                "names no compute, so no pod could run; add auto_mode: {}, managed_nodes, self_managed_nodes, fargate or hybrid_nodes"
            )
        if not any(kind.has_room(section) for kind, section in active):
            raise Misplaced(
                "auto_mode has no node pools and there is no other compute; name built_in_node_pools or node_pools",
                "auto_mode",
                "built_in_node_pools",
            )
        return self
