"""Checks of namespaces: what may run in one, who may talk to it, how much it may take."""

from __future__ import annotations

from responsibility.checks.add_ons import software
from responsibility.checks.add_ons.settings import settings_of
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.workloads.pods import reaches_node
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster
from responsibility.reading.kubernetes import KubernetesObject, Namespace, Workload
from responsibility.reading.network import is_internet
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_FARGATE_LOGS = "aws-observability"
_ENGINES = ("calico", "tigera", "cilium", "antrea", "kube-router", "weave")
"""What enforces network policies besides the VPC CNI."""
_ENFORCE = "pod-security.kubernetes.io/enforce"
_CLUSTER_POLICIES = (
    "ClusterNetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "GlobalNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
)
"""Objects that may deny traffic in every namespace."""


def _for_people(item: Namespace) -> bool:
    """Whether people fill it: not the system's own, nor the one that only holds Fargate's log settings."""
    return item.bare_name not in (*_SYSTEM, _FARGATE_LOGS)


@check("EKR088", Namespace)
def level_is_enforced(namespace: Namespace) -> Answer | None:
    """The level privileged forbids nothing: it is right only where pods that were read need their node."""
    if not _for_people(namespace):
        return None
    level, here = namespace.entry("metadata.labels", _ENFORCE), namespace.at("metadata.labels")
    if level in ("baseline", "restricted"):
        return met(f"enforces {level}", here)
    if level != "privileged":
        return open_("enforces no level", here)
    for workload in namespace.facts.view(Objects).workloads(namespace, namespace.bare_name):
        if any(reaches_node(workload)):
            return not_applicable(f"contains {workload.words}, which needs its node")
    return open_("has the level privileged, which forbids nothing", here)


@check("EKR089", KubernetesObject)
def traffic_is_denied(item: KubernetesObject) -> Answer | None:
    """Applies to the Namespace; of the first workload in it where the Namespace itself was not read."""
    objects = item.facts.view(Objects)
    name = item.bare_name if item.what == "Namespace" else item.namespace
    workloads = objects.workloads(item, name)
    if name in (*_SYSTEM, _FARGATE_LOGS):
        return None
    if item.what != "Namespace" and (objects.of_class("Namespace", item, name) or item not in workloads[:1]):
        return None
    if not workloads:
        return not_applicable("no workload that was read runs in it")
    if all(workload.on_fargate for workload in workloads):
        return not_applicable(
            "its pods run on Fargate, where the VPC CNI applies no network policies: use security groups for pods"
        )
    policies = objects.in_namespace("NetworkPolicy", item, name)
    if opening := next((policy for policy in policies if _lets_everybody_in(policy)), None):
        # What several policies allow adds up.
        words = f"NetworkPolicy {opening.bare_name} lets everybody in to all pods of namespace {name}"
        return open_(words, item.at("metadata"))
    for policy in policies:
        if _denies(policy):
            if why := _unenforced(item, policy):
                return open_(
                    f"NetworkPolicy {policy.bare_name} denies traffic, but {why}", policy.at("spec.podSelector")
                )
            return met(f"denied by NetworkPolicy {policy.bare_name}", policy.at("spec.podSelector"))
    _raise_if_cluster_denies(item)
    if item.what != "Namespace":
        objects.expect_all(item, "NetworkPolicy")
    return open_(f"no NetworkPolicy denies traffic to all pods of namespace {name}", item.at("metadata"))


def _unenforced(item: KubernetesObject, policy: KubernetesObject) -> str:
    """Returns why nothing enforces network policies in a cluster; empty = something does. Raises UnknownValue.

    Sources: https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html and auto-net-pol.html.
    """
    where = policy.at("spec.podSelector")
    return unenforced(software.known_cluster(item, where), where)


def unenforced(cluster: Cluster, where: Evidence) -> str:
    """Returns the same of a cluster; ``where`` it is asked. Raises UnknownValue."""
    if software.runs(cluster, *_ENGINES):
        return ""
    addon = cluster.addons.get("vpc-cni")
    if addon:
        settings = settings_of(addon)
        on = settings.get("enableNetworkPolicy") if isinstance(settings, dict) else None
        if addon.resource.conditional and not cluster.resource.conditional:
            raise UnknownValue(addon.at(), f"{addon.words} may not exist: {addon.resource.conditional}")
        return "" if str(on).lower() == "true" else "the vpc-cni add-on lacks enableNetworkPolicy"
    if str(software.chart_values(cluster, "aws-vpc-cni").get("enableNetworkPolicy")).lower() == "true":
        return ""
    if cluster.has_only("auto_mode"):
        if not software.shows_software(cluster):
            raise UnknownValue(
                where, "no Kubernetes object of the cluster was read: the ConfigMap amazon-vpc-cni decides"
            )
        maps = software.objects(cluster, "ConfigMap")
        switch = next((item for item in maps if item.name == "kube-system/amazon-vpc-cni"), None)
        on = switch.entry("data", "enable-network-policy-controller") if switch else ""
        return "" if on == "true" else "the ConfigMap amazon-vpc-cni, which Auto Mode asks for, does not enable it"
    raise UnknownValue(where, "whether the VPC CNI enforces network policies was not read")


@check("EKR319", Cluster)
def policies_are_enforced(cluster: Cluster) -> Answer:
    """Whether there are policies is EKR089's: they have no effect, and give no error, where nothing enforces them."""
    if cluster.has_only("fargate"):
        return not_applicable("Fargate, its only compute, applies no network policies")
    where = cluster.at()
    if why := unenforced(cluster, where):
        return open_(f"does not enforce network policies: {why}", where)
    return met("enforces network policies", where)


def _raise_if_cluster_denies(item: KubernetesObject) -> None:
    """Raises UnknownValue where something that is not of one namespace may deny traffic."""
    for kind in _CLUSTER_POLICIES:
        if found := item.facts.view(Objects).in_cluster(kind, item):
            raise UnknownValue(found[0].at("spec"), f"a {kind} may deny traffic for all namespaces")
    for node_class in item.facts.view(Objects).in_cluster("NodeClass", item):
        if node_class.get("spec.networkPolicy", "DefaultAllow") != "DefaultAllow":
            raise UnknownValue(node_class.at("spec.networkPolicy"), "denies on nodes of this class, if pods get there")


def _denies(policy: KubernetesObject) -> bool:
    """Whether a policy selects all pods and denies or restricts traffic."""
    selector = policy.mapping("spec.podSelector")
    types = policy.texts("spec.policyTypes") or ["Ingress"]
    if any(selector.values()) or "Ingress" not in types:
        return False
    return all(_names_callers(policy, path) for path in policy.items("spec.ingress"))


def _lets_everybody_in(policy: KubernetesObject) -> bool:
    """Whether a policy for all pods has a rule for everybody, on every port."""
    types = policy.texts("spec.policyTypes") or ["Ingress"]
    if any(policy.mapping("spec.podSelector").values()) or "Ingress" not in types:
        return False
    rules = policy.items("spec.ingress")
    return any(not policy.items(f"{rule}.ports") and not _names_callers(policy, rule) for rule in rules)


def _names_callers(policy: KubernetesObject, rule: str) -> bool:
    """Whether a rule lets in some pods or ranges, and not all namespaces or everybody."""
    sources = policy.items(f"{rule}.from")
    for source in sources:
        namespaces = policy.get(f"{source}.namespaceSelector")
        if (
            namespaces is not None
            and not any(namespaces.values())
            and not any(policy.mapping(f"{source}.podSelector").values())
        ):
            return False
        if is_internet(policy.get(f"{source}.ipBlock.cidr")):
            return False
    return bool(sources)


@check("EKR094", Namespace)
def quota_is_set(namespace: Namespace) -> Answer | None:
    """The quota bounds the sum; the range gives requests to containers that name none, which the quota would refuse."""
    if not _for_people(namespace):
        return None
    objects, name = namespace.facts.view(Objects), namespace.bare_name
    kinds = ("ResourceQuota", "LimitRange")
    missing = [kind for kind in kinds if not objects.in_namespace(kind, namespace, name)]
    if missing:
        return open_(f"no {' and no '.join(missing)} that was read is in it", namespace.at("metadata.name"))
    return met("has both", *(objects.in_namespace(kind, namespace, name)[0].at("spec") for kind in kinds))


@check("EKR116", Workload)
def namespace_is_named(workload: Workload) -> Answer | None:
    """An object that names no namespace lands in default, unless who applies it names one."""
    if workload.made_by_another:
        return None
    here = workload.at("metadata.namespace")
    name = workload.get("metadata.namespace")
    if name is None:
        return open_("names no namespace", here)
    return open_("is in default", here) if name == "default" else met(f"is in {name}", here)
