"""Builds the stacks of one environment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.roles import prescribe
from stacks.access import AccessStack
from stacks.capabilities import CapabilitiesStack
from stacks.compute import ComputeStack, RevisionStack
from stacks.control_plane import ControlPlaneStack, RunningCluster
from stacks.environment.cluster_spec import ClusterSpec, LockFile
from stacks.environment.model import Environment
from stacks.environment.stack_names import (
    access_stack,
    capabilities_stack,
    compute_stack,
    control_plane_stack,
    foundation_stack,
    network_stack,
    protection_stack,
    services_stack,
    workloads_stack,
)
from stacks.files import write_delivery, write_handouts
from stacks.foundation import FoundationStack
from stacks.network import EgressStack, NetworkStack
from stacks.notes import say_what_is_not_checked, say_what_waits
from stacks.protection import ProtectionStack
from stacks.services import ServicesStack
from stacks.workloads import WorkloadsStack, needs_stack


@dataclass(frozen=True)
class Platform:
    """The stacks of one environment."""

    environment: Environment
    foundation: FoundationStack
    networks: list[NetworkStack] = field(default_factory=list)
    egresses: list[EgressStack] = field(default_factory=list)
    clusters: list[RunningCluster] = field(default_factory=list)
    control_planes: list[ControlPlaneStack] = field(default_factory=list)
    accesses: list[AccessStack] = field(default_factory=list)
    capabilities: list[CapabilitiesStack] = field(default_factory=list)
    services: list[ServicesStack] = field(default_factory=list)
    computes: list[ComputeStack] = field(default_factory=list)
    revisions: list[RevisionStack] = field(default_factory=list)
    workloads: list[WorkloadsStack] = field(default_factory=list)
    protections: list[ProtectionStack] = field(default_factory=list)

    @property
    def stacks(self) -> list[cdk.Stack]:
        """All stacks, in the order in which they are deployed."""
        return [
            self.foundation,
            *self.networks,
            *self.egresses,
            *self.control_planes,
            *self.accesses,
            *self.capabilities,
            *self.services,
            *self.computes,
            *self.revisions,
            *self.workloads,
            *self.protections,
        ]

    def only_to_look_at(self, reason: str) -> None:
        """Makes the CDK CLI and CloudFormation refuse to deploy the workloads: another delivery would delete every object.

        Both require a value for a parameter without a default, and no value is allowed.
        """
        for stack in self.workloads:
            parameter = cdk.CfnParameter(stack, "OnlyToLookAt", allowed_values=["no value"])
            parameter.description = (
                f"{reason}, not to deploy: write delivery into the environment file (docs/workloads.md)"
            )

    def write_manifests(self, folder: Path) -> None:
        """Writes the Kubernetes objects of clusters with `delivery: files` into ``folder``/CLUSTER/."""
        for cluster in self.clusters:
            if not cluster.spec.delivered_by_stack:
                write_delivery(folder / cluster.spec.name, cluster, self.environment)

    def write_handouts(self, folder: Path) -> None:
        """Writes files for people, for what no deploy does, such as to join machines of their own."""
        for cluster in self.clusters:
            context = self.environment.context_of(cluster.spec)
            for kind, section in cluster.spec.compute.active():
                write_handouts(folder, kind.handouts(section, context))


S = TypeVar("S", bound=cdk.Stack)


def build(
    scope: Construct,
    environment: Environment,
    *,
    lock: LockFile | None = None,
    before_pools: Collection[str] = (),
    sizes: Mapping[tuple[str, str], int] | None = None,
) -> Platform:
    """Makes the stacks of ``environment``.

    Args:
        scope: the app.
        environment: what to build.
        lock: versions of add-ons.
        before_pools: names of clusters whose node pools `make apply` has yet to make: without the add-ons that need them.
        sizes: desired sizes of node groups whose size the file does not name, by cluster and group.
    """
    builder = _Builder(scope, environment, lock, before_pools, sizes or {})
    for spec in environment.clusters:
        builder.add_cluster(spec)
    builder.connect_argo_cd()
    for key, value in environment.all_tags.items():
        cdk.Tags.of(scope).add(key, value)
    prescribe(scope, environment.iam)
    return builder.platform


class _Builder:
    """Makes stacks, cluster by cluster.

    Attributes:
        platform: what was made so far.
    """

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        lock: LockFile | None,
        before_pools: Collection[str],
        sizes: Mapping[tuple[str, str], int],
    ) -> None:
        self._scope, self._environment, self._name = scope, environment, environment.name
        self._lock, self._before_pools, self._sizes = lock, before_pools, sizes
        self._foundation = FoundationStack(scope, foundation_stack(self._name), environment)
        self.platform = Platform(environment, self._foundation)
        # Where clusters share none, each has its own (the environment's validator sees to it), and this one is not used.
        shared = environment.network
        self._shared = self._network(shared, None) if shared else (ClusterNetwork("", [], None, []), [])

    def add_cluster(self, spec: ClusterSpec) -> None:
        """Makes the stacks of a cluster."""
        platform, environment = self.platform, self._environment
        cluster, before, egress = self._control_plane(spec)
        platform.clusters.append(cluster)
        capabilities = self._capabilities(spec, before)
        computes = self._computes(cluster, [before, *egress])
        its_stacks = computes or [before, *egress]
        without_pools = spec.name in self._before_pools
        say_what_waits(its_stacks[0], spec, environment, before_pools=without_pools)
        say_what_is_not_checked(its_stacks[0], spec, environment, self._lock)
        if needs_stack(spec, environment, before_pools=without_pools):
            running = WorkloadsStack(
                self._scope,
                workloads_stack(self._name, spec.name),
                cluster,
                environment=environment,
                logs_key_arn=self._foundation.logs_key_arn,
                lock=self._lock,
                before_pools=without_pools,
                role_arns=next((one.role_arns for one in computes if isinstance(one, ComputeStack)), {}),
            )
            # Objects of capabilities' kinds come after their definitions.
            its_stacks = [*its_stacks, _after([*its_stacks, *capabilities], platform.workloads, running)]
        if spec.has_services:
            name = services_stack(self._name, spec.name)
            services = ServicesStack(self._scope, name, cluster, environment=environment, foundation=self._foundation)
            its_stacks = [*its_stacks, _after([before], platform.services, services)]
        if not spec.existing:
            name = protection_stack(self._name, spec.name)
            last = ProtectionStack(self._scope, name, spec, environment=environment)
            # Nodes, people and capabilities come side by side; before all of it goes, this is asked.
            _after([platform.accesses[-1], *capabilities, *its_stacks], platform.protections, last)

    def connect_argo_cd(self) -> None:
        """Lets the capability Argo CD of one cluster deploy to the others that it brings objects to."""
        if (hub := self._environment.argo_cd_hub) is None:
            return
        stack = next(one for one in self.platform.capabilities if one.cluster_name == hub.name)
        for control_plane in self.platform.control_planes:
            spec = control_plane.spec
            if spec.delivery == "gitops" and spec.name != hub.name:
                stack.give_argo_cd(spec.name)
                stack.add_stack_dependency(control_plane)

    def _network(
        self, spec: NetworkSpec | ExistingNetworkSpec, cluster: ClusterSpec | None
    ) -> tuple[ClusterNetwork, list[cdk.Stack]]:
        """Returns a network, and the stack of its ways out, if it is ours."""
        if isinstance(spec, ExistingNetworkSpec):
            return ClusterNetwork.existing(spec), []
        name = network_stack(self._name, cluster.name if cluster else None)
        stack = NetworkStack(self._scope, name, spec, environment=self._environment, cluster=cluster)
        self.platform.networks.append(stack)
        return stack.network.cluster_network, [_after([stack], self.platform.egresses, stack.egress)]

    def _control_plane(self, spec: ClusterSpec) -> tuple[RunningCluster, cdk.Stack, list[cdk.Stack]]:
        """Returns a cluster, the stack that it is there after, and that of the ways out, which its nodes need besides."""
        if spec.existing:
            return RunningCluster.existing(spec, spec.existing), self._foundation, []
        network, egress = self._network(spec.network, spec) if spec.network else self._shared
        foundation = self._foundation.clusters[spec.name]
        stack = ControlPlaneStack(
            self._scope,
            control_plane_stack(self._name, spec.name),
            spec,
            environment=self._environment,
            foundation=foundation,
            network=network,
        )
        # A control plane whose own traffic takes the VPC's routes starts with them; others do not wait for NAT gateways.
        by_routes = egress if spec.control_plane.egress == "CUSTOMER_ROUTED" else []
        _after([self._foundation, *by_routes], self.platform.control_planes, stack)
        access = AccessStack(
            self._scope,
            access_stack(self._name, spec.name),
            spec,
            environment=self._environment,
            control_plane=stack,
            network=network,
        )
        _after([stack], self.platform.accesses, access)
        lasting, joining = foundation.lasting, stack.joining
        return RunningCluster(spec, network, stack.security_group_id, access.oidc, lasting, joining), stack, egress

    def _capabilities(self, spec: ClusterSpec, before: cdk.Stack) -> list[cdk.Stack]:
        """Makes the stack of the controllers that AWS runs for a cluster, if it has some."""
        if not spec.capabilities:
            return []
        stack = CapabilitiesStack(
            self._scope,
            capabilities_stack(self._name, spec.name),
            spec,
            spec.capabilities,
            environment=self._environment,
            logs_key_arn=self._foundation.logs_key_arn,
        )
        return [_after([before], self.platform.capabilities, stack)]

    def _computes(self, cluster: RunningCluster, before: Sequence[cdk.Stack]) -> list[cdk.Stack]:
        """Makes the compute stack of a cluster, if it has something to make, and those of node groups beside it."""
        spec = cluster.spec
        if not spec.has_compute_resources:  # CloudFormation takes no stack without resources
            return []
        sizes = {group: size for (name, group), size in self._sizes.items() if name == spec.name}
        compute = ComputeStack(
            self._scope,
            compute_stack(self._name, spec.name),
            cluster,
            environment=self._environment,
            lock=self._lock,
            sizes=sizes,
        )
        made: list[cdk.Stack] = [_after(before, self.platform.computes, compute)]
        if not (nodes := spec.compute.managed_nodes):
            return made
        for revision in filter(None, nodes.revisions):
            stack = RevisionStack(
                self._scope,
                compute_stack(self._name, spec.name, revision),
                cluster,
                nodes,
                revision=revision,
                environment=self._environment,
                sizes=sizes,
            )
            # Nodes are not ready without the add-ons that are made there.
            made.append(_after([compute], self.platform.revisions, stack))
        return made


def _after(earlier: Iterable[cdk.Stack], stacks: list[S], stack: S) -> S:
    """Adds ``stack`` to ``stacks``, to be deployed after the ``earlier`` ones; returns it."""
    for one in earlier:
        stack.add_stack_dependency(one)
    stacks.append(stack)
    return stack
