"""The managed control plane: API server, etcd, scheduler and controller manager. AWS runs it; these are its settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from typing import Annotated, Literal

from aws_cdk import aws_eks as eks
from aws_cdk.aws_iam import CfnRole
from constructs import Construct
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.certificate_authority import CertificateAuthoritySpec
from eks_constructs.cluster_handle import ClusterHandle, Joining
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.control_plane_components import (
    ApiServerSpec,
    ControllerManagerSpec,
    EtcdSpec,
    SchedulerSpec,
    api_server_config,
    controller_manager_config,
    scheduler_config,
)
from eks_constructs.endpoint import EndpointSpec, SecurityGroupId
from eks_constructs.roles import IamSpec, Statement, arn, from_source, role, trust_service
from eks_constructs.security_group_rules import SecurityGroupRuleSpec, check_rules
from eks_constructs.spec import Cidr, ClusterName, Misplaced, RoleArn, Spec, distinct_values
from eks_facts.files import load
from eks_facts.private_ranges import RFC1918
from eks_facts.role_policies import narrowest

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _known_version(value: str) -> str:
    versions = load("kubernetes_versions")["versions"]
    if value not in versions:
        raise ValueError(f"must be a version that EKS offers: {', '.join(versions)}")
    return value


KubernetesVersion = Annotated[
    str,
    AfterValidator(_known_version),
    Field(
        examples=["1.36"],
        json_schema_extra=lambda schema: schema.update(enum=list(load("kubernetes_versions")["versions"])),
    ),
]
"""A Kubernetes minor version that EKS offers (eks_facts/data/kubernetes_versions.yaml)."""


class ControlPlaneSpec(Spec):
    """The control plane of a cluster."""

    kubernetes_version: KubernetesVersion
    """Minor version, in quotes. It is raised one at a time."""
    support: Literal["STANDARD", "EXTENDED"] = "STANDARD"
    """At the end of standard support: `STANDARD` lets EKS upgrade the cluster, `EXTENDED` pays for more time. EKS takes `STANDARD`
    only while the version is in standard support."""
    role_arn: RoleArn | None = None
    """A cluster role that exists, in place of one that is made: it must trust eks.amazonaws.com (with Auto Mode for sts:TagSession, too)
    and have the policies of https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html. It can never change."""
    endpoint: EndpointSpec = EndpointSpec()
    security_group_ids: Annotated[list[SecurityGroupId], Field(max_length=4), AfterValidator(distinct_values)] = []
    """More security groups of the control plane's network interfaces, beside the one that EKS makes."""
    security_group_rules: list[SecurityGroupRuleSpec] = []
    """More rules of the security group that EKS makes, which nodes and pods have, too."""
    zones: Annotated[int, Field(ge=2, le=4)] | None = None
    """AZs (the network's first ones) that the control plane has network interfaces in. EKS fixes them for the cluster's life:
    before you add an AZ to the network, set this to the present number. Default: all of the network's."""
    ip_family: Literal["ipv4", "ipv6"] = "ipv4"
    """Addresses of pods and services. It can never change."""
    service_cidr: Cidr | None = None
    """IPv4 range of services, /12 to /24, outside of the VPC. It can never change. Default: EKS chooses."""
    deletion_protection: bool = True
    """Makes EKS refuse to delete the cluster. A first deploy that fails can be rolled back only if the cluster is the last resource of
    its stack (docs/deploy.md)."""
    zonal_shift: bool = False
    """Lets Amazon Application Recovery Controller shift traffic away from an impaired AZ."""
    scaling_tier: Literal["standard", "tier-xl", "tier-2xl", "tier-4xl", "tier-8xl"] | None = None
    """Provisioned control plane capacity, paid by the hour; `standard` ends it (taking the key out does not). Default: it scales
    by itself."""
    egress: Literal["AWS_MANAGED", "CUSTOMER_ROUTED"] = "AWS_MANAGED"
    """How the API server reaches webhooks, OIDC providers and aggregated APIs. `CUSTOMER_ROUTED` uses the VPC's own routes: a
    firewall sees the traffic, and a missing route stops admission. It cannot be undone
    (https://docs.aws.amazon.com/eks/latest/userguide/control-plane-egress.html)."""
    rollback_timeout_minutes: Annotated[int, Field(ge=120, le=10080)] | None = None
    """How long a rollback to the version before may take: Auto Mode replaces its nodes first, within their budgets. Default: 720."""
    certificate_authority: CertificateAuthoritySpec = CertificateAuthoritySpec()
    api_server: ApiServerSpec = ApiServerSpec()
    scheduler: SchedulerSpec = SchedulerSpec()
    controller_manager: ControllerManagerSpec = ControllerManagerSpec()
    etcd: EtcdSpec = EtcdSpec()

    @model_validator(mode="after")
    def _provisioned(self) -> "ControlPlaneSpec":
        if self.controller_manager.hpa_sync_period and self.scaling_tier in (None, "standard"):
            raise Misplaced(
                "hpa_sync_period needs a provisioned scaling_tier (tier-xl or larger)",
                "controller_manager",
                "hpa_sync_period",
            )
        return self

    @model_validator(mode="after")
    def _rules(self) -> "ControlPlaneSpec":
        try:
            check_rules(self.security_group_rules)
        except Misplaced as problem:
            raise Misplaced(str(problem), "security_group_rules", *problem.where) from None
        https = {
            source for rule in self.security_group_rules if rule.range == (443, 443) for _, source in rule.sources()
        }
        endpoint = self.endpoint
        if taken := https & {
            *endpoint.private_access_cidrs,
            *endpoint.private_access_security_groups,
            *endpoint.private_access_prefix_lists,
        }:
            raise Misplaced(
                f"{min(taken)} has a rule for port 443 already, by endpoint.private_access_...; remove one",
                "security_group_rules",
            )
        return self

    @model_validator(mode="after")
    def _service_range(self) -> "ControlPlaneSpec":
        if self.service_cidr is None:
            return self
        if self.ip_family == "ipv6":
            raise Misplaced(
                "service_cidr cannot be combined with ip_family: ipv6 (EKS assigns the service range itself); remove it",
                "service_cidr",
            )
        network = IPv4Network(self.service_cidr)
        if not 12 <= network.prefixlen <= 24 or not any(network.subnet_of(private) for private in RFC1918):
            raise Misplaced(
                f"must be between /12 and /24, and within {', '.join(str(private) for private in RFC1918)}",
                "service_cidr",
            )
        return self


class AutoModeSettings(Spec):
    """What EKS Auto Mode sets on the cluster itself: its three capabilities are on together, or off together."""

    enabled: bool = False
    node_pools: list[str] = []
    node_role_arn: str | None = None


@dataclass(frozen=True)
class RemoteNetworks:
    """Ranges of nodes and pods outside of the VPC; without any, the cluster lets go of those it had."""

    nodes: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterRights:
    """What a kind of compute adds to the cluster's role."""

    managed: Sequence[str] = ()
    """Names of AWS managed policies."""
    statements: Sequence[Statement] = ()
    tag_session: bool = False


def log_group_name(cluster: str) -> str:
    """Returns the log group that EKS writes control plane logs to. The name is fixed by EKS."""
    return f"/aws/eks/{cluster}/cluster"


def cluster_role(
    scope: Construct,
    construct_id: str,
    *,
    iam: IamSpec,
    cluster: str,
    rights: Sequence[ClusterRights] = (),
) -> CfnRole:
    """Makes the cluster's IAM role. A cluster can never change its role, so it outlives the cluster's stack.

    ``rights``, what kinds of compute need, come and go with them: the role stays. The condition that names the cluster goes
    with Auto Mode: AWS documents it for EKS (cross-service-confused-deputy-prevention.html), and on no page with Auto Mode.
    """
    tag_session = any(one.tag_session for one in rights)
    return role(
        scope,
        construct_id,
        spec=iam,
        name=f"{cluster}-cluster",
        description=f"The control plane of {cluster} acts in this account with it",
        trust=trust_service(
            "eks.amazonaws.com",
            tag_session=tag_session,
            conditions=None if tag_session else from_source(arn("eks", f"cluster/{cluster}")),
        ),
        managed=list(dict.fromkeys([*narrowest("cluster"), *(policy for one in rights for policy in one.managed)])),
        statements=[statement for one in rights for statement in one.statements],
    )


def _remote_network_config(remote: RemoteNetworks) -> eks.CfnCluster.RemoteNetworkConfigProperty:
    """Returns both lists, empty ones too: what an update leaves out stays as it is.

    https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-cluster-update.html
    """
    return eks.CfnCluster.RemoteNetworkConfigProperty(
        # At most one entry, with all the ranges.
        remote_node_networks=[eks.CfnCluster.RemoteNodeNetworkProperty(cidrs=list(remote.nodes))]
        if remote.nodes
        else [],
        remote_pod_networks=[eks.CfnCluster.RemotePodNetworkProperty(cidrs=list(remote.pods))] if remote.pods else [],
    )


class ControlPlane(Construct):
    """An EKS cluster: API mode for access, all logs on, Kubernetes data encrypted with a customer key.

    Attributes:
        cluster: the L1 cluster.
        security_group_id: the security group EKS makes for the control plane and the nodes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ControlPlaneSpec,
        *,
        name: ClusterName,
        network: ClusterNetwork,
        role_arn: str,
        kms_key_arn: str,
        auto_mode: AutoModeSettings,
        remote: RemoteNetworks | None = None,
    ) -> None:
        """Makes the cluster ``name`` in ``network``, with an existing role and key; ``remote``: of its nodes outside of the VPC."""
        super().__init__(scope, construct_id)
        self.cluster = eks.CfnCluster(
            self,
            "Default",  # left out of logical ids: directly below a stack it is the id of this construct
            name=name,
            version=spec.kubernetes_version,
            role_arn=role_arn,
            upgrade_policy=eks.CfnCluster.UpgradePolicyProperty(support_type=spec.support),
            deletion_protection=spec.deletion_protection,
            # API mode and no creator admin: access entries are the only way in, and all of them are in the template.
            access_config=eks.CfnCluster.AccessConfigProperty(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            # Add-ons are this project's. EKS refuses `true` with Auto Mode, and changing it replaces the cluster.
            bootstrap_self_managed_addons=False,
            resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
                subnet_ids=(network.control_plane_subnet_ids or network.private_subnet_ids)[: spec.zones],
                security_group_ids=list(spec.security_group_ids) or None,
                endpoint_private_access=True,
                endpoint_public_access=spec.endpoint.is_public,
                public_access_cidrs=spec.endpoint.public_access_cidrs or None,
                control_plane_egress_mode=spec.egress if spec.egress != "AWS_MANAGED" else None,
            ),
            kubernetes_network_config=eks.CfnCluster.KubernetesNetworkConfigProperty(
                ip_family=spec.ip_family,
                service_ipv4_cidr=spec.service_cidr,
                elastic_load_balancing=eks.CfnCluster.ElasticLoadBalancingProperty(enabled=auto_mode.enabled),
            ),
            compute_config=eks.CfnCluster.ComputeConfigProperty(
                enabled=auto_mode.enabled,
                # An empty list switches the built-in pools off; leaving it out would change nothing.
                node_pools=auto_mode.node_pools if auto_mode.enabled else None,
                node_role_arn=auto_mode.node_role_arn,
            ),
            storage_config=eks.CfnCluster.StorageConfigProperty(
                block_storage=eks.CfnCluster.BlockStorageProperty(enabled=auto_mode.enabled)
            ),
            logging=eks.CfnCluster.LoggingProperty(
                cluster_logging=eks.CfnCluster.ClusterLoggingProperty(
                    enabled_types=[eks.CfnCluster.LoggingTypeConfigProperty(type=kind) for kind in LOG_TYPES]
                )
            ),
            encryption_config=[
                eks.CfnCluster.EncryptionConfigProperty(
                    provider=eks.CfnCluster.ProviderProperty(key_arn=kms_key_arn), resources=["secrets"]
                )
            ],
            zonal_shift_config=eks.CfnCluster.ZonalShiftConfigProperty(enabled=spec.zonal_shift),
            control_plane_scaling_config=eks.CfnCluster.ControlPlaneScalingConfigProperty(tier=spec.scaling_tier)
            if spec.scaling_tier
            else None,
            kube_api_server_config=api_server_config(spec.api_server),
            kube_scheduler_config=scheduler_config(spec.scheduler),
            kube_controller_manager_config=controller_manager_config(spec.controller_manager),
            rollback_config=eks.CfnCluster.RollbackConfigProperty(timeout_minutes=spec.rollback_timeout_minutes)
            if spec.rollback_timeout_minutes
            else None,
            remote_network_config=_remote_network_config(remote) if remote else None,
            active_certificate_authority_id=spec.certificate_authority.active_id,
        )
        self._name, self._service_cidr = name, spec.service_cidr
        self.security_group_id = self.cluster.attr_cluster_security_group_id

    @cached_property
    def handle(self) -> ClusterHandle:
        """How what is made for the cluster refers to it, and so comes after it."""
        return ClusterHandle(self._name, self.cluster.ref)

    def joining(self) -> Joining:
        """Returns what nodes with an AMI of their own must know. CloudFormation returns no IPv4 range of services: the spec says it."""
        cidr = self._service_cidr or self.cluster.attr_kubernetes_network_config_service_ipv6_cidr
        return Joining(self.cluster.attr_endpoint, self.cluster.attr_certificate_authority_data, cidr)
