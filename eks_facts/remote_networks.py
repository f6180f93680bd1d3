"""The address ranges of EKS Hybrid Nodes and of their pods: what EKS takes.

https://docs.aws.amazon.com/eks/latest/APIReference/API_RemoteNodeNetwork.html
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from eks_facts.files import limit

PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""The ranges of RFC 1918: remote networks are within one of them."""


def range_problem(text: str) -> str:
    """Returns why EKS refuses a remote range; empty = it takes it."""
    try:
        block = IPv4Network(text)
    except ValueError:
        return "is no IPv4 range such as 10.80.0.0/16"
    if not any(block.subnet_of(private) for private in PRIVATE):
        return f"is not within {', '.join(map(str, PRIVATE))}"
    return ""


def overlapping(
    remote: Sequence[tuple[str, IPv4Network]], others: Sequence[tuple[str, IPv4Network]]
) -> Iterator[tuple[str, str]]:
    """Yields the names of each remote range that overlaps another one, or one of ``others`` (VPC, services), with the other's name."""
    for index, (name, block) in enumerate(remote):
        for other, theirs in (*remote[index + 1 :], *others):
            if block.overlaps(theirs):
                yield name, other


def most_ranges() -> int:
    """Returns how many ranges a cluster has at most, of nodes and of pods each."""
    return limit("remote_network_cidrs")
