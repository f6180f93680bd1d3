"""The cost floor of EC2 instances: node groups, Auto Scaling groups, single instances, and the volumes they start with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil

from responsibility.model import ComputeKind
from responsibility.reading.eks import LaunchTemplate, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.network import Subnet
from responsibility.reading.resource import UnknownValue
from responsibility.review.cost_bill import Bill, called, count_of, number, several, word

_BLOCKS = "BlockDeviceMappings"
_OF_TEMPLATE = "LaunchTemplateData."
_DISK, _DISK_WINDOWS = 20, 50
"""GiB that EKS gives a node where nothing is said. Source: API reference of eks CreateNodegroup, `diskSize`."""
_DEFAULT_TYPE = "t3.medium"
"""The instance type of a managed node group that names none. Source: API reference of eks CreateNodegroup, `instanceTypes`."""
_GP3_IOPS, _GP3_THROUGHPUT = 3000, 125
"""What the price of a gp3 volume includes."""


def node_group(bill: Bill, group: NodeGroup) -> None:
    """Adds the instances of a managed node group. Raises UnknownValue."""
    count = number(group, "ScalingConfig.MinSize", 1)
    kind, said = _type_of_group(group)
    words = [f"{several(count, 'node')} at least (MinSize)"]
    desired = group.resource.maybe("ScalingConfig.DesiredSize")
    if desired is not None and str(desired) != f"{count:g}":
        words.append(f"it starts with {desired}")
    if said:
        words.append(said)
    spot = count if word(group, "CapacityType") == "SPOT" else 0
    if word(group, "CapacityType") == "CAPACITY_BLOCK":
        bill.skip(
            f"{several(count, 'node')} of {called(group)}", "a Capacity Block is paid when it is bought, used or not"
        )
        return
    if word(group, "AmiType").startswith("WINDOWS"):
        words.append("the Windows licence comes on top")
    _instances(bill, group, kind, count, words, "ScalingConfig.MinSize", "managed_nodes", spot)


_FEES = (("eks-auto-mode-fee-g", r"gr?\d", "g"), ("eks-auto-mode-fee-p", r"(p|trn)\d", "p and trn"))
"""Fees of Auto Mode for accelerated instances: price, beginning of the instance types, and how they are called."""


def auto_mode_fee(bill: Bill) -> str:
    """Returns Auto Mode's fee in words, as a share of an instance's price."""
    fee = bill.prices.by_id.get("eks-auto-mode-fee")
    if not fee:
        return "a fee for each instance"
    lower = [f"{one.amount:.1%} for {name}" for key, _, name in _FEES if (one := bill.prices.by_id.get(key))]
    less = ", ".join(lower)
    return f"about {fee.amount:.0%} of each instance's price{f' ({less})' if less else ''}"


def static_pool(bill: Bill, pool: KubernetesObject) -> None:
    """Adds the nodes that a NodePool keeps running, at the price of the cheapest type that it names, with Auto Mode's fee."""
    replicas = pool.get("spec.replicas")
    if not replicas:
        return
    path = "spec.template.spec.requirements"
    wanted = {pool.words_of(f"{one}.key"): set(pool.texts(f"{one}.values")) for one in pool.items(path)}
    if wanted.get("karpenter.sh/capacity-type", {"on-demand"}) != {"on-demand"}:
        bill.skip(
            pool.words, f"keeps {replicas} nodes running, which may be Spot or reserved: those are paid otherwise"
        )
        return
    types = wanted.get("node.kubernetes.io/instance-type", set())
    prices = {one: bill.prices.by_id[f"ec2:{one}"].amount for one in types if f"ec2:{one}" in bill.prices.by_id}
    if not types or len(prices) < len(types):
        bill.skip(pool.words, f"keeps {replicas} nodes running, of a type that is chosen when they start")
        return
    cheapest = min(sorted(prices), key=lambda one: prices[one])
    several_types = f"the cheapest of {len(types)} types" if len(types) > 1 else ""
    auto = pool.get("spec.template.spec.nodeClassRef.group") == "eks.amazonaws.com"
    kind: ComputeKind | None = "auto_mode" if auto else None
    assumed = "; ".join(filter(None, [f"{replicas} nodes (replicas)", several_types]))
    bill.add(f"ec2:{cheapest}", pool, f"{cheapest} of {pool.words}", replicas, assumed, path="spec.replicas", kind=kind)
    if auto:
        fee = next((key for key, name, _ in _FEES if re.match(name, cheapest)), "eks-auto-mode-fee")
        hours = replicas * prices[cheapest] * bill.prices.hours_per_month
        what = f"Auto Mode's fee for {pool.words}"
        bill.add(fee, pool, what, hours, "a share of the price of its instances", path="spec.replicas", kind=kind)


def _type_of_group(group: NodeGroup) -> tuple[str, str]:
    """The instance type, and what to say about the choice. Raises UnknownValue."""
    if listed := count_of(group, "InstanceTypes"):
        return word(group, "InstanceTypes.0"), f"the first of {listed} instance types" if listed > 1 else ""
    template = group.launch_template
    if template and (kind := word(template, f"{_OF_TEMPLATE}InstanceType")):
        return kind, ""
    if group.get("LaunchTemplate") and not template:
        raise UnknownValue(group.at("LaunchTemplate"), "may name the instance type, and is not here")
    return _DEFAULT_TYPE, "no instance type is named: EKS's default"


def node_group_volumes(bill: Bill, group: NodeGroup) -> None:
    """Adds the volumes that the nodes of a managed node group start with. Raises UnknownValue."""
    count = number(group, "ScalingConfig.MinSize", 1)
    template = group.launch_template
    if template and count_of(template, _OF_TEMPLATE + _BLOCKS):
        _volumes(bill, template, _OF_TEMPLATE + _BLOCKS, count, group, "managed_nodes")
        return
    if group.get("LaunchTemplate") and not template:
        raise UnknownValue(group.at("LaunchTemplate"), "may name volumes, and is not here")
    default = _DISK_WINDOWS if word(group, "AmiType").startswith("WINDOWS") else _DISK
    size = number(group, "DiskSize", default)
    said = "DiskSize" if group.get("DiskSize") else f"EKS's default, {size:g} GB"
    _root(bill, group, size, count, f"{several(count, 'node')} x {size:g} GB ({said}), counted as gp3", "managed_nodes")


def scaling_group(bill: Bill, group: Fact) -> None:
    """Adds the instances of an Auto Scaling group. Raises UnknownValue."""
    count = number(group, "MinSize")
    source, path = _made_from(group)
    override = "MixedInstancesPolicy.LaunchTemplate.Overrides.0.InstanceType"
    kind = word(group, override) or (word(source, f"{path}InstanceType") if source else "")
    if not kind:
        raise UnknownValue(group.at(), "no instance type is named, or its launch template is not here")
    words = [f"{several(count, 'instance')} at least (MinSize)"]
    if group.resource.maybe(override):
        words.append("the first instance type of its mix, at the on-demand price")
    spot = _spot(group, count)
    if source and word(source, f"{path}InstanceMarketOptions.MarketType") == "spot":
        spot = count
    _instances(bill, group, kind, count, words, "MinSize", _kind_of(group), spot)


def _spot(group: Fact, count: float) -> float:
    """Returns how many of an Auto Scaling group's instances are Spot. Raises UnknownValue.

    Source: API reference of Auto Scaling, InstancesDistribution: no base, and all on demand, unless it says otherwise.
    """
    if not group.get("MixedInstancesPolicy"):
        return 0
    mix = "MixedInstancesPolicy.InstancesDistribution"
    base = number(group, f"{mix}.OnDemandBaseCapacity", 0)
    share = number(group, f"{mix}.OnDemandPercentageAboveBaseCapacity", 100)
    return max(count - base, 0) - ceil(max(count - base, 0) * share / 100)


def scaling_group_volumes(bill: Bill, group: Fact) -> None:
    """Adds the volumes that the instances of an Auto Scaling group start with. Raises UnknownValue."""
    count = number(group, "MinSize")
    source, path = _made_from(group)
    if source and count_of(source, path + _BLOCKS):
        _volumes(bill, source, path + _BLOCKS, count, group, _kind_of(group))
    elif source and isinstance(group, SelfManagedNodes):
        assumed = f"{several(count, 'node')} x {_DISK} GB, what EKS's images ask for, counted as gp3"
        _root(bill, group, _DISK, count, assumed, _kind_of(group))
    elif count:
        bill.skip(f"root volumes of {called(group)}", "the image says how large they are")


def _made_from(group: Fact) -> tuple[Fact | None, str]:
    """The launch template or configuration of an Auto Scaling group, and the path of its data."""
    if configuration := group.facts.get(Fact, key_of(group.resource.maybe("LaunchConfigurationName"))):
        return configuration, ""
    mixed = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification"
    for path in ("LaunchTemplate", mixed):
        named = group.resource.maybe(f"{path}.LaunchTemplateId") or group.resource.maybe(f"{path}.LaunchTemplateName")
        if template := group.facts.find(LaunchTemplate, named):
            return template, _OF_TEMPLATE
    return None, ""


def _kind_of(group: Fact) -> ComputeKind | None:
    return "self_managed_nodes" if isinstance(group, SelfManagedNodes) else None


def instance(bill: Bill, fact: Fact) -> None:
    """Adds a single EC2 instance. Raises UnknownValue."""
    source, path = _instance_source(fact, "InstanceType")
    kind = word(source, f"{path}InstanceType") if source else ""
    if not kind:
        raise UnknownValue(fact.at("InstanceType"), "no instance type is named, or its launch template is not here")
    _instances(bill, fact, kind, 1, ["runs all month, at the on-demand price"], "InstanceType", None)


def instance_volumes(bill: Bill, fact: Fact) -> None:
    """Adds the volumes that a single EC2 instance starts with. Raises UnknownValue."""
    source, path = _instance_source(fact, _BLOCKS)
    if source and count_of(source, path + _BLOCKS):
        _volumes(bill, source, path + _BLOCKS, 1, fact, None)
    else:
        bill.skip(f"root volume of {called(fact)}", "the image says how large it is")


def _instance_source(fact: Fact, name: str) -> tuple[Fact | None, str]:
    if fact.resource.properties.get(name):
        return fact, ""
    read = fact.resource.maybe
    template = fact.facts.find(
        LaunchTemplate, read("LaunchTemplate.LaunchTemplateId") or read("LaunchTemplate.LaunchTemplateName")
    )
    return (template, _OF_TEMPLATE) if template else (None, "")


def volume(bill: Bill, fact: Fact) -> None:
    """Adds a separate volume. Raises UnknownValue."""
    kind = word(fact, "VolumeType", "gp2")
    size = number(fact, "Size")
    bill.add(f"ebs-{kind}", fact, f"EBS volume {fact.name}, {kind}", size, f"{size:g} GB", path="Size")


def _instances(
    bill: Bill,
    fact: Fact,
    kind: str,
    count: float,
    words: list[str],
    path: str,
    compute: ComputeKind | None,
    spot: float = 0,
) -> None:
    if spot:
        # No floor: the price moves, and falls below any that is written down.
        most = bill.amount(f"ec2:{kind}")
        bill.skip(
            f"{several(spot, 'Spot instance')} of {called(fact)}",
            f"the price of Spot changes{f'; on demand, {kind} costs {most}' if most else ''}",
        )
    if count > spot or not spot:
        bill.add(
            f"ec2:{kind}", fact, f"{kind} for {called(fact)}", count - spot, "; ".join(words), path=path, kind=compute
        )
    if count and _is_public(fact):
        assumed = f"{count:g}, one for each instance: its subnets or its interface ask for it"
        bill.add("public-ipv4", fact, f"Public IPv4 of {called(fact)}", count, assumed, kind=compute)


def _is_public(fact: Fact) -> bool:
    """Whether its subnet or its network interface gives each instance a public address."""
    read = fact.resource.maybe
    interfaces = read("NetworkInterfaces", [])
    if isinstance(interfaces, list) and any(
        isinstance(item, dict) and str(item.get("AssociatePublicIpAddress")).lower() == "true" for item in interfaces
    ):
        return True
    named = read("Subnets") or read("VPCZoneIdentifier") or read("SubnetId") or []
    subnets = fact.facts.find_all(Subnet, named)
    return bool(subnets) and all(
        str(subnet.resource.maybe("MapPublicIpOnLaunch")).lower() == "true" for subnet in subnets
    )


def _volumes(bill: Bill, source: Fact, path: str, count: float, user: Fact, kind: ComputeKind | None) -> None:
    for place in _ebs(source, path):
        device = source.resource.maybe(f"{path}.{place}.DeviceName", "?")
        what = f"Volume {device} of {called(user)}"
        try:
            size = number(source, f"{path}.{place}.Ebs.VolumeSize")
            type_ = word(source, f"{path}.{place}.Ebs.VolumeType")
            iops = number(source, f"{path}.{place}.Ebs.Iops", 0)
            throughput = number(source, f"{path}.{place}.Ebs.Throughput", 0)
        except UnknownValue as unknown:
            bill.skip(what, f"{unknown.path} {unknown.reason}".strip())
            continue
        assumed = f"{several(count, 'volume')} x {size:g} GB" + ("" if type_ else ", counted as gp3: no type is named")
        if count:
            bill.add(
                f"ebs-{type_ or 'gp3'}", source, what, size * count, assumed, path=f"{path}.{place}", of=user, kind=kind
            )
        if iops > _GP3_IOPS or throughput > _GP3_THROUGHPUT:
            bill.skip(what, "its IOPS or throughput beyond what the price includes are charged on top")


def _ebs(source: Fact, path: str) -> Iterator[int]:
    for index in range(count_of(source, path)):
        if source.resource.maybe(f"{path}.{index}.Ebs"):
            yield index


def _root(bill: Bill, fact: Fact, size: float, count: float, assumption: str, kind: ComputeKind | None) -> None:
    if count:
        path = "DiskSize" if fact.resource.maybe("DiskSize") else ""
        bill.add("ebs-gp3", fact, f"Root volumes of {called(fact)}", size * count, assumption, path=path, kind=kind)
