"""Security groups for pods: https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html."""

import re

from eks_facts.labels import selects
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, open_
from responsibility.checks.workloads.containers import listed
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.nodes import Ec2Nodes
from responsibility.reading.objects import Objects
from responsibility.reading.partly_known import searched
from responsibility.reading.resource import UnknownValue

_ON = re.compile(r"""ENABLE_POD_ENI["']?\s*:\s*["']?true""", re.IGNORECASE)
_COMPUTE_TYPE = "eks.amazonaws.com/compute-type"


@check("EKR450", KubernetesObject)
def nodes_give_pods_groups(policy: KubernetesObject) -> Answer | None:
    """Applies to SecurityGroupPolicies. Which nodes a pod lands on is read from its node selector and `os.name`."""
    if policy.what != "SecurityGroupPolicy":
        return None
    here = policy.at("spec")
    cluster = software.known_cluster(policy, here)
    policy.raise_hidden("spec", "metadata.namespace")
    wrong: list[tuple[Workload, str]] = []
    selected, unread = 0, None
    for pods in policy.facts.view(Objects).workloads(policy, policy.namespace):
        try:
            if _selects(policy, pods):
                selected += 1
                wrong += [(pods, why) for why in [_elsewhere(pods)] if why]
        except UnknownValue as unknown:
            unread = unread or unknown
    if wrong:
        names, nodes = (
            listed(f"{pods.what} {pods.bare_name}" for pods, _ in wrong),
            dict.fromkeys(why for _, why in wrong),
        )
        return open_(f"selects pods of {names}, which run on {' and '.join(nodes)}", here)
    if unread:
        raise unread
    if not selected and _has_windows(cluster):
        raise UnknownValue(here, "no workload that it selects was read, and some nodes have Windows")
    return _on(cluster, here)


def _on(cluster: Cluster, here: Evidence) -> Answer:
    """Returns whether some nodes of a cluster give pods groups of their own. Raises UnknownValue."""
    if cluster.fargate_profiles:
        return met("selects pods, and those on Fargate have groups of their own", here)
    if not software.has_ec2_nodes(cluster):
        if cluster.auto_mode:
            return open_("selects pods on nodes of Auto Mode, which have the groups of their NodeClass", here)
        raise UnknownValue(here, "where its cluster's pods run was not read")
    plugin = cluster.addons.get("vpc-cni")
    if plugin is None:
        raise UnknownValue(
            here, "whether its CNI gives pods groups of their own was not read: it has no add-on vpc-cni"
        )
    if searched(_ON, str(plugin.get("ConfigurationValues", "")).replace("\\", "")):
        return met("selects pods whose nodes give them groups of their own", here)
    return open_("is not heeded: the vpc-cni add-on has no ENABLE_POD_ENI", here)


def _selects(policy: KubernetesObject, workload: Workload) -> bool:
    """Whether a policy selects pods of its namespace, by their labels or those of their service account. Raises UnknownValue."""
    pods, accounts = policy.get("spec.podSelector"), policy.get("spec.serviceAccountSelector")
    if isinstance(pods, dict):
        workload.raise_hidden(workload.labels_path)
        if selects(pods, workload.pod_labels):
            return True
    if not isinstance(accounts, dict):
        return False
    name = workload.words_of(f"{workload.spec_path}.serviceAccountName", "default")
    account = policy.facts.view(Objects).named("ServiceAccount", workload, name)
    if account is None and name != "default":
        raise UnknownValue(policy.at("spec.serviceAccountSelector"), f"ServiceAccount {name} was not read")
    if account is None:
        return selects(accounts, {})
    account.raise_hidden("metadata.labels")
    return selects(accounts, account.labels)


def _elsewhere(workload: Workload) -> str:
    """Returns which nodes a workload asks for whose pods have no groups of their own; nothing if it asks for none."""
    selector = f"{workload.spec_path}.nodeSelector"
    if "windows" in (workload.pod("os.name"), workload.entry(selector, "kubernetes.io/os")):
        return "Windows"
    return "Auto Mode" if workload.entry(selector, _COMPUTE_TYPE) == "auto" else ""


def _has_windows(cluster: Cluster) -> bool:
    groups: list[Ec2Nodes] = [*cluster.node_groups, *cluster.self_managed]
    return any(nodes.family == "windows" for nodes in groups)
