"""Node pools, by which Auto Mode and Karpenter make nodes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from eks_constructs.compute.taints import TaintSpec, distinct
from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import KubernetesName, LabelKey, LabelValue, Misplaced, Spec, distinct_values, pattern

# Karpenter refuses other labels of these domains in a NodePool: https://karpenter.sh/docs/reference/labels/
_RESERVED_DOMAINS = re.compile(r"([^/]*\.)?(kubernetes\.io|k8s\.io|karpenter\.sh)/")
_OPEN_LABELS = re.compile(
    r"([^/]*\.)?(node-restriction\.kubernetes\.io|node\.kubernetes\.io|kops\.k8s\.io)/"
    r"|topology\.kubernetes\.io/(zone|region)$|kubernetes\.io/(arch|os)$|karpenter\.sh/capacity-type$"
)

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


class NodePoolSpec(Spec):
    """Which nodes Karpenter, yours or that of Auto Mode, may add, and up to how many."""

    name: KubernetesName
    """Name of the NodePool object."""
    capacity: Annotated[
        list[Literal["on-demand", "spot"]], Field(min_length=1, max_length=2), AfterValidator(distinct_values)
    ] = ["on-demand"]
    """How nodes are bought. With both, Karpenter takes Spot where it is cheaper."""
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
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] = {}
    """Labels of the nodes."""
    taints: Annotated[list[TaintSpec], Field(max_length=50), AfterValidator(distinct)] = []
    cpu_limit: Cpus = "100"
    """vCPUs of all nodes of the pool together: what bounds the bill."""
    memory_limit: (
        Annotated[str, pattern(r"[1-9]\d{0,9}(Mi|Gi|Ti)", "must be an amount of memory, such as 400Gi")] | None
    ) = None
    """Memory of all nodes of the pool together, at most: a Kubernetes quantity, such as `400Gi`."""
    expire_after_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 720
    """Age at which a node is replaced."""
    consolidate_after_seconds: Annotated[int, Field(ge=0, le=MAX_SECONDS)] = 30
    """Seconds that a node is left alone, after pods came or went, before it may be replaced by a cheaper one."""
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """Pools with a higher weight come first."""

    @property
    def open(self) -> bool:
        """Whether pods without tolerations may go there."""
        return all(taint.effect == "PreferNoSchedule" for taint in self.taints)

    @model_validator(mode="after")
    def _labels(self) -> "NodePoolSpec":
        for key in self.labels:
            if _RESERVED_DOMAINS.match(key) and not _OPEN_LABELS.match(key):
                raise Misplaced(
                    f"the prefix of {key} is reserved for Kubernetes and Karpenter; use one of your own", "labels", key
                )
        return self


def node_pool(
    spec: NodePoolSpec,
    *,
    node_class: Mapping[str, str],
    label_domain: str,
    labels: Mapping[str, str],
    more_vcpus_than: int | None = None,
) -> KubernetesObject:
    """Returns a NodePool. https://karpenter.sh/docs/concepts/nodepools/.

    Args:
        spec: the pool.
        node_class: group, kind and name of what its nodes are made of.
        label_domain: of the labels that tell instance types apart: eks.amazonaws.com, or karpenter.k8s.aws.
        labels: of the nodes.
        more_vcpus_than: smallest instances that are not taken.
    """
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": list(spec.capacity)},
        {"key": "kubernetes.io/arch", "operator": "In", "values": list(spec.architectures)},
        {"key": f"{label_domain}/instance-category", "operator": "In", "values": list(spec.instance_categories)},
        {
            "key": f"{label_domain}/instance-generation",
            "operator": "Gt",
            "values": [str(spec.instance_generation_above)],
        },
    ]
    if more_vcpus_than is not None:
        requirements.append({"key": f"{label_domain}/instance-cpu", "operator": "Gt", "values": [str(more_vcpus_than)]})
    node: KubernetesObject = {
        "nodeClassRef": dict(node_class),
        "requirements": requirements,
        "expireAfter": f"{spec.expire_after_hours}h",
        "terminationGracePeriod": "24h",
    }
    if spec.taints:
        node["taints"] = [{key: value for key, value in taint.model_dump().items() if value} for taint in spec.taints]
    template: KubernetesObject = {"spec": node}
    if labels:
        template["metadata"] = {"labels": dict(labels)}
    limits = {"cpu": spec.cpu_limit} | ({"memory": spec.memory_limit} if spec.memory_limit else {})
    body: KubernetesObject = {
        "template": template,
        "limits": limits,
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": f"{spec.consolidate_after_seconds}s",
            "budgets": [{"nodes": "10%"}],
        },
    }
    if spec.weight:
        body["weight"] = spec.weight
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": spec.name}, "spec": body}


def named_categories(pools: Sequence[NodePoolSpec]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the instance categories that pools name, with the way to each."""
    for index, pool in enumerate(pools):
        if "instance_categories" in pool.model_fields_set:
            for place, name in enumerate(pool.instance_categories):
                yield ("node_pools", index, "instance_categories", place), name
