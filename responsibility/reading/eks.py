"""Facts about what EKS itself keeps: clusters, their compute, add-ons and access."""

from __future__ import annotations

from collections.abc import Iterable

from responsibility.model import ComputeKind
from responsibility.reading.facts import Fact
from responsibility.reading.iam import Role
from responsibility.reading.network import Subnet, Vpc, region_of_zone
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.properties import Prop, Texts
from responsibility.reading.resource import text

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


class Cluster(Fact):
    """An EKS cluster: ``AWS::EKS::Cluster``, or the custom resource of older CDK versions."""

    what = "cluster"
    name_path = "Name"
    given_name = Prop("Name", "")
    version = Prop("Version", "")
    public_access = Prop("ResourcesVpcConfig.EndpointPublicAccess", True)
    private_access = Prop("ResourcesVpcConfig.EndpointPrivateAccess", False)
    public_cidrs = Texts("ResourcesVpcConfig.PublicAccessCidrs", ("0.0.0.0/0",))
    authentication_mode = Prop("AccessConfig.AuthenticationMode", "")
    creator_is_admin = Prop("AccessConfig.BootstrapClusterCreatorAdminPermissions", True)
    deletion_protection = Prop("DeletionProtection", False)
    zonal_shift = Prop("ZonalShiftConfig.Enabled", False)
    auto_compute = Prop("ComputeConfig.Enabled", False)
    auto_load_balancing = Prop("KubernetesNetworkConfig.ElasticLoadBalancing.Enabled", False)
    auto_block_storage = Prop("StorageConfig.BlockStorage.Enabled", False)
    ip_family = Prop("KubernetesNetworkConfig.IpFamily", "ipv4")
    tier = Prop("ControlPlaneScalingConfig.Tier", "standard")

    _bootstraps = Prop("BootstrapSelfManagedAddons", True)

    @property
    def known_as(self) -> str:
        """Its name, else its logical id."""
        return self.name

    @property
    def bootstrap_addons(self) -> bool:
        """Whether EKS installs the networking add-ons by itself: the default, but not with Auto Mode. Raises UnknownValue."""
        if self.get("BootstrapSelfManagedAddons") is None:
            return not self.auto_mode
        return self._bootstraps

    @property
    def public_ranges(self) -> list[str]:
        """The address ranges that reach a public endpoint. Raises UnknownValue, also for one of them."""
        path = "ResourcesVpcConfig.PublicAccessCidrs"
        return self.texts(path) or ["0.0.0.0/0"]  # an empty list is none: EKS takes its default

    @property
    def log_types(self) -> list[str]:
        """Control plane log types that are on. Raises UnknownValue."""
        items = self.resource.items("Logging.ClusterLogging.EnabledTypes")
        return [str(self.get(f"{path}.Type", "")) for path, _ in items]

    @property
    def secrets_key(self) -> object:
        """The customer's KMS key for API data: an ARN or a reference; None = AWS's own key. Raises UnknownValue."""
        return next((self.get(f"{path}.Provider.KeyArn") for path, _ in self.resource.items("EncryptionConfig")), None)

    @property
    def auto_mode(self) -> bool:
        """Whether AWS runs nodes for it. Raises UnknownValue."""
        return self.auto_compute

    @property
    def subnets(self) -> list[Subnet]:
        """The subnets of its network interfaces, as far as the templates create them."""
        return self.facts.find_all(Subnet, self.resource.maybe("ResourcesVpcConfig.SubnetIds", []))

    @property
    def region(self) -> str:
        """Its region: that of its stack, else that of the zones of its subnets; empty = not known."""
        of_zones = (region_of_zone(subnet.zone) for subnet in self.subnets)
        return self.resource.region or next(filter(None, of_zones), "")

    @property
    def vpc(self) -> Vpc | None:
        """Its VPC, where the templates make it."""
        return next((subnet.vpc for subnet in self.subnets if subnet.vpc), None)

    @property
    def role(self) -> Role | None:
        """The role that EKS assumes, where the templates make it."""
        return self.facts.find(Role, self.resource.maybe("RoleArn"))

    @property
    def node_groups(self) -> list[NodeGroup]:
        """Its managed node groups."""
        return self.facts.belonging(NodeGroup, self.resource.key)

    @property
    def fargate_profiles(self) -> list[FargateProfile]:
        """Its Fargate profiles."""
        return self.facts.belonging(FargateProfile, self.resource.key)

    @property
    def addons(self) -> dict[str, Addon]:
        """Its add-ons, by name."""
        return {addon.name: addon for addon in self.facts.belonging(Addon, self.resource.key)}

    @property
    def self_managed(self) -> list[SelfManagedNodes]:
        """Its groups of EC2 instances that join by themselves."""
        return self.facts.belonging(SelfManagedNodes, self.resource.key)

    @property
    def kinds(self) -> list[ComputeKind]:
        """The kinds of compute it has."""
        return [kind.id for kind in self.facts.kinds if kind.has(self)]

    @property
    def has_karpenter(self) -> bool:
        """Whether objects of Karpenter were read that start nodes."""
        group = "spec.template.spec.nodeClassRef.group"
        found = [*self.facts.of_type("EC2NodeClass"), *self.facts.of_type("NodePool")]
        return any(
            one.cluster_key == self.resource.key and one.resource.maybe(group) != "eks.amazonaws.com" for one in found
        )

    def has_only(self, kind: ComputeKind) -> bool:
        """Whether all nodes that are known are of one kind of compute."""
        return self.kinds == [kind] and not self.has_karpenter

    def has_any(self, kinds: Iterable[ComputeKind]) -> bool:
        """Whether it has one of some kinds of compute. Raises UnknownValue where it may.

        What Karpenter starts are EC2 instances of the account, and no resource of a template: they count as both kinds of those.
        """
        if set(kinds) & set(self.kinds):
            return True
        if {"managed_nodes", "self_managed_nodes"} & set(kinds) and self.has_karpenter:
            return True
        for kind in self.facts.kinds:
            if kind.id in kinds:
                kind.settle(self)
        return False


class OfCluster(Fact):
    """Something that belongs to a cluster."""

    @property
    def cluster(self) -> Cluster | None:
        """Its cluster, where the templates make it."""
        return self.facts.get(Cluster, self.cluster_key)


class NodeGroup(OfCluster, Ec2Nodes):
    """A managed node group: ``AWS::EKS::Nodegroup``."""

    what = "node group"
    name_path = "NodegroupName"
    given_name = Prop("NodegroupName", "")
    ami_type = Prop("AmiType", "")
    version = Prop("Version", "")
    capacity_type = Prop("CapacityType", "ON_DEMAND")
    instance_types = Texts("InstanceTypes")
    min_size = Prop("ScalingConfig.MinSize", 1)
    max_size = Prop("ScalingConfig.MaxSize", 2)
    force_update = Prop("ForceUpdateEnabled", False)
    repair = Prop("NodeRepairConfig.Enabled", False)
    labels = Prop[dict[str, str]]("Labels", {})

    @property
    def launch_template(self) -> LaunchTemplate | None:
        """Its launch template, where the templates make it."""
        value = self.resource.maybe("LaunchTemplate.Id") or self.resource.maybe("LaunchTemplate.Name")
        return self.facts.find(LaunchTemplate, value)

    @property
    def role(self) -> Role | None:
        """The role of its nodes, where the templates make it."""
        return self.facts.find(Role, self.resource.maybe("NodeRole"))

    @property
    def subnets(self) -> list[Subnet]:
        """Its subnets, as far as the templates create them."""
        return self.facts.find_all(Subnet, self.resource.maybe("Subnets", []))


class LaunchTemplate(Fact):
    """The settings of new EC2 instances: ``AWS::EC2::LaunchTemplate``."""

    what = "launch template"
    image = Prop("LaunchTemplateData.ImageId", "")
    tokens = Prop("LaunchTemplateData.MetadataOptions.HttpTokens", "")
    volumes = Prop[list[dict[str, object]]]("LaunchTemplateData.BlockDeviceMappings", [])

    @property
    def known_as(self) -> str:
        """Its name, else its logical id."""
        return text(self.resource.maybe("LaunchTemplateName", self.resource.id))


class SelfManagedNodes(OfCluster, Ec2Nodes):
    """EC2 instances that join a cluster by themselves: an Auto Scaling group that is tagged for it."""

    what = "Auto Scaling group"

    @property
    def launch_template(self) -> LaunchTemplate | None:
        """Its launch template, where the templates make it."""
        mixed = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification"
        paths = (f"{at}.LaunchTemplate{name}" for at in ("LaunchTemplate", mixed) for name in ("Id", "Name"))
        value = next((value for path in paths if (value := self.resource.maybe(path))), None)
        return self.facts.find(LaunchTemplate, value)

    @property
    def subnets(self) -> list[Subnet]:
        """Its subnets, as far as the templates create them."""
        return self.facts.find_all(Subnet, self.resource.maybe("VPCZoneIdentifier", []))


class FargateProfile(OfCluster):
    """Which pods run on Fargate: ``AWS::EKS::FargateProfile``."""

    what = "Fargate profile"
    name_path = "FargateProfileName"
    given_name = Prop("FargateProfileName", "")
    selectors = Prop[list[dict[str, object]]]("Selectors", [])

    @property
    def role(self) -> Role | None:
        """The pod execution role, where the templates make it."""
        return self.facts.find(Role, self.resource.maybe("PodExecutionRoleArn"))

    @property
    def subnets(self) -> list[Subnet]:
        """Its subnets, as far as the templates create them."""
        return self.facts.find_all(Subnet, self.resource.maybe("Subnets", []))


class Addon(OfCluster):
    """An EKS add-on: ``AWS::EKS::Addon``."""

    what = "add-on"
    version = Prop("AddonVersion", "")
    conflicts = Prop("ResolveConflicts", "")

    @property
    def name(self) -> str:
        """The add-on's name: ``vpc-cni``."""
        return text(self.resource.maybe("AddonName", self.resource.id))

    @property
    def has_identity(self) -> bool:
        """Whether it was given an IAM role of its own. Raises UnknownValue."""
        return bool(self.get("ServiceAccountRoleArn") or self.get("PodIdentityAssociations"))


class AccessEntry(OfCluster):
    """Who may use the Kubernetes API: ``AWS::EKS::AccessEntry``."""

    what = "access entry"
    type = Prop("Type", "STANDARD")
    groups = Texts("KubernetesGroups")

    @property
    def principal(self) -> object:
        """The IAM principal: an ARN or a reference. Raises UnknownValue."""
        return self.get("PrincipalArn", "")

    @property
    def name(self) -> str:
        """The principal, in short."""
        value = self.resource.maybe("PrincipalArn", self.resource.id)
        return text(value).rsplit(":", 1)[-1]

    @property
    def policies(self) -> list[tuple[str, str, list[str]]]:
        """Name, scope (``cluster``, also for every namespace, or ``namespace``) and namespaces of each. Raises UnknownValue."""
        found = []
        for index, _ in enumerate(self.get("AccessPolicies", [])):
            arn = str(self.get(f"AccessPolicies.{index}.PolicyArn", ""))
            scope = str(self.get(f"AccessPolicies.{index}.AccessScope.Type", "cluster"))
            namespaces = self.texts(f"AccessPolicies.{index}.AccessScope.Namespaces")
            if "*" in namespaces:  # a name may be a pattern: this one fits every namespace
                scope = "cluster"
            found.append((arn.rsplit("/", 1)[-1], scope, namespaces))
        return found


class PodIdentity(OfCluster):
    """A role for the pods of a service account: ``AWS::EKS::PodIdentityAssociation``."""

    what = "Pod Identity association"
    namespace = Prop("Namespace", "")
    service_account = Prop("ServiceAccount", "")

    @property
    def role(self) -> Role | None:
        """The pods' role, where the templates make it."""
        return self.facts.find(Role, self.resource.maybe("RoleArn"))
