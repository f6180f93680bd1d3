"""Self-managed nodes as a kind of compute."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput
from constructs import Construct

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import DeviceSoftware
from eks_constructs.compute.ec2_nodes.offer import device_software, offer
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.ec2_nodes.windows import check_windows_network, windows_rights
from eks_constructs.compute.kind import STORAGE_CLASSES, Built, ClusterContext, ComputeKind, Where, Wiring
from eks_constructs.compute.mix import KIND_LABEL, Hosting
from eks_constructs.compute.placement import Nodes, rule_with_controller
from eks_constructs.compute.self_managed_nodes import controllers
from eks_constructs.compute.self_managed_nodes.construct import SelfManagedNodes
from eks_constructs.compute.self_managed_nodes.spec import OLDEST_UBUNTU, SelfManagedNodesSpec
from eks_constructs.control_plane import ClusterRights
from eks_constructs.manifests import HelmChart, ManifestFile, storage_class
from eks_constructs.spec import Misplaced
from eks_facts.files import load

MAX_SKEW = 3
"""Minor versions that the kubelet may be behind the API server: https://kubernetes.io/releases/version-skew-policy/. EKS does not look
at nodes that it does not manage when it upgrades a control plane."""

_DRIVER = load("compute_kinds")["block_storage_drivers"]["self_managed_nodes"]


class SelfManagedNodeGroups(ComputeKind[SelfManagedNodesSpec]):
    """Auto Scaling groups of EC2 nodes that you start, update and drain yourself."""

    name = "self_managed_nodes"
    title = "self_managed_nodes"
    rank = 0
    node_selector = {KIND_LABEL: "self_managed_nodes"}
    rule = rule_with_controller(
        namespace="{name}-self-managed-nodes", node_selector=node_selector, storage_class="gp3", storage_driver=_DRIVER
    )
    nodes_are = "group"
    makes_access_entry = True

    def hosting(self, spec: SelfManagedNodesSpec) -> Hosting:
        return "at_once" if spec.hosts_addons else "never"

    def check(self, spec: SelfManagedNodesSpec, sections: Mapping[str, Any]) -> None:
        managed = sections.get("managed_nodes")
        names = {group.name for group in managed.groups} if managed else set()
        for index, group in enumerate(spec.groups):
            if group.name in names:
                raise Misplaced(
                    f"{group.name} is a managed node group already; choose another", self.name, "groups", index, "name"
                )

    def check_cluster(self, spec: SelfManagedNodesSpec, context: ClusterContext) -> None:
        if not context.ipv6 and not context.service_cidr:
            raise Misplaced(
                "these nodes must know the range of services, which CloudFormation does not return; set control_plane.service_cidr"
            )
        versions = list(load("kubernetes_versions")["versions"])
        mine = versions.index(context.kubernetes_version)
        named: list[tuple[Where, str | None]] = [((), spec.kubernetes_version)]
        named += [(("groups", index), group.kubernetes_version) for index, group in enumerate(spec.groups)]
        for where, version in named:
            if version and not 0 <= mine - versions.index(version) <= MAX_SKEW:
                raise Misplaced(
                    f"nodes would have Kubernetes {version}, the control plane {context.kubernetes_version};"
                    f" nodes may be {MAX_SKEW} minor versions behind, and never ahead",
                    *where,
                    "kubernetes_version",
                )
        for index, group in enumerate(spec.groups):
            version = group.kubernetes_version or spec.kubernetes_version or context.kubernetes_version
            try:
                group.check_version(version)
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None
            if group.image.family == "ubuntu" and versions.index(version) < versions.index(OLDEST_UBUNTU):
                raise Misplaced(
                    f"Ubuntu 24.04 has images for Kubernetes {OLDEST_UBUNTU} and later; name another by ami",
                    *("groups", index, "ami_type"),
                )

    def check_network(self, spec: SelfManagedNodesSpec, context: ClusterContext, zones: Collection[str] | None) -> None:
        super().check_network(spec, context, zones)
        check_windows_network(spec.groups, own_pod_subnets=context.own_pod_subnets, ipv6=context.ipv6)
        for index, group in enumerate(spec.groups):
            try:
                PodAddresses(context.prefixes, context.own_pod_subnets).check(group, joins=True)
            except Misplaced as problem:
                raise Misplaced(str(problem), "groups", index, *problem.where) from None

    def zones(self, spec: SelfManagedNodesSpec) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for place, zone in enumerate(group.availability_zones):
                yield ("groups", index, "availability_zones", place), zone

    def instance_types(self, spec: SelfManagedNodesSpec) -> Iterator[tuple[Where, str]]:
        for index, group in enumerate(spec.groups):
            for place, name in enumerate(group.instance_types):
                yield ("groups", index, "instance_types", place), name

    def windows(self, spec: SelfManagedNodesSpec) -> bool:
        return any(group.windows for group in spec.groups)

    def cluster_rights(self, spec: SelfManagedNodesSpec, *, tagged: bool) -> ClusterRights:
        return windows_rights(spec.groups)

    def told_how_to_join(self, spec: SelfManagedNodesSpec) -> Iterator[Where]:
        yield ()

    def reaches(self, spec: SelfManagedNodesSpec) -> Iterator[tuple[str, str, Where]]:
        yield "nodes", self.title, ()
        if spec.session_manager:
            yield "session_manager", "session_manager", ("session_manager",)
        if spec.termination_handler.enabled:
            yield "termination_handler", "the termination handler", ("termination_handler",)
        if spec.cluster_autoscaler.enabled:
            yield "cluster_autoscaler", "Cluster Autoscaler", ("cluster_autoscaler",)

    def build(self, scope: Construct, spec: SelfManagedNodesSpec, wiring: Wiring) -> Built:
        if wiring.joining is None:
            raise ValueError(f"nothing says how self-managed nodes join the cluster {wiring.cluster.name}")
        managed = wiring.context.sections.get("managed_nodes")
        made = SelfManagedNodes(
            scope,
            "SelfManagedNodes",
            spec,
            cluster=wiring.cluster,
            kubernetes_version=wiring.context.kubernetes_version,
            network=wiring.network,
            iam=wiring.context.iam,
            tags=wiring.context.tags,
            security_group_id=wiring.security_group_id,
            joining=wiring.joining(),
            pods=PodAddresses(wiring.context.prefixes, wiring.context.own_pod_subnets),
            have_entries=[arn for arn in (managed.role_arn, managed.windows_role_arn) if arn] if managed else [],
        )
        for group in made.groups.values():
            for addon in wiring.before_nodes:
                group.add_resource_dependency(addon)
        return Built(made, list(made.groups.values()))

    def has_controller(self, spec: SelfManagedNodesSpec) -> bool:
        return spec.termination_handler.enabled or spec.cluster_autoscaler.enabled

    def controller(self, scope: Construct, spec: SelfManagedNodesSpec, wiring: Wiring) -> Mapping[str, str]:
        iam, values = wiring.context.iam, dict[str, str]()
        if spec.termination_handler.enabled:
            handler = controllers.TerminationHandler(scope, "TerminationHandler", iam=iam, cluster=wiring.cluster)
            what = "Queue of EC2's warnings, for the AWS Node Termination Handler"
            CfnOutput(scope, controllers.QUEUE_OUTPUT, value=handler.queue_url, description=what)
            values[controllers.QUEUE] = handler.queue_url
        if spec.cluster_autoscaler.enabled:
            controllers.ClusterAutoscaler(scope, "ClusterAutoscaler", iam=iam, cluster=wiring.cluster)
        return values

    def charts(self, spec: SelfManagedNodesSpec, context: ClusterContext) -> Sequence[HelmChart]:
        return list(controllers.charts(spec, context))

    def files(
        self, spec: SelfManagedNodesSpec, context: ClusterContext, network: ClusterNetwork
    ) -> Iterator[ManifestFile]:
        if self._makes_storage_class(context):
            volumes = storage_class("gp3", provisioner=_DRIVER, default="auto_mode" not in context.sections)
            yield ManifestFile(30, "storage-classes", [volumes], STORAGE_CLASSES)

    def names(self, spec: SelfManagedNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
        if self._makes_storage_class(context):
            yield "StorageClass", "gp3"

    def device_software(self, spec: SelfManagedNodesSpec) -> Iterator[DeviceSoftware]:
        yield from device_software(spec.groups)

    def nodes(self, spec: SelfManagedNodesSpec) -> Iterator[tuple[str, Nodes]]:
        yield from ((group.name, offer(group, self.node_selector)) for group in spec.groups)

    def _makes_storage_class(self, context: ClusterContext) -> bool:
        """Whether it makes the class of the driver that managed nodes have, too, and make it then."""
        return "aws-ebs-csi-driver" in context.addons and "managed_nodes" not in context.sections
