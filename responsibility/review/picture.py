"""What the drawing of a cluster shows, taken from its facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from responsibility.document import ComputeUse, Picture, PictureSubnet, PictureVpc
from responsibility.model import ComputeKind
from responsibility.reading.eks import Cluster, FargateProfile, NodeGroup
from responsibility.reading.kubernetes import objects
from responsibility.reading.network import Subnet, Vpc
from responsibility.reading.resource import UnknownValue, text
from responsibility.reading.values import OPEN, without_gaps


def compute(cluster: Cluster) -> list[ComputeUse]:
    """Returns the kinds of compute of a cluster, each in words."""
    uses = {
        "auto_mode": (_auto_mode(cluster), [cluster.at("ComputeConfig")]),
        "managed_nodes": (
            _named("node group", map(_group, cluster.node_groups)),
            [g.at() for g in cluster.node_groups],
        ),
        "fargate": (
            _named("profile", map(_profile, cluster.fargate_profiles)),
            [p.at() for p in cluster.fargate_profiles],
        ),
        "hybrid_nodes": ("Nodes of your own data centre", [cluster.at("RemoteNetworkConfig")]),
        "self_managed_nodes": (
            _named("Auto Scaling group", (group.name for group in cluster.self_managed)),
            [group.at() for group in cluster.self_managed],
        ),
    }
    return [ComputeUse(kind=kind, words=uses[kind][0], evidence=uses[kind][1]) for kind in cluster.kinds]


def _named(what: str, items: Iterable[str]) -> str:
    words = list(items)
    return f"{len(words)} {what}{'s' if len(words) != 1 else ''}: {', '.join(words)}"


def _auto_mode(cluster: Cluster) -> str:
    pools = [str(pool) for pool in cluster.resource.maybe("ComputeConfig.NodePools", [])]
    own = [item.bare_name for item in objects(cluster.facts, "NodePool") if item.cluster_key == cluster.resource.key]
    parts = [f"built-in pools {', '.join(pools)}"] if pools else ["no built-in pool"]
    return "; ".join([*parts, *([f"own pools {', '.join(own)}"] if own else [])])


def _group(group: NodeGroup) -> str:
    scaling = group.resource.maybe("ScalingConfig", {})
    low, high = scaling.get("MinSize", "?"), scaling.get("MaxSize", "?")
    types = "/".join(str(kind) for kind in group.resource.maybe("InstanceTypes", [])) or "nodes"
    spot = " Spot" if group.resource.maybe("CapacityType") == "SPOT" else ""
    return f"{group.name} ({low} to {high}{spot} {types})"


def _profile(profile: FargateProfile) -> str:
    selectors = profile.resource.maybe("Selectors", [])
    names = [text(item.get("Namespace", "?")) for item in selectors if isinstance(item, dict)]
    return f"{profile.name} ({', '.join(names) or 'no selector'})"


_API: dict[tuple[bool, bool], Literal["public and private", "public", "private", "unknown"]] = {
    (True, True): "public and private",
    (True, False): "public",
    (False, True): "private",
    (False, False): "unknown",
}
"""By public and private access."""


def picture(cluster: Cluster) -> Picture:
    """Returns what the drawing shows."""
    resource = cluster.resource
    vpc = cluster.vpc
    try:
        public, private, cidrs = cluster.public_access, cluster.private_access, cluster.public_cidrs
        api = _API[public is True, private is True] if resource.get("ResourcesVpcConfig") else "unknown"
    except UnknownValue:
        public, cidrs, api = False, [], "unknown"
    try:
        key = "customer" if resource.get("EncryptionConfig") else "aws"
    except UnknownValue:
        key = "unknown"
    return Picture(
        vpc=_vpc(vpc, cluster) if vpc else None,
        api=api,
        api_from=[str(item) for item in cidrs] if public else [],
        logs=[text(item) for item in _logs(cluster)],
        key=key,
        add_ons=sorted(cluster.addons),
    )


def _logs(cluster: Cluster) -> list[str]:
    try:
        return cluster.log_types
    except UnknownValue:
        return []


def _vpc(vpc: Vpc, cluster: Cluster) -> PictureVpc:
    placed: dict[str, list[ComputeKind]] = {}
    groups: list[tuple[ComputeKind, list[Subnet]]] = [
        *(("managed_nodes", group.subnets) for group in cluster.node_groups),
        *(("fargate", profile.subnets) for profile in cluster.fargate_profiles),
        *(("self_managed_nodes", group.subnets) for group in cluster.self_managed),
    ]
    if "auto_mode" in cluster.kinds:
        # Without subnets of its own, a NodeClass uses those of the cluster.
        groups.append(("auto_mode", cluster.subnets))
    for kind, subnets in groups:
        for subnet in subnets:
            kinds = placed.setdefault(subnet.resource.key, [])
            if kind not in kinds:
                kinds.append(kind)
    drawn = [
        PictureSubnet(
            id=subnet.resource.key,
            name=subnet.name,
            zone=subnet.zone,
            reach=subnet.reach,
            cidr=_cidr(subnet),
            kinds=placed.get(subnet.resource.key, []),
            nat=bool(subnet.nat_gateways),
        )
        for subnet in vpc.subnets
    ]
    return PictureVpc(
        id=vpc.resource.key,
        name=vpc.name,
        cidr=text(vpc.resource.maybe("CidrBlock", "")),
        zones=sorted({subnet.zone for subnet in drawn}),
        subnets=drawn,
        internet_gateway=vpc.has_internet_gateway,
        endpoints=sorted(_service(text(item.resource.maybe("ServiceName", ""))) for item in vpc.endpoints),
    )


def _cidr(subnet: Subnet) -> str:
    value = subnet.resource.maybe("CidrBlock", "")
    return value if isinstance(value, str) and OPEN not in value else ""


def _service(name: str) -> str:
    """``com.amazonaws.${AWS::Region}.ecr.api`` as ``ecr.api``."""
    return without_gaps(name).replace("${AWS::Region}", "region").split("amazonaws.")[-1].split(".", 1)[-1]
