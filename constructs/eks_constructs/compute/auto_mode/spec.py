"""EKS Auto Mode: AWS runs the nodes, their operating system, networking, storage driver and load balancer controller."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.compute.device_settings import check_adapters, same_interfaces
from eks_constructs.compute.ec2_nodes.settings import (
    LocalZones,
    PlacementGroup,
    Reservations,
    SecurityGroups,
    Subnets,
    one_place,
)
from eks_constructs.compute.kubelet import Memory, Signal, Threshold
from eks_constructs.compute.node_pools import NodePoolSpec, check_zones_of_pool, unused_reservation
from eks_constructs.rights import PolicyName
from eks_constructs.spec import (
    TAGS_OF_CONTROLLERS,
    KmsKeyArn,
    KubernetesName,
    Misplaced,
    Spec,
    TagKey,
    TagValue,
    distinct_values,
    pattern,
    repeated,
)
from eks_facts.files import load

BUILT_IN_POOLS = ("general-purpose", "system")


def _not_of_eks(tags: dict[str, str]) -> dict[str, str]:
    for key in tags:
        if key.startswith(TAGS_OF_CONTROLLERS):
            raise Misplaced("is a tag that Auto Mode sets itself; remove it", key)
    return tags


Sysctl = Annotated[
    str,
    pattern(
        r"(fs|kernel|net|user|vm)(\.[a-z0-9_-]{1,40}){1,6}",
        "must be the name of a kernel parameter, such as vm.max_map_count",
    ),
]
Numbers = Annotated[
    str, pattern(r"-?\d{1,20}( -?\d{1,20}){0,9}", 'must be a number, or numbers in quotes: "4096 131072 6291456"')
]
UnsafeSysctl = Annotated[
    str,
    pattern(
        r"(kernel\.(shm|msg|sem)|fs\.mqueue\.|net\.)[a-z0-9_./-]*\*?",
        "must be a kernel parameter that has a namespace (kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, net.*): the kubelet does not"
        " start with another",
    ),
]
"""https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"""


class AutoKubeletSpec(Spec):
    """Settings of the kubelet that Auto Mode takes: fewer than on nodes of yours. No CPU manager, no reserved resources."""

    max_pods: Annotated[int, Field(ge=1, le=load("instance_sizes")["pods_of_auto_mode"])] | None = None
    """Pods on a node. Default: by the addresses of the instance type, at most 110."""
    pod_pids_limit: Annotated[int, Field(ge=1, le=4194304)] | None = None
    """Processes of a pod, so that one cannot take all of the node's."""
    eviction_hard: Annotated[dict[Signal, Threshold], Field(max_length=6)] = {}
    """The kubelet evicts pods at once below these."""
    container_log_max_size: Memory | None = None
    """Size at which the log of a container is rotated."""
    container_log_max_files: Annotated[int, Field(ge=2, le=100)] | None = None
    """Log files of a container that stay on the node."""
    single_process_oom_kill: bool | None = None
    """`true`: out of memory, the kernel ends one process of a container, not all."""
    allowed_unsafe_sysctls: Annotated[list[UnsafeSysctl], Field(max_length=50), AfterValidator(distinct_values)] = []
    """Kernel parameters beyond the safe ones that pods may set for themselves."""

    def settings(self) -> dict[str, object]:
        """Returns what is set, as a NodeClass spells it."""
        found = {
            "maxPods": self.max_pods,
            "podPidsLimit": self.pod_pids_limit,
            "evictionHard": dict(self.eviction_hard) or None,
            "containerLogMaxSize": self.container_log_max_size,
            "containerLogMaxFiles": self.container_log_max_files,
            "singleProcessOOMKill": self.single_process_oom_kill,
            "allowedUnsafeSysctls": self.allowed_unsafe_sysctls or None,
        }
        return {key: value for key, value in found.items() if value is not None}


class NodeClassSpec(Spec):
    """What nodes of Auto Mode are made of."""

    name: Annotated[KubernetesName, AfterValidator(lambda name: _not_reserved(name, ("default",)))]
    """Name of the NodeClass object, which node pools refer to."""
    ephemeral_storage_gib: Annotated[int, Field(ge=1, le=59000)] = 80
    """Size of the nodes' data volume, in GiB."""
    ephemeral_storage_kms_key_arn: KmsKeyArn | None = None
    """Key for the nodes' volumes. Its policy must let the cluster's role use it
    (https://docs.aws.amazon.com/eks/latest/userguide/auto-kms.html)."""
    ephemeral_storage_iops: Annotated[int, Field(ge=3000, le=16000)] | None = None
    """Input and output operations a second of the data volume (gp3)."""
    ephemeral_storage_throughput: Annotated[int, Field(ge=125, le=1000)] | None = None
    """MiB/s."""
    fips: bool = False
    """AMIs with validated cryptographic modules: regions of the US (GovCloud too) and Canada alone
    (https://docs.aws.amazon.com/eks/latest/userguide/auto-advanced-security.html)."""
    kernel_lockdown: Literal["none", "integrity"] | None = None
    """`integrity` keeps even root from changing the running kernel. Default: EKS's."""
    kubelet: AutoKubeletSpec = AutoKubeletSpec()
    """Settings of the kubelet. A change replaces the nodes (https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html)."""
    kernel_parameters: Annotated[
        dict[Sysctl, Annotated[int, Field(ge=-1, le=2**63 - 1)] | Numbers], Field(max_length=50)
    ] = {}
    """Parameters of the kernel (sysctl) that a node sets when it starts, such as `vm.max_map_count: 262144`. Only some are taken: AWS's
    page of the NodeClass has the list. A change replaces the nodes."""
    capacity_reservation_ids: Reservations = []
    """Capacity reservations and blocks, for pools whose `capacity` has `reserved`. Auto Mode then uses no open reservation by itself any
    more, in the whole cluster (https://docs.aws.amazon.com/eks/latest/userguide/auto-odcr.html)."""
    placement_group: PlacementGroup | None = None
    """Name of a placement group that exists; its nodes are in one AZ, if it is a cluster group."""
    efa_interfaces: Annotated[int, Field(ge=1, le=32)] | None = None
    """Elastic Fabric Adapters that its nodes have from the start, whether pods ask for them or not. Without it, a node gets all that its
    type has as soon as a pod asks. Pools name instance types that have them
    (https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html#static-network-interfaces)."""
    pod_address_prefixes: Annotated[int, Field(ge=1, le=7)] = 2
    """Blocks of 16 addresses for pods that such a node has: with `efa_interfaces` none is added later."""
    snat_policy: Literal["Random", "Disabled"] = "Random"
    """`Disabled`: pods leave the node with their own address."""
    network_policy: Literal["DefaultAllow", "DefaultDeny"] = "DefaultAllow"
    """The default for pods that no network policy selects."""
    network_policy_event_logs: Literal["Disabled", "Enabled"] = "Disabled"
    """Whether nodes log what network policies allow and deny."""
    security_group_ids: SecurityGroups = []
    """More security groups of its nodes, beside the cluster's."""
    subnet_ids: Subnets = []
    """Subnets of its nodes, in the cluster's VPC. Default: all private subnets."""
    local_zones: LocalZones = []
    """Local Zones of its nodes, of those that `network.local_zones` names. Give its pools a taint: what runs there costs more."""
    tags: Annotated[dict[TagKey, TagValue], AfterValidator(_not_of_eks)] = {}
    """Tags of its instances, volumes and network interfaces, beside the environment's. A change replaces the nodes."""

    @model_validator(mode="after")
    def _addresses(self) -> "NodeClassSpec":
        one_place(self)
        if "pod_address_prefixes" in self.model_fields_set and not self.efa_interfaces:
            raise Misplaced(
                "is for nodes with efa_interfaces: Auto Mode adds addresses to others; remove it",
                "pod_address_prefixes",
            )
        return self


class AutoNodePoolSpec(NodePoolSpec):
    """Which nodes Auto Mode may add, and up to how many."""

    name: Annotated[KubernetesName, AfterValidator(lambda name: _not_reserved(name, BUILT_IN_POOLS))]
    """Name of the NodePool object."""
    node_class: KubernetesName = "default"
    """A NodeClass of this file, or `default`, which EKS makes along with its built-in pools."""
    expire_after_hours: Annotated[int, Field(ge=1, le=504)] = 336
    """Age at which a node is replaced. AWS replaces each after 21 days (504 hours) in any case."""


class AutoModeSpec(Spec):
    """Nodes that AWS runs."""

    enabled: bool = True
    """`false` switches Auto Mode off and keeps its roles, so that EKS can clean up. Deploy that before you delete the section."""
    built_in_node_pools: Annotated[list[Literal["general-purpose", "system"]], AfterValidator(distinct_values)] = [
        "general-purpose",
        "system",
    ]
    """The node pools that EKS makes and keeps: `general-purpose` and `system`. None: `[]`."""
    node_classes: list[NodeClassSpec] = []
    node_pools: list[AutoNodePoolSpec] = []
    node_policies: Annotated[list[PolicyName], Field(max_length=10), AfterValidator(distinct_values)] = []
    """More policies of the role of `node_classes`' nodes, by the name of an AWS managed one or by ARN. Pods are better off with
    `pod_identities`."""
    volume_tags: dict[TagKey, TagValue] = {}
    """Tags of the volumes that claims make, in the StorageClass `auto-gp3`. Kubernetes changes no StorageClass: name them before the
    first deploy, or delete the class (volumes stay) before you change them."""
    load_balancer_scheme: Literal["internal", "internet-facing"] = "internal"
    """Scheme of the load balancers of the IngressClass `auto-alb`."""
    gateway_api: bool = False
    """Whether the cluster has the Gateway API's resource definitions. CloudFormation can have EKS install them, but this
    version of the CDK cannot say so: `aws eks update-cluster-config` does, and this records that it was done."""

    @model_validator(mode="after")
    def _consistent(self) -> "AutoModeSpec":
        for what, names in (
            ("node_pools", [pool.name for pool in self.node_pools]),
            ("node_classes", [one.name for one in self.node_classes]),
        ):
            if (index := repeated(names)) is not None:
                raise Misplaced(f"{names[index]} is the name of two; choose another", what, index, "name")
        return self

    @model_validator(mode="after")
    def _classes(self) -> "AutoModeSpec":
        if self.node_policies and not self.node_classes:
            raise Misplaced("is for the role of node_classes, and there are none; remove it", "node_policies")
        classes = {one.name for one in self.node_classes} | ({"default"} if self.built_in_node_pools else set())
        for index, pool in enumerate(self.node_pools):
            if pool.node_class not in classes:
                hint = (
                    ""
                    if pool.node_class != "default"
                    else " (EKS makes `default` only along with a built-in node pool)"
                )
                raise Misplaced(
                    f"there is no node class {pool.node_class} for node pool {pool.name};"
                    f" allowed: {', '.join(sorted(classes)) or 'none yet, add one to node_classes'}{hint}",
                    "node_pools",
                    index,
                    "node_class",
                )
            local = [zone for one in self.node_classes if one.name == pool.node_class for zone in one.local_zones]
            check_zones_of_pool(pool, index, local)
        for index, one in enumerate(self.node_classes):
            if unused_reservation(self.node_pools, one.name, one.capacity_reservation_ids):
                raise Misplaced(
                    f"no node pool of {one.name} may use reservations; add reserved to the capacity of one",
                    *("node_classes", index, "capacity_reservation_ids"),
                )
        self._check_adapters()
        used = {pool.node_class for pool in self.node_pools}
        for index, one in enumerate(self.node_classes):
            if one.name not in used:
                raise Misplaced(
                    f"no node pool uses {one.name}; name it as the node_class of one, or remove it",
                    "node_classes",
                    index,
                    "name",
                )
        return self

    def types_of(self, node_class: NodeClassSpec) -> list[str]:
        """Returns the instance types that the pools of a node class name."""
        pools = [pool for pool in self.node_pools if pool.node_class == node_class.name]
        return list(dict.fromkeys(one for pool in pools for one in pool.instance_types))

    def _check_adapters(self) -> None:
        for index, one in enumerate(self.node_classes):
            for place, pool in enumerate(self.node_pools if one.efa_interfaces else ()):
                if pool.node_class == one.name and not pool.instance_types:
                    raise Misplaced(
                        f"efa_interfaces of {one.name} needs instance types that have them: name them",
                        *("node_pools", place, "instance_types"),
                    )
            if one.efa_interfaces:
                try:
                    for name in self.types_of(one):
                        check_adapters(name, one.efa_interfaces)
                    same_interfaces(one.efa_interfaces, self.types_of(one))
                except Misplaced as problem:
                    raise Misplaced(str(problem), "node_classes", index, *problem.where) from None


def _not_reserved(name: str, reserved: tuple[str, ...]) -> str:
    if name in reserved:
        raise ValueError(f"the name {name} is EKS's own; choose another")
    return name
