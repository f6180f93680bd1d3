"""The address ranges of EKS Hybrid Nodes and of their pods: what EKS takes.

https://docs.aws.amazon.com/eks/latest/APIReference/API_RemoteNodeNetwork.html
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from eks_facts.files import limit
from eks_facts.private_ranges import RFC1918


def range_problem(text: str) -> str:
    """Returns why EKS refuses a remote range; empty = it takes it."""
    try:
        block = IPv4Network(text)
    except ValueError:
        return "is no IPv4 range such as 10.80.0.0/16"
    if not any(block.subnet_of(private) for private in RFC1918):
        return f"is not within {', '.join(map(str, RFC1918))}"
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
