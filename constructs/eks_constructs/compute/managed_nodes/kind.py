"""EC2 managed node groups as a kind of compute."""

from collections.abc import Iterator

from constructs import Construct

from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.groups_as_kind import Ec2Nodes
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.kind import (
    Built,
    ClusterContext,
    Where,
    Wiring,
)
from eks_constructs.compute.managed_nodes.construct import ManagedNodes
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.compute.mix import KIND_LABEL, Hosting
from eks_constructs.compute.placement import rule_with_controller
from eks_constructs.spec import Misplaced
from eks_facts.files import load

MAX_SKEW = 1
"""Minor versions that managed nodes may be behind: Kubernetes allows three, but EKS upgrades a control plane only when all its
managed node groups have caught up. https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html"""

_DRIVER = load("compute_kinds")["block_storage_drivers"]["managed_nodes"]


class ManagedNodeGroups(Ec2Nodes[ManagedNodesSpec]):
    """EC2 nodes that EKS manages for you, as far as it does."""

    name = "managed_nodes"
    title = "managed_nodes"
    rank = 0
    node_selector = {KIND_LABEL: "managed_nodes"}
    rule = rule_with_controller(
        namespace="{name}-managed-nodes", node_selector=node_selector, storage_class="gp3", storage_driver=_DRIVER
    )
    nodes_are = "node group"
    driver = _DRIVER
    max_skew = MAX_SKEW
    behind = f"{MAX_SKEW} minor version behind, until the next upgrade"

    def hosting(self, spec: ManagedNodesSpec) -> Hosting:
        return "at_once" if spec.hosts_addons else "never"

    def check_cluster(self, spec: ManagedNodesSpec, context: ClusterContext) -> None:
        self.check_versions(spec, context)
        for index, group in enumerate(spec.groups):
            if group.ami and not context.ipv6 and not context.service_cidr:
                raise Misplaced(
                    "nodes with an AMI of their own must know the range of services, which CloudFormation does not return;"
                    " set control_plane.service_cidr",
                    *("groups", index, "ami"),
                )

    def joins_by_itself(self, group: Ec2GroupSpec) -> bool:
        return group.ami is not None

    def told_how_to_join(self, spec: ManagedNodesSpec) -> Iterator[Where]:
        yield from (("groups", index, "ami") for index, group in enumerate(spec.groups) if group.ami)

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
            pulls=wiring.context.pull_statements,
            tags=wiring.context.tags,
            sizes=wiring.sizes,
            revision=wiring.revision,
            security_group_id=wiring.security_group_id,
            joining=wiring.joining,
            pods=PodAddresses.of(wiring.context),
        )
        for group in made.groups.values():
            for addon in wiring.before_nodes:
                group.add_resource_dependency(addon)
        return Built(made, list(made.groups.values()))
