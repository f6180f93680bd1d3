"""The nodes of its placement that a pod fits on: by taints, devices and disk."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from eks_constructs.compute.placement import Nodes, Toleration, toleration
from eks_constructs.manifests import KubernetesObject
from eks_constructs.spec import Misplaced
from eks_facts.capacity import most_cpus, most_gib
from eks_facts.labels import tolerates
from eks_facts.node_selection import SYSTEM, keeps_off
from safe_io.where import Where
from safe_io.yaml_file import YamlFile
from stacks.environment.cluster_spec import AUTOSCALER, ClusterSpec
from stacks.objects.pods import Claim, asked_for, claims_of, containers, resources_of
from stacks.placement.kinds import Placement

_DISK = "ephemeral-storage"
_TYPE = "node.kubernetes.io/instance-type"
_GIB = 2**30


def fitting_nodes(
    item: KubernetesObject,
    template: tuple[Where, dict[str, Any]],
    placement: Placement,
    cluster: ClusterSpec,
    file: YamlFile,
    objects: Sequence[KubernetesObject] = (),
) -> tuple[dict[str, Nodes], list[Toleration]]:
    """Returns the nodes that may take pods of an object's template, and what these must tolerate beside the placement's.

    ``objects``: of the workload, where the claims of its pods are.

    Raises Misplaced, with the way from the workload's spec: there are none, and why.
    """
    way, pod = template
    asked = _asked(pod, cluster)
    where = "nodes" if placement.spec.nodes else "compute"
    name = f"{item['kind']} {item['metadata']['name']}"
    claims = [one for one in claims_of(pod, objects) if not one.classes & cluster.provided]
    tolerated = {*asked, *(name for one in claims for name in one.resources)}
    system = pod_system(pod["spec"])
    of_system = {key: one for key, one in placement.nodes.items() if one.system == system}
    if placement.nodes and not of_system:
        raise Misplaced(
            f"the pods of {name} are for {system.capitalize()} ({SYSTEM} in their node selector says so, or its absence), and no"
            f" {placement.what} that it may use has it: {', '.join(placement.nodes)}. Name another by `nodes`",
            where,
        )
    let_in = {key: one for key, one in of_system.items() if not _kept_off(pod, one, placement, tolerated)}
    if not let_in:
        raise Misplaced(
            f"every {placement.what} has taints, so the pods of {name} would run nowhere; name the one it may use with `nodes`:"
            f" {', '.join(placement.nodes)}",
            where,
        )
    found = _large_enough(let_in, template, name, placement, file)
    for resource, amount in asked.items():
        each = _most_of_a_container(pod, resource)
        found = {key: one for key, one in found.items() if _offers(one, resource, amount, each)}
        if not found:
            here = next(here for here, one in resources_of(pod) if one == resource)
            _, field = file.message((*way, *here), "")
            raise Misplaced(
                f"{name} asks for {_amount(resource, amount)} ({field}), and {_why(resource, each, placement, cluster)}",
                where,
            )
    minor = int(cluster.control_plane.kubernetes_version.split(".")[1])
    for claim in claims:
        found = {key: one for key, one in found.items() if _hands_out(one, claim, minor)}
        if not found:
            _, field = file.message((*way, *claim.where), "")
            classes = " or ".join(sorted(claim.classes))
            raise Misplaced(
                f"{name} claims {classes} ({field}), and no {placement.what} hands it out (it may use: {', '.join(placement.nodes)})."
                " Use nodes with device_allocation: dra, or Auto Mode's for NVIDIA and EFA from Kubernetes 1.36 on; or ask for the"
                " device in the pod's resources",
                where,
            )
    check_not_empty(found, cluster, f"the pods of {name}", where, needed=_wants_pods(item))
    # EKS adds this toleration, too (its admission controller ExtendedResourceToleration); said, it is there to be read.
    extra = [
        toleration(taint)
        for one in found.values()
        for taint in one.closing
        if taint["key"] in tolerated and toleration(taint) not in placement.tolerations
    ]
    return found, [one for index, one in enumerate(extra) if one not in extra[:index]]


def _large_enough(
    nodes: dict[str, Nodes], template: tuple[Where, dict[str, Any]], name: str, placement: Placement, file: YamlFile
) -> dict[str, Nodes]:
    """Returns the nodes of the type that a pod names, if it names one, with the processors and memory that it asks for."""
    way, pod = template
    where = "nodes" if placement.spec.nodes else "compute"
    have = ", ".join(f"{key}: {', '.join(one.instance_types)}" for key, one in nodes.items())
    found = {
        key: one
        for key, one in nodes.items()
        if not one.instance_types or not keeps_off(pod["spec"], _TYPE, one.instance_types)
    }
    if not found:
        every = {name for one in nodes.values() for name in one.instance_types}
        _, field = file.message((*way, "spec", *(keeps_off(pod["spec"], _TYPE, every) or ())), "")
        raise Misplaced(
            f"the pods of {name} ask for another {_TYPE} than their nodes have ({field}): {have}; remove that, or add the type",
            where,
        )
    for resource, most_of, unit, text in (("cpu", most_cpus, 1, " CPUs"), ("memory", most_gib, _GIB, "Gi of memory")):
        amount = float(asked_for(pod, resource)) / unit
        found = {key: one for key, one in found.items() if _may_have(one, most_of, amount)}
        if not found:
            here = next(here for here, one in resources_of(pod) if one == resource)
            _, field = file.message((*way, *here), "")
            raise Misplaced(
                f"{name} asks for {amount:g}{text} ({field}), and no {placement.what} that it may use has an instance with more ({have}):"
                " ask for less, or choose larger instance_types",
                where,
            )
    return found


def _may_have(nodes: Nodes, most_of: Callable[[str], float | None], amount: float) -> bool:
    """Whether a node may have so much: the system takes its share too, so not all that an instance has."""
    most = [most_of(one) for one in nodes.instance_types]
    return not most or any(one is None or amount < one for one in most) or amount == 0


def check_not_empty(
    nodes: Mapping[str, Nodes], cluster: ClusterSpec, pods: str, where: str, *, needed: bool = True
) -> None:
    """Raises Misplaced, from ``where``, if pods that may use some nodes would stay Pending; ``needed``: whether there are any now."""
    if needed and nodes and all(one.empty for one in nodes.values()) and not cluster.changes_group_sizes:
        names, have = " and ".join(nodes), "has" if len(nodes) == 1 else "have"
        ours = ", or switch self_managed_nodes.cluster_autoscaler on" if cluster.compute.self_managed_nodes else ""
        raise Misplaced(
            f"{pods} would stay Pending: {names} {have} no node at the start (min_size, desired_size), and nothing in this cluster adds"
            f" one. Set desired_size to 1 or more{ours}. If something else changes the size, or you do, add {AUTOSCALER} to the"
            " cluster's provided_elsewhere",
            where,
        )


def _wants_pods(item: KubernetesObject) -> bool:
    """Returns whether an object asks for pods on a node now: a DaemonSet takes what nodes there are."""
    spec = item.get("spec") or {}
    return (
        item["kind"] != "DaemonSet"
        and not spec.get("suspend")
        and 0 not in (spec.get("replicas"), spec.get("parallelism"))
    )


def pod_system(spec: dict[str, Any]) -> str:
    """Returns the operating system that a pod is for, as Kubernetes calls it: one that says nothing is for Linux."""
    said = spec.get("os") or {}
    return "windows" if said.get("name") == "windows" or keeps_off(spec, SYSTEM, ("linux",)) else "linux"


def _asked(pod: dict[str, Any], cluster: ClusterSpec) -> dict[str, float]:
    """The device and disk requests of a pod, except what something else provides."""
    names = {name for _, name in resources_of(pod)}
    special = {name for name in names if name == _DISK or name.startswith("hugepages-") or "/" in name}
    return {name: float(asked_for(pod, name)) for name in sorted(special - cluster.provided)}


def _kept_off(pod: dict[str, Any], nodes: Nodes, placement: Placement, asked: Collection[str]) -> bool:
    given = [*placement.tolerations, *(pod["spec"].get("tolerations") or [])]
    return any(taint["key"] not in asked and not any(tolerates(one, taint) for one in given) for taint in nodes.closing)


def _hands_out(nodes: Nodes, claim: Claim, minor: int) -> bool:
    return any(nodes.device_classes.get(name, minor + 1) <= minor for name in claim.classes)


def _most_of_a_container(pod: dict[str, Any], resource: str) -> float:
    return max(float(asked_for({"spec": {"containers": [one]}}, resource)) for _, one in containers(pod))


def _offers(nodes: Nodes, resource: str, amount: float, each: float) -> bool:
    if amount == 0:
        return True
    if resource in nodes.one_each and each > 1:
        return False
    if resource == _DISK:
        return nodes.disk_gib is None or amount <= nodes.disk_gib * _GIB
    most = nodes.devices.get(resource, 0)
    return most is None or amount <= most


def _amount(resource: str, amount: float) -> str:
    if resource != _DISK and not resource.startswith("hugepages-"):
        return f"{amount:g} {resource}"
    return f"{amount / _GIB:g}Gi of {resource}" if amount >= _GIB else f"{amount / _GIB * 1024:g}Mi of {resource}"


def _why(resource: str, each: float, placement: Placement, cluster: ClusterSpec) -> str:
    """What the nodes have, and what else could be done."""
    nodes = placement.nodes
    if resource == _DISK:
        have = ", ".join(f"{name} {one.disk_gib:.0f}Gi" for name, one in nodes.items() if one.disk_gib is not None)
        return f"pods may use less of a node's disk ({have}); raise volume_gib, or mount a volume"
    having = {name: one.devices[resource] for name, one in nodes.items() if resource in one.devices}
    if having and each > 1 and any(resource in one.one_each for one in nodes.values()):
        return "a GPU in turns gives a container one turn, and a second one is no more of the GPU: ask for 1"
    if having:
        most = ", ".join(f"{name}: {number}" for name, number in having.items())
        return f"no node has that many ({most}); choose larger instance_types"
    others = [name for name, one in _everywhere(cluster) if resource in one.devices and name not in nodes]
    hint = f" {' and '.join(others)} of this cluster would have it." if others else ""
    return (
        f"no {placement.what} has {resource} (it may use: {', '.join(nodes)}).{hint} If something else provides it, add"
        f" {resource} to the cluster's provided_elsewhere"
    )


def _everywhere(cluster: ClusterSpec) -> Iterator[tuple[str, Nodes]]:
    for kind, section in cluster.compute.active():
        if kind.has_nodes:
            yield from kind.nodes(section)
