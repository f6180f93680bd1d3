"""Foundation stack: what outlives clusters. No refactoring of a cluster's stack can touch it."""

from typing import TypeVar, cast

import aws_cdk as cdk
from aws_cdk.aws_iam import CfnRole
from aws_cdk.aws_kms import CfnKey
from constructs import Construct

from eks_constructs import control_plane
from eks_constructs.cluster_foundation import ClusterFoundation, lasting_resources
from eks_constructs.construct_ids import pascal_case
from eks_constructs.encryption import customer_key, log_group, log_writers
from eks_constructs.network import NetworkLogGroups
from eks_constructs.network_spec import NetworkSpec
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment

Kept = TypeVar("Kept", bound=cdk.CfnResource)


def network_log_groups(environment: Environment, cluster: ClusterSpec | None) -> NetworkLogGroups:
    """Returns the log groups of the environment's network, or of a cluster's own."""
    prefix = f"/eks-platform/{environment.name}/" + (f"clusters/{cluster.name}" if cluster else "network")
    return NetworkLogGroups(f"{prefix}/flow-logs", f"{prefix}/default-security-group")


class FoundationStack(cdk.Stack):
    """Keys, log groups and the roles that a cluster can never change.

    Attributes:
        clusters: what each cluster stands on, by its name.
        logs_key_arn: the key of log groups.
    """

    def __init__(
        self, scope: Construct, construct_id: str, environment: Environment, *, stack_env: cdk.Environment
    ) -> None:
        """Makes the foundation of all clusters of the environment."""
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {environment.name}: keys, log groups and roles that outlive the clusters",
        )
        self._environment = environment
        # RetainExceptOnCreate: what a failed first deploy leaves behind is deleted, so that the next try can make it.
        self._removal = (
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if environment.foundation.retain else cdk.RemovalPolicy.DESTROY
        )
        logs_key = customer_key(
            self,
            "LogsKey",
            description=f"Encrypts the log groups of {environment.name}",
            alias=f"alias/eks-platform/{environment.name}/logs",
            statements=(log_writers("/aws/eks/*", f"/eks-platform/{environment.name}/*"),),
        )
        self.logs_key_arn = self._logs_key = self._keep(logs_key, "LogsKey").attr_arn
        if isinstance(environment.network, NetworkSpec):
            self._network_logs(self, "", network_log_groups(environment, None))
        self.clusters = {one.name: self._cluster(one) for one in environment.clusters if not one.existing}
        for one in environment.clusters:
            if one.existing:
                self._logs_of_kinds(Construct(self, f"Cluster-{one.name}"), one)

    def _keep(self, resource: Kept, logical_id: str) -> Kept:
        """Gives a resource its removal policy, and a logical id that does not depend on where it stands in the tree."""
        resource.override_logical_id(logical_id)
        resource.apply_removal_policy(self._removal)
        return resource

    def _log_group(self, scope: Construct, prefix: str, construct_id: str, name: str) -> None:
        days = self._environment.foundation.log_retention_days
        group = log_group(scope, construct_id, name=name, key_arn=self._logs_key, days=days)
        self._keep(group, f"{prefix}{construct_id}")

    def _network_logs(self, scope: Construct, prefix: str, names: NetworkLogGroups) -> None:
        self._log_group(scope, prefix, "FlowLogs", names.flow_logs)
        self._log_group(scope, prefix, "DefaultSecurityGroupLogs", names.default_security_group)

    def _logs_of_kinds(self, scope: Construct, cluster: ClusterSpec) -> None:
        for kind, section in cluster.compute.present():
            for construct_id, name in kind.log_groups(section, cluster.name):
                self._log_group(scope, pascal_case(cluster.name), construct_id, name)

    def _cluster(self, cluster: ClusterSpec) -> ClusterFoundation:
        environment = self._environment
        scope = Construct(self, f"Cluster-{cluster.name}")
        prefix = pascal_case(cluster.name)
        context = environment.context_of(cluster)

        self._log_group(scope, prefix, "ControlPlaneLogs", control_plane.log_group_name(cluster.name))
        self._logs_of_kinds(scope, cluster)
        if isinstance(cluster.network, NetworkSpec):
            self._network_logs(scope, prefix, network_log_groups(environment, cluster))

        alias = f"alias/eks-platform/{environment.name}/clusters/{cluster.name}"
        resources = lasting_resources(scope, cluster, context, key_alias=alias)
        key_arn = cluster.control_plane.etcd.kms_key_arn
        if resources.key:
            key_arn = self._lasting(resources.key, f"{prefix}EtcdKey")
        if policy := scope.node.try_find_child("ClusterRolePolicy"):
            # As long as the role: IAM deletes no policy that is attached.
            cast(cdk.CfnResource, policy).apply_removal_policy(self._removal)
        role_arn = self._lasting(resources.role, f"{prefix}ClusterRole")
        # Only what the cluster can never change is a strong reference: it lets go of the rest first.
        lasting = {
            one.id: self._lasting(one.resource, f"{prefix}{one.id}")
            if one.fixed
            else self._keep(one.resource, f"{prefix}{one.id}").attr_arn
            for one in resources.of_kinds
        }
        return ClusterFoundation(str(key_arn), role_arn, lasting)

    def _lasting(self, resource: CfnKey | CfnRole, logical_id: str) -> str:
        """Keeps a resource and makes CloudFormation refuse to change or delete it while a cluster's stack uses its ARN.

        Other references between stacks are weak (cdk.json). These are an export, made whether or not it is used at the
        moment, so that a cluster can stop using it first.
        """
        arn = self._keep(resource, logical_id).attr_arn
        self.export_value(arn)
        return cdk.Stack.consume_reference(arn, cdk.ReferenceStrength.STRONG)
