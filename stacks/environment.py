"""What one environment file describes: the constructs' own specs, put together, and what must hold between them."""

from datetime import date
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Discriminator, Field, Tag, ValidationInfo, model_validator

from eks_constructs.access import AccessSpec, NewRoleSpec
from eks_constructs.addons import AddonName, AddonProblem, AddonSpec, AddonVersion, PlannedAddon, plan_addons
from eks_constructs.auto_mode import AutoModeSpec, custom_node_role_name
from eks_constructs.catalog import load
from eks_constructs.compute import ComputeMix
from eks_constructs.control_plane import ControlPlaneSpec, KubernetesVersion
from eks_constructs.encryption import LogRetention
from eks_constructs.fargate import FargateSelectorSpec, FargateSpec
from eks_constructs.managed_nodes import ManagedNodesSpec
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from eks_constructs.roles import MAX_ROLE_NAME, IamSpec
from eks_constructs.spec import ClusterName, Misplaced, Spec, pattern, repeated

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
    pattern(
        r"(?!aws:)(?u:[\w .:/=+@-]+)", "must be letters, digits, spaces and _ . : / = + - @, not beginning with aws:"
    ),
]
TagValue = Annotated[
    str, pattern(r"(?u:[\w .:/=+@-]{0,256})", "must be at most 256 letters, digits, spaces and _ . : / = + - @")
]

MAX_STACK_NAME = 128
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html"""

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
            auto_mode_pools=bool(auto and "general-purpose" in auto.built_in_node_pools),
            managed_nodes=self.managed_nodes is not None,
            fargate=self.fargate is not None,
        )

    @model_validator(mode="after")
    def _something(self) -> "ComputeSpec":
        auto = self.auto_mode if self.auto_mode and self.auto_mode.enabled else None
        if self.managed_nodes or self.fargate:
            return self
        if auto is None:
            raise ValueError("names no compute, so no pod could run; add auto_mode: {}, managed_nodes or fargate")
        if not auto.built_in_node_pools and not auto.node_pools:
            raise Misplaced(
                "auto_mode has no node pools and there is no other compute; name built_in_node_pools or node_pools",
                "auto_mode",
                "built_in_node_pools",
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
        for index, group in enumerate(self.compute.managed_nodes.groups if self.compute.managed_nodes else []):
            if group.kubernetes_version is None:
                continue
            behind = mine - versions.index(group.kubernetes_version)
            if not 0 <= behind <= MAX_SKEW:
                raise Misplaced(
                    f"node group {group.name} has Kubernetes {group.kubernetes_version}, the control plane"
                    f" {self.control_plane.kubernetes_version};"
                    f" nodes may be up to {MAX_SKEW} minor versions behind and never ahead",
                    *("compute", "managed_nodes", "groups", index, "kubernetes_version"),
                )
        return self

    @model_validator(mode="after")
    def _addons_can_run(self) -> "ClusterSpec":
        try:
            selectors = self.system_selectors()
        except AddonProblem as problem:
            raise Misplaced(str(problem), "addons", *problem.where) from None
        for index, profile in enumerate(self.compute.fargate.profiles if self.compute.fargate else []):
            for place, selector in enumerate(profile.selectors):
                if clash := [one for one in selectors if one.overlaps(selector)]:
                    labels = ", ".join(f"{key}={value}" for key, value in clash[0].labels.items())
                    raise Misplaced(
                        f"the selector {selector.namespace} overlaps {clash[0].namespace} with {labels}:"
                        " this project makes a profile for those pods itself; take the selector out",
                        *("compute", "fargate", "profiles", index, "selectors", place, "namespace"),
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
    """Name of the environment, which begins the names of its stacks."""
    account: Annotated[str, pattern(r"\d{12}", 'must be 12 digits in quotes, such as "123456789012"')] | None = None
    """AWS account; default: that of the credentials."""
    region: Annotated[str, pattern(r"[a-z]{2}(-[a-z]+)+-\d", "must be an AWS region, such as eu-west-1")] | None = None
    """AWS region; default: that of the credentials."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of every resource of the templates (not of what Kubernetes controllers make later)."""
    iam: IamSpec = IamSpec()
    foundation: FoundationSpec = FoundationSpec()
    network: AnyNetwork | None = None
    """The network that clusters share, unless they bring their own."""
    clusters: Annotated[list[ClusterSpec], Field(min_length=1)]

    def network_of(self, cluster: ClusterSpec) -> NetworkSpec | ExistingNetworkSpec:
        """Returns the network a cluster runs in."""
        network = cluster.network or self.network
        if network is None:
            raise Misplaced(
                f"cluster {cluster.name} has no network; add `network` to the environment or to the cluster",
                *self._where(cluster, "network"),
            )
        return network

    def _where(self, cluster: ClusterSpec, *keys: str | int) -> tuple[str | int, ...]:
        """Returns the way to a key of a cluster."""
        return ("clusters", next(index for index, one in enumerate(self.clusters) if one is cluster), *keys)

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of every resource."""
        return {"eks-platform/environment": self.name, **self.tags}

    @model_validator(mode="after")
    def _clusters(self, info: ValidationInfo) -> "Environment":
        # Logical ids hold letters and digits alone.
        if (index := repeated(cluster.name.lower().replace("-", "") for cluster in self.clusters)) is not None:
            raise Misplaced(
                f"{self.clusters[index].name} is the name of two clusters, or nearly so:"
                " names must differ in more than hyphens and upper and lower case; choose another",
                *("clusters", index, "name"),
            )
        if self.network and all(cluster.network for cluster in self.clusters):
            raise Misplaced("no cluster uses it, every one brings its own; take one of them out", "network")
        today = (info.context or {}).get("today") or date.today()
        for cluster in self.clusters:
            network = self.network_of(cluster)
            self._check_version(cluster, today)
            self._check_addresses(cluster, network)
            self._check_names(cluster)
        return self

    @model_validator(mode="after")
    def _zones(self) -> "Environment":
        networks: list[tuple[tuple[str | int, ...], NetworkSpec | ExistingNetworkSpec | None]] = [
            (("network",), self.network),
            *((self._where(cluster, "network"), cluster.network) for cluster in self.clusters),
        ]
        zones: list[tuple[tuple[str | int, ...], str]] = []
        for where, network in networks:
            if isinstance(network, ExistingNetworkSpec):
                zones += [
                    ((*where, "pod_subnets", index, "availability_zone"), subnet.availability_zone)
                    for index, subnet in enumerate(network.pod_subnets)
                ]
            elif network and isinstance(network.availability_zones, list):
                zones += [
                    ((*where, "availability_zones", index), zone)
                    for index, zone in enumerate(network.availability_zones)
                ]
        for where, zone in zones:
            if not self.region:
                raise Misplaced(f"{zone} is named, so the region must be too: add `region: {zone[:-1]}`", *where)
            if zone[:-1] != self.region:
                raise Misplaced(f"{zone} is not in region {self.region}; change one of them", *where)
        return self

    @model_validator(mode="after")
    def _arns(self) -> "Environment":
        boundary = (self.iam.permissions_boundary or "").split(":")
        if self.account and boundary[4:] and boundary[4] not in (self.account, "aws"):
            raise Misplaced(
                f"is a policy of account {boundary[4]}; IAM takes one of the account itself, {self.account}",
                *("iam", "permissions_boundary"),
            )
        for cluster in self.clusters:
            compute = cluster.compute
            keys: list[tuple[tuple[str | int, ...], str | None]] = [
                (("control_plane", "etcd", "kms_key_arn"), cluster.control_plane.etcd.kms_key_arn)
            ]
            keys += [
                (
                    ("compute", "auto_mode", "node_classes", index, "ephemeral_storage_kms_key_arn"),
                    one.ephemeral_storage_kms_key_arn,
                )
                for index, one in enumerate(compute.auto_mode.node_classes if compute.auto_mode else [])
            ]
            keys += [
                (("compute", "managed_nodes", "groups", index, "volume_kms_key_arn"), group.volume_kms_key_arn)
                for index, group in enumerate(compute.managed_nodes.groups if compute.managed_nodes else [])
            ]
            for where, arn in keys:
                if arn and self.region and arn.split(":")[3] != self.region:
                    raise Misplaced(
                        f"is a key of region {arn.split(':')[3]}; the cluster is in {self.region}: name a key of that region",
                        *self._where(cluster, *where),
                    )
        return self

    def _check_names(self, cluster: ClusterSpec) -> None:
        stack = f"{self.name}-cluster-{cluster.name}"
        if len(stack) > MAX_STACK_NAME:
            raise Misplaced(
                f"the stack {stack} would have a name of {len(stack)} characters, and CloudFormation allows"
                f" {MAX_STACK_NAME}; shorten the cluster's name or the environment's",
                *self._where(cluster, "name"),
            )
        longest = max(self._role_names(cluster), key=len, default="")
        if len(longest) > MAX_ROLE_NAME:
            raise Misplaced(
                f"the IAM role {longest} would have a name of {len(longest)} characters, and IAM allows {MAX_ROLE_NAME};"
                " shorten iam.name_prefix or the cluster's name",
                *(("iam", "name_prefix") if self.iam.name_prefix else self._where(cluster, "name")),
            )

    def _role_names(self, cluster: ClusterSpec) -> list[str]:
        """Returns the names of the cluster's roles, as far as the cluster decides them."""
        compute = cluster.compute
        custom = bool(compute.auto_mode and compute.auto_mode.node_classes)
        always = [custom_node_role_name(self.iam, self.name, cluster.name)] if custom else []
        if self.iam.name_prefix is None:
            return always
        optional = {
            "auto-nodes": compute.auto_mode,
            "nodes": compute.managed_nodes,
            "fargate": compute.fargate,
            "tunnel": cluster.access.tunnel_host,
        }
        own = ["cluster", *(purpose for purpose, wanted in optional.items() if wanted)]
        own += [one.new_role for _, one in cluster.access.principals() if isinstance(one, NewRoleSpec)]
        own += [addon.identity["service_account"] for addon in cluster.planned_addons() if addon.identity]
        names = [f"{cluster.name}-{purpose}" for purpose in own]
        names.append(f"{self.name}-{cluster.name}-flow-logs" if cluster.network else f"{self.name}-flow-logs")
        return [*always, *(f"{self.iam.name_prefix}{name}" for name in names)]

    def _check_version(self, cluster: ClusterSpec, today: date) -> None:
        version = cluster.control_plane.kubernetes_version
        dates = load("kubernetes_versions")["versions"][version]
        ends = dates.get("extended_until")
        if ends and today > ends:
            raise Misplaced(
                f"Kubernetes {version} is out of support since {ends} (extended support too),"
                " and EKS creates no cluster with it; raise kubernetes_version, one minor version at a time",
                *self._where(cluster, "control_plane", "kubernetes_version"),
            )

    def _check_addresses(self, cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
        plane = cluster.control_plane
        pod_cidr = network.pod_cidr if isinstance(network, NetworkSpec) else None
        ip_family = self._where(cluster, "control_plane", "ip_family")
        if plane.ip_family == "ipv6" and not network.ipv6:
            raise Misplaced("ipv6 needs a network with IPv6; set network.ipv6: true", *ip_family)
        if plane.zones and isinstance(network, NetworkSpec) and plane.zones > network.zone_count:
            raise Misplaced(
                f"the network has {network.zone_count} AZs; name no more of them",
                *self._where(cluster, "control_plane", "zones"),
            )
        own_pod_subnets = pod_cidr or (isinstance(network, ExistingNetworkSpec) and network.pod_subnets)
        if plane.ip_family == "ipv6" and own_pod_subnets:
            raise Misplaced(
                "ipv6 cannot stand with subnets for pods alone (pod_cidr, pod_subnets), which serve IPv4 only;"
                " take them out of the network",
                *ip_family,
            )
        for taken in filter(None, (network.cidr, pod_cidr)):
            if plane.service_cidr and IPv4Network(plane.service_cidr).overlaps(IPv4Network(taken)):
                raise Misplaced(
                    f"overlaps {taken} of its network; choose another range",
                    *self._where(cluster, "control_plane", "service_cidr"),
                )
        auto = cluster.compute.auto_mode
        if (
            auto
            and auto.load_balancer_scheme == "internet-facing"
            and isinstance(network, NetworkSpec)
            and not network.public_subnets
        ):
            raise Misplaced(
                "internet-facing needs public subnets; set network.public_subnets: true",
                *self._where(cluster, "compute", "auto_mode", "load_balancer_scheme"),
            )


class LockFile(Spec):
    """Versions of add-ons, by Kubernetes version: ENVIRONMENT.lock.yaml beside the environment file."""

    addons: dict[KubernetesVersion, dict[AddonName, AddonVersion]]
