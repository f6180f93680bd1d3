"""Puts the objects of a case into the local cluster, and asks an API server of another version about them."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass

from delivery.order import in_order
from eks_facts.cluster_apis import is_cluster_scoped
from local_kubernetes.client import ApiError, Client
from local_kubernetes.definitions import definition, is_custom
from local_kubernetes.nodes.node import ZONE
from rehearse.case import Given, Object, is_made

_MANAGER = "rehearse"
_OWN = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp")
_BOUND = (
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
)
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_LATE = ("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding")
"""What judges new pods. Those that run were there before it, or it has let them in."""
_SECONDS = 15.0
_POLICY_SECONDS = 2.5
"""Of the machine's clock: the API server reads its policies anew each second."""
_NOT_FOUND = 404
_SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")


@dataclass(frozen=True)
class Refused:
    """An object that an API server does not take.

    Attributes:
        given: the object.
        message: the API's own words.
        gone: whether it does not serve the kind in this version any more.
    """

    given: Given
    message: str
    gone: bool


def clean(item: Object, volumes: Collection[str] = ()) -> Object:
    """Returns an object as somebody would write it: without what the API server adds, and what only its own cluster has.

    Args:
        item: the object.
        volumes: names of the volumes that are there, too: a claim stays with its own.
    """
    found = deepcopy(item)
    found.pop("status", None)
    for key in (*_OWN, "ownerReferences"):
        found["metadata"].pop(key, None)
    _unbind(found, volumes)
    return found


def _unbind(found: Object, volumes: Collection[str]) -> None:
    """Takes from an object what binds it to nodes, claims and rollouts of its own cluster."""
    spec = found.get("spec") or {}
    match found.get("kind"):
        case "Pod":
            spec.pop("nodeName", None)
        case "Deployment":
            spec.pop("paused", None)  # it has the pods of its last rollout, which a new one would never get
        case "PersistentVolumeClaim":
            for key in _BOUND:
                (found["metadata"].get("annotations") or {}).pop(key, None)
            if spec.get("volumeName") not in volumes:
                spec.pop("volumeName", None)
        case "PersistentVolume":
            for key in ("uid", "resourceVersion"):  # of the claim in its own cluster
                (spec.get("claimRef") or {}).pop(key, None)
            terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
            for rule in (one for term in terms for one in term.get("matchExpressions") or []):
                if rule["key"] == "topology.ebs.csi.aws.com/zone":  # a label that the driver gives to nodes
                    rule["key"] = ZONE


def apply_all(client: Client, objects: Sequence[Given]) -> Iterator[Refused]:
    """Applies the objects in their order, and yields what the API server does not take, even without its strict reading."""
    by_id = {id(one.item): one for one in objects}
    floors, volumes = _floors(objects), _volumes(objects)
    _namespaces(client, objects)
    _definitions(client, objects)
    for item in in_order([one.item for one in objects]):
        given = by_id[id(item)]
        if item.get("kind") in (*_WEBHOOKS, *_LATE) or is_made(item):
            continue
        try:
            _apply(client, _at_least(clean(item, volumes), floors), fieldValidation="Ignore")
        except ApiError as problem:
            yield Refused(given, problem.message, problem.code == _NOT_FOUND)


def bind_policies(client: Client, objects: Sequence[Given]) -> Iterator[Refused]:
    """Lets admission policies judge from now on; yields the bindings that the API server does not take."""
    bindings = [one for one in objects if one.item.get("kind") in _LATE]
    for given in bindings:
        try:
            _apply(client, clean(given.item), fieldValidation="Ignore")
        except ApiError as problem:
            yield Refused(given, problem.message, problem.code == _NOT_FOUND)
    time.sleep(_POLICY_SECONDS if bindings else 0)


def _volumes(objects: Sequence[Given]) -> frozenset[str]:
    return frozenset(one.item["metadata"]["name"] for one in objects if one.item.get("kind") == "PersistentVolume")


def _floors(objects: Sequence[Given]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Returns least and most replicas of what is scaled by load, by kind, namespace and name."""
    found = {}
    for one in objects:
        if one.item.get("kind") == "HorizontalPodAutoscaler":
            spec, target = one.item["spec"], one.item["spec"].get("scaleTargetRef") or {}
            place = one.item["metadata"].get("namespace", "default")
            most = int(spec.get("maxReplicas", 1))
            found[str(target.get("kind")), place, str(target.get("name"))] = (int(spec.get("minReplicas") or 1), most)
    return found


def _at_least(item: Object, floors: dict[tuple[str, str, str], tuple[int, int]]) -> Object:
    """Gives a workload the replicas that its autoscaler would leave it without any load: nothing here makes load."""
    bounds = floors.get((item.get("kind", ""), item["metadata"].get("namespace", "default"), item["metadata"]["name"]))
    if bounds:
        item["spec"]["replicas"] = max(bounds[0], min(int(item["spec"].get("replicas", 1)), bounds[1]))
    return item


def webhooks(objects: Sequence[Given]) -> list[Object]:
    """Returns the webhook configurations among the objects."""
    return [clean(one.item) for one in objects if one.item.get("kind") in _WEBHOOKS]


def check_all(client: Client, objects: Sequence[Given]) -> Iterator[Refused]:
    """Asks an API server whether it would take each object, with its strict reading; nothing is changed."""
    volumes = _volumes(objects)
    for given in objects:
        item = clean(given.item, volumes)
        if item.get("kind") in _WEBHOOKS or is_made(given.item):
            continue
        try:
            _apply(client, item, dryRun="All", fieldValidation="Strict")
        except ApiError as problem:
            yield Refused(given, problem.message, problem.code == _NOT_FOUND)


def _apply(client: Client, item: Object, **query: str) -> None:
    client.patch(client.path_of(item), item, kind="apply", fieldManager=_MANAGER, force="true", **query)


def _namespaces(client: Client, objects: Sequence[Given]) -> None:
    named = {one.item["metadata"].get("namespace") for one in objects} | {
        one.item["metadata"]["name"] for one in objects if one.item.get("kind") == "Namespace"
    }
    for name in sorted(one for one in named if one and one not in _SYSTEM_NAMESPACES):
        with suppress(ApiError):  # it is there
            client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    deadline = time.monotonic() + _SECONDS
    for name in sorted(one for one in named if one):
        while time.monotonic() < deadline:  # pods need their service account
            with suppress(ApiError):
                client.get(f"/api/v1/namespaces/{name}/serviceaccounts/default")
                break
            time.sleep(0.05)


def _definitions(client: Client, objects: Sequence[Given]) -> None:
    """Makes definitions for kinds whose real ones are not among the objects. They take any field."""
    brought = {
        (one.item["spec"]["group"], one.item["spec"]["names"]["kind"])
        for one in objects
        if one.item.get("kind") == "CustomResourceDefinition"
    }
    for one in objects:
        if one.item.get("kind") == "CustomResourceDefinition":
            with suppress(ApiError):
                _apply(client, clean(one.item), fieldValidation="Ignore")
    wanted: dict[tuple[str, str], tuple[set[str], bool]] = {("karpenter.sh", "NodePool"): ({"v1"}, False)}
    for one in objects:
        group, _, api = str(one.item.get("apiVersion", "")).rpartition("/")
        kind = str(one.item.get("kind"))
        if is_custom(group) and (group, kind) not in brought:
            namespaced = "namespace" in one.item["metadata"] and not is_cluster_scoped(kind)
            versions, _ = wanted.setdefault((group, kind), (set(), namespaced))
            versions.add(api)
    made = []
    for (group, kind), (versions, namespaced) in wanted.items():
        body = definition(group, kind, sorted(versions), namespaced=namespaced)
        with suppress(ApiError):  # it is there
            client.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        made.append(body["metadata"]["name"])
    _wait(client, made)


def _wait(client: Client, names: Sequence[str]) -> None:
    deadline = time.monotonic() + _SECONDS
    for name in names:
        while time.monotonic() < deadline:
            with suppress(ApiError):
                found = client.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
                if any(
                    one["type"] == "Established" and one["status"] == "True"
                    for one in found.get("status", {}).get("conditions") or []
                ):
                    break
            time.sleep(0.05)
