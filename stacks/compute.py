"""Compute stack: your side. The add-ons, nodes and Fargate profiles of one cluster; it rolls back and is replaced alone."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from eks_constructs import load_balancer_controller
from eks_constructs.addons import Addons
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.auto_mode.construct import AutoModeNodeClassAccess
from eks_constructs.compute.fargate.construct import Fargate
from eks_constructs.compute.fargate.spec import FargateSelectorSpec
from eks_constructs.compute.managed_nodes.construct import ManagedNodes
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.pod_identities import PodIdentities
from responsibility.reading.existing import METADATA
from stacks.control_plane import RunningCluster
from stacks.controllers import needs_load_balancer_controller
from stacks.environment.cluster_spec import LockFile
from stacks.environment.model import Environment


class ComputeStack(cdk.Stack):
    """What runs in a cluster before any workload does. It names the cluster, and comes after its stack as a whole.

    Attributes:
        spec: what the environment file says of the cluster.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        cluster: RunningCluster,
        *,
        environment: Environment,
        lock: LockFile | None,
        sizes: Mapping[str, int],
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the compute of ``cluster``; ``lock`` has add-on versions.

        ``sizes``: desired sizes of node groups, by name, where they are not the file's.
        """
        spec = cluster.spec
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {environment.name}: compute of {spec.name} ({', '.join(spec.compute.mix.kinds)}) and add-ons",
        )
        self.spec, self._cluster, self._environment = spec, cluster, environment
        self._handle = ClusterHandle(spec.name, spec.name)
        if spec.existing:
            # No template makes the cluster: the review reads what it is from here.
            self.template_options.metadata = {METADATA: {"Name": spec.name, **spec.existing.properties}}
        self._compute(lock, sizes)
        if cluster.node_class_role_arn and spec.compute.mix.auto_mode:
            AutoModeNodeClassAccess(self, "AutoMode", cluster_ref=spec.name, role_arn=cluster.node_class_role_arn)

    def _compute(self, lock: LockFile | None, sizes: Mapping[str, int]) -> None:
        """Add-ons that nodes wait for, compute, then the add-ons that wait for nodes. Deletion goes the other way."""
        spec, compute, iam, network = self.spec, self.spec.compute, self._environment.iam, self._cluster.network
        addons = Addons(
            self,
            "Addons",
            [addon for addon in spec.planned_addons(lock) if not addon.after_pools],
            cluster=self._handle,
            oidc=self._cluster.oidc,
            security_group_id=self._cluster.security_group_id,
            network=network,
            ipv6=spec.control_plane.ip_family == "ipv6",
            iam=iam,
            volume_tags=self._environment.tags_of_what_is_made,
        )
        nodes: list[Construct] = []
        if compute.managed_nodes and None in compute.managed_nodes.revisions:
            managed_nodes = _managed_nodes(self, self._cluster, compute.managed_nodes, self._environment, sizes)
            for group in managed_nodes.groups.values():
                for addon in addons.before_nodes:
                    group.add_resource_dependency(addon)
            nodes += managed_nodes.groups.values()
        if compute.fargate:
            profiles = Fargate(
                self,
                "Fargate",
                compute.fargate,
                cluster_name=spec.name,
                cluster_ref=spec.name,
                network=network,
                iam=iam,
                system_selectors=[*spec.system_selectors(), *self._controller_selectors()],
            ).profiles
            if "system" in profiles:
                nodes.append(profiles["system"])
        addons.after_nodes(nodes=nodes)
        if spec.pod_identities:
            # Here and not with the workloads: a pod gets the role that its service account has when it starts, and on the way
            # out controllers still need theirs while the workloads stack deletes the objects that they look after.
            PodIdentities(
                self,
                "PodIdentities",
                spec.pod_identities,
                cluster=self._handle,
                fargate_alone=compute.mix.kinds == ["fargate"],
                oidc=self._cluster.oidc,
                iam=iam,
            )

    def _controller_selectors(self) -> list[FargateSelectorSpec]:
        """Returns what Fargate must draw for controllers that have no nodes to run on."""
        if self.spec.compute.mix.deployments_run_on != "fargate":
            return []
        if not needs_load_balancer_controller(self.spec, self._environment):
            return []
        labels = {"app.kubernetes.io/name": load_balancer_controller.SERVICE_ACCOUNT}
        return [FargateSelectorSpec(namespace=load_balancer_controller.NAMESPACE, labels=labels)]


class RevisionStack(cdk.Stack):
    """Node groups beside those of the compute stack, without add-ons: a cluster has one of each."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        cluster: RunningCluster,
        nodes: ManagedNodesSpec,
        *,
        revision: str,
        environment: Environment,
        sizes: Mapping[str, int],
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the groups of ``nodes`` that name ``revision``, with a role of their own."""
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {environment.name}: node groups of {cluster.spec.name}, revision {revision}",
        )
        _managed_nodes(self, cluster, nodes, environment, sizes, revision=revision)


def _managed_nodes(
    scope: Construct,
    cluster: RunningCluster,
    nodes: ManagedNodesSpec,
    environment: Environment,
    sizes: Mapping[str, int],
    *,
    revision: str | None = None,
) -> ManagedNodes:
    return ManagedNodes(
        scope,
        "ManagedNodes",
        nodes,
        cluster_name=cluster.spec.name,
        cluster_ref=cluster.spec.name,
        kubernetes_version=cluster.spec.control_plane.kubernetes_version,
        network=cluster.network,
        iam=environment.iam,
        tags=environment.all_tags,
        sizes=sizes,
        revision=revision,
    )
