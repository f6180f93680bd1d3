"""Builds the stacks of one environment."""

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk

from constructs import Construct
from eks_constructs.manifests import write_manifests
from eks_constructs.network import ClusterNetwork
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from stacks.cluster import ClusterStack
from stacks.environment import ClusterSpec, Environment, LockFile
from stacks.foundation import FoundationStack, flow_log_group
from stacks.manifests import cluster_manifests
from stacks.network import NetworkStack


@dataclass(frozen=True)
class Platform:
    """The stacks of one environment."""

    environment: Environment
    foundation: FoundationStack
    networks: list[NetworkStack]
    clusters: list[ClusterStack]

    @property
    def stacks(self) -> list[cdk.Stack]:
        """All stacks, in the order in which they are deployed."""
        return [self.foundation, *self.networks, *self.clusters]

    def write_manifests(self, folder: Path) -> None:
        """Writes the Kubernetes objects of each cluster into ``folder``/CLUSTER/."""
        for stack in self.clusters:
            write_manifests(
                folder / stack.spec.name,
                cluster_manifests(stack.spec, environment=self.environment, network=stack.cluster_network),
            )


def build(
    scope: Construct,
    environment: Environment,
    *,
    lock: LockFile | None = None,
    first_deploy: bool = False,
) -> Platform:
    """Makes the stacks of ``environment``.

    Args:
        scope: the app.
        environment: what to build.
        lock: versions of add-ons.
        first_deploy: leaves deletion protection off, so that a failed first deploy can be rolled back.
    """
    stack_env = cdk.Environment(account=environment.account, region=environment.region)
    foundation = FoundationStack(scope, f"{environment.name}-foundation", environment, stack_env=stack_env)
    networks: list[NetworkStack] = []

    def network(spec: NetworkSpec | ExistingNetworkSpec, cluster: ClusterSpec | None) -> ClusterNetwork:
        if isinstance(spec, ExistingNetworkSpec):
            return ClusterNetwork.existing(spec)
        stack = NetworkStack(
            scope,
            f"{environment.name}-network-{cluster.name}" if cluster else f"{environment.name}-network",
            spec,
            name=f"{environment.name}-{cluster.name}" if cluster else environment.name,
            flow_log_group=flow_log_group(environment, cluster),
            iam=environment.iam,
            stack_env=stack_env,
        )
        stack.add_stack_dependency(foundation)
        networks.append(stack)
        return stack.network.cluster_network

    shared = network(environment.network, None) if environment.network else None
    clusters = []
    for spec in environment.clusters:
        cluster_network = network(spec.network, spec) if spec.network else shared
        if cluster_network is None:
            raise ValueError(f"cluster {spec.name} has no network")  # the environment's validator says so first
        stack = ClusterStack(
            scope,
            f"{environment.name}-cluster-{spec.name}",
            spec,
            environment=environment,
            foundation=foundation.clusters[spec.name],
            network=cluster_network,
            lock=lock,
            first_deploy=first_deploy,
            stack_env=stack_env,
        )
        stack.add_stack_dependency(foundation)
        if networks and (spec.network or environment.network):
            stack.add_stack_dependency(networks[-1] if isinstance(spec.network, NetworkSpec) else networks[0])
        clusters.append(stack)

    platform = Platform(environment, foundation, networks, clusters)
    for any_stack in platform.stacks:
        for key, value in environment.all_tags.items():
            cdk.Tags.of(any_stack).add(key, value)
    return platform
