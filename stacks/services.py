"""Services stack: AWS services that look after a cluster from outside: alarms, backups, metrics."""

import aws_cdk as cdk
from constructs import Construct

from eks_constructs.alarms import Alarms
from eks_constructs.backups import Backups
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.prometheus import Scraper
from stacks.control_plane import RunningCluster
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack
from stacks.foundation import FoundationStack


class ServicesStack(EnvironmentStack):
    """What the keys `alarms`, `backup` and `prometheus` of a cluster ask for. It comes beside the compute, and needs no node."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        cluster: RunningCluster,
        *,
        environment: Environment,
        foundation: FoundationStack,
    ) -> None:
        """Makes the services of ``cluster``."""
        spec = cluster.spec
        chosen = [name for name in ("alarms", "backup", "prometheus") if getattr(spec, name)]
        super().__init__(scope, construct_id, environment, f"AWS services around {spec.name}: {', '.join(chosen)}")
        self.spec = spec
        handle = ClusterHandle(spec.name, spec.name)
        if spec.alarms:
            Alarms(self, "Alarms", spec.alarms, cluster=handle)
        if spec.backup:
            vault = spec.backup.vault or foundation.backup_vault
            Backups(self, "Backups", spec.backup, cluster=handle, vault=vault, iam=environment.iam)
        if spec.prometheus:
            arn = spec.prometheus.workspace_arn or foundation.workspace_arn
            Scraper(
                self,
                "Scraper",
                spec.prometheus,
                cluster=handle,
                workspace_arn=arn,
                subnet_ids=cluster.network.private_subnet_ids,
                security_group_id=cluster.security_group_id,
            )
            cdk.CfnOutput(
                self, "PrometheusWorkspace", value=arn, description="Workspace with the metrics of the cluster"
            )
