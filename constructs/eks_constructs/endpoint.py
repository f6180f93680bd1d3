"""Who can reach the API server's endpoints: the public one, and the private one from connected networks."""

import re
from ipaddress import IPv4Network
from typing import Annotated

from aws_cdk import aws_ec2 as ec2
from constructs import Construct
from pydantic import AfterValidator, model_validator

from eks_constructs.construct_ids import pascal_case
from eks_constructs.spec import Cidr, Misplaced, Spec, distinct_values, resource_id
from eks_facts.files import limit
from eks_facts.private_ranges import RFC1918

ANYWHERE = "0.0.0.0/0"
LARGEST_NETWORK = 8
"""Prefix length of the largest network that one organisation may have."""

# Carrier-grade NAT and benchmarks: https://www.iana.org/assignments/iana-ipv4-special-registry/.
_NEVER_PUBLIC = (IPv4Network("100.64.0.0/10"), IPv4Network("198.18.0.0/15"))

SecurityGroupId = Annotated[str, resource_id("sg", "a security group")]
PrefixListId = Annotated[str, resource_id("pl", "a prefix list")]


class EndpointSpec(Spec):
    """How people and nodes reach the API server. The private endpoint, inside the VPC, is always on."""

    public_access_cidrs: Annotated[list[Cidr], AfterValidator(distinct_values)] = []
    """Networks that may also use the public endpoint."""
    public_access: bool | None = None
    """Whether there is a public endpoint; default: if networks are listed. To close one, set this to false and leave the list:
    CloudFormation wants the list to stay."""
    allow_anywhere: bool = False
    """Must be true before 0.0.0.0/0, or any network larger than /8, may be in `public_access_cidrs`."""

    private_access_cidrs: Annotated[list[Cidr], AfterValidator(distinct_values)] = []
    """Networks connected to the VPC (behind a VPN, Direct Connect, a peering or transit gateway) that may use the private endpoint:
    the cluster's security group lets them in on port 443. You provide the connection."""
    private_access_security_groups: Annotated[list[SecurityGroupId], AfterValidator(distinct_values)] = []
    """Security groups, in the VPC or a peered one, whose members may use the private endpoint."""
    private_access_prefix_lists: Annotated[list[PrefixListId], AfterValidator(distinct_values)] = []
    """Managed prefix lists of such networks. Each counts in the group's quota of rules with its maximum of entries."""

    @property
    def is_public(self) -> bool:
        """Whether there is a public endpoint."""
        return bool(self.public_access_cidrs) if self.public_access is None else self.public_access

    @model_validator(mode="after")
    def _deliberate(self) -> "EndpointSpec":
        if self.public_access and not self.public_access_cidrs:
            raise Misplaced(
                "names no networks for the public endpoint; list them in public_access_cidrs", "public_access"
            )
        for index, cidr in enumerate(self.public_access_cidrs):
            if IPv4Network(cidr).prefixlen < LARGEST_NETWORK and not self.allow_anywhere:
                part = "the whole internet" if cidr == ANYWHERE else "a large part of the internet"
                raise Misplaced(
                    f"{cidr} is {part}; list your networks, or set allow_anywhere: true", "public_access_cidrs", index
                )
        if len(self.public_access_cidrs) > limit("public_access_cidrs"):
            raise Misplaced(
                f"has {len(self.public_access_cidrs)} networks; EKS allows {limit('public_access_cidrs')}",
                "public_access_cidrs",
            )
        for index, cidr in enumerate(self.public_access_cidrs):
            if any(IPv4Network(cidr).subnet_of(private) for private in (*RFC1918, *_NEVER_PUBLIC)):
                raise Misplaced(
                    f"{cidr} is a private range: EKS refuses it, and the private endpoint serves it already; remove it",
                    "public_access_cidrs",
                    index,
                )
        return self

    @property
    def private_sources(self) -> int:
        """How many networks, groups and prefix lists the private endpoint lets in."""
        return len(
            [*self.private_access_cidrs, *self.private_access_security_groups, *self.private_access_prefix_lists]
        )

    @model_validator(mode="after")
    def _private(self) -> "EndpointSpec":
        for index, cidr in enumerate(self.private_access_cidrs):
            if IPv4Network(cidr).prefixlen < LARGEST_NETWORK:
                raise Misplaced(
                    f"{cidr} is larger than any network of one organisation; list your networks",
                    "private_access_cidrs",
                    index,
                )
        if self.private_sources > limit("private_access_rules"):
            raise Misplaced(
                f"has {self.private_sources} networks and groups; at most {limit('private_access_rules')} fit into the cluster's security"
                " group (put networks into a prefix list)",
                "private_access_cidrs",
            )
        return self


def open_endpoint(scope: Construct, spec: EndpointSpec, *, group_id: str) -> None:
    """Lets what ``spec`` names reach the private endpoint, by rules of the cluster's security group ``group_id``.

    https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html (accessing a private only API server)
    """
    for cidr in spec.private_access_cidrs:
        # 10.1.0.0/16 is 10x1x0x0x16 in a logical id: without a letter between the numbers two networks could have one id.
        where = re.sub(r"[./]", "x", cidr)
        https_from(
            scope, f"HttpsFrom{where}", group_id=group_id, description=f"Kubernetes API from {cidr}", cidr_ip=cidr
        )
    for group in spec.private_access_security_groups:
        https_from(
            scope,
            f"HttpsFrom{pascal_case(group)}",
            group_id=group_id,
            description=f"Kubernetes API from {group}",
            source_security_group_id=group,
        )
    for prefix_list in spec.private_access_prefix_lists:
        https_from(
            scope,
            f"HttpsFrom{pascal_case(prefix_list)}",
            group_id=group_id,
            description=f"Kubernetes API from {prefix_list}",
            source_prefix_list_id=prefix_list,
        )


def https_from(scope: Construct, construct_id: str, *, group_id: str, description: str, **source: str) -> None:
    """Lets a source in on port 443; ``source``: one of the keys by which EC2 names it."""
    ec2.CfnSecurityGroupIngress(
        scope,
        construct_id,
        group_id=group_id,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        description=description,
        **source,
    )
