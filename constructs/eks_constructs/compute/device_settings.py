"""How nodes offer their devices to pods: GPUs in shares, claims in place of counts, fabric adapters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from eks_constructs.spec import Misplaced, Spec, pattern
from eks_facts.devices import efa_adapters, efa_cards, mig_profiles
from eks_facts.files import load
from eks_facts.instances import device_of

SHARING_LABEL = "nvidia.com/device-plugin.config"
"""Label of nodes by which NVIDIA's plugin chooses among its configurations."""


class GpuSharingSpec(Spec):
    """How several pods share a GPU: in turns, or by parts that the hardware keeps apart."""

    time_slices: Annotated[int, Field(ge=2, le=48)] | None = None
    """Pods that take turns on a GPU. They share its memory, and nothing keeps one from taking all of it
    (https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia-time-slicing.html)."""
    rename: bool = False
    """Whether pods ask for a turn by `nvidia.com/gpu.shared`, and cannot take one for a whole GPU by mistake."""
    mig_profile: Annotated[str, pattern(r"[1-7]g\.\d{1,3}gb", "must be a profile such as 1g.5gb")] | None = None
    """The profile into which every GPU is divided, such as `1g.5gb`; pods ask for `nvidia.com/gpu` and get one part each. Bottlerocket
    alone (https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia-mig.html)."""

    @model_validator(mode="after")
    def _one(self) -> "GpuSharingSpec":
        if (self.time_slices is None) == (self.mig_profile is None):
            raise ValueError("needs time_slices or mig_profile, and not both: a part of a GPU takes no turns")
        if self.rename and not self.time_slices:
            raise Misplaced("is for time_slices; remove it", "rename")
        return self

    @property
    def resource(self) -> str:
        """By which pods ask for a share."""
        return "nvidia.com/gpu.shared" if self.rename else "nvidia.com/gpu"

    @property
    def config_name(self) -> str:
        """Of the plugin's configuration: the value of the nodes' label."""
        return f"slices-{self.time_slices}{'-shared' if self.rename else ''}"

    def plugin_config(self) -> dict[str, Any]:
        """Returns the configuration of NVIDIA's plugin. https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus."""
        resources = [{"name": "nvidia.com/gpu", "replicas": self.time_slices}]
        # A pod with two turns gets no more of the GPU than one with one.
        slicing = {"renameByDefault": self.rename, "failRequestsGreaterThanOne": True, "resources": resources}
        return {"version": "v1", "sharing": {"timeSlicing": slicing}}

    def bottlerocket(self, instance_types: Sequence[str]) -> dict[str, Any]:
        """Returns `settings.kubelet-device-plugins.nvidia` of Bottlerocket, whose AMI has the plugin."""
        if self.time_slices:
            slicing = {
                "replicas": self.time_slices,
                "rename-by-default": self.rename,
                "fail-requests-greater-than-one": True,
            }
            return {"device-sharing-strategy": "time-slicing", "time-slicing": slicing}
        gpus = sorted({load("devices")["mig"][one]["gpu"] for one in instance_types})
        return {"device-partitioning-strategy": "mig", "mig": {"profile": dict.fromkeys(gpus, self.mig_profile)}}

    def shares(self, instance_type: str) -> int:
        """Returns how many shares a GPU of an instance type has."""
        return self.time_slices or mig_profiles(instance_type)[str(self.mig_profile)]


class DeviceSettings(Spec):
    """How nodes offer their devices. A change replaces the nodes."""

    gpu_sharing: GpuSharingSpec | None = None
    """Lets several pods share a GPU."""
    device_allocation: Literal["device-plugin", "dra"] = "device-plugin"
    """Who hands GPUs and Neuron devices to pods: the device plugin, which counts them, or a driver of Dynamic Resource Allocation, whose
    ResourceClaims choose them by their attributes, from Kubernetes 1.34 on
    (https://docs.aws.amazon.com/eks/latest/userguide/device-management.html)."""
    efa_interfaces: Annotated[int, Field(ge=1, le=32)] | None = None
    """Elastic Fabric Adapters of each node: as many as the instance type has network cards, such as 32 of p5.48xlarge. EFA's plugin comes
    with them (https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html)."""

    def check_devices(self, instance_types: Sequence[str], *, bottlerocket: bool) -> None:
        """Raises Misplaced for what the instance types or the operating system of the nodes do not have."""
        devices = {one: device_of(one) for one in instance_types}
        if sharing := self.gpu_sharing:
            self._check_sharing(sharing, devices, bottlerocket=bottlerocket)
        if self.device_allocation == "dra" and (other := _first(devices, {"nvidia", "neuron"})):
            raise Misplaced(
                f"{other} has no device that a driver of Dynamic Resource Allocation hands out; remove it",
                "device_allocation",
            )
        for one in instance_types if self.efa_interfaces else ():
            check_adapters(one, int(self.efa_interfaces or 0))

    def _check_sharing(self, sharing: GpuSharingSpec, devices: Mapping[str, str | None], *, bottlerocket: bool) -> None:
        if other := _first(devices, {"nvidia"}):
            raise Misplaced(f"{other} has no NVIDIA GPU to share; remove it", "gpu_sharing")
        if self.device_allocation == "dra":
            raise Misplaced(
                "pods share a GPU by a claim that both name, with dra; remove gpu_sharing or device_allocation",
                "gpu_sharing",
            )
        profile = sharing.mig_profile
        if not profile:
            return
        if not bottlerocket:
            raise Misplaced(
                "AL2023 has no MIG manager, which divides GPUs: use a Bottlerocket NVIDIA AMI, or NVIDIA's GPU operator as a chart of"
                " yours with provided_elsewhere",
                *("gpu_sharing", "mig_profile"),
            )
        for one in devices:
            profiles = mig_profiles(one)
            if profile not in profiles:
                allowed = (
                    f"allowed: {', '.join(profiles)}" if profiles else "its GPUs cannot be divided; use time_slices"
                )
                raise Misplaced(f"found {profile}, which {one} does not have; {allowed}", "gpu_sharing", "mig_profile")

    def check_version(self, version: str) -> None:
        """Raises Misplaced for what nodes of a Kubernetes version do not have yet."""
        since = load("devices")["dra"]["own"]["since"]
        if self.device_allocation == "dra" and int(version.split(".")[1]) < since:
            raise Misplaced(
                f"needs nodes of Kubernetes 1.{since} or newer, and these have {version}; use device-plugin",
                "device_allocation",
            )

    def device_settings(self, devices: Collection[str], instance_types: Sequence[str]) -> dict[str, Any]:
        """Returns the settings of Bottlerocket with which nodes offer their devices.

        Args:
            devices: that they may have.
            instance_types: of the nodes, where they are named.
        """
        found: dict[str, Any] = {}
        if "neuron" in devices:
            found["kubernetes"] = dict(load("devices")["neuron_on_bottlerocket"])
        if self.gpu_sharing:
            found["kubelet-device-plugins"] = {"nvidia": self.gpu_sharing.bottlerocket(instance_types)}
        elif self.device_allocation == "dra" and "nvidia" in devices:
            # Its own plugin would hand the same GPUs out a second time. From Bottlerocket 1.63.0 on.
            found["kubelet-device-plugins"] = {"nvidia": {"enabled": False}}
        return found


def check_adapters(instance_type: str, adapters: int) -> None:
    """Raises Misplaced where an instance type has fewer Elastic Fabric Adapters than that."""
    most = efa_adapters(instance_type)
    if most is not None and adapters > most:
        has = f"has {most} at most" if most else "has none"
        raise Misplaced(
            f"found {adapters}; {instance_type} {has} (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html)",
            "efa_interfaces",
        )


def _first(devices: Mapping[str, str | None], wanted: set[str]) -> str | None:
    """Returns an instance type without any of the devices wanted; None: all have one."""
    return next((one for one, device in devices.items() if device not in wanted), None)


@dataclass(frozen=True)
class NetworkInterface:
    """A network interface of a node."""

    card: int
    device: int
    type: Literal["interface", "efa", "efa-only"]


def network_interfaces(adapters: int, instance_type: str, *, adapter_first: bool = True) -> list[NetworkInterface]:
    """Returns the network interfaces of a node with so many Elastic Fabric Adapters: one has an address, however many there are.

    https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html#eks-efa-mng-self-managed. ``adapter_first``: a
    single adapter may be the first interface itself, which Auto Mode does not take.
    """
    if adapters == 1 and adapter_first and efa_cards(instance_type, 1) == [0]:
        return [NetworkInterface(0, 0, "efa")]
    cards = efa_cards(instance_type, adapters)
    fabric = [NetworkInterface(card, 0 if card else 1, "efa-only") for card in cards]
    return [NetworkInterface(0, 0, "interface"), *fabric]


def same_interfaces(adapters: int | None, instance_types: Sequence[str]) -> None:
    """Raises Misplaced where one list of network interfaces does not fit all instance types of a node class."""
    layouts = {tuple(network_interfaces(adapters, one, adapter_first=False)) for one in instance_types if adapters}
    if len(layouts) > 1:
        raise Misplaced(
            f"{' and '.join(instance_types)} have their adapters on other network cards; give each a node class",
            "efa_interfaces",
        )
