"""The steps for each kind of compute."""

from __future__ import annotations

import re
import shlex

from responsibility.findings import Evidence
from responsibility.reading.eks import NodeGroup, SelfManagedNodes
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.partly_known import without_gaps
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import all_known
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change, Step
from responsibility.upgrade.ways import deploy, each, key_of, property_change
from responsibility.upgrade.words import step

_VERSION = re.compile(r"(?<=[/-])1\.\d{2}(?=[/-])")
"""Kubernetes' in the name of a public parameter of an image."""
_PINNED = re.compile(r"/(?:(amazon-eks-node-[^/]+)|\d+\.\d+\.\d+)/")
"""A release in it, of Amazon Linux or of Bottlerocket: it is of one version of Kubernetes."""
_KUBELETS = "kubectl get nodes -o custom-columns=NAME:.metadata.name,KUBELET:.status.nodeInfo.kubeletVersion"


def managed_nodes(upgrade: Upgrade) -> Step:
    """EC2 nodes that EKS replaces on request."""
    groups = upgrade.cluster.node_groups
    names = list(dict.fromkeys(group_name(group) for group in groups))
    changes = [_group_change(upgrade, group) for group in groups]
    if upgrade.environment:
        key = key_of(upgrade, "compute.managed_nodes.kubernetes_version")
        changes = [Change(where=key, before=upgrade.before, after="")]
    update = (
        f"aws eks update-nodegroup-version --cluster-name {upgrade.name} --nodegroup-name $group --kubernetes-version "
    )
    describe = (
        f"aws eks describe-nodegroup --cluster-name {upgrade.name} --nodegroup-name $group "
        "--query 'nodegroup.[version,releaseVersion,status,health.issues]'"
    )
    return step(
        "managed_nodes",
        upgrade,
        changes=changes,
        commands=deploy(upgrade, "--no-rollback", direct=[each(names, "group", update + upgrade.after)]),
        verify=[*_listed(upgrade, groups), each(names, "group", describe), _KUBELETS],
        back_commands=[each(names, "group", update + upgrade.before)],
    )


def group_name(group: NodeGroup) -> str:
    """Returns a group's name for a command: a placeholder where CloudFormation makes one up."""
    given = group.resource.maybe("NodegroupName")
    return given if all_known(given) else "GROUP"


def _listed(upgrade: Upgrade, groups: list[NodeGroup]) -> list[str]:
    """Returns how to find the names that CloudFormation made up, if it did."""
    unnamed = any(group_name(group) == "GROUP" for group in groups)
    return [f"aws eks list-nodegroups --cluster-name {upgrade.name}"] if unnamed else []


def _group_change(upgrade: Upgrade, group: NodeGroup) -> Change:
    try:
        image = group.image
        instance = group.instance
    except UnknownValue:
        image, instance = "", None
    if image and instance:  # a custom image replaces the version
        return _image_change(upgrade, instance.at("ImageId"), image)
    return property_change(group, "Version", upgrade.after)


def _image_change(upgrade: Upgrade, where: Evidence, before: str = "") -> Change:
    place = f"{where.stack}/{where.resource} {where.path}"
    return Change(where=place, before=before, after=f"an image for {upgrade.after}", evidence=where)


def self_managed_nodes(upgrade: Upgrade) -> Step:
    """EC2 nodes that joined by themselves."""
    if upgrade.environment:
        key = key_of(upgrade, "compute.self_managed_nodes.kubernetes_version")
        changes = [Change(where=key, before=upgrade.before, after="")]
        images = [_image_of(group) for group in upgrade.cluster.self_managed]
        for key, words, there in (
            ("ami", "an image", any(not one.startswith("ssm:/aws/service/") for one in images)),
            (
                "ami_release",
                "a release",
                any(one.startswith("ssm:/aws/service/") and _PINNED.search(one) for one in images),
            ),
        ):
            if there:
                where = key_of(upgrade, f"compute.self_managed_nodes.groups[].{key}")
                changes.append(Change(where=where, before="", after=f"{words} for {upgrade.after}"))
        # The group's instance refresh starts and ends them, the termination handler drains them.
        return step("self_managed_nodes", upgrade, changes=changes, commands=deploy(upgrade))
    changes = []
    for group in upgrade.cluster.self_managed:
        try:
            instance = group.instance
        except UnknownValue:
            instance = None
        changes.append(_image_change(upgrade, instance.at("ImageId") if instance else group.at("LaunchTemplate")))
    return step(
        "self_managed_nodes",
        upgrade,
        changes=changes,
        commands=[
            *(
                f"aws ssm get-parameter --query Parameter.Value --output text --name {shlex.quote(one)}"
                for one in _images_to_come(upgrade)
            ),
            *deploy(upgrade),
            "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
        ],
    )


def _image_of(group: SelfManagedNodes) -> str:
    """Returns the image of a group; empty: it was not read."""
    try:
        return group.image
    except UnknownValue:
        return ""


def _images_to_come(upgrade: Upgrade) -> list[str]:
    """Returns the parameters with the newest images of the next version: those of the groups' systems, else Amazon Linux 2023's."""
    found = []
    for group in upgrade.cluster.self_managed:
        image = _image_of(group)
        if image.startswith("ssm:/aws/service/"):
            newest = _PINNED.sub(lambda part: "/recommended/" if part[1] else "/latest/", image.removeprefix("ssm:"))
            found.append(_VERSION.sub(upgrade.after, newest))
    usual = f"/aws/service/eks/optimized-ami/{upgrade.after}/amazon-linux-2023/x86_64/standard/recommended/image_id"
    return list(dict.fromkeys(found)) or [usual]


def fargate(upgrade: Upgrade) -> Step:
    """Pods that keep their kubelet until they start again."""
    names = [item for item in upgrade.objects if isinstance(item, Workload) and _on_fargate(item)]
    commands = [
        shlex.join(["kubectl", "rollout", "restart", f"{item.what.lower()}/{item.bare_name}", "-n", item.namespace])
        for item in names
    ]
    commands = commands or ["kubectl rollout restart deployment -n NAMESPACE  # each namespace of a profile"]
    if "managed_nodes" not in upgrade.cluster.kinds and "auto_mode" not in upgrade.cluster.kinds:
        commands.append("kubectl rollout restart deployment/coredns -n kube-system")
    return step("fargate", upgrade, commands=list(dict.fromkeys(commands)))


def _on_fargate(item: Workload) -> bool:
    try:
        return item.what in ("Deployment", "StatefulSet") and item.on_fargate
    except UnknownValue:
        return False


def auto_mode(upgrade: Upgrade) -> Step:
    """Nodes that AWS replaces."""
    return step("auto_mode", upgrade, stuck=_stuck(upgrade, auto_mode=True))


def nodes_of_karpenter(upgrade: Upgrade) -> Step:
    """Nodes that Karpenter replaces: to the model they are self-managed."""
    classes = [item for item in upgrade.objects if item.what == "EC2NodeClass"]
    fixed = [item.bare_name for item in classes if not _by_alias(item)]
    return step(
        "self_managed_nodes",
        upgrade,
        words="nodes_of_karpenter",
        stuck=_stuck(upgrade, auto_mode=False),
        fixed=f": EC2NodeClass {', '.join(fixed)}" if fixed else "",
    )


def _by_alias(item: KubernetesObject) -> bool:
    terms = item.resource.maybe("spec.amiSelectorTerms")
    return isinstance(terms, list) and any(isinstance(one, dict) and one.get("alias") for one in terms)


def _stuck(upgrade: Upgrade, *, auto_mode: bool) -> str:
    """Returns which node pools let no node go; ``auto_mode``: of Auto Mode, else of Karpenter."""
    pools = [item for item in upgrade.objects if item.what == "NodePool"]
    group = "spec.template.spec.nodeClassRef.group"
    limits = [_limits(one) for one in pools if (one.resource.maybe(group) == "eks.amazonaws.com") == auto_mode]
    stuck = [words for words in limits if words]
    return f"; {'; '.join(stuck)}" if stuck else ""


def _limits(pool: KubernetesObject) -> str:
    """Returns what in a node pool lets no node go."""
    budgets = pool.resource.maybe("spec.disruption.budgets")
    for budget in budgets if isinstance(budgets, list) else []:
        if isinstance(budget, dict) and without_gaps(str(budget.get("nodes"))) in ("0", "0%"):
            when = f" ({budget['schedule']} for {budget.get('duration')})" if budget.get("schedule") else ""
            return f"node pool {pool.bare_name} lets no node go{when}"
    return ""
