"""Self-managed nodes as a kind of compute."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput
from constructs import Construct

from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.groups_as_kind import Ec2Nodes
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.kind import Built, ClusterContext, Where, Wiring
from eks_constructs.compute.mix import KIND_LABEL, Hosting
from eks_constructs.compute.placement import rule_with_controller
from eks_constructs.compute.self_managed_nodes import controllers
from eks_constructs.compute.self_managed_nodes.construct import SelfManagedNodes
from eks_constructs.compute.self_managed_nodes.spec import OLDEST_UBUNTU, SelfManagedNodesSpec
from eks_constructs.manifests import HelmChart
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from eks_facts.versions import KUBELET_SKEW, minors_behind

_DRIVER = load("compute_kinds")["block_storage_drivers"]["self_managed_nodes"]


class SelfManagedNodeGroups(Ec2Nodes[SelfManagedNodesSpec]):
    """Auto Scaling groups of EC2 nodes that you start, update and drain yourself."""

    name = "self_managed_nodes"
    title = "self_managed_nodes"
    rank = 0
    node_selector = {KIND_LABEL: "self_managed_nodes"}
    rule = rule_with_controller(
        namespace="{name}-self-managed-nodes", node_selector=node_selector, storage_class="gp3", storage_driver=_DRIVER
    )
    nodes_are = "group"
    driver = _DRIVER
    # EKS does not look at nodes that it does not manage when it upgrades a control plane.
    max_skew = KUBELET_SKEW
    behind = f"{KUBELET_SKEW} minor versions behind"
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
        theirs = {managed.role_arn, managed.windows_role_arn} - {None} if managed else set()
        for key in ("role_arn", "windows_role_arn"):
            if getattr(spec, key) in theirs:
                raise Misplaced(
                    "managed nodes have this role too, and EKS makes their way into the cluster: it would go with the last managed group,"
                    " and these nodes be NotReady (https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html);"
                    " name another",
                    *(self.name, key),
                )

    def check_cluster(self, spec: SelfManagedNodesSpec, context: ClusterContext) -> None:
        if not context.ipv6 and not context.service_cidr:
            raise Misplaced(
                "these nodes must know the range of services, which CloudFormation does not return; set control_plane.service_cidr"
            )
        self.check_versions(spec, context)
        for index, group in enumerate(spec.groups):
            version = self.version_of(group, spec, context)
            if group.image.family == "ubuntu" and context.ipv6:
                # Told endpoint and certificate, as here, the script takes a cluster for one with IPv4; whether Ubuntu's has the flags of
                # Amazon's for the other family is not documented: https://github.com/awslabs/amazon-eks-ami/issues/839
                raise Misplaced(
                    "how Ubuntu's AMIs join a cluster with ip_family: ipv6 is not documented; take AL2023 or Bottlerocket",
                    *("groups", index, "ami_type"),
                )
            if group.image.family == "ubuntu" and minors_behind(OLDEST_UBUNTU, version) > 0:
                raise Misplaced(
                    f"Ubuntu 24.04 has images for Kubernetes {OLDEST_UBUNTU} and later; name another by ami",
                    *("groups", index, "ami_type"),
                )

    def joins_by_itself(self, group: Ec2GroupSpec) -> bool:
        return True

    def told_how_to_join(self, spec: SelfManagedNodesSpec) -> Iterator[Where]:
        yield ()

    def reaches(self, spec: SelfManagedNodesSpec) -> Iterator[tuple[str, str, Where]]:
        yield from super().reaches(spec)
        if spec.termination_handler.enabled:
            yield "termination_handler", "the termination handler", ("termination_handler",)
        if spec.cluster_autoscaler.enabled:
            yield "cluster_autoscaler", "Cluster Autoscaler", ("cluster_autoscaler",)

    def build(self, scope: Construct, spec: SelfManagedNodesSpec, wiring: Wiring) -> Built:
        if wiring.joining is None:
            raise ValueError(f"nothing says how self-managed nodes join the cluster {wiring.cluster.name}")
        made = SelfManagedNodes(
            scope,
            "SelfManagedNodes",
            spec,
            cluster=wiring.cluster,
            kubernetes_version=wiring.context.kubernetes_version,
            network=wiring.network,
            iam=wiring.context.iam,
            pulls=wiring.context.pull_statements,
            tags=wiring.context.tags,
            security_group_id=wiring.security_group_id,
            joining=wiring.joining(),
            pods=PodAddresses.of(wiring.context),
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

    def makes_storage_class(self, context: ClusterContext) -> bool:
        # That of managed nodes has the same driver, and they make it then.
        return super().makes_storage_class(context) and "managed_nodes" not in context.sections
