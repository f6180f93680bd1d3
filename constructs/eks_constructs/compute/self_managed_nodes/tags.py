"""Tags of Auto Scaling groups and of their instances, by which controllers know them."""

from collections.abc import Mapping

from eks_constructs.compute.ec2_nodes.offer import offer
from eks_constructs.compute.karpenter.objects import CLUSTER_TAG
from eks_constructs.compute.self_managed_nodes.spec import SelfManagedGroupSpec
from eks_facts.capacity import addresses_of_an_interface


def handled_tag(cluster: str) -> str:
    """Returns the key of the tag of instances that a cluster's termination handler drains.

    One for each cluster: the queue gets the events of all groups of the account, and a handler that knows the handler's default tag
    alone would look for nodes of other clusters.
    """
    return f"aws-node-termination-handler/{cluster}"


def tags_of_instances(cluster: str) -> dict[str, str]:
    """Returns what instances of a cluster have as tags, beside those of the environment."""
    return {f"kubernetes.io/cluster/{cluster}": "owned", CLUSTER_TAG: cluster, handled_tag(cluster): "true"}


def group_tags(
    spec: SelfManagedGroupSpec, cluster: str, labels: Mapping[str, str], *, autoscaled: bool
) -> dict[str, str]:
    """Returns the tags of the group alone: Cluster Autoscaler finds it by two, and reads from the others what nodes of an empty one have.

    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    """
    if not autoscaled:
        return {}
    found = {"k8s.io/cluster-autoscaler/enabled": "true", f"k8s.io/cluster-autoscaler/{cluster}": "owned"}
    template = "k8s.io/cluster-autoscaler/node-template"
    system = {"kubernetes.io/os": "windows"} if spec.windows else {}
    found |= {f"{template}/label/{key}": value for key, value in {**labels, **system}.items()}
    found |= {f"{template}/resources/{name}": amount for name, amount in _resources(spec).items()}
    for taint in spec.node_taints:
        key = f"{template}/taint/{taint.key}"
        # A tag has one value, and a key of a taint may have several effects: the strongest keeps the same pods away.
        found.setdefault(key, f"{taint.value}:{taint.effect}")
    return found


def _resources(spec: SelfManagedGroupSpec) -> Mapping[str, str]:
    """Returns what nodes of an empty group have that the autoscaler does not read from their instance type."""
    offers = offer(spec, {})
    found = {"ephemeral-storage": f"{int(offers.disk_gib)}Gi"} if offers.disk_gib else {}
    found |= {name: str(count) for name, count in offers.devices.items() if count}
    if spec.windows and spec.instance_types:
        # https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html: pods get addresses of one interface.
        found["vpc.amazonaws.com/PrivateIPv4Address"] = str(min(map(addresses_of_an_interface, spec.instance_types)))
    return found
