"""EC2 managed node groups: AWS builds the AMI and drives the Auto Scaling group; the nodes, and when they are updated, are yours."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.device_settings import SHARING_LABEL
from eks_constructs.compute.instance_type import InstanceType
from eks_constructs.compute.managed_nodes.settings import NodeSettingsSpec
from eks_constructs.compute.managed_nodes.updates import NodeRepairSpec, WarmPoolSpec
from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.construct_ids import check_names
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.rights import PolicyName
from eks_constructs.spec import (
    KmsKeyArn,
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    RoleArn,
    Spec,
    distinct_values,
    pattern,
    repeated,
)
from eks_facts.files import limit, load
from eks_facts.instances import DEVICES, ami_types, architecture, device_of
from eks_facts.instances import AmiType as AmiFacts

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
]
"""AMIs that EKS builds for managed node groups. Not AL2, which has no AMI for Kubernetes 1.33 and later."""

PLUGIN_LABEL = "eks-platform/device-plugin"
"""Label of nodes whose AMI has a device's driver and not its plugin: the chart's DaemonSet runs there."""
DRA_LABEL = "eks-platform/dra-driver"
"""... whose pods claim the device: the driver of Dynamic Resource Allocation runs there."""
EFA_LABEL = "eks-platform/efa"
"""... with Elastic Fabric Adapters: their plugin runs there."""


MAX_NODES = limit("nodes_per_group")
"""Of a group; more need another group."""


def _without_drivers(instance_type: str, ami: AmiFacts) -> str | None:
    """Returns why an AMI cannot use the devices of an instance type, which would be paid for and idle; None if it can, or has none."""
    device = device_of(instance_type)
    if device is None or device in ami.drivers:
        return None
    fitting = [
        name
        for name in get_args(AmiType)
        if device in (one := ami_types()[name]).drivers and one.architecture == ami.architecture
    ]
    advice = f"choose {' or '.join(fitting)}" if fitting else "no AMI of EKS has; choose another instance type"
    return f"instance type {instance_type} has {DEVICES[device]}, and ami_type {ami.name} has no drivers for them: {advice}"


Revision = Annotated[
    str, pattern(r"[a-z][a-z0-9]{0,15}", "must begin with a letter and have at most 16 lower-case letters and digits")
]
"""Names one of several sets of node groups."""

REVISION_LABEL = "eks-platform/revision"
"""Label of the nodes of a revision."""


class NodeGroupSpec(NodeSettingsSpec):
    """A group of like EC2 instances."""

    name: KubernetesName
    """Names the group in this project; EKS's own name is generated, so that the group can be replaced."""
    ami_type: AmiType = "AL2023_x86_64_STANDARD"
    """Operating system, processor and device. A change replaces the group."""
    instance_types: Annotated[list[InstanceType], Field(min_length=1, max_length=20)]
    """In order of preference; several, of like size, for Spot. A change replaces the group."""
    capacity: Literal["on-demand", "spot", "capacity-block"] = "on-demand"
    """A change replaces the group. `capacity-block` needs `capacity_reservation`, one instance type and one AZ
    (https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html)."""
    min_size: Annotated[int, Field(ge=0, le=MAX_NODES)] = 2
    """Nodes at least."""
    desired_size: Annotated[int, Field(ge=0, le=MAX_NODES)] | Literal["keep"] | None = None
    """Nodes, at the start and after every change of a size. Default: min_size at the start, and then what an autoscaler of yours made of
    it: `make deploy` asks EKS. `keep` leaves the number out of the template: for groups that are there, where a plain `cdk deploy`
    must not set it (docs/changes.md)."""
    max_size: Annotated[int, Field(ge=1, le=MAX_NODES)] = 3
    """Nodes at most."""
    volume_gib: Annotated[int, Field(ge=20, le=16384)] = 50
    """Size of the encrypted gp3 volume for images and logs."""
    volume_kms_key_arn: KmsKeyArn | None = None
    """Key for the volumes (default: aws/ebs). Its policy must let the role AWSServiceRoleForAutoScaling use it."""
    revision: Revision | None = None
    """A compute stack of its own for this group and others with the same word, such as `green`: made beside the nodes that run, rolled
    back alone, deleted alone (docs/changes.md). Nodes get the label `eks-platform/revision`."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] = {}
    """Labels of the nodes."""
    taints: Annotated[list[TaintSpec], Field(max_length=50), AfterValidator(distinct)] = []
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
    def _sizes(self) -> "NodeGroupSpec":
        if not self.min_size <= self.desired <= self.max_size:
            given = [key for key in ("desired_size", "max_size", "min_size") if key in self.model_fields_set]
            raise Misplaced(
                f"sizes must be in order; there is min_size {self.min_size}, desired_size {self.desired},"
                f" max_size {self.max_size}",
                given[0],
            )
        return self

    @model_validator(mode="after")
    def _hardware(self) -> "NodeGroupSpec":
        ami = ami_types()[self.ami_type]
        for index, instance_type in enumerate(self.instance_types):
            if architecture(instance_type) != ami.architecture:
                raise Misplaced(
                    f"instance type {instance_type} is {architecture(instance_type)}, but ami_type {self.ami_type}"
                    f" is for {ami.architecture}; change one of them",
                    "instance_types",
                    index,
                )
            if ami.device and device_of(instance_type) != ami.device:
                raise Misplaced(
                    f"instance type {instance_type} has no {ami.device} device, which ami_type {self.ami_type} is for;"
                    " change one of them",
                    "instance_types",
                    index,
                )
            if problem := _without_drivers(instance_type, ami):
                raise Misplaced(problem, "instance_types", index)
        if self.warm_pool:
            self.warm_pool.check_ami(self.ami_type)
        self.check_system(bottlerocket=self.bottlerocket)
        self.check_devices(self.instance_types, bottlerocket=self.bottlerocket)
        return self

    @model_validator(mode="after")
    def _updates(self) -> "NodeGroupSpec":
        if self.max_unavailable and "max_unavailable_percentage" in self.model_fields_set:
            raise Misplaced("EKS takes a number or a share; remove one of the two", "max_unavailable")
        for key in ("kubernetes_version", "release_version"):
            if self.ami and getattr(self, key):
                raise Misplaced("EKS takes none of a group with an AMI of its own; remove it: the AMI decides", key)
        return self

    @model_validator(mode="after")
    def _reserved(self) -> "NodeGroupSpec":
        if self.capacity == "spot" and self.capacity_reservation:
            raise Misplaced("Spot instances use no reservation; remove it", "capacity_reservation")
        if self.capacity != "capacity-block":
            return self
        if not (self.capacity_reservation or "").startswith("cr-"):
            raise Misplaced(
                "capacity-block needs the id of the block; set it: cr-0123456789abcdef0", "capacity_reservation"
            )
        if len(self.instance_types) != 1:
            raise Misplaced("a Capacity Block has one instance type; name that alone", "instance_types")
        if len(self.subnet_ids) + len(self.availability_zones) != 1:
            raise Misplaced(
                "a Capacity Block is in one AZ; name it, or one of its subnets in subnet_ids", "availability_zones"
            )
        return self

    @model_validator(mode="after")
    def _names(self) -> "NodeGroupSpec":
        if (index := repeated(self.instance_types)) is not None:
            raise Misplaced(f"{self.instance_types[index]} is in the list twice; remove one", "instance_types", index)
        for key in self.labels:
            if re.match(r"([^/]*\.)?(kubernetes|k8s)\.io/", key) or key.startswith("eks.amazonaws.com/"):
                raise Misplaced(
                    f"the prefix of {key} is reserved for Kubernetes and EKS; use one of your own", "labels", key
                )
        return self

    @property
    def bottlerocket(self) -> bool:
        """Whether the nodes have Bottlerocket, and not Amazon Linux."""
        return self.ami_type.startswith("BOTTLEROCKET")

    @property
    def desired(self) -> int:
        """Nodes at the start."""
        return self.desired_size if isinstance(self.desired_size, int) else self.min_size

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node here when the compute stack is deployed: stacks of revisions come later."""
        return (
            self.revision is None
            and self.desired > 0
            and not any(taint.effect != "PreferNoSchedule" for taint in self.taints)
        )


def device_of_group(group: NodeGroupSpec) -> str | None:
    """Returns the device that all nodes of a group have and its AMI has the driver of: nvidia or neuron; None: there is none."""
    drivers = ami_types()[group.ami_type].drivers
    devices = {device_of(one) for one in group.instance_types}
    return devices.pop() if len(devices) == 1 and devices <= drivers else None


def plugin_of_group(group: NodeGroupSpec) -> str | None:
    """Returns the device whose plugin the nodes of a group lack; None: they need none."""
    device = device_of_group(group)
    brought = load("devices")["plugins"][ami_types()[group.ami_type].family]
    return device if device and device not in brought and group.device_allocation == "device-plugin" else None


def device_labels(group: NodeGroupSpec) -> dict[str, str]:
    """Returns the labels by which the plugins and drivers of devices find the nodes of a group."""
    plugin, sharing = plugin_of_group(group), group.gpu_sharing
    found = {
        PLUGIN_LABEL: plugin,
        DRA_LABEL: device_of_group(group) if group.device_allocation == "dra" else None,
        EFA_LABEL: "true" if group.efa_interfaces else None,
        SHARING_LABEL: sharing.config_name if plugin and sharing else None,
    }
    return {key: value for key, value in found.items() if value}


def _groups(groups: list[NodeGroupSpec]) -> list[NodeGroupSpec]:
    check_names([group.name for group in groups], what="groups", made=("{id}", "{id}Template"), taken=("NodeRole",))
    if len(groups) > limit("node_groups"):
        raise ValueError(f"has {len(groups)} groups; EKS allows {limit('node_groups')} in a cluster")
    return groups


class ManagedNodesSpec(Spec):
    """EC2 nodes that EKS manages for you, as far as it does."""

    groups: Annotated[list[NodeGroupSpec], Field(min_length=1), AfterValidator(_groups)]
    kubernetes_version: KubernetesVersion | None = None
    """Version of the kubelet on all groups that name none (default: the cluster's). Set it to the old version to upgrade the
    control plane alone, and remove it in a second deploy: a PodDisruptionBudget that blocks nodes then blocks only them."""
    role_arn: RoleArn | None = None
    """A node role that exists, in place of one that is made: it must trust ec2.amazonaws.com, join nodes and pull images
    (https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html). A change replaces the groups."""
    session_manager: bool = False
    """Lets people open a shell on nodes through AWS Systems Manager (no SSH, no open port)."""
    node_policies: Annotated[list[PolicyName], Field(max_length=10), AfterValidator(distinct_values)] = []
    """More policies of the nodes' role, by the name of an AWS managed one or by ARN. Pods are better off with `pod_identities`."""

    @model_validator(mode="after")
    def _role(self) -> "ManagedNodesSpec":
        for key in ("session_manager", "node_policies"):
            if self.role_arn and getattr(self, key):
                raise Misplaced("is a right of the node role, and role_arn names one that exists; remove it", key)
        return self

    @property
    def revisions(self) -> list[str | None]:
        """The revisions that groups name, in the order of the file; None for those that name none."""
        return list(dict.fromkeys(group.revision for group in self.groups))

    @property
    def hosts_addons(self) -> bool:
        """Whether ordinary pods find a node in some group when the stack is deployed."""
        return any(group.hosts_addons for group in self.groups)
