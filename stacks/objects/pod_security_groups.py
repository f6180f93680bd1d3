"""Security groups for pods: no policy may select pods that can have no network interface of their own.

A webhook of EKS makes each pod that a SecurityGroupPolicy selects ask for an interface, whoever wrote the policy. Where nodes offer none
the pod stays Pending. https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.compute.hybrid_nodes.sites import COMPUTE_TYPE
from eks_constructs.manifests import KubernetesObject
from eks_constructs.pod_security_groups import policy_files
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from eks_facts.labels import selects
from eks_facts.node_selection import keeps_off
from safe_io.where import Where
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.objects.object_problems import Problems
from stacks.objects.plain import PlainManifests
from stacks.objects.pods import pod_templates
from stacks.objects.rendering import PlacedWorkload
from stacks.placement.fitting import pod_system

_KINDS = {"auto": "auto_mode", "hybrid": "hybrid_nodes"}
"""Kinds of compute by the value of the label COMPUTE_TYPE."""
_POLICY = "SecurityGroupPolicy"


@dataclass(frozen=True)
class _Pods:
    """Pods of one template."""

    item: KubernetesObject
    way: Where
    pod: Mapping[str, Any]
    kind: str
    """Of compute, or windows; nothing: not known."""
    account: KubernetesObject | None
    """Their service account, if it is in what was read."""

    def selected_by(self, policy: KubernetesObject) -> bool:
        spec = policy.get("spec") or {}
        selectors = [(spec.get("podSelector"), self.pod), (spec.get("serviceAccountSelector"), self.account)]
        given = [(selector, one) for selector, one in selectors if selector is not None]
        return (
            bool(given)
            and _namespace(policy) == _namespace(self.item)
            and all(one is not None and selects(selector, _labels(one)) for selector, one in given)
        )


def check_pod_interfaces(
    cluster: ClusterSpec, environment: Environment, placed: Sequence[PlacedWorkload], plain: Sequence[PlainManifests]
) -> None:
    """Checks the policies of ``security_groups_for_pods``, of workloads and of manifests against all pods.

    Raises:
        Misplaced: a policy selects pods of a workload that would stay Pending; the way is that from the environment.
        BadInput: ... pods of manifests.
    """
    read: list[PlacedWorkload | PlainManifests] = [*placed, *plain]
    policies = _policies(cluster, read)
    if not policies:
        return
    objects = [item for one in read for item in one.objects]
    offered = cluster.security_groups_for_pods is not None or _switched_on(cluster)
    for index, workload in enumerate(placed):
        spec = workload.placement.spec
        for item in workload.objects:
            for reason, _ in _stuck(item, objects, spec.compute, policies, offered):
                where = ("workloads", index, "nodes" if spec.nodes else "compute")
                raise Misplaced(reason, *environment.where(cluster, *where))
    problems = Problems()
    for source in (source for one in plain for source in one.sources):
        for reason, way in _stuck(source.object, objects, "", policies, offered):
            problems.add(source, way, reason)
    problems.raise_found()


def _policies(cluster: ClusterSpec, read: Sequence[PlacedWorkload | PlainManifests]) -> Mapping[str, KubernetesObject]:
    """Returns every policy, by what people call it."""
    ours = [item for file in policy_files(cluster.security_groups_for_pods) for item in file.objects]
    found = {f"security_groups_for_pods.policies[{index}]": item for index, item in enumerate(ours)}
    for one in read:
        for item, source in zip(one.objects, one.sources, strict=True):
            if item.get("kind") == _POLICY:
                found[f"{_POLICY} {item['metadata']['name']} ({source.file.path})"] = item
    return found


def _stuck(
    item: KubernetesObject,
    objects: Sequence[KubernetesObject],
    kind: str,
    policies: Mapping[str, KubernetesObject],
    offered: bool,
) -> Iterator[tuple[str, Where]]:
    """Yields why pods of an object would stay Pending, and the way to their template."""
    for pods in _pods_of(item, objects, kind):
        if reason := _reason(pods, policies, offered):
            yield reason, pods.way


def _pods_of(item: KubernetesObject, objects: Sequence[KubernetesObject], kind: str) -> Iterator[_Pods]:
    for way, pod in pod_templates(item):
        name = pod["spec"].get("serviceAccountName", "default")
        accounts = (one for one in objects if kind_of(one) == "ServiceAccount" and one["metadata"]["name"] == name)
        account = next((one for one in accounts if _namespace(one) == _namespace(item)), None)
        yield _Pods(item, way, pod, _kind_of(pod["spec"]) or kind, account)


def _kind_of(spec: dict[str, Any]) -> str:
    if pod_system(spec) == "windows":
        return "windows"
    demanded = keeps_off(spec, COMPUTE_TYPE, ("none",))
    return next(
        (kind for value, kind in _KINDS.items() if demanded and not keeps_off(spec, COMPUTE_TYPE, (value,))), ""
    )


def _reason(pods: _Pods, policies: Mapping[str, KubernetesObject], offered: bool) -> str:
    """Returns why pods that a policy selects would stay Pending; nothing if no policy does, or they would not."""
    missing = load("compute_kinds")["without_pod_security_groups"].get(pods.kind)
    if not missing and (offered or pods.kind not in ("managed_nodes", "self_managed_nodes")):
        return ""
    found = next((name for name, policy in policies.items() if pods.selected_by(policy)), None)
    if found is None:
        return ""
    selected = (
        f"{found} selects the pods of {pods.item['kind']} {pods.item['metadata']['name']}, which would stay Pending"
    )
    if missing:
        return f"{selected}: {missing['fact']} ({missing['source']}). Change its labels, or place the pods elsewhere"
    return f"{selected}: the cluster's nodes offer no interfaces for pods. Add `security_groups_for_pods: {{}}` to the cluster"


def _switched_on(cluster: ClusterSpec) -> bool:
    """Whether the cluster's CNI offers interfaces, or is not this project's."""
    cni = next((one for one in cluster.planned_addons() if one.name == "vpc-cni"), None)
    return cni is None or ((cni.configuration or {}).get("env") or {}).get("ENABLE_POD_ENI") == "true"


def _namespace(item: KubernetesObject) -> str:
    return str(item["metadata"].get("namespace", "default"))


def _labels(item: Mapping[str, Any]) -> dict[str, str]:
    return (item.get("metadata") or {}).get("labels") or {}
