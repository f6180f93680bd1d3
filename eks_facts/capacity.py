"""What an EC2 instance offers to pods, as the kubelet of EKS's AMIs computes it."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from eks_facts.files import load
from eks_facts.instances import Architecture, architecture

Runs = Literal["managed_nodes", "auto_mode", "other"]
"""Who sets the number of pods: EKS for a managed group, EKS Auto Mode, or somebody else (Karpenter, self-managed nodes)."""
_TYPE = re.compile(r"([a-z]+)(\d+)([a-z0-9-]*)\.(?:(\d+)x|metal-(\d+)x)?(\w+)")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type.

    Attributes:
        name: such as ``m7g.large``.
        category: the letters of its family, such as ``m``.
        generation: such as 7.
        vcpus: processors.
        gib: memory.
        pods: addresses for pods on it, without prefixes.
    """

    name: str
    category: str
    generation: int
    vcpus: int
    gib: float
    pods: int

    @property
    def family(self) -> str:
        """Such as ``m7g``."""
        return self.name.partition(".")[0]

    @property
    def size(self) -> str:
        """Such as ``large``."""
        return self.name.partition(".")[2]

    @property
    def architecture(self) -> Architecture:
        """Its processor's."""
        return architecture(self.name)

    @property
    def devices(self) -> dict[str, int]:
        """The devices that pods ask for, by resource, where they are known."""
        found = {}
        for resource, row in load("devices")["counts"].items():
            if count := row["more"].get(self.name) or bool(re.match(row["one"], self.name)):
                found[resource] = int(count)
        return found


@cache
def instance_type(name: str) -> InstanceType:
    """Returns what the name of an instance type says. What it does not say is as in families of its kind."""
    facts = load("instance_sizes")
    found = _TYPE.fullmatch(name)
    category, generation, _, times, metal, size = found.groups() if found else ("m", "5", "", None, None, "large")
    row = (
        facts["burstable"].get(name.partition(".")[2])
        if name.partition(".")[0] in facts["burstable"]["families"]
        else None
    )
    if row:
        return InstanceType(name, category, int(generation), row["vcpus"], row["gib"], row["pods"])
    vcpus = 4 * int(times or metal or 1) if times or metal else facts["vcpus"].get(size, 2)
    pods = next(count for most, count in facts["pods"] if vcpus <= most)
    return InstanceType(name, category, int(generation), vcpus, vcpus * facts["gib_per_vcpu"].get(category, 4), pods)


_OTHER_MEMORY = {"c5n"}
"""Families of c, m and r with another amount of memory for each vCPU: https://aws.amazon.com/ec2/instance-types/c5/"""


def most_cpus(name: str) -> int | None:
    """Returns the vCPUs of an instance type, or more; None: its name does not say them surely (bare metal, families before 5)."""
    kind = instance_type(name)
    surely = kind.generation >= 5 or kind.family in load("instance_sizes")["burstable"]["families"]
    return kind.vcpus if surely and kind.category in _SIZES_SAY_CPUS and kind.size != "metal" else None


def most_gib(name: str) -> float | None:
    """Returns the GiB of memory of an instance type, or more; None: its name does not say them surely."""
    kind = instance_type(name)
    surely = kind.category in ("c", "m", "r", "t") and kind.family not in _OTHER_MEMORY
    return kind.gib if surely and most_cpus(name) is not None else None


_SIZES_SAY_CPUS = ("c", "m", "r", "t", "g", "gr", "p", "i", "inf", "trn", "x", "z")
_SECONDARY = (49, 29, 14, 11, 9, 5, 3, 1)
"""Addresses of an interface beside its own: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AvailableIpPerENI.html"""


def addresses_of_an_interface(name: str) -> int:
    """Returns how many addresses for pods one network interface of an instance type has, as its greatest number of pods implies.

    That number is interfaces x addresses + 2: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html
    """
    addresses = instance_type(name).pods - 2
    # Each type has two interfaces or more.
    return next(one for one in _SECONDARY if addresses % one == 0 and addresses > one)


def pods_with_prefixes(name: str, *, own_subnets: bool) -> int:
    """Returns how many pods an instance type has IPv4 addresses for, where each address of an interface is a prefix of 16.

    ``own_subnets``: pods have subnets of their own, so that the first interface has none for them.
    https://github.com/awslabs/amazon-eks-ami/blob/main/templates/al2/runtime/max-pods-calculator.sh
    """
    addresses = instance_type(name).pods - 2
    if own_subnets:
        addresses -= addresses_of_an_interface(name)
    return addresses * 16 + 2


def allocatable(kind: InstanceType, runs: Runs, disk_gib: float = 0, max_pods: int = 0) -> dict[str, str]:
    """Returns what a node lets pods have, by resource, as quantities.

    Args:
        kind: of the instance.
        runs: who sets the number of pods.
        disk_gib: its disk; 0: the default.
        max_pods: pods, where somebody says it; 0: nobody does.
    """
    facts = load("instance_sizes")
    pods = max_pods or _pods(kind, runs)
    kept = facts["reserved"]
    first = kept["millicores"][: kind.vcpus]
    millicores = sum(first) + kept["more_millicores"] * (kind.vcpus - len(first))
    mib = kind.gib * 1024 * (1 - facts["memory_overhead"])
    mib -= kept["mib"] + kept["mib_per_pod"] * pods + kept["evicted_below_mib"]
    disk = load("devices")["disk"]
    gib = (disk_gib or facts["disk_gib"]) * (1 - disk["evicted_below"]) - disk["reserved_gib"]
    return {
        "cpu": f"{int(kind.vcpus * 1000 - millicores)}m",
        "memory": f"{max(int(mib), 0)}Mi",
        "pods": str(pods),
        "ephemeral-storage": f"{int(gib * 1024)}Mi",
        **{resource: str(count) for resource, count in kind.devices.items()},
    }


def _pods(kind: InstanceType, runs: Runs) -> int:
    facts = load("instance_sizes")
    if runs == "auto_mode":
        return int(facts["pods_of_auto_mode"])
    if runs == "managed_nodes":
        most_pods: int = next(count for most, count in facts["pods_of_managed_nodes"] if kind.vcpus <= most)
        return min(kind.pods, most_pods)
    return kind.pods


@cache
def catalogue() -> tuple[InstanceType, ...]:
    """Returns the types that a provisioner chooses from, cheapest first: fewer processors, then less memory."""
    row = load("instance_sizes")["catalogue"]
    burstable = load("instance_sizes")["burstable"]
    names = [
        f"{family}.{size}"
        for family in row["families"]
        for size in row["sizes"]
        if (size in burstable or family not in burstable["families"]) and (size != "medium" or family.endswith("g"))
    ]
    return tuple(
        sorted(
            (instance_type(name) for name in [*names, *row["devices"]]),
            key=lambda kind: (price(kind), -kind.generation),
        )
    )


def price(kind: InstanceType) -> float:
    """Returns about what a type costs beside others: the ratio of list prices between families of 2, 4 and 8 GiB for each vCPU."""
    return float(kind.vcpus + 0.13 * kind.gib + 10 * sum(kind.devices.values()))
