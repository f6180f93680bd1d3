"""Builds the stacks of one environment."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
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
from stacks.foundation import FoundationStack, network_log_groups
from stacks.network import NetworkStack
from stacks.notes import say_what_is_not_checked, say_what_waits
from stacks.protection import ProtectionStack
from stacks.services import ServicesStack
from stacks.workloads import WorkloadsStack, needs_stack


@dataclass(frozen=True)
class Platform:
    """The stacks of one environment."""

    environment: Environment
    foundation: FoundationStack
    networks: list[NetworkStack]
    clusters: list[RunningCluster]
    control_planes: list[ControlPlaneStack]
    accesses: list[AccessStack]
    capabilities: list[CapabilitiesStack]
    services: list[ServicesStack]
    computes: list[ComputeStack]
    revisions: list[RevisionStack]
    workloads: list[WorkloadsStack]
    protections: list[ProtectionStack]

    @property
    def stacks(self) -> list[cdk.Stack]:
        """All stacks, in the order in which they are deployed."""
        return [
            self.foundation,
            *self.networks,
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
    stack_env = cdk.Environment(account=environment.account, region=environment.region)
    name = environment.name
    foundation = FoundationStack(scope, foundation_stack(name), environment, stack_env=stack_env)
    networks: list[NetworkStack] = []

    def network(spec: NetworkSpec | ExistingNetworkSpec, cluster: ClusterSpec | None) -> ClusterNetwork:
        if isinstance(spec, ExistingNetworkSpec):
            return ClusterNetwork.existing(spec)
        # Parallel to the foundation: it refers to log groups by name, which may not exist yet.
        stack = NetworkStack(
            scope,
            network_stack(name, cluster.name if cluster else None),
            spec,
            name=f"{name}-{cluster.name}" if cluster else name,
            log_groups=network_log_groups(environment, cluster),
            iam=environment.iam,
            environment_tags=environment.all_tags,
            stack_env=stack_env,
            clients=environment.remote_ranges(cluster),
        )
        networks.append(stack)
        return stack.network.cluster_network

    # Where clusters share none, each has its own (the environment's validator sees to it), and this one is not used.
    shared = network(environment.network, None) if environment.network else ClusterNetwork("", [], None, [])

    def control_plane(spec: ClusterSpec) -> tuple[RunningCluster, cdk.Stack]:
        """Returns a cluster, and the stack that comes before its compute."""
        if spec.existing:
            return RunningCluster.existing(spec, spec.existing), foundation
        cluster_network = network(spec.network, spec) if spec.network else shared
        its_foundation = foundation.clusters[spec.name]
        stack = ControlPlaneStack(
            scope,
            control_plane_stack(name, spec.name),
            spec,
            environment=environment,
            foundation=its_foundation,
            network=cluster_network,
            stack_env=stack_env,
        )
        stack.add_stack_dependency(foundation)
        control_planes.append(stack)
        access = AccessStack(
            scope,
            access_stack(name, spec.name),
            spec,
            environment=environment,
            control_plane=stack,
            network=cluster_network,
            stack_env=stack_env,
        )
        access.add_stack_dependency(stack)
        accesses.append(access)
        cluster = RunningCluster(
            spec, cluster_network, stack.security_group_id, access.oidc, its_foundation.lasting, stack.joining
        )
        return cluster, stack

    clusters, computes, workloads, protections = [], [], [], []
    control_planes: list[ControlPlaneStack] = []
    accesses: list[AccessStack] = []
    revisions: list[RevisionStack] = []
    capabilities: list[CapabilitiesStack] = []
    services: list[ServicesStack] = []
    for spec in environment.clusters:
        cluster, before = control_plane(spec)
        clusters.append(cluster)
        its_sizes = _sizes_of(spec, sizes or {})
        its_stacks = [before]
        its_capabilities = _capabilities(scope, spec, before, environment, foundation.logs_key_arn, stack_env)
        capabilities += its_capabilities
        if spec.has_compute_resources:  # CloudFormation takes no stack without resources
            compute = ComputeStack(
                scope,
                compute_stack(name, spec.name),
                cluster,
                environment=environment,
                lock=lock,
                sizes=its_sizes,
                stack_env=stack_env,
            )
            compute.add_stack_dependency(before)
            computes.append(compute)
            beside = _revisions(scope, compute, cluster, environment, its_sizes, stack_env)
            revisions += beside
            its_stacks = [compute, *beside]
        without_pools = spec.name in before_pools
        say_what_waits(its_stacks[0], spec, environment, before_pools=without_pools)
        say_what_is_not_checked(its_stacks[0], spec, environment, lock)
        if needs_stack(spec, environment, before_pools=without_pools):
            running = WorkloadsStack(
                scope,
                workloads_stack(name, spec.name),
                cluster,
                environment=environment,
                logs_key_arn=foundation.logs_key_arn,
                lock=lock,
                before_pools=without_pools,
                stack_env=stack_env,
            )
            # Objects of capabilities' kinds come after their definitions.
            for one in [*its_stacks, *its_capabilities]:
                running.add_stack_dependency(one)
            workloads.append(running)
            its_stacks.append(running)
        its_services = _services(scope, cluster, before, environment, foundation, stack_env)
        services += its_services
        its_stacks += its_services
        beside_compute: list[cdk.Stack] = [] if spec.existing else [*accesses[-1:]]
        beside_compute += its_capabilities
        # Nodes, people and capabilities come side by side; before all of it goes, this is asked.
        protections += _protection(scope, spec, [*beside_compute, *its_stacks], environment, stack_env)

    for key, value in environment.all_tags.items():
        cdk.Tags.of(scope).add(key, value)
    prescribe(scope, environment.iam)
    return Platform(
        environment,
        foundation,
        networks,
        clusters,
        control_planes,
        accesses,
        capabilities,
        services,
        computes,
        revisions,
        workloads,
        protections,
    )


def _protection(
    scope: Construct,
    spec: ClusterSpec,
    before: Collection[cdk.Stack],
    environment: Environment,
    stack_env: cdk.Environment,
) -> list[ProtectionStack]:
    """Makes the last stack of a cluster; none of one that another tool made."""
    if spec.existing:
        return []
    name = protection_stack(environment.name, spec.name)
    last = ProtectionStack(scope, name, spec, environment=environment, stack_env=stack_env)
    for one in before:
        last.add_stack_dependency(one)
    return [last]


def _services(
    scope: Construct,
    cluster: RunningCluster,
    before: cdk.Stack,
    environment: Environment,
    foundation: FoundationStack,
    stack_env: cdk.Environment,
) -> list[ServicesStack]:
    """Makes the stack of the AWS services that look after a cluster, if it has some."""
    if not cluster.spec.has_services:
        return []
    name = services_stack(environment.name, cluster.spec.name)
    stack = ServicesStack(scope, name, cluster, environment=environment, foundation=foundation, stack_env=stack_env)
    stack.add_stack_dependency(before)
    return [stack]


def _capabilities(
    scope: Construct,
    spec: ClusterSpec,
    before: cdk.Stack,
    environment: Environment,
    logs_key_arn: str,
    stack_env: cdk.Environment,
) -> list[CapabilitiesStack]:
    """Makes the stack of the controllers that AWS runs for a cluster, if it has some."""
    if not spec.capabilities:
        return []
    stack = CapabilitiesStack(
        scope,
        capabilities_stack(environment.name, spec.name),
        spec,
        spec.capabilities,
        environment=environment,
        logs_key_arn=logs_key_arn,
        stack_env=stack_env,
    )
    stack.add_stack_dependency(before)
    return [stack]


def _sizes_of(spec: ClusterSpec, sizes: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {group: size for (cluster, group), size in sizes.items() if cluster == spec.name}


def _revisions(
    scope: Construct,
    compute: ComputeStack,
    cluster: RunningCluster,
    environment: Environment,
    sizes: Mapping[str, int],
    stack_env: cdk.Environment,
) -> list[RevisionStack]:
    """Makes the stacks of node groups beside those of a cluster's compute stack."""
    nodes = compute.spec.compute.managed_nodes
    made = []
    for revision in nodes.revisions if nodes else []:
        if nodes and revision:
            stack = RevisionStack(
                scope,
                compute_stack(environment.name, compute.spec.name, revision),
                cluster,
                nodes,
                revision=revision,
                environment=environment,
                sizes=sizes,
                stack_env=stack_env,
            )
            # Nodes are not ready without the add-ons that are made there.
            stack.add_stack_dependency(compute)
            made.append(stack)
    return made
