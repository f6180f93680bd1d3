"""What EKS was asked for, as plain data, and the groups of nodes that it makes of it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eks_facts.instances import ami_types

Row = Mapping[str, Any]
Runner = Literal["managed_nodes", "self_managed_nodes", "hybrid_nodes", "fargate", "auto_mode", "karpenter"]
"""The kind of compute that a node is of."""
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
HYBRID_NODES: Row = {
    "name": "hybrid", "count": 2, "hybrid": True, "instance_type": "m7i.2xlarge", "labels": {"topology.kubernetes.io/zone": "site"},
}  # fmt: skip
"""Machines of a cluster that is ready for hybrid nodes, as if somebody had run nodeadm on two. EKS labels no machine of a site with
a zone; its owner does, so that pods spread over sites and AWS (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-webhooks.html)."""
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-\d+")


@dataclass(frozen=True)
class Compute:
    """What EKS was asked for, in the words of its API.

    Attributes:
        cluster: DescribeCluster's answer: ``version``, ``computeConfig``.
        nodegroups: DescribeNodegroup's answers.
        fargate_profiles: DescribeFargateProfile's answers.
        subnets: ``{"zone": "eu-west-1a"}`` by the subnet's id.
        instances: nodes that EKS does not make: ``name``, ``count``, ``instance_type``, ``zones``, ``labels``, ``taints``,
            ``max_pods``, ``version``, ``windows``; for machines that are not AWS's, ``hybrid``, and what their site says:
            ``names``, ``networks``, ``pod_networks``.
        addons: DescribeAddon's answers.
        instance_quota: instances that the account may have at most; None: nobody says.
    """

    cluster: Row
    nodegroups: Sequence[Row] = ()
    fargate_profiles: Sequence[Row] = ()
    subnets: Mapping[str, Row] = field(default_factory=dict)
    instances: Sequence[Row] = ()
    addons: Sequence[Row] = ()
    instance_quota: int | None = None

    @property
    def version(self) -> str:
        """The cluster's Kubernetes version, such as ``1.36``."""
        return str(self.cluster["version"])

    @property
    def zones(self) -> list[str]:
        """Every zone, sorted; the second and later ones of a region that nobody names are made up."""
        return sorted({str(row["zone"]) for row in self.subnets.values()}) or ["us-east-1a", "us-east-1b", "us-east-1c"]

    @property
    def auto_mode(self) -> bool:
        """Whether the cluster has EKS Auto Mode."""
        return bool((self.cluster.get("computeConfig") or {}).get("enabled"))

    def groups(self) -> Iterator["Group"]:
        """Yields the groups of EC2 and hybrid nodes."""
        for row in self.nodegroups:
            yield self._managed(row)
        for row in self.instances:
            yield Group(
                name=str(row.get("name", "nodes")),
                runner="hybrid_nodes" if row.get("hybrid") else "self_managed_nodes",
                instance_type=str(row.get("instance_type") or "m5.large"),
                zones=tuple(row.get("zones") or [row.get("zone") or ("site" if row.get("hybrid") else self.zones[0])]),
                desired=int(row.get("count", 1)),
                labels=dict(row.get("labels") or {}),
                taints=tuple(row.get("taints") or ()),
                version=str(row.get("version") or self.version),
                max_pods=int(row.get("max_pods") or 0),
                system="windows" if row.get("windows") else "linux",
                names=tuple(row.get("names") or ()),
                networks=tuple(row.get("networks") or ()),
                pod_networks=tuple(row.get("pod_networks") or ()),
            )

    def _managed(self, row: Row) -> "Group":
        scaling = row.get("scalingConfig") or {}
        update = row.get("updateConfig") or {}
        least, most = int(scaling.get("minSize", 1)), int(scaling.get("maxSize", 2))
        desired = int(scaling.get("desiredSize", min(max(least, 1), most)))
        percentage = update.get("maxUnavailablePercentage")
        zones = sorted({str(self.subnets[one]["zone"]) for one in row.get("subnets") or [] if one in self.subnets})
        types = row.get("instanceTypes") or ["t3.medium"]  # EKS's default
        ami = ami_types().get(str(row.get("amiType", "")))
        return Group(
            name=str(row["nodegroupName"]),
            runner="managed_nodes",
            instance_type=str(types[0]),
            zones=tuple(zones or self.zones),
            desired=desired,
            most=most,
            labels=dict(row.get("labels") or {}),
            taints=tuple(
                {**one, "effect": _EFFECTS.get(str(one["effect"]), one["effect"])} for one in row.get("taints") or ()
            ),
            version=str(row.get("version") or self.version),
            spot=row.get("capacityType") == "SPOT",
            unavailable=math.ceil(desired * percentage / 100) if percentage else int(update.get("maxUnavailable", 1)),
            minimal=str(update.get("updateStrategy", "")).upper() == "MINIMAL",
            forced=bool(row.get("forced")),
            disk_gib=int(row.get("diskSize") or 0),
            image=ami.family if ami else "custom",
            max_pods=int(row.get("maxPods") or 0),
            system="windows" if ami and ami.family == "windows" else "linux",
            release=str(ami.variant)[:4] if ami and ami.family == "windows" else "",
        )


@dataclass(frozen=True)
class Group:
    """Nodes that are alike.

    Attributes:
        name: of the group.
        runner: the kind of compute.
        instance_type: of its instances: the first of those that it may use.
        zones: where they are, in turn.
        desired: how many there are.
        most: how many there may be; an update goes above it.
        labels: of the nodes.
        taints: of the nodes, in the words of Kubernetes.
        version: of the kubelet: ``1.36``.
        spot: whether it is Spot capacity.
        unavailable: nodes that an update may drain at a time.
        minimal: whether an update ends nodes before it starts new ones.
        forced: whether an update deletes the pods that a budget keeps.
        disk_gib: size of the disk; 0: the default.
        image: family of the image.
        max_pods: pods of a node, where its user data says it; 0: it does not.
        release: of Windows Server, such as ``2022``; empty: nobody says, or it is Linux.
        system: operating system, in the words of the label ``kubernetes.io/os``.
        names: of the nodes, where somebody else chooses them.
        networks: ranges of the nodes' addresses; none: made up.
        pod_networks: ranges of their pods' addresses; none: made up.
    """

    name: str
    runner: Runner
    instance_type: str
    zones: tuple[str, ...]
    desired: int
    most: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Row, ...] = ()
    version: str = ""
    spot: bool = False
    unavailable: int = 1
    minimal: bool = False
    forced: bool = False
    disk_gib: int = 0
    image: str = "al2023"
    max_pods: int = 0
    release: str = ""
    system: Literal["linux", "windows"] = "linux"
    names: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    pod_networks: tuple[str, ...] = ()


def region_of(zone: str) -> str:
    """Returns the region of a zone: ``eu-west-1`` of ``eu-west-1a``."""
    found = _REGION.match(zone)
    return found[0] if found else zone
