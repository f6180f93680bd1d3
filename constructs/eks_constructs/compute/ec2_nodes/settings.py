"""What the nodes of a group are made of, beside their instance type: image, settings, network, capacity."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.device_settings import DeviceSettings
from eks_constructs.compute.kubelet import KubeletSpec
from eks_constructs.compute.user_data import UserDataSpec
from eks_constructs.endpoint import SecurityGroupId
from eks_constructs.spec import PARTITION, Misplaced, Spec, TagKey, TagValue, distinct_values, pattern, resource_id
from eks_constructs.zone_names import LocalZoneName, SubnetId, ZoneName

PlacementGroup = Annotated[
    str,
    pattern(
        r"[\w.:/=+@#-]([\w .:/=+@#-]{0,253}[\w.:/=+@#-])?",
        "must be the name of a placement group: at most 255 letters, digits, spaces within and . : / = + @ # - _",
    ),
]
CapacityReservation = Annotated[
    str,
    pattern(
        r"cr-[0-9a-f]{8}([0-9a-f]{9})?"
        rf"|arn:{PARTITION}:resource-groups:[a-z0-9-]{{1,30}}:\d{{12}}:group/[\w.-]{{1,128}}",
        "must be the id of a capacity reservation or block, cr-0123456789abcdef0, or the ARN of a resource group of reservations",
    ),
]
MAX_SECURITY_GROUPS = 4
"""Beside the cluster's: a network interface takes five. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""


_PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64"}


class AmiSpec(Spec):
    """An AMI of your own, by its id or by the SSM parameter that has it."""

    id: Annotated[str, resource_id("ami", "an AMI")] | None = None
    """Id of the image."""
    ssm_parameter: (
        Annotated[
            str,
            pattern(
                r"(/[A-Za-z0-9_.-]{1,100}){1,15}(:\d{1,5})?",
                "must be the path of an SSM parameter, such as /images/eks/al2023, or one of its versions: /images/eks/al2023:3",
            ),
        ]
        | None
    ) = None
    """CloudFormation reads it when it creates or changes the launch template. With a version, the image changes with the file alone."""

    @model_validator(mode="after")
    def _one(self) -> "AmiSpec":
        if (self.id is None) == (self.ssm_parameter is None):
            raise ValueError("needs id or ssm_parameter, and not both")
        path = self.ssm_parameter or ""
        if path.startswith(("/aws/service/eks/", "/aws/service/bottlerocket/")) and not path.endswith("/image_id"):
            # https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
            raise Misplaced("has no id of an image: those parameters of AWS end in /image_id", "ssm_parameter")
        return self

    @property
    def architecture(self) -> str | None:
        """The processors of an image of AWS, where the path of its parameter has them."""
        path = self.ssm_parameter or ""
        parts = path.split("/") if path.startswith("/aws/service/") else []
        return next((_PROCESSORS[part] for part in parts if part in _PROCESSORS), None)

    @property
    def image_id(self) -> str:
        """The image, as a template names it."""
        return self.id or image_from(str(self.ssm_parameter))


def image_from(parameter: str) -> str:
    """Returns the reference to an image in an SSM parameter. CloudFormation reads it, when it makes or changes the launch template."""
    return f"{{{{resolve:ssm:{parameter}}}}}"


SecurityGroups = Annotated[
    list[SecurityGroupId], Field(max_length=MAX_SECURITY_GROUPS), AfterValidator(distinct_values)
]
Subnets = Annotated[list[SubnetId], Field(max_length=16), AfterValidator(distinct_values)]
LocalZones = Annotated[list[LocalZoneName], Field(max_length=4), AfterValidator(distinct_values)]
"""https://docs.aws.amazon.com/eks/latest/userguide/local-zones.html"""
Reservations = Annotated[
    list[Annotated[str, resource_id("cr", "a capacity reservation")]],
    Field(max_length=30),
    AfterValidator(distinct_values),
]


def one_place(spec: Any) -> None:
    """Raises Misplaced for nodes that name their subnets in two ways."""
    keys = [key for key in ("subnet_ids", "availability_zones", "local_zones") if getattr(spec, key, None)]
    if len(keys) > 1 and keys != ["availability_zones", "local_zones"]:
        raise Misplaced(f"subnets are in zones already; remove {keys[0]} or this", keys[1])


class NodeSettingsSpec(DeviceSettings):
    """What the nodes of a group are made of. A change of any of it replaces the nodes, one after the other."""

    ami: AmiSpec | None = None
    """An AMI of your own, built from the AMI that `ami_type` names and for the cluster's Kubernetes version. You update it: EKS neither
    offers releases nor knows the version. Needs `control_plane.service_cidr`. Setting or removing it replaces the group
    (https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#mng-ami-id-conditions)."""
    user_data: UserDataSpec = UserDataSpec()
    """What nodes do and set before they join."""
    kubelet: KubeletSpec = KubeletSpec()
    """Settings of the kubelet."""
    instance_store: Annotated[str, pattern("raid0|raid10|mount", "must be raid0, raid10 or mount")] | None = None
    """What the disks of the instance are for, on Amazon Linux: `raid0` and `raid10` keep containers, images and logs of pods there,
    `mount` makes each disk a folder of /mnt/k8s-disks (https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/)."""
    security_group_ids: SecurityGroups = []
    """More security groups of the nodes. The cluster's own stays: EKS leaves it out of a launch template that names others."""
    subnet_ids: Subnets = []
    """Subnets of the nodes, in the cluster's VPC. Default: all private subnets. A change replaces the group."""
    availability_zones: Annotated[list[ZoneName], Field(max_length=6), AfterValidator(distinct_values)] = []
    """The private subnets of these AZs alone, for volumes of one AZ or a reservation. A change replaces the group."""
    local_zones: LocalZones = []
    """Local Zones, of those that `network.local_zones` names: alone, or beside `availability_zones`. A change replaces the group."""
    capacity_reservation: CapacityReservation | None = None
    """An On-Demand Capacity Reservation, a Capacity Block (with `capacity: capacity-block`), or a resource group of reservations."""
    placement_group: PlacementGroup | None = None
    """Name of a placement group that exists. A cluster group is in one AZ."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}
    """Tags of the group, its instances and volumes, beside the environment's."""

    @model_validator(mode="after")
    def _where(self) -> "NodeSettingsSpec":
        one_place(self)
        if "Name" in self.tags:
            raise Misplaced("is the tag that this project gives every group; choose another", "tags", "Name")
        return self

    def check_settings(self, family: str, *, eks_sets_max_pods: bool = False) -> None:
        """Raises Misplaced for what the operating system of the nodes, a family of AMIs, does not have.

        ``eks_sets_max_pods``: the nodes are those of a managed group, whose kubelet EKS configures.
        """
        self.user_data.check(family)
        if self.instance_store and family != "al2023":
            more = "; on Bottlerocket say it in user_data.bottlerocket, by bootstrap-commands"
            raise Misplaced(
                f"is for Amazon Linux{more if family == 'bottlerocket' else '; remove it'}", "instance_store"
            )
        if self.kubelet.max_pods and eks_sets_max_pods:
            raise Misplaced(
                "EKS sets it itself on AL2023 nodes of a managed group, from the addresses of the instance type and the settings of"
                " the CNI; remove it, or name an ami of yours",
                "kubelet",
                "max_pods",
            )
