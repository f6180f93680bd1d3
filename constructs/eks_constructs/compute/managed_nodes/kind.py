"""EC2 managed node groups as a kind of compute."""

from collections.abc import Collection, Iterator

from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import DeviceSoftware
from eks_constructs.compute.ec2_nodes.offer import device_software, offer
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.ec2_nodes.windows import check_windows_network, windows_rights
from eks_constructs.compute.kind import (
    STORAGE_CLASSES,
    Built,
    ClusterContext,
    ComputeKind,
    Where,
    Wiring,
)
from eks_constructs.compute.managed_nodes.construct import ManagedNodes
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.compute.mix import KIND_LABEL, Hosting
from eks_constructs.compute.placement import Nodes, rule_with_controller
from eks_constructs.control_plane import ClusterRights
from eks_constructs.manifests import ManifestFile, storage_class
from eks_constructs.spec import Misplaced
from eks_facts.files import load

MAX_SKEW = 1
"""Minor versions that managed nodes may be behind: Kubernetes allows three, but EKS upgrades a control plane only when all its
managed node groups have caught up. https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html"""

_DRIVER = load("compute_kinds")["block_storage_drivers"]["managed_nodes"]


class ManagedNodeGroups(ComputeKind[ManagedNodesSpec]):
    """EC2 nodes that EKS manages for you, as far as it does."""

    name = "managed_nodes"
    title = "managed_nodes"
    rank = 0
    node_selector = {KIND_LABEL: "managed_nodes"}
    rule = rule_with_controller(
        namespace="{name}-managed-nodes", node_selector=node_selector, storage_class="gp3", storage_driver=_DRIVER
    )
    nodes_are = "node group"

    def hosting(self, spec: ManagedNodesSpec) -> Hosting:
        return "at_once" if spec.hosts_addons else "never"

    def check_cluster(self, spec: ManagedNodesSpec, context: ClusterContext) -> None:
        versions = list(load("kubernetes_versions")["versions"])
        mine = versions.index(context.kubernetes_version)
        named: list[tuple[Where, str | None]] = [((), spec.kubernetes_version)]
        named += [(("groups", index), group.kubernetes_version) for index, group in enumerate(spec.groups)]
        for where, version in named:
            if version and not 0 <= mine - versions.index(version) <= MAX_SKEW:
                raise Misplaced(
                    f"nodes would have Kubernetes {version}, the control plane {context.kubernetes_version};"
                    f" nodes may be {MAX_SKEW} minor version behind, until the next upgrade, and never ahead",
                    *where,
                    "kubernetes_version",
                )

        for index, group in enumerate(spec.groups):
            try:
                group.check_version(group.kubernetes_version or spec.kubernetes_version or context.kubernetes_version)
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None
            if group.ami and not context.ipv6 and not context.service_cidr:
                raise Misplaced(
                    "nodes with an AMI of their own must know the range of services, which CloudFormation does not return;"
                    " set control_plane.service_cidr",
                    *("groups", index, "ami"),
                )

    def check_network(self, spec: ManagedNodesSpec, context: ClusterContext, zones: Collection[str] | None) -> None:
        super().check_network(spec, context, zones)
        check_windows_network(spec.groups, own_pod_subnets=context.own_pod_subnets, ipv6=context.ipv6)
        for index, group in enumerate(spec.groups):
            try:
                PodAddresses(context.prefixes, context.own_pod_subnets).check(group, joins=group.ami is not None)
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None

    def zones(self, spec: ManagedNodesSpec) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for place, zone in enumerate(group.availability_zones):
                yield ("groups", index, "availability_zones", place), zone

    def instance_types(self, spec: ManagedNodesSpec) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for place, name in enumerate(group.instance_types):
                yield ("groups", index, "instance_types", place), name

    def windows(self, spec: ManagedNodesSpec) -> bool:
        return any(group.windows for group in spec.groups)

    def cluster_rights(self, spec: ManagedNodesSpec, *, tagged: bool) -> ClusterRights:
        return windows_rights(spec.groups)

    def told_how_to_join(self, spec: ManagedNodesSpec) -> Iterator[Where]:
        yield from (("groups", index, "ami") for index, group in enumerate(spec.groups) if group.ami)

    def reaches(self, spec: ManagedNodesSpec) -> Iterator[tuple[str, str, Where]]:
        yield "nodes", self.title, ()
        if spec.session_manager:
            yield "session_manager", "session_manager", ("session_manager",)

    def build(self, scope: Construct, spec: ManagedNodesSpec, wiring: Wiring) -> Built:
        if wiring.revision not in spec.revisions:
            return Built()
        made = ManagedNodes(
            scope,
            "ManagedNodes",
            spec,
            cluster=wiring.cluster,
            kubernetes_version=wiring.context.kubernetes_version,
            network=wiring.network,
            iam=wiring.context.iam,
            tags=wiring.context.tags,
            sizes=wiring.sizes,
            revision=wiring.revision,
            security_group_id=wiring.security_group_id,
            joining=wiring.joining,
            pods=PodAddresses(wiring.context.prefixes, wiring.context.own_pod_subnets),
        )
        for group in made.groups.values():
            for addon in wiring.before_nodes:
                group.add_resource_dependency(addon)
        return Built(made, list(made.groups.values()))

    def files(self, spec: ManagedNodesSpec, context: ClusterContext, network: ClusterNetwork) -> Iterator[ManifestFile]:
        if "aws-ebs-csi-driver" in context.addons:
            volumes = storage_class("gp3", provisioner=_DRIVER, default="auto_mode" not in context.sections)
            yield ManifestFile(30, "storage-classes", [volumes], STORAGE_CLASSES)

    def names(self, spec: ManagedNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
        if "aws-ebs-csi-driver" in context.addons:
            yield "StorageClass", "gp3"

    def device_software(self, spec: ManagedNodesSpec) -> Iterator[DeviceSoftware]:
        yield from device_software(spec.groups)

    def nodes(self, spec: ManagedNodesSpec) -> Iterator[tuple[str, Nodes]]:
        yield from ((group.name, offer(group, self.node_selector)) for group in spec.groups)
