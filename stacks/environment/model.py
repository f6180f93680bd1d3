"""The model of an environment file: the constructs' own specs, and the rules between them."""

from datetime import date
from ipaddress import IPv4Network
from itertools import combinations
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from eks_constructs.addon_plan import not_beside
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.encryption import LogRetention
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.guardduty import GuardDutySpec
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.registries import Registries, RegistryName, RegistrySpec
from eks_constructs.roles import IamSpec
from eks_constructs.spec import TAGS_OF_CONTROLLERS, Misplaced, Spec, TagKey, TagValue, pattern, repeated
from stacks.environment.arns import check_arns
from stacks.environment.availability_zones import check_zones
from stacks.environment.cluster_in_network import check_against_network
from stacks.environment.cluster_names import check_names_of_aws
from stacks.environment.cluster_spec import AnyNetwork, ClusterSpec
from stacks.environment.gitops_rules import check_gitops
from stacks.environment.gitops_spec import GitOpsSpec
from stacks.environment.override_spec import OverrideSpec
from stacks.environment.path import NAME
from stacks.environment.region import Region
from stacks.environment.registry_rules import check_registries
from stacks.environment.stack_names import compute_stack, control_plane_stack
from stacks.environment.version_support import version_problem

MAX_STACK_NAME = 128
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html"""


class FoundationSpec(Spec):
    """What outlives clusters: keys, log groups, and the roles a cluster can never change."""

    retain: bool = True
    """Keeps keys, logs and roles when their stack is deleted, and when a cluster is taken out of the file."""
    log_retention_days: LogRetention = 365
    """Days that control plane, flow and Fargate logs are kept."""


class Environment(Spec):
    """The content of one environment file."""

    extends: str | list[str] | None = None
    """Environment files, relative to this one, that this one extends: its own keys go over theirs. A list: each goes over those
    before it (docs/environments.md)."""
    name: Annotated[
        str,
        pattern(
            NAME,
            "must begin with a letter and have at most 24 lower-case letters, digits and hyphens (it begins the names of the stacks)",
        ),
    ]
    """Name of the environment, which begins the names of its stacks."""
    account: Annotated[str, pattern(r"\d{12}", 'must be 12 digits in quotes, such as "123456789012"')] | None = None
    """AWS account; default: that of the credentials."""
    region: Region | None = None
    """AWS region; default: that of the credentials."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of every resource of the templates, and of what controllers make later: nodes (but those of Auto Mode's built-in pools),
    load balancers, and volumes on managed nodes (on Auto Mode: `auto_mode.volume_tags`)."""
    iam: IamSpec = IamSpec()
    foundation: FoundationSpec = FoundationSpec()
    guardduty: GuardDutySpec | None = None
    registries: dict[RegistryName, RegistrySpec] = {}
    """Registries and chart repositories that a mirror or a pull through cache of Amazon ECR replaces. Images of
    workloads and controllers, and the controllers' charts, then come from there."""
    network: AnyNetwork | None = None
    """The network that clusters share, unless they bring their own."""
    gitops: GitOpsSpec | None = None
    """The Git repository of clusters with `delivery: gitops`."""
    clusters: Annotated[list[ClusterSpec], Field(min_length=1)]
    """The clusters of the environment."""
    overrides: Annotated[list[OverrideSpec], Field(max_length=100)] = []
    """Properties of resources that no key of this file sets (docs/environments.md, Overrides). The review lists them."""
    _env: str | None = PrivateAttr(default=None)

    @property
    def env(self) -> str:
        """What a person says with ENV= for it: the name of a file in environments/, or the path of one of theirs."""
        return self._env or self.name

    def said_as(self, env: str) -> Self:
        """Remembers what a person says with ENV= for it; returns it."""
        self._env = env
        return self

    def network_of(self, cluster: ClusterSpec) -> NetworkSpec | ExistingNetworkSpec:
        """Returns the network a cluster runs in."""
        network = cluster.network or self.network
        if network is None:
            raise Misplaced(
                f"cluster {cluster.name} has no network; add `network` to the environment or to the cluster",
                *self.where(cluster, "network"),
            )
        return network

    def where(self, cluster: ClusterSpec, *keys: str | int) -> tuple[str | int, ...]:
        """Returns the way to a key of a cluster, from the top of the file."""
        return ("clusters", next(index for index, one in enumerate(self.clusters) if one is cluster), *keys)

    @property
    def argo_cd_hub(self) -> ClusterSpec | None:
        """The cluster whose capability Argo CD brings the objects of those with `delivery: gitops`; None: it runs elsewhere."""
        if self.gitops is None or self.gitops.engine != "argo_cd" or self.gitops.hub:
            return None
        return next((one for one in self.clusters if one.capabilities and one.capabilities.argo_cd), None)

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of every resource."""
        return {"eks-platform/environment": self.name, **self.tags}

    @property
    def tags_of_what_is_made(self) -> dict[str, str]:
        """Tags for what controllers create: none, if the file names none."""
        return self.all_tags if self.tags else {}

    def context_of(self, cluster: ClusterSpec) -> ClusterContext:
        """Returns a cluster as the kinds of compute see it."""
        network = self.network_of(cluster)
        made = network if isinstance(network, NetworkSpec) else None
        own = network.pod_cidr if isinstance(network, NetworkSpec) else network.pod_subnets
        return cluster.context(
            environment=self.name,
            region=self.region,
            own_pod_subnets=bool(own),
            isolated=not network.reaches_internet,
            connections=made.connections if made else None,
            vpc_cidrs=tuple(made.cidrs if made else (network.cidr,)),
            image_caches=self.registry_rules.caches_to_fill,
            iam=self.iam,
            tags=self.all_tags,
            tags_of_what_is_made=self.tags_of_what_is_made,
        )

    def remote_ranges(self, cluster: ClusterSpec | None) -> list[str]:
        """Returns the ranges outside of the VPC of the clusters in the shared network, or of ``cluster``, which has its own."""
        whose = [cluster] if cluster else [one for one in self.clusters if one.network is None]
        found = [one.compute.remote_networks for one in whose]
        return list(dict.fromkeys(cidr for remote in found if remote for cidr in (*remote.nodes, *remote.pods)))

    @model_validator(mode="after")
    def _clusters(self, info: ValidationInfo) -> "Environment":
        # Logical ids have only letters and digits.
        if (index := repeated(cluster.name.lower().replace("-", "") for cluster in self.clusters)) is not None:
            raise Misplaced(
                f"{self.clusters[index].name} is the name of two clusters, or nearly so:"
                " names must differ in more than hyphens and upper and lower case; choose another",
                *("clusters", index, "name"),
            )
        if self.network and all(cluster.network for cluster in self.clusters):
            raise Misplaced("no cluster uses it, each has its own; remove one of them", "network")
        today = (info.context or {}).get("today") or date.today()
        for cluster in self.clusters:
            network = self.network_of(cluster)
            if old := version_problem(cluster.control_plane, today):
                raise Misplaced(old.text, *self.where(cluster, "control_plane", old.key))
            try:
                check_against_network(cluster, network)
                check_names_of_aws(cluster, self.region)
            except Misplaced as problem:
                raise Misplaced(str(problem), *self.where(cluster, *problem.where)) from None
            self._check_names(cluster)
            self._check_network(cluster, network)
        return self

    @property
    def registry_rules(self) -> Registries:
        """Where images and charts come from."""
        return Registries(self.registries, account=self.account, region=self.region)

    @model_validator(mode="after")
    def _pods_of_sites_are_apart(self) -> "Environment":
        """A route of a VPC leads to pods of one cluster alone; machines of several clusters may be in one range."""
        ranges = [
            (cluster, key, index, cidr)
            for cluster in self.clusters
            if "hybrid_nodes" in cluster.compute.sections  # one that is off has let go of its ranges
            for key in ("remote_pod_networks", "remote_node_networks")
            for index, cidr in enumerate(getattr(cluster.compute.hybrid_nodes, key))
        ]
        for (other, its, _, theirs), (cluster, key, index, cidr) in combinations(ranges, 2):
            if cluster is other or "remote_pod_networks" not in (key, its) or not self._in_one_network(cluster, other):
                continue
            if IPv4Network(cidr).overlaps(IPv4Network(theirs)):
                raise Misplaced(
                    f"{cidr} overlaps {theirs} of cluster {other.name}, which has the same network: routes lead to one of the"
                    " two; choose another",
                    *self.where(cluster, "compute", "hybrid_nodes", key, index),
                )
        return self

    def _in_one_network(self, one: ClusterSpec, other: ClusterSpec) -> bool:
        first, second = self.network_of(one), self.network_of(other)
        if isinstance(first, ExistingNetworkSpec) and isinstance(second, ExistingNetworkSpec):
            return first.vpc_id == second.vpc_id
        return first is second

    @model_validator(mode="after")
    def _registries(self) -> "Environment":
        check_registries(self.registries, account=self.account, region=self.region, with_path=self.iam.path != "/")
        return self

    @model_validator(mode="after")
    def _gitops(self) -> "Environment":
        check_gitops(self.gitops, self.clusters)
        return self

    @model_validator(mode="after")
    def _tags(self) -> "Environment":
        seen = {"name": "Name", "eks-platform/environment": "eks-platform/environment"}
        for key in self.tags:
            if key.startswith(TAGS_OF_CONTROLLERS):
                raise Misplaced("is a tag that EKS, Auto Mode or Karpenter sets itself; remove it", "tags", key)
            if key.lower() in seen:
                raise Misplaced(
                    f"there is a tag {seen[key.lower()]} already, and IAM ignores upper and lower case; remove one",
                    "tags",
                    key,
                )
            seen[key.lower()] = key
        return self

    @model_validator(mode="after")
    def _overrides(self) -> "Environment":
        places = [f"{one.path.removesuffix('/Resource')} {one.property}" for one in self.overrides]
        if (index := repeated(places)) is not None:
            raise Misplaced(f"{places[index]} is overridden already; remove one", "overrides", index, "property")
        return self

    @model_validator(mode="after")
    def _zones(self) -> "Environment":
        check_zones(("network",), self.network, self.region)
        for cluster in self.clusters:
            check_zones(self.where(cluster, "network"), cluster.network, self.region)
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
            for way, one in cluster.all_pod_identities:
                if self.account and one.role_arn and one.role_arn.split(":")[4] != self.account:
                    raise Misplaced(
                        f"is a role of account {one.role_arn.split(':')[4]}; EKS takes one of the cluster's, {self.account}. A role of"
                        " another account is a target_role_arn",
                        *self.where(cluster, *way, "role_arn"),
                    )
        check_arns(self.model_dump(mode="json"), self.region)
        return self

    @model_validator(mode="after")
    def _guardduty(self) -> "Environment":
        if not self.guardduty or self.guardduty.agent == "own":
            return self
        for cluster in self.clusters:
            if "aws-guardduty-agent" in [addon.name for addon in cluster.planned_addons()]:
                raise Misplaced(
                    "GuardDuty installs it itself, as guardduty.agent says: managed; remove one of the two",
                    *self.where(cluster, "addons", "aws-guardduty-agent"),
                )
            why = not_beside("aws-guardduty-agent", cluster.compute.mix)
            if why and self.tags.get("GuardDutyManaged") != "false":
                raise Misplaced(
                    f"GuardDuty would install aws-guardduty-agent in cluster {cluster.name}; it {why}. Write `own`, or tag the clusters of"
                    ' this file with GuardDutyManaged: "false", which keeps it away',
                    *("guardduty", "agent"),
                )
        return self

    def _check_network(self, cluster: ClusterSpec, network: NetworkSpec | ExistingNetworkSpec) -> None:
        told = [
            (kind.name, *way) for kind, section in cluster.compute.active() for way in kind.told_how_to_join(section)
        ]
        for way in told:
            if cluster.existing and not cluster.existing.says_how_to_join:
                raise Misplaced(
                    "nodes that EKS does not tell how to join must know the endpoint, the certificate and the IPv4 range of services,"
                    " and the file of the existing cluster does not say them; look it up again (a cluster with IPv6 cannot have such"
                    " nodes)",
                    *self.where(cluster, "compute", *way),
                )
        context = self.context_of(cluster)
        for kind, section in cluster.compute.active():
            try:
                kind.check_network(section, context, network.zones_of_nodes)
            except Misplaced as problem:
                raise Misplaced(str(problem), *self.where(cluster, "compute", kind.name, *problem.where)) from None

    def _check_names(self, cluster: ClusterSpec) -> None:
        nodes = cluster.compute.managed_nodes
        for index, group in enumerate(nodes.groups if nodes else []):
            if f"{cluster.name}-{group.revision}" in {one.name for one in self.clusters}:
                raise Misplaced(
                    f"{cluster.name}-{group.revision} is the name of a cluster, and its compute stack would have the name of"
                    " this one; choose another",
                    *self.where(cluster, "compute", "managed_nodes", "groups", index, "revision"),
                )
        revisions = [one for one in nodes.revisions if one] if nodes else []
        names = [compute_stack(self.name, cluster.name, one) for one in revisions]
        stack = max([control_plane_stack(self.name, cluster.name), *names], key=len)
        if len(stack) > MAX_STACK_NAME:
            raise Misplaced(
                f"the stack {stack} would have a name of {len(stack)} characters, and CloudFormation allows"
                f" {MAX_STACK_NAME}; shorten the cluster's name or the environment's",
                *self.where(cluster, "name"),
            )
