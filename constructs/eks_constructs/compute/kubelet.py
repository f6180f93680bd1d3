"""Settings of the kubelet, as managed node groups and Karpenter take them alike."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from eks_constructs.spec import Misplaced, Spec, pattern

Cpu = Annotated[str, pattern(r"[1-9]\d{0,5}m|[1-9]\d{0,2}", 'must be vCPUs in quotes, such as "1" or 250m')]
Memory = Annotated[str, pattern(r"[1-9]\d{0,6}(Mi|Gi)", "must be an amount of memory, such as 512Mi")]
Threshold = Annotated[
    str, pattern(r"[1-9]\d?%|[1-9]\d{0,6}(Mi|Gi)", "must be a share or an amount of what is left, such as 5% or 200Mi")
]
Signal = Literal[
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "pid.available",
]
Percent = Annotated[int, Field(ge=1, le=100)]


class ReservedSpec(Spec):
    """What pods cannot have of a node."""

    cpu: Cpu | None = None
    """vCPUs."""
    memory: Memory | None = None
    """Memory."""
    ephemeral_storage: Memory | None = None
    """Disk of the node."""

    def as_quantities(self) -> dict[str, str]:
        """Returns it as Kubernetes spells it."""
        return {key.replace("_", "-"): value for key, value in self.model_dump(exclude_none=True).items()}


class KubeletSpec(Spec):
    """Settings of the kubelet. https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/."""

    max_pods: Annotated[int, Field(ge=1, le=250)] | None = None
    """Pods on a node. Default: computed from the addresses of the instance type and the settings of the CNI. EKS sets it itself on
    managed AL2023 nodes without an `ami` of yours
    (https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html#max-pods-precedence)."""
    system_reserved: ReservedSpec = ReservedSpec()
    """Kept for the operating system."""
    kube_reserved: ReservedSpec = ReservedSpec()
    """Kept for the kubelet and the container runtime. Default: the AMI's, by instance type."""
    eviction_hard: Annotated[dict[Signal, Threshold], Field(max_length=6)] = {}
    """The kubelet evicts pods at once below these. They replace all defaults of the kubelet together."""
    image_gc_high_threshold_percent: Percent | None = None
    """Disk usage above which unused images go."""
    image_gc_low_threshold_percent: Percent | None = None
    """Disk usage down to which they go."""

    @model_validator(mode="after")
    def _in_order(self) -> "KubeletSpec":
        high, low = self.image_gc_high_threshold_percent, self.image_gc_low_threshold_percent
        # The kubelet's own defaults: 85 and 80.
        if (low or 80) >= (high or 85):
            key = "image_gc_low_threshold_percent" if low else "image_gc_high_threshold_percent"
            raise Misplaced(
                f"the kubelet does not start: the low threshold ({low or 80}) must be below the high one ({high or 85})",
                key,
            )
        return self

    def settings(self) -> dict[str, Any]:
        """Returns what is set, as a KubeletConfiguration and an EC2NodeClass spell it."""
        found: dict[str, Any] = {
            "maxPods": self.max_pods,
            "systemReserved": self.system_reserved.as_quantities(),
            "kubeReserved": self.kube_reserved.as_quantities(),
            "evictionHard": dict(self.eviction_hard),
            "imageGCHighThresholdPercent": self.image_gc_high_threshold_percent,
            "imageGCLowThresholdPercent": self.image_gc_low_threshold_percent,
        }
        return {key: value for key, value in found.items() if value}

    def bottlerocket(self) -> dict[str, Any]:
        """Returns what is set, as Bottlerocket's `settings.kubernetes` spells it. https://bottlerocket.dev/en/os/latest/#/api/settings/kubernetes/."""
        names = {
            "maxPods": "max-pods",
            "systemReserved": "system-reserved",
            "kubeReserved": "kube-reserved",
            "evictionHard": "eviction-hard",
            "imageGCHighThresholdPercent": "image-gc-high-threshold-percent",
            "imageGCLowThresholdPercent": "image-gc-low-threshold-percent",
        }
        return {names[key]: value for key, value in self.settings().items()}
