"""EKS add-ons: which ones a mix of compute needs, where they run, who they are in AWS, and in which order they come.

The rules are data (catalog/addons.yaml); :func:`plan_addons` reads them, :class:`Addons` makes what it says.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from aws_cdk import Aws
from aws_cdk import aws_eks as eks
from constructs import Construct, IDependable
from pydantic import Field

from eks_constructs.catalog import load
from eks_constructs.compute import KIND_LABEL, ComputeMix
from eks_constructs.identity import OidcProvider, irsa_role, pod_identity_role
from eks_constructs.network import ClusterNetwork
from eks_constructs.roles import IamSpec, Statement, allow
from eks_constructs.spec import Misplaced, Spec, pattern

AddonName = Literal[
    "eks-pod-identity-agent",
    "vpc-cni",
    "kube-proxy",
    "coredns",
    "aws-ebs-csi-driver",
    "metrics-server",
    "eks-node-monitoring-agent",
    "snapshot-controller",
    "aws-efs-csi-driver",
    "amazon-cloudwatch-observability",
    "external-dns",
]

AddonVersion = Annotated[
    str, pattern(r"v\d+\.\d+\.\d+-eksbuild\.\d+", "must be the version of an EKS add-on, such as v1.20.4-eksbuild.2")
]


class AddonSpec(Spec):
    """What differs from the rule for one add-on."""

    enabled: bool | None = None
    """Default: the rule for the mix of compute kinds (catalog/addons.yaml)."""
    version: AddonVersion | None = None
    """Default: the lock file beside the environment file, else EKS's default on the day the add-on is made (it then stays)."""
    configuration: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 3}])] = {}
    """Merged into ours; `aws eks describe-addon-configuration` shows the schema."""
    resolve_conflicts: Literal["OVERWRITE", "NONE", "PRESERVE"] = "OVERWRITE"
    """What an update does with settings that somebody changed in the cluster."""


@dataclass(frozen=True)
class PlannedAddon:
    """An add-on of one cluster, decided."""

    name: str
    before_nodes: bool
    on_fargate: bool
    version: str | None
    configuration: dict[str, Any]
    resolve_conflicts: str
    after: Sequence[str] = ()
    identity: Mapping[str, Any] | None = None
    fargate_selector: dict[str, Any] | None = field(default=None)
    """Namespace and labels of its pods, if a Fargate profile must draw them."""
    endpoints: Sequence[str] = ()
    """VPC endpoints it needs where there is no NAT, beside the default ones."""


class AddonProblem(Misplaced):
    """An add-on that cannot work in the mix of compute kinds that asks for it."""


def plan_addons(
    specs: Mapping[str, AddonSpec], mix: ComputeMix, *, locked: Mapping[str, str] | None = None
) -> list[PlannedAddon]:
    """Returns the add-ons of a cluster in the order of the catalog.

    Args:
        specs: what the environment file says of add-ons, by name.
        mix: the cluster's compute kinds.
        locked: versions from the lock file, by name.

    Raises:
        AddonProblem: an add-on is switched on that has nothing to run on.
    """
    planned = []
    for name, rule in load("addons")["addons"].items():
        spec = specs.get(name, AddonSpec())
        host = mix.deployments_run_on if rule["type"] == "deployment" else None
        runs = (
            host in rule["compute"]
            if rule["type"] == "deployment"
            else any(kind in mix.kinds for kind in rule["compute"])
        )
        wanted = any(kind in mix.kinds for kind in rule["default_for"]) if spec.enabled is None else spec.enabled
        if spec.enabled and not runs:
            where = (
                "nothing, before node pools are applied"
                if host is None and rule["type"] == "deployment"
                else ", ".join(mix.kinds) or "nothing"
            )
            raise AddonProblem(
                f"{name} runs on {' or '.join(rule['compute'])}; here it would have to run on {where}; take it out",
                name,
            )
        if not (wanted and runs):
            continue
        on_fargate = host == "fargate"
        namespace = rule.get("identity", {}).get("namespace", "kube-system")
        planned.append(
            PlannedAddon(
                name=name,
                before_nodes=rule["stage"] == "before_nodes",
                on_fargate=on_fargate,
                version=spec.version or (locked or {}).get(name),
                configuration=merge(merge(rule.get("configuration", {}), _placement(rule, mix)), spec.configuration),
                resolve_conflicts=spec.resolve_conflicts,
                after=rule.get("after", ()),
                identity=rule.get("identity"),
                endpoints=rule.get("endpoints", ()),
                fargate_selector={"namespace": namespace, "labels": rule["fargate_selector"]}
                if on_fargate and "fargate_selector" in rule
                else None,
            )
        )
    return planned


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``base`` with ``over`` laid over it, maps into maps."""
    result = dict(base)
    for key, value in over.items():
        result[key] = (
            merge(result[key], value) if isinstance(value, Mapping) and isinstance(result.get(key), Mapping) else value
        )
    return result


def _placement(rule: Mapping[str, Any], mix: ComputeMix) -> dict[str, Any]:
    """Where the pods of a Deployment go: only said where there is a choice."""
    host = mix.deployments_run_on
    if rule["type"] == "daemonset":
        return {}
    if host == "fargate":
        return dict(rule.get("fargate_configuration", {}))
    # Managed and Auto Mode nodes are both there to choose from. Fargate takes only pods that a profile selects; and a
    # selector for nodes would keep CoreDNS pending while a cluster moves from Fargate to nodes.
    if not (mix.managed_nodes and mix.auto_mode) or "placement" not in rule:
        return {}
    selector = {KIND_LABEL: "managed_nodes"}
    return {rule["placement"]: {"nodeSelector": selector}} if rule["placement"] else {"nodeSelector": selector}


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
        cluster_name: str,
        cluster_ref: str,
        issuer_url: str,
        security_group_id: str,
        network: ClusterNetwork,
        ipv6: bool,
        iam: IamSpec,
    ) -> None:
        """Plans the add-ons that nodes wait for; :meth:`after_nodes` makes the others once the nodes are known."""
        super().__init__(scope, construct_id)
        self._plan = plan
        self._cluster_name, self._cluster_ref, self._issuer_url, self._iam = cluster_name, cluster_ref, issuer_url, iam
        self._security_group_id, self._network, self._ipv6 = security_group_id, network, ipv6
        self._made: dict[str, eks.CfnAddon] = {}
        self._oidc: OidcProvider | None = None
        for addon in plan:
            if addon.before_nodes:
                self._make(addon)
        self.before_nodes = list(self._made.values())

    def after_nodes(self, *, nodes: Sequence[IDependable]) -> None:
        """Makes the add-ons that become active only on a node, after ``nodes`` (node groups and Fargate profiles)."""
        for addon in self._plan:
            if not addon.before_nodes:
                resource = self._make(addon)
                resource.node.add_dependency(*nodes)

    def _make(self, addon: PlannedAddon) -> eks.CfnAddon:
        role_arn = self._role(addon) if addon.identity else None
        configuration = (
            merge(self._network_settings(), addon.configuration) if addon.name == "vpc-cni" else addon.configuration
        )
        resource = eks.CfnAddon(
            self,
            _pascal(addon.name),
            cluster_name=self._cluster_ref,
            addon_name=addon.name,
            addon_version=addon.version,
            configuration_values=json.dumps(configuration, sort_keys=True) if configuration else None,
            resolve_conflicts=addon.resolve_conflicts,
            service_account_role_arn=role_arn if addon.on_fargate else None,
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    service_account=addon.identity["service_account"], role_arn=role_arn
                )
            ]
            if addon.identity and role_arn and not addon.on_fargate
            # An empty list takes away what an earlier mix of compute had; EKS keeps what is merely left out.
            else ([] if addon.identity else None),
        )
        for name in addon.after:
            if name in self._made:
                resource.add_resource_dependency(self._made[name])
        self._made[addon.name] = resource
        return resource

    def _role(self, addon: PlannedAddon) -> str:
        identity = addon.identity or {}
        managed, statements = list(identity["policies"]), self._statements(identity.get("statements"))
        if addon.name == "vpc-cni" and self._ipv6:
            managed, statements = [], _ipv6_cni_statements()
        construct_id = f"{_pascal(addon.name)}Role"
        if not addon.on_fargate:
            return pod_identity_role(
                self,
                construct_id,
                spec=self._iam,
                cluster=self._cluster_name,
                namespace=identity["namespace"],
                service_account=identity["service_account"],
                managed=managed,
                statements=statements,
            ).attr_arn
        self._oidc = self._oidc or OidcProvider(self, "Oidc", issuer_url=self._issuer_url)
        return irsa_role(
            self,
            construct_id,
            spec=self._iam,
            cluster=self._cluster_name,
            oidc=self._oidc,
            namespace=identity["namespace"],
            service_account=identity["service_account"],
            managed=managed,
            statements=statements,
        ).attr_arn

    def _statements(self, name: str | None) -> list[Statement]:
        if name != "external-dns":
            return []
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


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
