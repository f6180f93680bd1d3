"""Foundation stack: the resources that outlive clusters, out of reach of any refactoring of a cluster's stack."""

from aws_cdk import aws_aps as aps
from aws_cdk import aws_backup as backup
from constructs import Construct

from eks_constructs import control_plane
from eks_constructs.cluster_foundation import ClusterFoundation, keep, lasting_resources
from eks_constructs.construct_ids import pascal_case
from eks_constructs.encryption import customer_key, log_group, log_writers
from eks_constructs.guardduty import add_detector
from eks_constructs.image_caches import add_cache_rule
from eks_constructs.network import NetworkLogGroups
from eks_constructs.network_spec import NetworkSpec
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.stack_names import foundation_stack
from stacks.environment_stack import EnvironmentStack


def network_log_groups(environment: Environment, cluster: ClusterSpec | None) -> NetworkLogGroups:
    """Returns the log groups of the environment's network, or of a cluster's own."""
    prefix = f"/eks-platform/{environment.name}/" + (f"clusters/{cluster.name}" if cluster else "network")
    return NetworkLogGroups(f"{prefix}/flow-logs", f"{prefix}/default-security-group")


class FoundationStack(EnvironmentStack):
    """Keys, log groups and the roles that a cluster can never change.

    Attributes:
        clusters: the foundation of each cluster, by its name.
        logs_key_arn: the key of log groups.
        backup_vault: name of the vault of clusters that name none.
        workspace_arn: where metrics of clusters go that name no workspace.
    """

    def __init__(self, scope: Construct, construct_id: str, environment: Environment) -> None:
        """Makes the foundation of all clusters of the environment."""
        super().__init__(scope, construct_id, environment, "keys, log groups and roles that outlive the clusters")
        self._environment = environment
        self.backup_vault = self.workspace_arn = ""
        keep(self, retain=environment.foundation.retain)
        logs_key = customer_key(
            self,
            "LogsKey",
            description=f"Encrypts the log groups of {environment.name}",
            alias=f"alias/eks-platform/{environment.name}/logs",
            statements=(log_writers("/aws/eks/*", f"/eks-platform/{environment.name}/*"),),
        )
        self.logs_key_arn = self._logs_key = logs_key.attr_arn
        if isinstance(environment.network, NetworkSpec):
            self._network_logs("", network_log_groups(environment, None))
        self.clusters = {one.name: self._cluster(one) for one in environment.clusters if not one.existing}
        for one in environment.clusters:
            if one.existing:
                self._logs_of_kinds(one)
        if any(one.backup and not one.backup.vault for one in environment.clusters):
            self._backup_vault()
        if any(one.prometheus and not one.prometheus.workspace_arn for one in environment.clusters):
            workspace = aps.CfnWorkspace(self, "MetricsWorkspace", alias=environment.name)
            self.workspace_arn = workspace.attr_arn
        if environment.guardduty:
            add_detector(self, environment.guardduty)
        for registry, spec in environment.registries.items():
            if spec.cache_rule and spec.pull_through_cache:
                add_cache_rule(
                    self,
                    registry,
                    spec.pull_through_cache,
                    spec.cache_rule,
                    iam=environment.iam,
                    name=environment.name,
                    tags=environment.tags_of_what_is_made,
                )

    def _backup_vault(self) -> None:
        name = self._environment.name
        key = customer_key(
            self, "BackupKey", description=f"Encrypts backups of {name}", alias=f"alias/eks-platform/{name}/backups"
        )
        vault = backup.CfnBackupVault(
            self, "BackupVault", backup_vault_name=f"eks-platform-{name}", encryption_key_arn=key.attr_arn
        )
        self.backup_vault = vault.ref

    def _log_group(self, construct_id: str, name: str) -> None:
        # Directly below the stack, an id is a logical id, whatever else changes in the tree.
        days = self._environment.foundation.log_retention_days
        log_group(self, construct_id, name=name, key_arn=self._logs_key, days=days)

    def _network_logs(self, prefix: str, names: NetworkLogGroups) -> None:
        self._log_group(f"{prefix}FlowLogs", names.flow_logs)
        self._log_group(f"{prefix}DefaultSecurityGroupLogs", names.default_security_group)

    def _logs_of_kinds(self, cluster: ClusterSpec) -> None:
        for kind, section in cluster.compute.present():
            for construct_id, name in kind.log_groups(section, cluster.name):
                self._log_group(pascal_case(cluster.name) + construct_id, name)

    def _cluster(self, cluster: ClusterSpec) -> ClusterFoundation:
        environment = self._environment
        prefix = pascal_case(cluster.name)
        self._log_group(f"{prefix}ControlPlaneLogs", control_plane.log_group_name(cluster.name))
        self._logs_of_kinds(cluster)
        if isinstance(cluster.network, NetworkSpec):
            self._network_logs(prefix, network_log_groups(environment, cluster))

        alias = f"alias/eks-platform/{environment.name}/clusters/{cluster.name}"
        resources = lasting_resources(self, cluster, environment.context_of(cluster), key_alias=alias, prefix=prefix)
        key_arn = self._fixed(f"{prefix}EtcdKey") if resources.key else str(cluster.control_plane.etcd.kms_key_arn)
        # Only what the cluster can never change is a strong reference: it lets go of the rest first.
        lasting = {
            one.id: self._fixed(prefix + one.id) if one.fixed else one.resource.attr_arn for one in resources.of_kinds
        }
        role_arn = self._fixed(f"{prefix}ClusterRole") if resources.role else str(cluster.control_plane.role_arn)
        return ClusterFoundation(key_arn, role_arn, lasting)

    def _fixed(self, logical_id: str) -> str:
        """Returns the ARN of a resource for a cluster's stacks: CloudFormation refuses to change or delete it while they use it.

        Other references between stacks are weak (cdk.json). These are an export, made whether or not it is used at the
        moment, so that a cluster can stop using it first.
        """
        name = f"{foundation_stack(self._environment.name)}-{logical_id}Arn"
        return self.export_value({"Fn::GetAtt": [logical_id, "Arn"]}, name=name)
