"""The EKS add-ons of a cluster: those that nodes wait for, then those that wait for nodes."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from aws_cdk import aws_eks as eks
from constructs import Construct, IDependable

from eks_constructs.addon_plan import PlannedAddon, merge
from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.construct_ids import pascal_case
from eks_constructs.identity import OidcProvider, service_account_role
from eks_constructs.pseudo import Aws
from eks_constructs.rights import statements_of
from eks_constructs.roles import IamSpec, Statement, allow


class Addons(Construct):
    """The add-ons of a cluster.

    Attributes:
        before_nodes: the L1 add-ons that node groups wait for.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        plan: Sequence[PlannedAddon],
        *,
        cluster: ClusterHandle,
        oidc: OidcProvider | None = None,
        security_group_id: str,
        network: ClusterNetwork,
        ipv6: bool,
        iam: IamSpec,
        volume_tags: Mapping[str, str] | None = None,
        cni: Mapping[str, Any] | None = None,
    ) -> None:
        """Makes the add-ons that nodes wait for; :meth:`after_nodes` makes the others once the nodes are known.

        ``oidc``: IAM's trust in the cluster's tokens; an add-on with a role that runs on Fargate needs it.
        """
        super().__init__(scope, construct_id)
        self._plan = plan
        self._cluster, self._oidc, self._iam = cluster, oidc, iam
        self._security_group_id, self._network, self._ipv6 = security_group_id, network, ipv6
        self._cni = cni or {}
        self._volume_tags = dict(volume_tags or {})
        self._made: dict[str, eks.CfnAddon] = {}
        for addon in plan:
            if addon.before_nodes:
                self._make(addon)
        self.before_nodes = list(self._made.values())

    def after_nodes(self, *, nodes: Sequence[IDependable]) -> None:
        """Makes the add-ons that become active only on a node, after ``nodes`` (node groups and Fargate profiles)."""
        for addon in self._plan:
            if not addon.before_nodes:
                resource = self._make(addon)
                for node in nodes:
                    # One message to Node in place of two, for an L1 resource.
                    if isinstance(node, CfnResource):
                        resource.add_resource_dependency(node)
                    else:
                        resource.node.add_dependency(node)

    def _make(self, addon: PlannedAddon) -> eks.CfnAddon:
        role_arn = self._role(addon) if addon.identity else None
        configuration = addon.configuration
        if addon.name == "vpc-cni":
            configuration = merge(merge(self._network_settings(), self._cni), configuration or {})
        if addon.name == "aws-ebs-csi-driver" and self._volume_tags:
            configuration = merge({"controller": {"extraVolumeTags": self._volume_tags}}, configuration or {})
        resource = eks.CfnAddon(
            self,
            pascal_case(addon.name),
            cluster_name=self._cluster.ref,
            addon_name=addon.name,
            addon_version=addon.version,
            configuration_values=None if configuration is None else json.dumps(configuration, sort_keys=True),
            resolve_conflicts=addon.resolve_conflicts,
            service_account_role_arn=role_arn if addon.on_fargate else None,
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    service_account=addon.identity["service_account"], role_arn=role_arn
                )
            ]
            if addon.identity and role_arn and not addon.on_fargate
            # An empty list removes what an earlier mix of compute had; EKS keeps what is merely left out.
            else ([] if addon.takes_role else None),
            namespace_config=eks.CfnAddon.NamespaceConfigProperty(namespace=addon.namespace)
            if addon.namespace
            else None,
        )
        for name in addon.after:
            if name in self._made:
                resource.add_resource_dependency(self._made[name])
        self._made[addon.name] = resource
        return resource

    def _role(self, addon: PlannedAddon) -> str:
        identity = addon.identity or {}
        if identity.get("role_arn"):
            return str(identity["role_arn"])
        managed = list(identity.get("policies", ()))
        own = [*_STATEMENTS.get(str(identity.get("statements")), list)(), *statements_of(identity.get("allow", ()))]
        if addon.name == "vpc-cni" and self._ipv6 and "allow" not in identity:
            managed, own = [], _ipv6_cni_statements()
        return service_account_role(
            self,
            f"{pascal_case(addon.name)}Role",
            spec=self._iam,
            cluster=self._cluster,
            namespace=identity["namespace"],
            service_account=identity["service_account"],
            # Pods on Fargate have no Pod Identity agent.
            oidc=self._oidc if addon.on_fargate else None,
            managed=managed,
            statements=own,
        ).attr_arn

    def _network_settings(self) -> dict[str, Any]:
        """Gives pods subnets of their own (custom networking) where the network has them; the add-on makes the ENIConfigs."""
        if not self._network.pod_subnets:
            return {}
        return {
            "env": {
                "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true",
                "ENI_CONFIG_LABEL_DEF": "topology.kubernetes.io/zone",
            },
            "eniConfig": {
                "create": True,
                "region": Aws.REGION,
                "subnets": {
                    zone: {"id": subnet, "securityGroups": [self._security_group_id]}
                    for zone, subnet in self._network.pod_subnets
                },
            },
        }


def _ipv6_cni_statements() -> list[Statement]:
    # AmazonEKS_CNI_Policy covers IPv4 alone.
    # https://docs.aws.amazon.com/eks/latest/userguide/cni-iam-role.html#cni-iam-role-create-ipv6-policy
    return [
        # The Describe calls take no resource, and which interface gets an address is known only at run time.
        allow(
            [
                "ec2:AssignIpv6Addresses",
                "ec2:DescribeInstances",
                "ec2:DescribeTags",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeInstanceTypes",
            ],
            "*",
            sid="AssignAddresses",
        ),
        allow(["ec2:CreateTags"], [f"arn:{Aws.PARTITION}:ec2:*:*:network-interface/*"], sid="TagInterfaces"),
    ]


def _external_dns_statements() -> list[Statement]:
    return [
        # Record sets of every zone: which zones are ExternalDNS's is a setting of its own (domainFilters).
        allow(
            ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"],
            [f"arn:{Aws.PARTITION}:route53:::hostedzone/*"],
            sid="ChangeRecords",
        ),
        # ListHostedZones takes no resource.
        allow(["route53:ListHostedZones"], "*", sid="FindZones"),
    ]


_STATEMENTS: Mapping[str, Callable[[], list[Statement]]] = {"external-dns": _external_dns_statements}
"""Rights that no policy of AWS gives, by their name in eks_facts/data/addons.yaml."""
