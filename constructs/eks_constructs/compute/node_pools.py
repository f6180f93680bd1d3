"""Node pools, by which Auto Mode and Karpenter make nodes."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from eks_constructs.compute.capacity import PoolCapacity
from eks_constructs.compute.instance_type import InstanceType
from eks_constructs.compute.mix import OWN_LABELS
from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import (
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    Spec,
    distinct_values,
    pattern,
    repeated,
)
from eks_constructs.zone_names import ZoneName
from eks_facts.instances import architecture
from eks_facts.labels import meets
from eks_facts.node_selection import SYSTEM

# Karpenter refuses other labels of these domains in a NodePool: https://karpenter.sh/docs/reference/labels/
_RESERVED_DOMAINS = re.compile(r"([^/]*\.)?(kubernetes\.io|k8s\.io|karpenter\.sh)/")
_OPEN_LABELS = re.compile(
    r"([^/]*\.)?(node-restriction\.kubernetes\.io|node\.kubernetes\.io|kops\.k8s\.io)/"
    r"|topology\.kubernetes\.io/(zone|region)$|kubernetes\.io/(arch|os)$|karpenter\.sh/capacity-type$"
)

# What keys of their own say of the instances.
_OWN_REQUIREMENTS = {
    "capacity-type": "capacity",
    "arch": "architectures",
    "instance-category": "instance_categories",
    "instance-generation": "instance_generation_above",
    "instance-type": "instance_types",
    "zone": "availability_zones",
}

MAX_HOURS = 10 * 365 * 24
MAX_SECONDS = 30 * 24 * 3600
"""Far beyond any use: Karpenter keeps durations in nanoseconds, which end at 292 years."""


_CPUS = pattern(r"[1-9]\d{0,6}", "must be a number of vCPUs, such as 100")
Cpus = Annotated[
    str,
    _CPUS,
    BeforeValidator(
        lambda value: str(value) if type(value) is int else value,
        json_schema_input_type=Annotated[str, _CPUS] | Annotated[int, Field(ge=1, le=9_999_999)],
    ),
]
"""A number of vCPUs, with or without quotes."""


class DisruptionBudgetSpec(Spec):
    """How many nodes of a pool Karpenter may take away at once, always or at some times."""

    nodes: Annotated[
        str,
        pattern(r"\d{1,4}|\d{1,2}%|100%", 'must be a number or a share of nodes in quotes, such as "2", "10%" or "0"'),
    ]
    """Nodes that may go at the same time, as a number or a share of the pool."""
    schedule: (
        Annotated[
            str,
            pattern(
                r"@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[\dA-Za-z*/,-]+( [\dA-Za-z*/,?-]+){4}",
                "must be a cron schedule of five fields in UTC, such as 0 8 * * mon-fri",
            ),
            Field(max_length=100),
        ]
        | None
    ) = None
    """When the budget begins to apply. Default: always."""
    duration_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    """How long it applies from each beginning."""
    reasons: Annotated[list[Literal["Underutilized", "Empty", "Drifted"]], AfterValidator(distinct_values)] = []
    """Why nodes would go. Default: any reason."""

    @model_validator(mode="after")
    def _both(self) -> "DisruptionBudgetSpec":
        if (self.schedule is None) != (self.duration_hours is None):
            key = "schedule" if self.schedule is None else "duration_hours"
            raise Misplaced("schedule and duration_hours go together; add it", key)
        return self

    def as_object(self) -> KubernetesObject:
        """Returns it as a NodePool has it."""
        found: KubernetesObject = {"nodes": self.nodes}
        if self.schedule:
            found |= {"schedule": self.schedule, "duration": f"{self.duration_hours}h"}
        return found | ({"reasons": list(self.reasons)} if self.reasons else {})


def _distinct_budgets(budgets: list[DisruptionBudgetSpec]) -> list[DisruptionBudgetSpec]:
    if (index := repeated(one.model_dump_json() for one in budgets)) is not None:
        raise Misplaced("there is the same budget already; remove one", index)
    return budgets


class RequirementSpec(Spec):
    """A label that nodes must have, such as the size of the instance."""

    key: LabelKey
    """Such as eks.amazonaws.com/instance-cpu (Auto Mode) or karpenter.k8s.aws/instance-cpu (Karpenter)."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How the label is compared with the values."""
    values: Annotated[list[LabelValue], Field(max_length=100), AfterValidator(distinct_values)] = []
    """Values of the label, or one number in quotes."""

    @model_validator(mode="after")
    def _values(self) -> "RequirementSpec":
        least, most = {"In": (1, 100), "NotIn": (1, 100), "Gt": (1, 1), "Lt": (1, 1)}.get(self.operator, (0, 0))
        if not least <= len(self.values) <= most:
            wanted = "no values" if not most else "one number" if most == 1 else "values"
            raise Misplaced(f"{self.operator} needs {wanted}", "values")
        if most == 1 and not self.values[0].isdecimal():
            raise Misplaced(f"{self.operator} needs a number in quotes", "values", 0)
        return self


class NodePoolSpec(Spec):
    """Which nodes Karpenter, yours or that of Auto Mode, may add, and up to how many."""

    name: KubernetesName
    """Name of the NodePool object."""
    capacity: Annotated[
        list[PoolCapacity],
        Field(min_length=1, max_length=3),
        AfterValidator(distinct_values),
    ] = ["on-demand"]
    """How nodes are bought. With Spot too, Karpenter takes it where it is cheaper. `reserved`: the reservations and Capacity Blocks of the
    node class, which come first."""
    architectures: Annotated[
        list[Literal["amd64", "arm64"]], Field(min_length=1, max_length=2), AfterValidator(distinct_values)
    ] = ["amd64"]
    """CPU architectures that nodes may have."""
    instance_categories: Annotated[
        list[Annotated[str, pattern("[a-z]{1,4}", "must be the letters of an instance family, such as m")]],
        Field(min_length=1, max_length=40),
        AfterValidator(distinct_values),
    ] = ["c", "m", "r"]
    """First letters of the instance types that nodes may have: `c` compute, `m` general, `r` memory."""
    instance_generation_above: Annotated[int, Field(ge=1, le=20)] = 4
    """Nodes have instances of a later generation than this one: 4 allows m5 and newer."""
    instance_types: Annotated[list[InstanceType], Field(max_length=60), AfterValidator(distinct_values)] = []
    """These types alone, in place of categories and generations."""
    requirements: Annotated[list[RequirementSpec], Field(max_length=30)] = []
    """Other requirements of nodes (https://karpenter.sh/docs/concepts/nodepools/#spectemplatespecrequirements)."""
    availability_zones: Annotated[list[ZoneName], Field(max_length=6), AfterValidator(distinct_values)] = []
    """AZs of its nodes. Default: all of the subnets."""
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] = {}
    """Labels of the nodes."""
    taints: Annotated[list[TaintSpec], Field(max_length=50), AfterValidator(distinct)] = []
    startup_taints: Annotated[list[TaintSpec], Field(max_length=50), AfterValidator(distinct)] = []
    """Taints that something else removes once a new node is ready; pods need not tolerate them."""
    cpu_limit: Cpus = "100"
    """vCPUs of all nodes of the pool together: what bounds the bill."""
    memory_limit: (
        Annotated[str, pattern(r"[1-9]\d{0,9}(Mi|Gi|Ti)", "must be an amount of memory, such as 400Gi")] | None
    ) = None
    """Memory of all nodes of the pool together, at most: a Kubernetes quantity, such as `400Gi`."""
    expire_after_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 720
    """Age at which a node is replaced."""
    consolidation: Literal["WhenEmptyOrUnderutilized", "WhenEmpty", "Balanced"] = "WhenEmptyOrUnderutilized"
    """When nodes that are little used go. `Balanced` weighs what a change saves against the pods that it moves. A pool of Auto Mode
    without it gets `Balanced` from Kubernetes 1.37 on (https://docs.aws.amazon.com/eks/latest/userguide/auto-change.html)."""
    consolidate_after_seconds: Annotated[int, Field(ge=0, le=MAX_SECONDS)] = 30
    """Seconds that a node is left alone, after pods came or went, before it may be replaced by a cheaper one."""
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """Pools with a higher weight come first."""
    disruption_budgets: Annotated[
        list[DisruptionBudgetSpec], Field(max_length=50), AfterValidator(_distinct_budgets)
    ] = [DisruptionBudgetSpec(nodes="10%")]
    """The strictest that applies at a time counts. Without any, all nodes may go at once."""
    termination_grace_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 24
    """How long pods and their disruption budgets may hold up the end of a node."""
    static_nodes: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Makes the pool static: this many nodes, whatever pods ask for. It can never become dynamic again
    (https://docs.aws.amazon.com/eks/latest/userguide/auto-static-capacity.html)."""

    @property
    def open(self) -> bool:
        """Whether pods without tolerations may go there."""
        return all(taint.effect == "PreferNoSchedule" for taint in self.taints)

    @model_validator(mode="after")
    def _static(self) -> "NodePoolSpec":
        for key in ("weight", "cpu_limit", "memory_limit", "consolidation", "consolidate_after_seconds"):
            if self.static_nodes is not None and key in self.model_fields_set:
                raise Misplaced(
                    f"has no effect on a static pool, and EKS refuses it; remove {key} or static_nodes", key
                )
        return self

    @model_validator(mode="after")
    def _instances(self) -> "NodePoolSpec":
        for key in ("instance_categories", "instance_generation_above", "architectures"):
            if self.instance_types and key in self.model_fields_set:
                raise Misplaced("instance_types says it already; remove one of the two", key)
        if (index := repeated(f"{one.key} {one.operator}" for one in self.requirements)) is not None:
            raise Misplaced("there is such a requirement already; remove one", "requirements", index, "key")
        for index, one in enumerate(self.requirements):
            if other := _OWN_REQUIREMENTS.get(one.key.rpartition("/")[2]):
                raise Misplaced(f"is what {other} says; use that", "requirements", index, "key")
            if one.key == SYSTEM and not meets(one.model_dump(), "linux"):
                raise Misplaced(
                    "keeps off every node: those of Karpenter and of Auto Mode have Linux here. Windows nodes are groups of"
                    " managed_nodes or self_managed_nodes",
                    *("requirements", index, "values"),
                )
        return self

    @property
    def processors(self) -> list[str]:
        """The architectures of its nodes, as Kubernetes spells them."""
        if not self.instance_types:
            return list(self.architectures)
        return sorted({"arm64" if architecture(one) == "arm64" else "amd64" for one in self.instance_types})

    @model_validator(mode="after")
    def _labels(self) -> "NodePoolSpec":
        for key in self.labels:
            if key.startswith(OWN_LABELS) or (_RESERVED_DOMAINS.match(key) and not _OPEN_LABELS.match(key)):
                raise Misplaced(
                    f"the prefix of {key} is reserved for Kubernetes, Karpenter and this project; use one of your own",
                    *("labels", key),
                )
        return self


class HasLocalZones(Protocol):
    """A node class of Auto Mode or of Karpenter."""

    @property
    def local_zones(self) -> list[str]:
        """The Local Zones of its nodes."""


def named_categories(pools: Sequence[NodePoolSpec]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the instance categories that pools name, with the way to each."""
    for index, pool in enumerate(pools):
        if "instance_categories" in pool.model_fields_set:
            for place, name in enumerate(pool.instance_categories):
                yield ("node_pools", index, "instance_categories", place), name


def named_types(pools: Sequence[NodePoolSpec]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the instance types that pools name, with the way to each."""
    for index, pool in enumerate(pools):
        for place, name in enumerate(pool.instance_types):
            yield ("node_pools", index, "instance_types", place), name


def named_zones(pools: Sequence[NodePoolSpec]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the AZs that pools name, with the way to each."""
    for index, pool in enumerate(pools):
        for place, name in enumerate(pool.availability_zones):
            yield ("node_pools", index, "availability_zones", place), name


def named_local_zones(classes: Sequence[HasLocalZones]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the Local Zones that node classes name, with the way to each."""
    for index, one in enumerate(classes):
        for place, zone in enumerate(one.local_zones):
            yield ("node_classes", index, "local_zones", place), zone


def check_zones_of_pool(pool: NodePoolSpec, index: int, local: Sequence[str]) -> None:
    """Raises Misplaced, from the section, for a pool that asks for AZs while its nodes are in Local Zones (``local``)."""
    if pool.availability_zones and local:
        raise Misplaced(
            f"the pool's node class has its nodes in {local[0]}, so none is ever in {pool.availability_zones[0]}; remove it",
            *("node_pools", index, "availability_zones"),
        )


def unused_reservation(pools: Sequence[NodePoolSpec], node_class: str, of: Sequence[str]) -> bool:
    """Returns whether a node class has reservations (``of``) that no pool of it may use."""
    return bool(of) and not any("reserved" in pool.capacity for pool in pools if class_of(pool) == node_class)


def class_of(pool: NodePoolSpec) -> str:
    """Returns the name of a pool's node class."""
    return str(getattr(pool, "node_class", "default"))
