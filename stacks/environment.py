"""What one environment file describes: the constructs' own specs, put together, and what must hold between them."""

from datetime import date
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Discriminator, Field, Tag, ValidationInfo, model_validator

from eks_constructs.access import AccessSpec, NewRoleSpec
from eks_constructs.addons import AddonName, AddonProblem, AddonSpec, AddonVersion, PlannedAddon, plan_addons
from eks_constructs.auto_mode import AutoModeSpec
from eks_constructs.catalog import load
from eks_constructs.compute import ComputeMix
from eks_constructs.control_plane import ControlPlaneSpec, KubernetesVersion
from eks_constructs.encryption import LogRetention
from eks_constructs.fargate import FargateSelectorSpec, FargateSpec
from eks_constructs.managed_nodes import ManagedNodesSpec
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from eks_constructs.roles import MAX_ROLE_NAME, IamSpec
from eks_constructs.spec import ClusterName, Spec, duplicates, pattern

AnyNetwork = Annotated[
    Annotated[NetworkSpec, Tag("new")] | Annotated[ExistingNetworkSpec, Tag("existing")],
    Discriminator(
        lambda value: (
            "existing"
            if isinstance(value, ExistingNetworkSpec) or (isinstance(value, dict) and "vpc_id" in value)
            else "new"
        )
    ),
]
"""A network to make, or (with `vpc_id`) one that exists."""

TagKey = Annotated[
    str,
    Field(max_length=128),
    pattern(r"(?!aws:)[\w .:/=+@-]+", "must be letters, digits, spaces and _ . : / = + - @, not beginning with aws:"),
]
TagValue = Annotated[
    str, pattern(r"[\w .:/=+@-]{0,256}", "must be at most 256 letters, digits, spaces and _ . : / = + - @")
]

LONGEST_ROLE_PURPOSE = "-efs-csi-controller-sa"
MAX_SKEW = 3
"""A kubelet may be this many minor versions behind the API server. https://kubernetes.io/releases/version-skew-policy/#kubelet"""


class FoundationSpec(Spec):
    """What outlives clusters: keys, log groups, and the roles a cluster can never change."""

    retain: bool = True
    """Keeps keys, logs and roles when their stack is deleted, and when a cluster is taken out of the file."""
    log_retention_days: LogRetention = 365
    """Days that control plane, flow and Fargate logs are kept."""


class ComputeSpec(Spec):
    """The kinds of compute of a cluster, in any mix."""

    auto_mode: AutoModeSpec | None = None
    managed_nodes: ManagedNodesSpec | None = None
    fargate: FargateSpec | None = None

    @property
    def mix(self) -> ComputeMix:
        """What the rest of the cluster needs to know of it."""
        auto = self.auto_mode if self.auto_mode and self.auto_mode.enabled else None
        return ComputeMix(
            auto_mode=auto is not None,
            auto_mode_pools=bool(auto and auto.built_in_node_pools),
            managed_nodes=self.managed_nodes is not None,
            fargate=self.fargate is not None,
        )

    @model_validator(mode="after")
    def _something(self) -> "ComputeSpec":
        auto = self.auto_mode if self.auto_mode and self.auto_mode.enabled else None
        if self.managed_nodes or self.fargate:
            return self
        if auto is None:
            raise ValueError("names no compute, so no pod could run; add auto_mode, managed_nodes or fargate")
        if not auto.built_in_node_pools and not auto.node_pools:
            raise ValueError(
                "auto_mode has no node pools and there is no other compute; name built_in_node_pools or node_pools"
            )
        return self


class ClusterSpec(Spec):
    """One EKS cluster."""

    name: ClusterName
    network: AnyNetwork | None = None
    """A network of its own; default: the environment's."""
    control_plane: ControlPlaneSpec
    access: AccessSpec
    compute: ComputeSpec
    addons: dict[AddonName, AddonSpec] = {}
    """What differs from the rules of catalog/addons.yaml."""

    def planned_addons(self, lock: "LockFile | None" = None) -> list[PlannedAddon]:
        """Returns the add-ons of the cluster, with the versions of ``lock``. Raises AddonProblem."""
        locked = lock.addons.get(self.control_plane.kubernetes_version, {}) if lock else {}
        return plan_addons(dict(self.addons.items()), self.compute.mix, locked=dict(locked.items()))

    def system_selectors(self) -> list[FargateSelectorSpec]:
        """Returns what Fargate must draw for the add-ons that run there."""
        return [
            FargateSelectorSpec(**addon.fargate_selector) for addon in self.planned_addons() if addon.fargate_selector
        ]

    @model_validator(mode="after")
    def _node_versions(self) -> "ClusterSpec":
        versions = list(load("kubernetes_versions")["versions"])
        mine = versions.index(self.control_plane.kubernetes_version)
        for group in self.compute.managed_nodes.groups if self.compute.managed_nodes else []:
            if group.kubernetes_version is None:
                continue
            behind = mine - versions.index(group.kubernetes_version)
            if not 0 <= behind <= MAX_SKEW:
                raise ValueError(
                    f"node group {group.name} has Kubernetes {group.kubernetes_version}, the control plane"
                    f" {self.control_plane.kubernetes_version};"
                    f" nodes may be up to {MAX_SKEW} minor versions behind and never ahead"
                )
        return self

    @model_validator(mode="after")
    def _addons_can_run(self) -> "ClusterSpec":
        try:
            selectors = self.system_selectors()
        except AddonProblem as problem:
            raise ValueError(f"addons: {problem}") from None
        for profile in self.compute.fargate.profiles if self.compute.fargate else []:
            for selector in profile.selectors:
                if clash := [one for one in selectors if one.overlaps(selector)]:
                    labels = ", ".join(f"{key}={value}" for key, value in clash[0].labels.items())
                    raise ValueError(
                        f"fargate profile {profile.name} selects {selector.namespace}, which overlaps {clash[0].namespace} with {labels}:"
                        " this project makes a profile for those pods itself; take the selector out"
                    )
        return self


class Environment(Spec):
    """Everything one environment file describes."""

    name: Annotated[
        str,
        pattern(
            r"[a-z][a-z0-9-]{0,23}",
            "must begin with a letter and have at most 24 lower-case letters, digits and hyphens (it begins the names of the stacks)",
        ),
    ]
    account: Annotated[str, pattern(r"\d{12}", 'must be 12 digits in quotes, such as "123456789012"')] | None = None
    """AWS account; default: that of the credentials."""
    region: Annotated[str, pattern(r"[a-z]{2}(-[a-z]+)+-\d", "must be an AWS region, such as eu-west-1")] | None = None
    """AWS region; default: that of the credentials."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of every resource that takes tags."""
    iam: IamSpec = IamSpec()
    foundation: FoundationSpec = FoundationSpec()
    network: AnyNetwork | None = None
    """The network that clusters share, unless they bring their own."""
    clusters: Annotated[list[ClusterSpec], Field(min_length=1)]

    def network_of(self, cluster: ClusterSpec) -> NetworkSpec | ExistingNetworkSpec:
        """Returns the network a cluster runs in."""
        network = cluster.network or self.network
        if network is None:
            raise ValueError(
                f"cluster {cluster.name} has no network; add `network` to the environment or to the cluster"
            )
        return network

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of every resource."""
        return {"eks-platform/environment": self.name, **self.tags}

    @model_validator(mode="after")
    def _clusters(self, info: ValidationInfo) -> "Environment":
        if repeated := duplicates([cluster.name.lower() for cluster in self.clusters]):
            raise ValueError(
                f"clusters: two are named {', '.join(repeated)}; their names must differ in more than upper and lower case"
            )
        if self.network and all(cluster.network for cluster in self.clusters):
            raise ValueError("network: no cluster uses it, every one brings its own; take one of them out")
        today = (info.context or {}).get("today") or date.today()
        for cluster in self.clusters:
            network = self.network_of(cluster)
            _check_version(cluster, today)
            _check_addresses(cluster, network)
            self._check_names(cluster)
        return self

    @model_validator(mode="after")
    def _zones(self) -> "Environment":
        networks = [self.network, *(cluster.network for cluster in self.clusters)]
        zones = [
            zone
            for network in networks
            if isinstance(network, NetworkSpec) and isinstance(network.availability_zones, list)
            for zone in network.availability_zones
        ]
        if not self.region and zones:
            raise ValueError(
                f"availability_zones names {zones[0]}, so the region must be named too: add `region: {zones[0][:-1]}`"
            )
        if wrong := [zone for zone in zones if not zone.startswith(self.region or "")]:
            raise ValueError(f"availability_zones names {', '.join(wrong)}, which is not in region {self.region}")
        return self

    def _check_names(self, cluster: ClusterSpec) -> None:
        prefix = self.iam.name_prefix
        roles = [
            f"-{principal.new_role}"
            for principal in [
                *cluster.access.admins,
                *cluster.access.readers,
                *(entry.principal for entry in cluster.access.entries),
            ]
            if isinstance(principal, NewRoleSpec)
        ]
        roles.append(LONGEST_ROLE_PURPOSE)
        named = prefix is not None or bool(cluster.compute.auto_mode and cluster.compute.auto_mode.node_classes)
        longest = f"{prefix or ''}{cluster.name}{max(roles, key=len)}"
        if named and len(longest) > MAX_ROLE_NAME:
            raise ValueError(
                f"the IAM role {longest} would have {len(longest)} characters, and IAM allows {MAX_ROLE_NAME};"
                " shorten iam.name_prefix or the cluster's name"
            )


def _check_version(cluster: ClusterSpec, today: date) -> None:
    version = cluster.control_plane.kubernetes_version
    dates = load("kubernetes_versions")["versions"][version]
    ends = dates.get("extended_until")
    if ends and today > ends:
        raise ValueError(
            f"cluster {cluster.name}: Kubernetes {version} is out of support since {ends} (extended support too),"
            " and EKS creates no cluster with it; raise kubernetes_version, one minor version at a time"
        )


def _check_addresses(cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
    plane = cluster.control_plane
    pod_cidr = network.pod_cidr if isinstance(network, NetworkSpec) else None
    if plane.ip_family == "ipv6" and not network.ipv6:
        raise ValueError(
            f"cluster {cluster.name} has ip_family: ipv6, but its network has no IPv6; set network.ipv6: true"
        )
    own_pod_subnets = pod_cidr or (isinstance(network, ExistingNetworkSpec) and network.pod_subnets)
    if plane.ip_family == "ipv6" and own_pod_subnets:
        raise ValueError(
            f"cluster {cluster.name} has ip_family: ipv6, and its network has subnets for pods alone, which serve IPv4 only"
        )
    for taken in filter(None, (network.cidr, pod_cidr)):
        if plane.service_cidr and IPv4Network(plane.service_cidr).overlaps(IPv4Network(taken)):
            raise ValueError(
                f"cluster {cluster.name}: service_cidr {plane.service_cidr} overlaps {taken} of its network"
            )
    auto = cluster.compute.auto_mode
    if (
        auto
        and auto.load_balancer_scheme == "internet-facing"
        and isinstance(network, NetworkSpec)
        and not network.public_subnets
    ):
        raise ValueError(
            f"cluster {cluster.name}: load_balancer_scheme internet-facing needs network.public_subnets: true"
        )


class LockFile(Spec):
    """Versions of add-ons, by Kubernetes version: ENVIRONMENT.lock.yaml beside the environment file."""

    addons: dict[KubernetesVersion, dict[AddonName, AddonVersion]]
