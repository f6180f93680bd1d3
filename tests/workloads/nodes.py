"""Where pods of a cluster could run, out of its synthesised templates and objects: Fargate profiles, node groups, node pools."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from eks_facts.quantities import quantity
from kubernetes_lint.objects import at, of_kind
from tests.workloads.clusters import Cluster

ANY = None
"""In place of a label's values: it has some, and which is not known before there is a node."""
Labels = Mapping[str, frozenset[str] | None]

# https://kubernetes.io/docs/reference/labels-annotations-taints/
_ON_EVERY_NODE: Labels = {
    "kubernetes.io/os": frozenset(["linux"]),
    "kubernetes.io/hostname": ANY,
    "node.kubernetes.io/instance-type": ANY,
    "topology.kubernetes.io/region": ANY,
    "topology.kubernetes.io/zone": ANY,
}
_ON_WINDOWS: Labels = {"kubernetes.io/os": frozenset(["windows"]), "node.kubernetes.io/windows-build": ANY}
_AUTO_DRIVER = "ebs.csi.eks.amazonaws.com"
_DRIVERS = {"aws-ebs-csi-driver": "ebs.csi.aws.com", "aws-efs-csi-driver": "efs.csi.aws.com"}
# https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html
_BUILT_IN: Mapping[str, tuple[frozenset[str], list[dict[str, str]]]] = {
    "general-purpose": (frozenset(["amd64"]), []),
    "system": (frozenset(["amd64", "arm64"]), [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}]),
}
_SIZES = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2}
_GIB_A_CPU = {"c": 2, "g": 4, "i": 4, "m": 4, "p": 10, "r": 8, "t": 4}
"""Memory of each vCPU by category, at sizes from large on. https://aws.amazon.com/ec2/instance-types/"""


# https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html, device-management.html
_HARDWARE = {"nvidia": r"(g|gr|p)\d", "neuron": r"(inf|trn)\d"}
_OFFERS = {
    "nvidia-device-plugin": ("nvidia", "nvidia.com/gpu"),
    "neuron-device-plugin": ("neuron", "aws.amazon.com/neuron"),
    "nvidia-dra-driver": ("nvidia", "gpu.nvidia.com"),
    "neuron-dra-driver": ("neuron", "neuron.aws.com"),
}
"""What a chart's pods offer on nodes with the device: a resource that pods ask for, or a class by which they claim."""
_OF_AUTO_MODE = {"nvidia": ["nvidia.com/gpu", "gpu.nvidia.com"], "neuron": ["aws.amazon.com/neuron"]}


@dataclass(frozen=True)
class FargateProfile:
    """A Fargate profile."""

    name: str
    selectors: tuple[tuple[str, Mapping[str, str]], ...]
    """Pattern of the namespace, and labels."""

    def takes(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether it takes a pod. https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html."""
        return any(
            _glob(pattern).fullmatch(namespace) and wanted.items() <= labels.items()
            for pattern, wanted in self.selectors
        )


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern))


@dataclass(frozen=True)
class Nodes:
    """A node group or node pool: what its nodes have in common."""

    kind: str
    """auto_mode, managed_nodes or karpenter."""
    name: str
    labels: Labels
    taints: tuple[Mapping[str, str], ...] = ()
    drivers: frozenset[str] = frozenset()
    """CSI drivers that run on them."""
    open_prefix: str = "\0"
    """Beginning of labels that its nodes have, each with a value that the instance type decides."""
    most: Mapping[str, Fraction] = field(default_factory=dict)
    """The largest pod's requests by resource, where that is known."""
    devices: tuple[str, ...] = ()
    """Resources and device classes that something on them offers."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def values(self, key: str) -> frozenset[str] | None:
        """Values of a label that a node may have; the empty set: it has no such label."""
        if key in self.labels:
            return self.labels[key]
        return ANY if key.startswith(self.open_prefix) else frozenset()


def profiles_of(cluster: Cluster) -> list[FargateProfile]:
    """The Fargate profiles of a cluster."""
    found = []
    for key, properties in cluster.of_type("AWS::EKS::FargateProfile").items():
        selectors = tuple(
            (one["Namespace"], {label["Key"]: label["Value"] for label in one.get("Labels", [])})
            for one in properties["Selectors"]
        )
        found.append(FargateProfile(key, selectors))
    return found


def nodes_of(cluster: Cluster) -> list[Nodes]:
    """The node groups and node pools of a cluster."""
    return [*_groups(cluster), *_own_groups(cluster), *_built_in(cluster), *_pools(cluster), *_sites(cluster)]


def _sites(cluster: Cluster) -> Iterator[Nodes]:
    """Hybrid nodes, as they join: nodeadm adds its own label to those of the file."""
    for site, config in cluster.node_configs.items():
        (flag,) = [one for one in config["kubelet"]["flags"] if one.startswith("--node-labels=")]
        pairs = dict(pair.split("=") for pair in flag.removeprefix("--node-labels=").split(","))
        labels = {key: frozenset([value]) for key, value in pairs.items()}
        labels |= {
            "eks.amazonaws.com/compute-type": frozenset(["hybrid"]),
            "kubernetes.io/arch": frozenset(["amd64"]),
        }
        taints = tuple(config["kubelet"].get("config", {}).get("registerWithTaints", []))
        yield Nodes("hybrid_nodes", site, {**_ON_EVERY_NODE, **labels}, taints)


def _groups(cluster: Cluster) -> Iterator[Nodes]:
    for properties in cluster.of_type("AWS::EKS::Nodegroup").values():
        taints = tuple(
            {"key": one["Key"], "value": one.get("Value", ""), "effect": one["Effect"].title().replace("_", "")}
            for one in properties.get("Taints", [])
        )
        labels = {
            **_ON_EVERY_NODE,
            **(_ON_WINDOWS if properties["AmiType"].startswith("WINDOWS") else {}),
            "kubernetes.io/arch": frozenset(["arm64" if "ARM_64" in properties["AmiType"] else "amd64"]),
            "node.kubernetes.io/instance-type": frozenset(properties["InstanceTypes"]),
            "eks.amazonaws.com/capacityType": frozenset([properties["CapacityType"]]),
            "eks.amazonaws.com/nodegroup": ANY,
            **{key: frozenset([value]) for key, value in properties["Labels"].items()},
        }
        name = properties["Tags"]["Name"].removeprefix(f"{cluster.name}-")
        types = properties["InstanceTypes"]
        found = Nodes("managed_nodes", name, labels, taints, _own_drivers(cluster), most=_largest(types))
        yield replace(found, devices=(*_in_ami(cluster, properties), *_by_charts(cluster, found, types)))


def _own_groups(cluster: Cluster) -> Iterator[Nodes]:
    """Auto Scaling groups: the kubelets of their nodes set the labels and taints that user data says."""
    for properties in cluster.of_type("AWS::AutoScaling::AutoScalingGroup").values():
        mixed = properties["MixedInstancesPolicy"]["LaunchTemplate"]
        made_from = mixed["LaunchTemplateSpecification"]["LaunchTemplateId"]["Ref"]
        data = cluster.resources[made_from]["Properties"]["LaunchTemplateData"]
        parts = data["UserData"]["Fn::Base64"]["Fn::Join"][1]
        text = "".join(part if isinstance(part, str) else "value" for part in parts)
        said, taints = _of_bottlerocket(text) if text.startswith("[settings") else _of_kubelet(text)
        types = [one["InstanceType"] for one in mixed["Overrides"]]
        arm = "arm64" in data["ImageId"]
        labels = {
            **_ON_EVERY_NODE,
            **(_ON_WINDOWS if "Windows" in data["ImageId"] else {}),
            "kubernetes.io/arch": frozenset(["arm64" if arm else "amd64"]),
            "node.kubernetes.io/instance-type": frozenset(types),
            **{key: frozenset([value]) for key, value in said.items()},
        }
        tags = {one["Key"]: one["Value"] for one in properties["Tags"]}
        name = tags["Name"].removeprefix(f"{cluster.name}-")
        found = Nodes("self_managed_nodes", name, labels, tuple(taints), _own_drivers(cluster), most=_largest(types))
        yield replace(found, devices=tuple(_by_charts(cluster, found, types)))


def _of_kubelet(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    (labels,) = re.findall(r"--node-labels=([^\s']+)", text)
    taints = [one for found in re.findall(r"--register-with-taints=([^\s']+)", text) for one in found.split(",")]
    return dict(one.split("=", 1) for one in labels.split(",")), [_taint(*one.split("=", 1)) for one in taints]


def _of_bottlerocket(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    kubernetes = tomllib.loads(text)["settings"]["kubernetes"]
    taints = [_taint(key, one) for key, values in kubernetes.get("node-taints", {}).items() for one in values]
    return kubernetes["node-labels"], taints


def _taint(key: str, rest: str) -> dict[str, str]:
    value, _, effect = rest.rpartition(":")
    return {"key": key, "value": value, "effect": effect}


def _in_ami(cluster: Cluster, group: Mapping[str, Any]) -> Iterator[str]:
    if re.fullmatch(r"BOTTLEROCKET_.*_NVIDIA(_FIPS)?", group["AmiType"]):
        template = cluster.resources[group["LaunchTemplate"]["Id"]["Ref"]]["Properties"]["LaunchTemplateData"]
        settings = tomllib.loads(at(template, "UserData", "Fn::Base64", default=""))
        if at(settings, "settings", "kubelet-device-plugins", "nvidia", "enabled", default=True):
            yield "nvidia.com/gpu"


def _by_charts(cluster: Cluster, nodes: Nodes, instance_types: Iterable[str]) -> Iterator[str]:
    from tests.workloads.scheduling import may_meet

    have = {device for device, name in _HARDWARE.items() if any(re.match(name, one) for one in instance_types)}
    for chart in cluster.charts:
        device, offered = _OFFERS.get(chart["name"], ("", ""))
        terms = list(_terms(chart["values"]))
        assert terms or not device, "its pods would run on nodes without the device"
        if device in have and any(all(may_meet(one, nodes) for one in term) for term in terms):
            yield offered


def _terms(values: Any) -> Iterator[list[Any]]:
    for key, value in values.items() if isinstance(values, dict) else ():
        if key == "nodeSelectorTerms":
            yield from (one["matchExpressions"] for one in value)
        else:
            yield from _terms(value)


def _largest(instance_types: list[str]) -> dict[str, Fraction]:
    """What a pod may ask for at most; a fifth is left to the system and to DaemonSets."""
    sizes = []
    for one in instance_types:
        family, _, size = one.partition(".")
        cpus = _SIZES.get(size) or 4 * int(re.match(r"(\d*)", size)[1] or 1)  # type: ignore[index]
        sizes.append((cpus, cpus * _GIB_A_CPU[family[0]]))
    share = Fraction(4, 5)
    return {"cpu": max(cpu for cpu, _ in sizes) * share, "memory": max(gib for _, gib in sizes) * share * 2**30}


def _own_drivers(cluster: Cluster) -> frozenset[str]:
    addons = {properties["AddonName"] for properties in cluster.of_type("AWS::EKS::Addon").values()}
    return frozenset(driver for addon, driver in _DRIVERS.items() if addon in addons)


def _auto_labels(name: str) -> Labels:
    return {
        **_ON_EVERY_NODE,
        "eks.amazonaws.com/compute-type": frozenset(["auto"]),
        "karpenter.sh/nodepool": frozenset([name]),
        "karpenter.sh/capacity-type": frozenset(["on-demand"]),
    }


def _built_in(cluster: Cluster) -> Iterator[Nodes]:
    (properties,) = cluster.of_type("AWS::EKS::Cluster").values()
    for name in at(properties, "ComputeConfig", "NodePools", default=[]):
        architectures, taints = _BUILT_IN[name]
        labels = {**_auto_labels(name), "kubernetes.io/arch": architectures}
        yield Nodes("auto_mode", name, labels, tuple(taints), frozenset([_AUTO_DRIVER]), "eks.amazonaws.com/instance-")


def _pools(cluster: Cluster) -> Iterator[Nodes]:
    for pool in of_kind(cluster.objects, "NodePool"):
        name, template = pool["metadata"]["name"], pool["spec"]["template"]
        auto = template["spec"]["nodeClassRef"]["group"] == "eks.amazonaws.com"
        own = {**_ON_EVERY_NODE, "karpenter.sh/nodepool": frozenset([name])}
        labels: dict[str, frozenset[str] | None] = dict(_auto_labels(name) if auto else own)
        for one in template["spec"]["requirements"]:
            labels[one["key"]] = frozenset(one["values"]) if one["operator"] == "In" else ANY
        labels |= {key: frozenset([value]) for key, value in at(template, "metadata", "labels", default={}).items()}
        found = Nodes(
            kind="auto_mode" if auto else "karpenter",
            name=name,
            labels=labels,
            taints=tuple(template["spec"].get("taints", [])),
            drivers=frozenset([_AUTO_DRIVER]) if auto else _own_drivers(cluster),
            open_prefix=f"{'eks.amazonaws.com' if auto else 'karpenter.k8s.aws'}/instance-",
            most={key: quantity(value) for key, value in at(pool, "spec", "limits", default={}).items()},
        )
        types = labels.get("node.kubernetes.io/instance-type") or []
        have = [device for device, one in _HARDWARE.items() if any(re.match(one, name) for name in types)]
        brought = [name for device in have for name in _OF_AUTO_MODE[device]]
        yield replace(found, devices=tuple(brought if auto else _by_charts(cluster, found, types)))
