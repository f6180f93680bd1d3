"""Plans the address ranges of subnets. No range moves when an AZ or a tier is added later.

The CIDR of a subnet can never change, so the plan leaves room: four slots in each tier, whatever the number of AZs.

====================  =========  ==========================  ==================
tier                  share      one slot of a /16           for
====================  =========  ==========================  ==================
private               1/2        /19, 8,187 free addresses   nodes and pods
isolated              1/4        /20, 4,091 free addresses   what never talks to the internet
public                1/4        /20, 4,091 free addresses   load balancers, NAT gateways
====================  =========  ==========================  ==================
"""

from ipaddress import IPv4Network
from itertools import islice

from eks_facts.private_ranges import RFC1918

MAX_ZONES = 4
"""Slots in each tier."""

TIERS = ("private", "isolated", "public")

# A VPC in one range of RFC 1918 cannot take a secondary CIDR from another; one of these it can.
# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions
_SHARED = (IPv4Network("100.64.0.0/10"), IPv4Network("198.19.0.0/16"))


def subnet_cidrs(vpc_cidr: str) -> dict[str, list[str]]:
    """Returns the CIDRs of the slots of each tier of a VPC (prefix length 16 to 24)."""
    private, rest = IPv4Network(vpc_cidr).subnets(prefixlen_diff=1)
    isolated, public = rest.subnets(prefixlen_diff=1)
    return {tier: slots(str(block)) for tier, block in zip(TIERS, (private, isolated, public), strict=True)}


def slots(cidr: str) -> list[str]:
    """Returns the CIDRs of the subnets of one tier, a slot for each AZ."""
    return [str(subnet) for subnet in islice(IPv4Network(cidr).subnets(prefixlen_diff=2), MAX_ZONES)]


def secondary_cidr_problem(vpc_cidr: str, pod_cidr: str) -> str | None:
    """Returns why AWS would refuse ``pod_cidr`` as a secondary CIDR of a VPC, or None."""
    vpc, pods = IPv4Network(vpc_cidr), IPv4Network(pod_cidr)
    if vpc.overlaps(pods):
        return f"overlaps the VPC's own range {vpc_cidr}"
    if any(pods.subnet_of(block) for block in _SHARED):
        return None
    home = next((block for block in RFC1918 if vpc.subnet_of(block)), None)
    if home and pods.subnet_of(home):
        return None
    return f"a VPC in {home or vpc_cidr} takes a secondary CIDR only from {home or vpc_cidr}, 100.64.0.0/10 or 198.19.0.0/16"
