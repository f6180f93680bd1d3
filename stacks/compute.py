"""Compute stack, your side: the add-ons, nodes and Fargate profiles of one cluster. It rolls back and is replaced alone."""

from collections.abc import Mapping
from typing import Any

from constructs import Construct

from eks_constructs import load_balancer_controller
from eks_constructs.cluster_compute import add_compute
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.kind import Wiring
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.compute.registry import KINDS
from responsibility.reading.existing import METADATA
from stacks.control_plane import RunningCluster
from stacks.controllers import needs_load_balancer_controller
from stacks.environment.cluster_spec import LockFile
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack
from stacks.placement.charts import pods_for_fargate


class ComputeStack(EnvironmentStack):
    """What runs in a cluster before any workload. It refers to the cluster by name, and depends on its whole stack.

    Attributes:
        spec: the cluster in the environment file.
        role_arns: ARNs of the roles of `pod_identities`, by namespace and service account.
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
    ) -> None:
        """Makes the compute of ``cluster``; ``lock`` has add-on versions.

        ``sizes``: desired sizes of node groups, by name, where they are not the file's.
        """
        spec = cluster.spec
        super().__init__(
            scope,
            construct_id,
            environment,
            f"compute of {spec.name} ({', '.join(spec.compute.mix.kinds)}) and add-ons",
        )
        self.spec, self._environment = spec, environment
        if spec.existing:
            # No template makes the cluster: the review reads its properties from here.
            self.template_options.metadata = {METADATA: {"Name": spec.name, **spec.existing.properties}}
        wiring = Wiring(
            ClusterHandle(spec.name, spec.name),
            cluster.network,
            environment.context_of(spec),
            lasting=cluster.lasting,
            system_pods=[*spec.system_pods(), *self._controller_pods(), *pods_for_fargate(spec)],
            sizes=sizes,
            security_group_id=cluster.security_group_id,
            joining=cluster.joining,
        )
        versions = lock.versions(spec.control_plane.kubernetes_version) if lock else None
        plan = [addon for addon in spec.planned_addons(versions) if not addon.after_pools]
        made = add_compute(self, spec, plan, wiring, oidc=cluster.oidc, security_group_id=cluster.security_group_id)
        self.role_arns = made.pod_identities.role_arns if made.pod_identities else {}

    def _controller_pods(self) -> list[Mapping[str, Any]]:
        """Returns selectors for the controllers that must run on Fargate."""
        if self.spec.compute.mix.deployments_run_on != "fargate":
            return []
        if not needs_load_balancer_controller(self.spec, self._environment):
            return []
        labels = {"app.kubernetes.io/name": load_balancer_controller.SERVICE_ACCOUNT}
        return [{"namespace": load_balancer_controller.NAMESPACE, "labels": labels}]


class RevisionStack(EnvironmentStack):
    """Node groups beside those of the compute stack, without add-ons, of which a cluster has one each."""

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
    ) -> None:
        """Makes the groups of ``nodes`` that name ``revision``, with a role of their own."""
        spec = cluster.spec
        super().__init__(scope, construct_id, environment, f"node groups of {spec.name}, revision {revision}")
        handle = ClusterHandle(spec.name, spec.name)
        wiring = Wiring(
            handle,
            cluster.network,
            environment.context_of(spec),
            sizes=sizes,
            revision=revision,
            security_group_id=cluster.security_group_id,
            joining=cluster.joining,
        )
        KINDS["managed_nodes"].build(self, nodes, wiring)
