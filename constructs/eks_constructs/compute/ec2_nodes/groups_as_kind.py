"""What managed and self-managed nodes have in common as kinds of compute: groups of EC2 instances."""

from collections.abc import Collection, Iterator
from typing import ClassVar, Generic, TypeVar

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import DeviceSoftware
from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.nodes_spec import Ec2NodesSpec
from eks_constructs.compute.ec2_nodes.offer import device_software, offer
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.ec2_nodes.windows import check_windows_network, windows_rights
from eks_constructs.compute.kind import STORAGE_CLASSES, ClusterContext, ComputeKind, Where
from eks_constructs.compute.placement import Nodes
from eks_constructs.control_plane import ClusterRights
from eks_constructs.manifests import ManifestFile, storage_class
from eks_constructs.spec import Misplaced
from eks_facts.versions import minors_behind

N = TypeVar("N", bound=Ec2NodesSpec)


class Ec2Nodes(ComputeKind[N], Generic[N]):
    """Groups of EC2 nodes."""

    max_skew: ClassVar[int]
    """Minor versions that the nodes may be behind."""
    behind: ClassVar[str]
    """The same in words."""

    driver: ClassVar[str]
    """CSI driver of EBS volumes."""

    def joins_by_itself(self, group: Ec2GroupSpec) -> bool:
        """Returns whether the user data of a group's nodes says how they join: EKS does not add it."""
        raise NotImplementedError

    def check_versions(self, spec: N, context: ClusterContext) -> None:
        """Raises Misplaced for a version of nodes that the control plane's does not go with, or that their settings do not."""
        named: list[tuple[Where, str | None]] = [((), spec.kubernetes_version)]
        named += [(("groups", index), group.kubernetes_version) for index, group in enumerate(spec.groups)]
        for where, version in named:
            if version and not 0 <= minors_behind(context.kubernetes_version, version) <= self.max_skew:
                raise Misplaced(
                    f"nodes would have Kubernetes {version}, the control plane {context.kubernetes_version};"
                    f" nodes may be {self.behind}, and never ahead",
                    *where,
                    "kubernetes_version",
                )
        for index, group in enumerate(spec.groups):
            try:
                group.check_version(self.version_of(group, spec, context))
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None

    def version_of(self, group: Ec2GroupSpec, spec: N, context: ClusterContext) -> str:
        """Returns the Kubernetes version of a group's nodes."""
        return group.kubernetes_version or spec.kubernetes_version or context.kubernetes_version

    def check_network(self, spec: N, context: ClusterContext, zones: Collection[str] | None) -> None:
        super().check_network(spec, context, zones)
        check_windows_network(spec.groups, own_pod_subnets=context.own_pod_subnets, ipv6=context.ipv6)
        for index, group in enumerate(spec.groups):
            try:
                PodAddresses.of(context).check(group, joins=self.joins_by_itself(group))
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None

    def zones(self, spec: N) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for key in ("availability_zones", "local_zones"):
                for place, zone in enumerate(getattr(group, key)):
                    yield ("groups", index, key, place), zone

    def instance_types(self, spec: N) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for place, name in enumerate(group.instance_types):
                yield ("groups", index, "instance_types", place), name

    def windows(self, spec: N) -> bool:
        return any(group.windows for group in spec.groups)

    def cluster_rights(self, spec: N, *, tagged: bool) -> ClusterRights:
        return windows_rights(spec.groups)

    def reaches(self, spec: N) -> Iterator[tuple[str, str, Where]]:
        yield "nodes", self.title, ()
        if spec.session_manager:
            yield "session_manager", "session_manager", ("session_manager",)

    def makes_storage_class(self, context: ClusterContext) -> bool:
        """Returns whether it makes the class of EBS volumes."""
        return "aws-ebs-csi-driver" in context.addons

    def files(self, spec: N, context: ClusterContext, network: ClusterNetwork) -> Iterator[ManifestFile]:
        if self.makes_storage_class(context):
            volumes = storage_class("gp3", provisioner=self.driver, default="auto_mode" not in context.sections)
            yield ManifestFile(30, "storage-classes", [volumes], STORAGE_CLASSES)

    def names(self, spec: N, context: ClusterContext) -> Iterator[tuple[str, str]]:
        if self.makes_storage_class(context):
            yield "StorageClass", "gp3"

    def device_software(self, spec: N) -> Iterator[DeviceSoftware]:
        yield from device_software(spec.groups)

    def nodes(self, spec: N) -> Iterator[tuple[str, Nodes]]:
        yield from ((group.name, offer(group, self.node_selector)) for group in spec.groups)
