"""The half of a cluster that you run: add-ons, compute, roles of pods, wired in the order that works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from constructs import Construct, IDependable

from eks_constructs.addon_plan import PlannedAddon
from eks_constructs.addons import Addons
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.compute.kind import Wiring
from eks_constructs.identity import OidcProvider
from eks_constructs.pod_identities import PodIdentities
from eks_constructs.pod_security_groups import cni_settings


@dataclass(frozen=True)
class ClusterCompute:
    """What was made."""

    addons: Addons
    kinds: Mapping[str, Construct]
    """The construct of each kind of compute that has one, by its name: ManagedNodes, Fargate, ..."""
    pod_identities: PodIdentities | None


def add_compute(
    scope: Construct,
    spec: EksClusterSpec,
    plan: Sequence[PlannedAddon],
    wiring: Wiring,
    *,
    oidc: OidcProvider | None,
    security_group_id: str,
) -> ClusterCompute:
    """Makes add-ons that nodes wait for, compute, then the add-ons that wait for nodes. Deletion goes the other way.

    Args:
        scope: parent of the constructs.
        spec: the cluster.
        plan: its add-ons.
        wiring: what the constructs are connected to.
        oidc: IAM's trust in the cluster's tokens, for roles of pods on Fargate.
        security_group_id: of the control plane and the nodes.
    """
    cni = cni_settings(spec.security_groups_for_pods)
    addons = _addons(scope, "Addons", plan, wiring, oidc=oidc, security_group_id=security_group_id, cni=cni)
    after_addons = wiring.after(addons.before_nodes)
    made = {kind.name: kind.build(scope, section, after_addons) for kind, section in spec.compute.active()}
    addons.after_nodes(nodes=[node for one in made.values() for node in one.nodes])
    # Not with the workloads: a pod gets the role that its service account has when it starts, and on the way out controllers
    # still need theirs while the objects that they look after are deleted.
    identities = (
        PodIdentities(
            scope,
            "PodIdentities",
            [(one, spec.ways_of(one)) for _, one in spec.all_pod_identities],
            cluster=wiring.cluster,
            oidc=oidc,
            iam=wiring.context.iam,
        )
        if spec.all_pod_identities
        else None
    )
    return ClusterCompute(
        addons, {name: one.construct for name, one in made.items() if one.construct is not None}, identities
    )


def add_late_addons(
    scope: Construct,
    construct_id: str,
    plan: Sequence[PlannedAddon],
    wiring: Wiring,
    *,
    security_group_id: str,
    after: Sequence[IDependable],
) -> Addons:
    """Makes add-ons whose pods find a node only on node pools, after what applies those."""
    addons = _addons(scope, construct_id, plan, wiring, oidc=None, security_group_id=security_group_id)
    addons.after_nodes(nodes=after)
    return addons


def _addons(
    scope: Construct,
    construct_id: str,
    plan: Sequence[PlannedAddon],
    wiring: Wiring,
    *,
    oidc: OidcProvider | None,
    security_group_id: str,
    cni: Mapping[str, Any] | None = None,
) -> Addons:
    context = wiring.context
    return Addons(
        scope,
        construct_id,
        plan,
        cluster=wiring.cluster,
        oidc=oidc,
        security_group_id=security_group_id,
        network=wiring.network,
        ipv6=context.ipv6,
        iam=context.iam,
        volume_tags=context.tags_of_what_is_made,
        cni=cni,
    )
