"""Karpenter: an autoscaler for EC2 nodes that you run. Auto Mode is the same software, run by AWS."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.device_settings import DeviceSettings, same_interfaces
from eks_constructs.compute.ec2_nodes.settings import (
    LocalZones,
    PlacementGroup,
    Reservations,
    SecurityGroups,
    Subnets,
    one_place,
)
from eks_constructs.compute.kubelet import KubeletSpec
from eks_constructs.compute.node_pools import NodePoolSpec, check_zones_of_pool, unused_reservation
from eks_constructs.compute.user_data import UserDataSpec
from eks_constructs.rights import PolicyName
from eks_constructs.spec import (
    TAGS_OF_CONTROLLERS,
    KmsKeyArn,
    KubernetesName,
    Misplaced,
    TagKey,
    TagValue,
    distinct_values,
    pattern,
    repeated,
    resource_id,
)
from eks_facts.instances import CUSTOM_AMIS, driver_problem

DEFAULT_CLASS = "default"


class KarpenterNodesSpec(DeviceSettings):
    """What nodes of Karpenter are made of. A change replaces them, within the budgets of their pools."""

    ami: Annotated[
        str,
        pattern(
            r"al2023@(latest|v\d{8})|bottlerocket@(latest|v?\d{1,3}\.\d{1,3}\.\d{1,3})",
            "must be an AMI alias, such as al2023@latest or bottlerocket@v1.50.0",
        ),
    ] = "al2023@latest"
    """Operating system. With `latest` Karpenter replaces nodes, within the pools' budgets, when AWS publishes an AMI;
    a version makes that your step (https://karpenter.sh/docs/tasks/managing-amis/)."""
    ami_ids: Annotated[
        list[Annotated[str, resource_id("ami", "an AMI")]], Field(max_length=10), AfterValidator(distinct_values)
    ] = []
    """AMIs of your own, one for each architecture, built from that of `ami`, which then says the operating system alone."""
    volume_gib: Annotated[int, Field(ge=20, le=16384)] = 50
    """Size of a node's encrypted volume for images and logs."""
    volume_kms_key_arn: KmsKeyArn | None = None
    """Key for the volumes (default: aws/ebs). Its policy must let Karpenter's controller role use it by way of EC2."""
    user_data: UserDataSpec = UserDataSpec()
    """What nodes do and set before they join."""
    kubelet: KubeletSpec = KubeletSpec()
    """Settings of the kubelet."""
    instance_store: Literal["raid0"] | None = None
    """Keeps containers, images and logs of pods on the disks of the instance, where it has some."""
    security_group_ids: SecurityGroups = []
    """More security groups of the nodes, beside the cluster's."""
    subnet_ids: Subnets = []
    """Subnets of the nodes, in the cluster's VPC. Default: all private subnets."""
    local_zones: LocalZones = []
    """Local Zones of the nodes, of those that `network.local_zones` names."""
    capacity_reservation_ids: Reservations = []
    """Capacity reservations and blocks, for pools whose `capacity` has `reserved` (https://karpenter.sh/docs/tasks/odcrs/)."""
    placement_group: PlacementGroup | None = None
    """Name of a placement group that exists; its nodes are in one AZ, if it is a cluster group."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of its instances and volumes, beside the environment's."""

    @property
    def system(self) -> str:
        """Operating system of the nodes: al2023 or bottlerocket."""
        return self.ami.partition("@")[0]

    @model_validator(mode="after")
    def _of_the_system(self) -> "KarpenterNodesSpec":
        one_place(self)
        self.user_data.check(self.system)
        if self.ami_ids and not self.ami.endswith("@latest") and "ami" in self.model_fields_set:
            raise Misplaced(f"names a release, and ami_ids name others; write {self.system}@latest", "ami")
        for key in self.tags:
            if key.startswith(TAGS_OF_CONTROLLERS) or key == "Name":
                raise Misplaced("is a tag that Karpenter sets itself; remove it", "tags", key)
        return self


class KarpenterNodeClassSpec(KarpenterNodesSpec):
    """Nodes that differ from the others of Karpenter."""

    name: KubernetesName
    """Name of the EC2NodeClass object."""


class KarpenterNodePoolSpec(NodePoolSpec):
    """Which nodes Karpenter may add, and up to how many."""

    node_class: KubernetesName = DEFAULT_CLASS
    """One of `node_classes`. Default: what `karpenter` itself says of nodes."""


def _distinct(pools: list[KarpenterNodePoolSpec]) -> list[KarpenterNodePoolSpec]:
    names = [pool.name for pool in pools]
    if (index := repeated(names)) is not None:
        raise Misplaced(f"{names[index]} is the name of two; choose another", index, "name")
    return pools


def check_static(spec: KarpenterNodesSpec, pool: NodePoolSpec, index: int) -> None:
    """Raises Misplaced, from the section, for devices that Karpenter cannot count when it makes nodes for pods."""
    reason = ""
    if spec.gpu_sharing and spec.gpu_sharing.time_slices:
        # https://github.com/kubernetes-sigs/karpenter/issues/2140
        reason = "Karpenter takes a turn on a GPU for a whole one"
    elif spec.device_allocation == "dra":
        reason = "this version of Karpenter does not see claims of devices"
    if reason and pool.static_nodes is None:
        raise Misplaced(
            f"{reason}, so the pool must have a fixed number of nodes: add static_nodes", "node_pools", index
        )


class KarpenterSpec(KarpenterNodesSpec):
    """Nodes that Karpenter adds when pods have no room, and removes when they are idle. It runs on the managed nodes."""

    node_pools: Annotated[list[KarpenterNodePoolSpec], AfterValidator(_distinct)] = []
    """Which nodes it may add. Without any it is installed, with a node class `default`, for pools that something else brings."""
    version: (
        Annotated[str, pattern(r"\d{1,3}\.\d{1,3}\.\d{1,3}", "must be a version of Karpenter, such as 1.14.1")] | None
    ) = None
    """Of Karpenter and its charts (default: this project's)."""
    values: Annotated[dict[str, Any], Field(examples=[{"replicas": 2}])] = {}
    """Settings of its chart, merged into ours."""
    node_classes: Annotated[list[KarpenterNodeClassSpec], Field(max_length=50)] = []
    """Nodes that differ from what the keys beside this say; a pool names its own as `node_class`."""
    node_repair: bool = False
    """Replaces nodes that stay unhealthy; an alpha feature of Karpenter. The add-on eks-node-monitoring-agent tells it more than the
    kubelet does (https://docs.aws.amazon.com/eks/latest/userguide/node-repair.html#configure-node-repair-karpenter)."""
    session_manager: bool = False
    """Lets people open a shell on nodes through AWS Systems Manager (no SSH, no open port)."""
    node_policies: Annotated[list[PolicyName], Field(max_length=10), AfterValidator(distinct_values)] = []
    """More policies of the nodes' role, by the name of an AWS managed one or by ARN. Pods are better off with `pod_identities`."""

    def class_of(self, pool: KarpenterNodePoolSpec) -> KarpenterNodesSpec:
        """Returns what the nodes of a pool are made of."""
        return next((one for one in self.node_classes if one.name == pool.node_class), self)

    @model_validator(mode="after")
    def _classes(self) -> "KarpenterSpec":
        names = [DEFAULT_CLASS, *(one.name for one in self.node_classes)]
        if (index := repeated(names)) is not None:
            what = "what the keys beside node_classes make" if names[index] == DEFAULT_CLASS else "the name of two"
            raise Misplaced(f"{names[index]} is {what}; choose another", "node_classes", index - 1, "name")
        used = {pool.node_class for pool in self.node_pools}
        for index, pool in enumerate(self.node_pools):
            if pool.node_class not in names:
                raise Misplaced(
                    f"there is no node class {pool.node_class}; allowed: {', '.join(names)}",
                    "node_pools",
                    index,
                    "node_class",
                )
            check_zones_of_pool(pool, index, self.class_of(pool).local_zones)
        for index, one in enumerate(self.node_classes):
            if one.name not in used:
                raise Misplaced(
                    f"no node pool uses {one.name}; name it as the node_class of one, or remove it",
                    *("node_classes", index, "name"),
                )
        return self

    @property
    def classes(self) -> Sequence[tuple[tuple[str | int, ...], str, KarpenterNodesSpec]]:
        """Returns what nodes are made of, with the way to it and its name."""
        own: list[tuple[tuple[str | int, ...], str, KarpenterNodesSpec]] = [((), DEFAULT_CLASS, self)]
        return own + [(("node_classes", index), one.name, one) for index, one in enumerate(self.node_classes)]

    def types_of(self, name: str) -> list[str]:
        """Returns the instance types that the pools of a node class name."""
        return list(
            dict.fromkeys(one for pool in self.node_pools if pool.node_class == name for one in pool.instance_types)
        )

    @model_validator(mode="after")
    def _devices(self) -> "KarpenterSpec":
        for where, name, one in self.classes:
            key = next(
                (key for key, field in DeviceSettings.model_fields.items() if getattr(one, key) != field.default), None
            )
            if key is None:
                continue
            for index, pool in enumerate(self.node_pools):
                if pool.node_class != name:
                    continue
                if not pool.instance_types:
                    raise Misplaced(
                        f"{key} needs instance types that have the device: name them",
                        "node_pools",
                        index,
                        "instance_types",
                    )
                check_static(one, pool, index)
            try:
                one.check_devices(self.types_of(name), bottlerocket=one.system == "bottlerocket")
                same_interfaces(one.efa_interfaces, self.types_of(name))
            except Misplaced as problem:
                raise Misplaced(str(problem), *where, *problem.where) from None
        return self

    @model_validator(mode="after")
    def _drivers(self) -> "KarpenterSpec":
        for index, pool in enumerate(self.node_pools):
            named: list[tuple[tuple[str | int, ...], str]] = [
                (("instance_types", place), name) for place, name in enumerate(pool.instance_types)
            ]
            for place, one in enumerate(pool.requirements):
                if one.operator == "In" and one.key.endswith("/instance-family"):
                    named += [(("requirements", place, "values"), value) for value in one.values]
            for where, name in () if self.class_of(pool).ami_ids else named:
                if needs := driver_problem(name):
                    raise Misplaced(
                        f"{name} needs {needs}: build one with it and name it in the ami_ids of a node class, or choose other"
                        f" instances ({CUSTOM_AMIS})",
                        *("node_pools", index, *where),
                    )
        return self

    @model_validator(mode="after")
    def _reservations(self) -> "KarpenterSpec":
        for where, name, one in self.classes:
            if unused_reservation(self.node_pools, name, one.capacity_reservation_ids):
                raise Misplaced(
                    "no node pool may use reservations; add reserved to the capacity of one",
                    *where,
                    "capacity_reservation_ids",
                )
        return self
