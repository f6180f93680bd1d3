"""What the drawing of a cluster shows, taken from its facts."""

from __future__ import annotations

from typing import Literal

from responsibility.document import ComputeUse, Picture, PictureSubnet, PictureVpc
from responsibility.model import ComputeKind
from responsibility.reading.eks import Cluster
from responsibility.reading.kinds.registry import KINDS
from responsibility.reading.network import Subnet, Vpc
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.resource import UnknownValue, text
from responsibility.reading.values import all_known


def compute(cluster: Cluster) -> list[ComputeUse]:
    """Returns the kinds of compute of a cluster, each in words."""
    return [
        ComputeUse(kind=kind.id, words=kind.words(cluster), evidence=kind.evidence(cluster))
        for kind in KINDS
        if kind.has(cluster)
    ]


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
    for kind in KINDS:
        for user, subnets in kind.places(cluster.facts):
            for subnet in subnets if user.cluster_key == cluster.resource.key else []:
                kinds = placed.setdefault(subnet.resource.key, [])
                if kind.id not in kinds:
                    kinds.append(kind.id)
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
    return value if all_known(value) else ""


def _service(name: str) -> str:
    """``com.amazonaws.${AWS::Region}.ecr.api`` as ``ecr.api``."""
    return without_gaps(name).replace("${AWS::Region}", "region").split("amazonaws.")[-1].split(".", 1)[-1]
