"""Checks of clusters whose IpFamily is ipv6. https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html."""

from collections.abc import Iterator

from eks_facts.instances import auto_mode_problem, on_nitro, xen_families
from eks_facts.labels import meets
from responsibility.checks.check import Answer, check, met, open_
from responsibility.findings import Evidence
from responsibility.reading.eks import Addon, Cluster, NodeGroup
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.nodes import FAMILY_NAMES, Ec2Nodes
from responsibility.reading.resource import UnknownValue

_DEFAULT_TYPE = "t3.medium"
"""What EKS takes where nothing names a type (launch-templates.html)."""
_TYPE = "node.kubernetes.io/instance-type"
_REQUIREMENTS = "spec.template.spec.requirements"


@check("EKR401", Ec2Nodes, synth=True)
def pods_get_ipv6(nodes: Ec2Nodes) -> Answer | None:
    """Applies to groups in clusters whose IpFamily is ipv6. Unknown where instances are described, not named."""
    cluster = nodes.facts.get(Cluster, nodes.cluster_key)
    if cluster is None or cluster.ip_family != "ipv6":
        return None
    named = list(_types(nodes))
    if wrong := [(kind, where) for kind, where in named if not on_nitro(kind)]:
        names = " and ".join(dict.fromkeys(kind for kind, _ in wrong))
        return open_(f"starts {names}, which takes no prefix of addresses", *dict.fromkeys(where for _, where in wrong))
    return met(f"starts {' and '.join(dict.fromkeys(kind for kind, _ in named))}", named[0][1])


def _types(nodes: Ec2Nodes) -> Iterator[tuple[str, Evidence]]:
    """Yields the instance types that a group may start, and where each is. Raises UnknownValue."""
    if isinstance(nodes, NodeGroup) and nodes.instance_types:
        yield from ((kind, nodes.at("InstanceTypes")) for kind in nodes.instance_types)
        return
    overrides = "MixedInstancesPolicy.LaunchTemplate.Overrides"
    replaced = [] if isinstance(nodes, NodeGroup) else nodes.resource.items(overrides)
    for path, _ in replaced:
        if nodes.get(f"{path}.InstanceRequirements"):
            raise UnknownValue(nodes.at(f"{path}.InstanceRequirements"), "which instance types EC2 takes is not said")
        if kind := nodes.get(f"{path}.InstanceType"):
            yield str(kind), nodes.at(f"{path}.InstanceType")
    if any(nodes.get(f"{path}.InstanceType") for path, _ in replaced):
        return
    instance = nodes.instance
    if instance and instance.get("InstanceRequirements"):
        raise UnknownValue(instance.at("InstanceRequirements"), "which instance types EC2 takes is not said")
    if instance and (kind := instance.get("InstanceType")):
        yield str(kind), instance.at("InstanceType")
    elif isinstance(nodes, NodeGroup):
        yield _DEFAULT_TYPE, nodes.at("InstanceTypes")
    else:
        raise UnknownValue(nodes.at("LaunchTemplate"), "which instance type it starts is not said")


@check("EKR402", KubernetesObject, synth=True)
def pools_leave_nitro(pool: KubernetesObject) -> Answer | None:
    """Applies to NodePools of clusters whose IpFamily is ipv6. Pods may narrow what a pool leaves; that is not read."""
    if pool.what != "NodePool":
        return None
    here = pool.at(_REQUIREMENTS)
    cluster = pool.facts.get(Cluster, pool.cluster_key)
    if cluster is not None and cluster.ip_family != "ipv6":
        return None
    wrong = _xen_left(pool)
    if cluster is None:
        if not wrong:
            return None
        raise UnknownValue(here, "the cluster that it belongs to was not read")
    if wrong:
        return open_(f"may add {', '.join(wrong)}, which take no prefixes of addresses", here)
    return met("leaves instances of the AWS Nitro System alone", here)


def _xen_left(pool: KubernetesObject) -> list[str]:
    """Returns the families (or the types, where it names types) of Xen that the requirements leave. Raises UnknownValue."""
    auto_mode = pool.get("spec.template.spec.nodeClassRef.group") == "eks.amazonaws.com"
    domain = "eks.amazonaws.com" if auto_mode else "karpenter.k8s.aws"
    left, types = dict(xen_families()), None
    if auto_mode:
        left = {name: kind for name, kind in left.items() if not auto_mode_problem(f"{name}.xlarge")}
    for item in pool.items(_REQUIREMENTS):
        key = pool.words_of(f"{item}.key")
        asked = {"operator": pool.words_of(f"{item}.operator"), "values": pool.texts(f"{item}.values")}
        if key == _TYPE and asked["operator"] == "In":
            types = [kind for kind in asked["values"] if not on_nitro(kind)]
        for family, (category, generation) in list(left.items()):
            labels = {
                "kubernetes.io/arch": "amd64",
                f"{domain}/instance-hypervisor": "xen",
                f"{domain}/instance-cpu-manufacturer": "intel",
                f"{domain}/instance-family": family,
                f"{domain}/instance-category": category,
                f"{domain}/instance-generation": str(generation),
            }
            if key in labels and not meets(asked, labels[key]):
                del left[family]
    return sorted(left) if types is None else [kind for kind in types if kind.partition(".")[0] in left]


@check("EKR403", Ec2Nodes)
def nodes_are_not_windows(nodes: Ec2Nodes) -> Answer | None:
    """Applies to groups in clusters whose IpFamily is ipv6."""
    cluster = nodes.facts.get(Cluster, nodes.cluster_key)
    if cluster is None or cluster.ip_family != "ipv6":
        return None
    family = nodes.family
    where = nodes.at("AmiType")
    words = f"runs {FAMILY_NAMES[family]}"
    return open_(words, where) if family == "windows" else met(words, where)


@check("EKR404", Addon)
def file_systems_work(addon: Addon) -> Answer | None:
    """Applies to the add-on aws-fsx-csi-driver. A driver that a chart installs is not looked for."""
    name, where = addon.get("AddonName"), addon.at("AddonName")
    if name != "aws-fsx-csi-driver":
        return None
    cluster = addon.facts.get(Cluster, addon.cluster_key)
    if cluster is None:
        raise UnknownValue(where, "the cluster that it belongs to was not read")
    if cluster.ip_family == "ipv6":
        return open_("does not work in its cluster, whose pods have IPv6 addresses", where)
    return met("is in a cluster whose pods have IPv4 addresses", where)
