"""Where would this pod land? Fargate's selectors first, then what the scheduler asks of nodes.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ and .../taint-and-toleration/. It says where a pod *may*
land: which of several nodes is taken depends on what runs on them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes_lint.objects import KubernetesObject, Pod, asked, at, namespace_of, of_kind
from tests.workloads.nodes import FargateProfile, Nodes

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_ON_FARGATE = frozenset(["efs.csi.aws.com"])


@dataclass(frozen=True)
class Landing:
    """Where a pod may land, and why not elsewhere."""

    places: tuple[tuple[str, str], ...]
    """Kind of compute, and name of the profile, group or pool."""
    refusals: tuple[str, ...]

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.places}


def land(
    pod: Pod, objects: Sequence[KubernetesObject], profiles: Sequence[FargateProfile], nodes: Sequence[Nodes]
) -> Landing:
    """Where a pod among ``objects`` may land."""
    volumes = list(_volumes(pod, objects))
    for profile in profiles:
        if profile.takes(pod.namespace, pod.labels):
            refused = [text for driver, _ in volumes if (text := _driver_refused(driver, _ON_FARGATE))]
            place = () if refused else (("fargate", profile.name),)
            return Landing(place, tuple(f"fargate {profile.name}: {text}" for text in refused))
    refusals: list[str] = []
    places = []
    for candidate in nodes:
        if reasons := list(_refused(pod, volumes, candidate, objects)):
            refusals += [f"{candidate}: {reason}" for reason in reasons]
        else:
            places.append((candidate.kind, candidate.name))
    return Landing(tuple(places), tuple(refusals))


def _refused(
    pod: Pod, volumes: Sequence[tuple[str, list[Any]]], nodes: Nodes, objects: Sequence[KubernetesObject]
) -> Iterator[str]:
    yield from _taints(pod, nodes)
    yield from _labels(pod, nodes)
    for driver, topologies in volumes:
        if text := _driver_refused(driver, nodes.drivers):
            yield text
        if topologies and not any(
            all(may_meet({**one, "operator": "In"}, nodes) for one in term.get("matchLabelExpressions", []))
            for term in topologies
        ):
            yield "the pod's volume is not made there (allowedTopologies)"
    yield from (f"nothing there offers {one}" for one in _devices(pod, objects) if one not in nodes.devices)
    for resource, most in nodes.most.items():
        if asked(pod, resource) > most:
            yield f"is too small: the pod asks for more {resource}"


def _devices(pod: Pod, objects: Sequence[KubernetesObject]) -> Iterator[str]:
    """Resources of devices that a pod asks for, and device classes that it claims."""
    for container in pod.spec["containers"]:
        yield from (name for name in at(container, "resources", "limits", default={}) if "/" in name)
    names = [one.get("resourceClaimTemplateName") for one in pod.spec.get("resourceClaims") or []]
    for item in of_kind(objects, "ResourceClaimTemplate"):
        if namespace_of(item) == pod.namespace and item["metadata"]["name"] in names:
            for request in item["spec"]["spec"]["devices"]["requests"]:
                yield request["exactly"]["deviceClassName"]


def _taints(pod: Pod, nodes: Nodes) -> Iterator[str]:
    for taint in nodes.taints:
        if taint["effect"] != "PreferNoSchedule" and not any(
            tolerates(one, taint) for one in pod.spec.get("tolerations") or []
        ):
            yield f"its taint {taint['key']}={taint.get('value') or ''}:{taint['effect']} is not tolerated"


def _labels(pod: Pod, nodes: Nodes) -> Iterator[str]:
    for key, value in (pod.spec.get("nodeSelector") or {}).items():
        if not may_meet({"key": key, "operator": "In", "values": [value]}, nodes):
            yield f"has no label {key}={value}"
    way = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = at(pod.spec, *way, default=[])
    if terms and not any(_term(term, nodes) for term in terms):
        yield "meets no term of the pod's node affinity"


def _term(term: Mapping[str, Any], nodes: Nodes) -> bool:
    """An empty term matches nothing; matchFields (a node's name) may always match."""
    expressions = term.get("matchExpressions") or []
    return bool(expressions or term.get("matchFields")) and all(may_meet(one, nodes) for one in expressions)


def may_meet(expression: Mapping[str, Any], nodes: Nodes) -> bool:
    """Whether a node with these labels may meet an expression of a node selector."""
    values, wanted = nodes.values(expression["key"]), frozenset(expression.get("values") or [])
    absent = values is not None and not values
    match expression["operator"]:
        case "In":
            return values is None or bool(values & wanted)
        case "NotIn":
            return absent or values is None or bool(values - wanted)
        case "Exists":
            return not absent
        case "DoesNotExist":
            return absent
        case "Gt":
            return not absent and (values is None or any(_above(one, wanted) for one in values))
        case "Lt":
            return not absent and (values is None or any(_above(_only(wanted), [one]) for one in values))
    raise ValueError(f"no operator: {expression['operator']}")


def _only(values: frozenset[str]) -> str:
    (value,) = values
    return value


def _above(one: str, others: Any) -> bool:
    (other,) = others
    return one.lstrip("-").isdecimal() and other.lstrip("-").isdecimal() and int(one) > int(other)


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, str]) -> bool:
    """Whether a toleration lets a pod in despite a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return not toleration.get("key") or toleration["key"] == taint["key"]
    return bool(toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or ""))


def _driver_refused(driver: str, drivers: frozenset[str]) -> str:
    return "" if driver in drivers else f"the driver of the pod's volume, {driver}, does not run there"


def _volumes(pod: Pod, objects: Sequence[KubernetesObject]) -> Iterator[tuple[str, list[Any]]]:
    """Driver and allowed topologies of the volumes that a pod claims."""
    names = [at(one, "persistentVolumeClaim", "claimName") for one in pod.spec.get("volumes") or []]
    claims = [
        one
        for one in of_kind(objects, "PersistentVolumeClaim")
        if namespace_of(one) == pod.namespace and one["metadata"]["name"] in names
    ]
    for claim in [*claims, *pod.claims]:
        if volume := at(claim, "spec", "volumeName"):
            (found,) = [one for one in of_kind(objects, "PersistentVolume") if one["metadata"]["name"] == volume]
            yield found["spec"]["csi"]["driver"], []
            continue
        name = at(claim, "spec", "storageClassName")
        (storage_class,) = [
            one
            for one in of_kind(objects, "StorageClass")
            if one["metadata"]["name"] == name
            or (name is None and at(one, "metadata", "annotations", _DEFAULT_CLASS) == "true")
        ]
        yield storage_class["provisioner"], storage_class.get("allowedTopologies") or []
