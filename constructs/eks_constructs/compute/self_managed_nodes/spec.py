"""Self-managed nodes: Auto Scaling groups of your own, whose instances join the cluster by their user data."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.capacity import GroupCapacity
from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.nodes_spec import Ec2NodesSpec
from eks_constructs.compute.instance_type import InstanceType
from eks_constructs.compute.self_managed_nodes.refresh import RefreshSpec
from eks_constructs.construct_ids import check_names
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.spec import Misplaced, RoleArn, Spec, pattern

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
    "UBUNTU_2404_x86_64",
    "UBUNTU_2404_ARM_64",
    "WINDOWS_CORE_2022_x86_64",
    "WINDOWS_FULL_2022_x86_64",
    "WINDOWS_CORE_2025_x86_64",
    "WINDOWS_FULL_2025_x86_64",
]
"""AMIs for EKS with a public SSM parameter."""
MAX_NODES = 5000
"""More than EKS supports in a cluster: only a typo is larger."""
OLDEST_UBUNTU = "1.31"
"""First Kubernetes version that Canonical builds Ubuntu 24.04 for
(https://documentation.ubuntu.com/aws/aws-how-to/kubernetes/deploy-ubuntu-cluster-with-eks-ami/)."""


class SelfManagedGroupSpec(Ec2GroupSpec):
    """An Auto Scaling group of nodes."""

    ami_type: AmiType = "AL2023_x86_64_STANDARD"
    """Operating system, processor and device."""
    ami_release: (
        Annotated[
            str,
            pattern(
                r"v\d{8}|\d{1,3}\.\d{1,3}\.\d{1,3}",
                "must be a release: v20261112 (AL2023) or 1.50.0 (Bottlerocket)",
            ),
        ]
        | None
    ) = None
    """Release of the AMI. Default: the newest on the day when CloudFormation makes or changes the launch template; it looks at no other
    time. A new release replaces the nodes, as `refresh` says."""
    instance_types: Annotated[list[InstanceType], Field(min_length=1, max_length=40)]
    """In order of preference. Several, of like size, for Spot: EC2 takes those with the most spare capacity."""
    capacity: GroupCapacity = "on-demand"
    """What EC2 is asked for. `capacity-block` needs `capacity_reservation`, one instance type and one AZ
    (https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks.html)."""
    on_demand_base: Annotated[int, Field(ge=0, le=MAX_NODES)] = 0
    """Of a Spot group: this many nodes are on demand."""
    on_demand_percentage: Annotated[int, Field(ge=0, le=99)] = 0
    """Of a Spot group: this share of the nodes above `on_demand_base` is on demand."""
    capacity_rebalance: bool = True
    """Of a Spot group: EC2 starts a new node as soon as one is at risk, before the two minutes' warning
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html)."""
    min_size: Annotated[int, Field(ge=0, le=MAX_NODES)] = 2
    """Nodes at least."""
    desired_size: Annotated[int, Field(ge=0, le=MAX_NODES)] | None = None
    """Nodes; any deploy that changes the group sets it. Default: min_size at the start, and then what an autoscaler or you made of it."""
    max_size: Annotated[int, Field(ge=1, le=MAX_NODES)] = 3
    """Nodes at most. A refresh starts new nodes beside the old ones, beyond this number too."""
    kubernetes_version: KubernetesVersion | None = None
    """Version of the AMI, to update nodes after the control plane (default: the cluster's). Up to three minor versions behind."""
    refresh: RefreshSpec = RefreshSpec()
    """How nodes are replaced when the group changes."""
    drain_seconds: Annotated[int, Field(ge=30, le=7200)] = 600
    """How long EC2 waits for the termination handler to drain a node before it ends it; without a handler it always waits so long."""
    max_lifetime_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """EC2 replaces nodes that are older. They start from the same AMI: a new one is `ami_release`."""
    metadata_hop_limit: Annotated[int, Field(ge=1, le=2)] = 1
    """Hops that answers of the instance metadata service take. With 2, pods can take the nodes' role."""

    @property
    def desired(self) -> int:
        """Nodes at the start."""
        return self.min_size if self.desired_size is None else self.desired_size

    @property
    def starts_empty(self) -> bool:
        """Whether it is made without a node."""
        return self.desired == 0

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node here when the compute stack is deployed."""
        return self.desired > 0 and self.takes_any_pod

    @model_validator(mode="after")
    def _hardware(self) -> "SelfManagedGroupSpec":
        self.check_sizes(self.min_size, self.desired, self.max_size)
        self.check_reservation(self.capacity)
        self.check_hardware(alternatives=get_args(AmiType))
        self.check_windows(managed=False)
        self.check_settings(self.image.family)
        return self

    @model_validator(mode="after")
    def _image(self) -> "SelfManagedGroupSpec":
        for key in ("ami_release", "kubernetes_version"):
            if self.ami and getattr(self, key):
                raise Misplaced("says which AMI of ami_type it is, and ami names another; remove one of the two", key)
        if self.ami_release and not self.image.has_releases:
            raise Misplaced(
                f"{self.ami_type} has a public parameter of its newest AMI alone; name one by ami, or remove it",
                "ami_release",
            )
        if self.ami_release and self.ami_release.startswith("v") != (self.image.family == "al2023"):
            form = "v20261112" if self.image.family == "al2023" else "1.50.0"
            raise Misplaced(f"releases of {self.ami_type} look like {form}", "ami_release")
        return self

    @model_validator(mode="after")
    def _bought(self) -> "SelfManagedGroupSpec":
        if self.capacity != "spot":
            for key in ("on_demand_base", "on_demand_percentage", "capacity_rebalance"):
                if key in self.model_fields_set:
                    raise Misplaced("is for groups with capacity: spot; remove it", key)
        if self.on_demand_base > self.max_size:
            raise Misplaced(
                f"is more than max_size {self.max_size}: no node would be Spot; make it on-demand", "on_demand_base"
            )
        return self


def _groups(groups: list[SelfManagedGroupSpec]) -> list[SelfManagedGroupSpec]:
    check_names(
        [group.name for group in groups],
        what="groups",
        made=("{id}", "{id}Template", "{id}Drain"),
        taken=tuple(
            f"{system}{what}" for system in ("", "Windows") for what in ("NodeRole", "NodeProfile", "NodeAccess")
        ),
    )
    return groups


class ControllerChartSpec(Spec):
    """A controller that this project installs beside the nodes."""

    enabled: bool = True
    """Whether it is installed."""
    version: (
        Annotated[str, pattern(r"\d{1,3}\.\d{1,3}\.\d{1,3}", "must be a version of the chart, such as 9.59.0")] | None
    ) = None
    """Of its chart (default: this project's)."""
    values: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 2}])] = {}
    """Settings of its chart, merged into ours."""


class SelfManagedNodesSpec(Ec2NodesSpec):
    """EC2 nodes that you start, update and drain yourself. AWS runs the instances; the rest of a node's life is yours."""

    groups: Annotated[list[SelfManagedGroupSpec], Field(min_length=1, max_length=50), AfterValidator(_groups)]
    kubernetes_version: KubernetesVersion | None = None
    """Version of the AMI of all groups that name none (default: the cluster's). Set it to the old version to upgrade the control plane
    alone, and remove it in a second deploy."""
    role_arn: RoleArn | None = None
    """A node role that exists, in place of one that is made: it must trust ec2.amazonaws.com, join nodes and pull images
    (https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html). It gets an access entry;
    managed nodes, whose entry EKS makes and deletes, must have another role."""
    windows_role_arn: RoleArn | None = None
    """A role that exists for Windows nodes, in place of one that is made; another than that of Linux nodes."""
    termination_handler: ControllerChartSpec = ControllerChartSpec()
    """AWS Node Termination Handler, with its queue: drains nodes that EC2 ends, for Spot, a refresh, rebalancing or scaling in. Nobody
    else drains these nodes."""
    cluster_autoscaler: ControllerChartSpec = ControllerChartSpec(enabled=False)
    """Cluster Autoscaler: changes the size of the groups by what pods need. Default: off."""

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node in some group when the stack is deployed."""
        return any(group.hosts_addons for group in self.groups)
