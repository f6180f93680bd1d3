"""Cluster stack: one EKS cluster with its access, compute and add-ons. It can be deleted and made again."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from eks_constructs import load_balancer_controller
from eks_constructs.access import Access
from eks_constructs.addons import Addons
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.construct import AutoModeNodeClassAccess
from eks_constructs.compute.fargate.construct import Fargate
from eks_constructs.compute.fargate.spec import FargateSelectorSpec
from eks_constructs.compute.managed_nodes.construct import ManagedNodes
from eks_constructs.construct_ids import pascal_case
from eks_constructs.control_plane import AutoModeSettings, ControlPlane
from eks_constructs.identity import OidcProvider
from eks_constructs.pod_identities import PodIdentities
from eks_constructs.tunnel_host import TunnelHost
from stacks.controllers import needs_load_balancer_controller
from stacks.environment.cluster_spec import ClusterSpec, LockFile
from stacks.environment.model import Environment
from stacks.foundation import ClusterFoundation


class ClusterStack(cdk.Stack):
    """An EKS cluster and what runs in it.

    Attributes:
        spec: what the environment file says of the cluster.
        cluster_network: the network it runs in.
        security_group_id: of the control plane, the nodes and the pods on Fargate.
        oidc: IAM's trust in the cluster's tokens, if some pod on Fargate needs AWS.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ClusterSpec,
        *,
        environment: Environment,
        foundation: ClusterFoundation,
        network: ClusterNetwork,
        lock: LockFile | None,
        first_deploy: bool,
        sizes: Mapping[str, int],
        stack_env: cdk.Environment,
    ) -> None:
        """Makes the cluster; ``lock`` has add-on versions, ``first_deploy`` leaves deletion protection off.

        ``sizes``: desired sizes of node groups, by name, where they are not the file's.
        """
        protected = spec.control_plane.deletion_protection and not first_deploy
        super().__init__(
            scope,
            construct_id,
            env=stack_env,
            description=f"EKS platform {environment.name}: cluster {spec.name} ({', '.join(spec.compute.mix.kinds)})",
            # EKS refuses to delete a protected cluster, but CloudFormation would ask it last, after nodes and access.
            termination_protection=protected,
        )
        self.spec, self.cluster_network = spec, network
        self.oidc: OidcProvider | None = None
        self._iam = environment.iam
        self._environment = environment
        self._sizes = sizes

        control_plane = ControlPlane(
            self,
            "ControlPlane",
            spec.control_plane.model_copy(update={"deletion_protection": protected}),
            name=spec.name,
            network=network,
            role_arn=foundation.role_arn,
            kms_key_arn=foundation.kms_key_arn,
            auto_mode=self._auto_mode_settings(foundation),
        )
        access = Access(
            self, "Access", spec.access, cluster_name=spec.name, cluster_ref=control_plane.name, iam=self._iam
        )
        self.security_group_id = control_plane.security_group_id
        self._compute(control_plane, lock)
        if foundation.auto_custom_node_role_arn and spec.compute.mix.auto_mode:
            AutoModeNodeClassAccess(
                self, "AutoMode", cluster_ref=control_plane.name, role_arn=foundation.auto_custom_node_role_arn
            )
        self._outputs(control_plane, access)

    def _auto_mode_settings(self, foundation: ClusterFoundation) -> AutoModeSettings:
        auto = self.spec.compute.active_auto_mode
        if auto is None:
            return AutoModeSettings()
        return AutoModeSettings(
            enabled=True,
            node_pools=list(auto.built_in_node_pools),
            # EKS takes the role only along with built-in pools.
            node_role_arn=foundation.auto_node_role_arn if auto.built_in_node_pools else None,
        )

    def _compute(self, control_plane: ControlPlane, lock: LockFile | None) -> None:
        """Add-ons that nodes wait for, compute, then the add-ons that wait for nodes. Deletion goes the other way."""
        spec, compute = self.spec, self.spec.compute
        addons = Addons(
            self,
            "Addons",
            [addon for addon in spec.planned_addons(lock) if not addon.after_pools],
            cluster=ClusterHandle(spec.name, control_plane.name),
            issuer_url=control_plane.cluster.attr_open_id_connect_issuer_url,
            security_group_id=control_plane.security_group_id,
            network=self.cluster_network,
            ipv6=spec.control_plane.ip_family == "ipv6",
            iam=self._iam,
            volume_tags=self._environment.tags_of_what_is_made,
        )
        nodes: list[Construct] = []
        if compute.managed_nodes:
            managed_nodes = ManagedNodes(
                self,
                "ManagedNodes",
                compute.managed_nodes,
                cluster_name=spec.name,
                cluster_ref=control_plane.name,
                kubernetes_version=spec.control_plane.kubernetes_version,
                network=self.cluster_network,
                iam=self._iam,
                tags=self._environment.all_tags,
                sizes=self._sizes,
            )
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
                cluster_ref=control_plane.name,
                network=self.cluster_network,
                iam=self._iam,
                system_selectors=[*spec.system_selectors(), *self._controller_selectors()],
            ).profiles
            if "system" in profiles:
                nodes.append(profiles["system"])
        addons.after_nodes(nodes=nodes)
        if spec.pod_identities:
            PodIdentities(
                self,
                "PodIdentities",
                spec.pod_identities,
                cluster=ClusterHandle(spec.name, control_plane.name),
                fargate_alone=compute.mix.kinds == ["fargate"],
                oidc=addons.oidc_provider,
                iam=self._iam,
            )
        if any(workload.compute == "fargate" for workload in spec.workloads):
            self.oidc = addons.oidc_provider()
            # Trust policies are text that CloudFormation fills in (Fn::Sub), which takes exports and no other stack's outputs.
            self.export_value(self.oidc.arn)
            self.export_value(self.oidc.issuer_url)
            self.oidc.strengthen()

    def _controller_selectors(self) -> list[FargateSelectorSpec]:
        """Returns what Fargate must draw for controllers that have no nodes to run on."""
        if self.spec.compute.mix.deployments_run_on != "fargate":
            return []
        if not needs_load_balancer_controller(self.spec, self._environment):
            return []
        labels = {"app.kubernetes.io/name": load_balancer_controller.SERVICE_ACCOUNT}
        return [FargateSelectorSpec(namespace=load_balancer_controller.NAMESPACE, labels=labels)]

    def _outputs(self, control_plane: ControlPlane, access: Access) -> None:
        outputs = {
            "ClusterName": (control_plane.name, "Name of the cluster"),
            "ClusterEndpoint": (control_plane.cluster.attr_endpoint, "Address of the Kubernetes API"),
            "ClusterSecurityGroupId": (
                control_plane.security_group_id,
                "Security group of the control plane and the nodes",
            ),
        }
        for name, arn in access.new_roles.items():
            outputs[f"RoleArn{pascal_case(name)}"] = (
                arn,
                f"Role with {name} access: aws eks update-kubeconfig --name {self.spec.name} --role-arn ARN",
            )
        if self.spec.access.tunnel_host:
            host = TunnelHost(
                self, "TunnelHost", cluster_name=self.spec.name, network=self.cluster_network, iam=self._iam
            )
            control_plane.allow_https_from(
                "TunnelHostIngress",
                security_group_id=host.security_group_id,
                description="Kubernetes API from the tunnel host",
            )
            outputs["TunnelHostInstanceId"] = (host.instance_id, "Target of `aws ssm start-session` (docs/access.md)")
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)
