"""EC2 managed node groups: AWS builds the AMI and drives the Auto Scaling group; the nodes, and when they are updated, are yours."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.capacity import GroupCapacity
from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.nodes_spec import Ec2NodesSpec
from eks_constructs.compute.instance_type import InstanceType
from eks_constructs.compute.managed_nodes.updates import NodeRepairSpec, WarmPoolSpec
from eks_constructs.construct_ids import check_names
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.spec import Misplaced, RoleArn, pattern
from eks_facts.files import limit

AmiType = Literal[
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
    "AL2023_x86_64_NEURON",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_FIPS",
    "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
    "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
    "WINDOWS_CORE_2022_x86_64",
    "WINDOWS_FULL_2022_x86_64",
    "WINDOWS_CORE_2025_x86_64",
    "WINDOWS_FULL_2025_x86_64",
]
"""AMIs that EKS builds for managed node groups. Not AL2, which has no AMI for Kubernetes 1.33 and later."""

MAX_NODES = limit("nodes_per_group")
"""Of a group; more need another group."""


Revision = Annotated[
    str, pattern(r"[a-z][a-z0-9]{0,15}", "must begin with a letter and have at most 16 lower-case letters and digits")
]
"""Names one of several sets of node groups."""

REVISION_LABEL = "eks-platform/revision"
"""Label of the nodes of a revision."""


class NodeGroupSpec(Ec2GroupSpec):
    """A group of like EC2 instances."""

    ami_type: AmiType = "AL2023_x86_64_STANDARD"
    """Operating system, processor and device. A change replaces the group."""
    instance_types: Annotated[list[InstanceType], Field(min_length=1, max_length=20)]
    """In order of preference; several, of like size, for Spot. A change replaces the group."""
    capacity: GroupCapacity = "on-demand"
    """A change replaces the group. `capacity-block` needs `capacity_reservation`, one instance type and one AZ, and
    `desired_size: 0` before the group is updated (https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html)."""
    min_size: Annotated[int, Field(ge=0, le=MAX_NODES)] = 2
    """Nodes at least."""
    desired_size: Annotated[int, Field(ge=0, le=MAX_NODES)] | Literal["keep"] | None = None
    """Nodes, at the start and after every change of a size. Default: min_size at the start, and then what an autoscaler of yours made of
    it: `make deploy` asks EKS. `keep` leaves the number out of the template: for groups that are there, where a plain `cdk deploy`
    must not set it (docs/changes.md)."""
    max_size: Annotated[int, Field(ge=1, le=MAX_NODES)] = 3
    """Nodes at most."""
    revision: Revision | None = None
    """A compute stack of its own for this group and others with the same word, such as `green`: made beside the nodes that run, rolled
    back alone, deleted alone (docs/changes.md). Nodes get the label `eks-platform/revision`."""
    kubernetes_version: KubernetesVersion | None = None
    """Version of the kubelet, to update nodes after the control plane (default: the cluster's)."""
    release_version: (
        Annotated[
            str,
            pattern(
                r"\d{1,3}\.\d{1,3}\.\d{1,3}-(\d{8}|[0-9a-f]{8})",
                "must be an AMI release: 1.36.1-20261112 (AL2023) or 1.50.0-1a2b3c4d (Bottlerocket)",
            ),
        ]
        | None
    ) = None
    """AMI release to run (default: the newest when the group is made or its version changes)."""
    max_unavailable_percentage: Annotated[int, Field(ge=1, le=100)] = 33
    """Share of nodes that may be replaced at the same time in an update."""
    max_unavailable: Annotated[int, Field(ge=1, le=100)] | None = None
    """The same as a number of nodes, in place of the share."""
    update_strategy: Literal["DEFAULT", "MINIMAL"] = "DEFAULT"
    """`DEFAULT` makes new nodes before it drains old ones. `MINIMAL` drains first and needs no further capacity: for accelerators and
    reservations (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html)."""
    force_update: bool = False
    """Whether an update may override PodDisruptionBudgets."""
    node_repair: NodeRepairSpec = NodeRepairSpec()
    warm_pool: WarmPoolSpec | None = None

    @property
    def capacity_type(self) -> str:
        """How EKS spells `capacity`: ON_DEMAND or SPOT."""
        return self.capacity.upper().replace("-", "_")

    @model_validator(mode="after")
    def _hardware(self) -> "NodeGroupSpec":
        self.check_sizes(self.min_size, self.desired, self.max_size)
        self.check_reservation(self.capacity)
        self.check_hardware(alternatives=get_args(AmiType))
        self.check_windows(managed=True)
        if self.warm_pool:
            self.warm_pool.check(self.ami_type, own_ami=self.ami is not None, capacity=self.capacity)
        self.check_settings(self.image.family, eks_sets_max_pods=not self.bottlerocket and not self.ami)
        return self

    @model_validator(mode="after")
    def _updates(self) -> "NodeGroupSpec":
        if self.max_unavailable and "max_unavailable_percentage" in self.model_fields_set:
            raise Misplaced("EKS takes a number or a share; remove one of the two", "max_unavailable")
        for key in ("kubernetes_version", "release_version"):
            if self.ami and getattr(self, key):
                raise Misplaced("EKS takes none of a group with an AMI of its own; remove it: the AMI decides", key)
        return self

    @property
    def desired(self) -> int:
        """Nodes at the start."""
        return self.desired_size if isinstance(self.desired_size, int) else self.min_size

    @property
    def starts_empty(self) -> bool:
        """Whether it is made without a node. A group that keeps its number may have some."""
        return self.desired_size != "keep" and self.desired == 0

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node here when the compute stack is deployed: stacks of revisions come later."""
        return self.revision is None and self.desired > 0 and self.takes_any_pod


def _groups(groups: list[NodeGroupSpec]) -> list[NodeGroupSpec]:
    check_names([group.name for group in groups], what="groups", made=("{id}", "{id}Template"), taken=("NodeRole",))
    if len(groups) > limit("node_groups"):
        raise ValueError(f"has {len(groups)} groups; EKS allows {limit('node_groups')} in a cluster")
    return groups


class ManagedNodesSpec(Ec2NodesSpec):
    """EC2 nodes that EKS manages for you, as far as it does."""

    groups: Annotated[list[NodeGroupSpec], Field(min_length=1), AfterValidator(_groups)]
    kubernetes_version: KubernetesVersion | None = None
    """Version of the kubelet on all groups that name none (default: the cluster's). Set it to the old version to upgrade the
    control plane alone, and remove it in a second deploy: a PodDisruptionBudget that blocks nodes then blocks only them."""
    role_arn: RoleArn | None = None
    """A node role that exists, in place of one that is made: it must trust ec2.amazonaws.com, join nodes and pull images
    (https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html). A change replaces the groups."""
    windows_role_arn: RoleArn | None = None
    """A role that exists for Windows nodes, in place of one that is made. It must be another than that of Linux nodes: EKS lets each into
    the cluster by an access entry of its own type (https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html)."""

    @property
    def revisions(self) -> list[str | None]:
        """The revisions that groups name, in the order of the file; None for those that name none."""
        return list(dict.fromkeys(group.revision for group in self.groups))

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node in some group when the stack is deployed."""
        return any(group.hosts_addons for group in self.groups)
