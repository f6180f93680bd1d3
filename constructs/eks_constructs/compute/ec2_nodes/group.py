"""A group of like EC2 instances, whoever starts them: what managed and self-managed groups say alike."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.device_settings import SHARING_LABEL
from eks_constructs.compute.ec2_nodes.settings import NodeSettingsSpec
from eks_constructs.compute.instance_type import InstanceType
from eks_constructs.compute.mix import OWN_LABELS
from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.spec import KmsKeyArn, KubernetesName, LabelKey, LabelValue, Misplaced, repeated
from eks_facts.files import load
from eks_facts.instances import (
    CUSTOM_AMIS,
    DEVICES,
    AmiType,
    ami_types,
    architecture,
    device_of,
    driver_problem,
    partner_amis,
)

PLUGIN_LABEL = "eks-platform/device-plugin"
"""Label of nodes whose AMI has a device's driver and not its plugin: the chart's DaemonSet runs there."""
DRA_LABEL = "eks-platform/dra-driver"
"""... whose pods claim the device: the driver of Dynamic Resource Allocation runs there."""
EFA_LABEL = "eks-platform/efa"
"""... with Elastic Fabric Adapters: their plugin runs there."""

WINDOWS_TAINT = TaintSpec(key="os", value="windows", effect="NoSchedule")
"""Keeps Linux pods that say nothing of the system off Windows nodes, where their images cannot start:
https://kubernetes.io/docs/concepts/windows/user-guide/#ensuring-os-specific-workloads-land-on-the-appropriate-container-host"""
_WINDOWS_DISK = 50
"""GiB that EKS's Windows AMIs need (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html, diskSize)."""


class Ec2GroupSpec(NodeSettingsSpec):
    """A group of like EC2 instances."""

    name: KubernetesName
    """Names the group in this project; its name in AWS is generated, so that the group can be replaced."""
    ami_type: str
    """Operating system, processor and device; each kind of group has its own list."""
    instance_types: list[InstanceType]
    """In order of preference."""
    volume_gib: Annotated[int, Field(ge=20, le=16384)] = 50
    """Size of the encrypted gp3 volume for images and logs."""
    volume_kms_key_arn: KmsKeyArn | None = None
    """Key for the volumes (default: aws/ebs). Its policy must let the role AWSServiceRoleForAutoScaling use it."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] = {}
    """Labels of the nodes."""
    taints: Annotated[list[TaintSpec], Field(max_length=50), AfterValidator(distinct)] = []
    kubernetes_version: KubernetesVersion | None = None
    """Of its nodes (default: the cluster's)."""

    @property
    def starts_empty(self) -> bool:
        """Whether it is made without a node; EC2 and EKS add none by themselves."""
        raise NotImplementedError

    @property
    def image(self) -> AmiType:
        """Its AMI, or the one that its own is built from."""
        return ami_types().get(self.ami_type) or partner_amis()[self.ami_type]

    @property
    def bottlerocket(self) -> bool:
        """Whether the nodes have Bottlerocket."""
        return self.image.family == "bottlerocket"

    @property
    def windows(self) -> bool:
        """Whether the nodes have Windows."""
        return self.image.family == "windows"

    @property
    def processor(self) -> str:
        """Its nodes' processors, as Kubernetes calls them: amd64 or arm64."""
        return "arm64" if self.image.architecture == "arm64" else "amd64"

    @property
    def node_taints(self) -> list[TaintSpec]:
        """Its taints; of Windows nodes one more, unless one of its own keeps pods off that say nothing of the system."""
        own = any(taint.effect != "PreferNoSchedule" for taint in self.taints)
        return [*self.taints, WINDOWS_TAINT] if self.windows and not own else self.taints

    @property
    def takes_any_pod(self) -> bool:
        """Whether pods of Linux find a place on its nodes without a toleration."""
        return not any(taint.effect != "PreferNoSchedule" for taint in self.node_taints)

    @property
    def device(self) -> str | None:
        """The device that all its nodes have and its AMI has the driver of: nvidia or neuron; None: there is none."""
        devices = {device_of(one) for one in self.instance_types}
        return devices.pop() if len(devices) == 1 and devices <= self.image.drivers else None

    @property
    def device_labels(self) -> dict[str, str]:
        """The labels by which the plugins and drivers of devices find its nodes."""
        brought = load("devices")["plugins"].get(self.image.family, ())
        plugin = self.device if self.device_allocation == "device-plugin" and self.device not in brought else None
        found = {
            PLUGIN_LABEL: plugin,
            DRA_LABEL: self.device if self.device_allocation == "dra" else None,
            EFA_LABEL: "true" if self.efa_interfaces else None,
            SHARING_LABEL: self.gpu_sharing.config_name if plugin and self.gpu_sharing else None,
        }
        return {key: value for key, value in found.items() if value}

    def check_version(self, version: str) -> None:
        """Raises Misplaced for what nodes of a Kubernetes version do not have yet: an AMI, a driver."""
        super().check_version(version)
        if not self.ami and int(version.split(".")[1]) < self.image.since:
            raise Misplaced(
                f"EKS builds {self.ami_type} for Kubernetes 1.{self.image.since} and newer, and these nodes have {version}; take"
                f" {self.ami_type.replace('2025', '2022')}, or upgrade first",
                "ami_type",
            )

    def check_sizes(self, least: int, desired: int, most: int) -> None:
        """Raises Misplaced for numbers of nodes that are not in order."""
        if not least <= desired <= most:
            given = [key for key in ("desired_size", "max_size", "min_size") if key in self.model_fields_set]
            raise Misplaced(
                f"sizes must be in order; there is min_size {least}, desired_size {desired}, max_size {most}", given[0]
            )

    def check_reservation(self, capacity: str) -> None:
        """Raises Misplaced for a reservation that does not fit what is asked of EC2."""
        if capacity == "spot" and self.capacity_reservation:
            raise Misplaced("Spot instances use no reservation; remove it", "capacity_reservation")
        if capacity != "capacity-block":
            # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html
            if (self.capacity_reservation or "").startswith("cr-") and len(self.instance_types) != 1:
                raise Misplaced(
                    "a reservation has one instance type, and launches of others into it fail: name that alone, or the ARN of a group"
                    " of reservations as capacity_reservation",
                    "instance_types",
                )
            return
        if not (self.capacity_reservation or "").startswith("cr-"):
            raise Misplaced(
                "capacity-block needs the id of the block; set it: cr-0123456789abcdef0", "capacity_reservation"
            )
        if len(self.instance_types) != 1:
            raise Misplaced("a Capacity Block has one instance type; name that alone", "instance_types")
        if len(self.subnet_ids) + len(self.availability_zones) + len(self.local_zones) != 1:
            raise Misplaced(
                "a Capacity Block is in one AZ; name it, or one of its subnets in subnet_ids", "availability_zones"
            )

    def check_hardware(self, *, alternatives: Iterable[str]) -> None:
        """Raises Misplaced for instance types that its AMI is not for, and devices that they do not have.

        ``alternatives``: the AMI types that it could name.
        """
        ami = self.image
        if self.ami and self.ami.architecture not in (None, ami.architecture):
            raise Misplaced(
                f"its images are for {self.ami.architecture}, but ami_type {ami.name} is for {ami.architecture}; change one of them",
                *("ami", "ssm_parameter"),
            )
        for index, instance_type in enumerate(self.instance_types):
            problem = None
            if architecture(instance_type) != ami.architecture:
                problem = f"is {architecture(instance_type)}, but ami_type {ami.name} is for {ami.architecture}; change one of them"
            elif ami.device and device_of(instance_type) != ami.device:
                problem = f"has no {ami.device} device, which ami_type {ami.name} is for; change one of them"
            elif (needs := driver_problem(instance_type)) and not self.ami:
                problem = f"needs {needs}: build one with it and name it as ami, or choose another instance type ({CUSTOM_AMIS})"
            else:
                problem = _without_drivers(instance_type, ami, alternatives)
            if problem:
                raise Misplaced(f"instance type {instance_type} {problem}", "instance_types", index)
        self.check_devices(self.instance_types, bottlerocket=self.bottlerocket)
        if (index_ := repeated(self.instance_types)) is not None:
            raise Misplaced(f"{self.instance_types[index_]} is in the list twice; remove one", "instance_types", index_)

    def check_windows(self, *, managed: bool) -> None:
        """Raises Misplaced for what Windows nodes cannot do; ``managed``: they are those of a managed group."""
        if not self.windows:
            return
        if self.efa_interfaces:
            raise Misplaced("EFA has no driver for Windows; remove it", "efa_interfaces")
        if self.volume_gib < _WINDOWS_DISK:
            raise Misplaced(f"the AMI needs {_WINDOWS_DISK} GiB; give it that or more", "volume_gib")
        if not managed:
            return
        if self.ami:
            # EKS knows an image of yours by its id alone, and lets its nodes in as Linux ones: Windows needs another access entry.
            raise Misplaced("EKS cannot tell that it is one of Windows; use self_managed_nodes", "ami")
        for key in ("kubelet", "user_data"):
            if key in self.model_fields_set:
                raise Misplaced("EKS alone writes the user data of managed Windows nodes; use self_managed_nodes", key)

    @model_validator(mode="after")
    def _labels(self) -> "Ec2GroupSpec":
        for key in self.labels:
            if re.match(r"([^/]*\.)?(kubernetes|k8s)\.io/", key) or key.startswith(("eks.amazonaws.com/", OWN_LABELS)):
                raise Misplaced(
                    f"the prefix of {key} is reserved for Kubernetes, EKS and this project; use one of your own",
                    *("labels", key),
                )
        return self


def _without_drivers(instance_type: str, ami: AmiType, alternatives: Iterable[str]) -> str | None:
    """Returns why an AMI cannot use the devices of an instance type, which would be paid for and idle; None if it can, or has none."""
    device = device_of(instance_type)
    if device is None or device in ami.drivers:
        return None
    fitting = [
        name
        for name in alternatives
        if (one := ami_types().get(name)) and device in one.drivers and one.architecture == ami.architecture
    ]
    advice = f"choose {' or '.join(fitting)}" if fitting else "no AMI of EKS has; choose another instance type"
    return f"has {DEVICES[device]}, and ami_type {ami.name} has no drivers for them: {advice}"


def check_windows_role(groups: Sequence[Ec2GroupSpec], role_arn: str | None, windows_role_arn: str | None) -> None:
    """Raises Misplaced, from the section, for a role of Windows nodes that does nothing, or is the one of Linux nodes."""
    if windows_role_arn and not any(group.windows for group in groups):
        raise Misplaced("is for Windows nodes, and there are none; remove it", "windows_role_arn")
    if windows_role_arn and windows_role_arn == role_arn:
        raise Misplaced("is the role of Linux nodes: an access entry has one type; name another", "windows_role_arn")
