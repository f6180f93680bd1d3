"""The steps for each kind of compute."""

from __future__ import annotations

import shlex

from responsibility.reading.eks import NodeGroup
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import OPEN
from responsibility.upgrade.account import GUIDE, UPDATE
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change, Step
from responsibility.upgrade.ways import deploy, each, key_of, property_change

_ROLLBACK = GUIDE + "rollback-cluster.html"
_BEHAVIOR = GUIDE + "managed-node-update-behavior.html"
_KUBELETS = "kubectl get nodes -o custom-columns=NAME:.metadata.name,KUBELET:.status.nodeInfo.kubeletVersion"


def managed_nodes(upgrade: Upgrade) -> Step:
    """EC2 nodes that EKS replaces when it is told to."""
    groups = upgrade.cluster.node_groups
    names = list(dict.fromkeys(group_name(group) for group in groups))
    if upgrade.environment:
        key = key_of(upgrade, "compute.managed_nodes.kubernetes_version")
        changes = [Change(where=key, before=upgrade.before, after="")]
    else:
        changes = [_group_change(upgrade, group) for group in groups]
    return Step(
        number=0,
        id="managed_nodes",
        kind="managed_nodes",
        title="Replace the managed nodes",
        who="shared",
        aws="Starts new nodes, drains the old ones within PodDisruptionBudgets, and terminates them, in each group "
        "as many at a time as its update settings say.",
        you="You change the version, after the control plane, alone: EKS takes no other change of a group with it.",
        changes=changes,
        commands=deploy(
            upgrade,
            "--no-rollback",
            direct=[
                each(
                    names,
                    "group",
                    f"aws eks update-nodegroup-version --cluster-name {upgrade.name} --nodegroup-name $group"
                    f" --kubernetes-version {upgrade.after}",
                )
            ],
        ),
        verify=[
            *_listed(upgrade, groups),
            each(
                names,
                "group",
                f"aws eks describe-nodegroup --cluster-name {upgrade.name} --nodegroup-name $group "
                "--query 'nodegroup.[version,releaseVersion,status,health.issues]'",
            ),
            _KUBELETS,
        ],
        expect=f"every node on {upgrade.after}; status ACTIVE, no health issue",
        disruption="Every pod on these nodes moves once. A budget that lets no pod go for 15 minutes fails the update "
        "(PodEvictionFailure); a forced one deletes the pod. For a while there are more nodes, at their price.",
        back="Any time; before the control plane goes back. It drains every node again.",
        back_commands=[
            each(
                names,
                "group",
                f"aws eks update-nodegroup-version --cluster-name {upgrade.name} --nodegroup-name $group "
                f"--kubernetes-version {upgrade.before}",
            )
        ],
        kept="What was on the disks of the nodes.",
        sources=[GUIDE + "update-managed-node-group.html", _BEHAVIOR, _ROLLBACK],
    )


def group_name(group: NodeGroup) -> str:
    """Returns a group's name for a command: a placeholder where CloudFormation makes one up."""
    given = group.resource.maybe("NodegroupName")
    return given if isinstance(given, str) and OPEN not in given else "GROUP"


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
    if image and instance:  # an image of one's own takes the place of a version
        where = instance.at("ImageId")
        return Change(
            where=f"{where.stack}/{where.resource} {where.path}",
            before=image,
            after=f"an image for {upgrade.after}",
            evidence=where,
        )
    return property_change(group, "Version", upgrade.after)


def self_managed_nodes(upgrade: Upgrade) -> Step:
    """EC2 nodes that joined by themselves."""
    changes = []
    for group in upgrade.cluster.self_managed:
        try:
            instance = group.instance
        except UnknownValue:
            instance = None
        where = instance.at("ImageId") if instance else group.at("LaunchTemplate")
        changes.append(
            Change(
                where=f"{where.stack}/{where.resource} {where.path}",
                before="",
                after=f"an image for {upgrade.after}",
                evidence=where,
            )
        )
    return Step(
        number=0,
        id="self_managed_nodes",
        kind="self_managed_nodes",
        title="Replace the self-managed nodes",
        who="customer",
        aws="Gives images; replaces nothing.",
        you="You name the new image, start new nodes, drain the old ones and terminate them.",
        changes=changes,
        commands=[
            "aws ssm get-parameter --query Parameter.Value --output text --name "
            f"/aws/service/eks/optimized-ami/{upgrade.after}/amazon-linux-2023/x86_64/standard/recommended/image_id",
            *deploy(upgrade),
            "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
        ],
        verify=[_KUBELETS],
        expect=f"every node on {upgrade.after}",
        disruption="Every pod on these nodes moves once; without a drain it is cut off.",
        back="The old image, the same way; before the control plane goes back.",
        kept="What was on the disks of the nodes.",
        sources=[GUIDE + "update-workers.html", _ROLLBACK],
    )


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
    return Step(
        number=0,
        id="fargate",
        kind="fargate",
        title="Restart the pods on Fargate",
        who="shared",
        aws="Starts every new pod with the control plane's version; leaves those that run as they are.",
        you="You restart them.",
        commands=list(dict.fromkeys(commands)),
        verify=["kubectl get nodes -l eks.amazonaws.com/compute-type=fargate"],
        expect=f"every Fargate node (one for each pod) on {upgrade.after}",
        disruption="Each pod starts anew; with one replica the service is away for that time.",
        back="EKS takes no Fargate pod back: delete those of the new version, then roll the control plane back; new pods "
        "then have the old version.",
        back_commands=["kubectl delete pod POD -n NAMESPACE  # each, just before the control plane goes back"],
        kept="Pods on Fargate are away between the deletion and the end of the rollback.",
        sources=[UPDATE, _ROLLBACK],
    )


def _on_fargate(item: Workload) -> bool:
    try:
        return item.what in ("Deployment", "StatefulSet") and item.on_fargate
    except UnknownValue:
        return False


def auto_mode(upgrade: Upgrade) -> Step:
    """Nodes that AWS replaces."""
    limits = [_limits(pool) for pool in upgrade.objects if pool.what == "NodePool"]
    stuck = [words for words in limits if words]
    return Step(
        number=0,
        id="auto_mode",
        kind="auto_mode",
        title="Wait for Auto Mode to replace its nodes",
        who="aws",
        aws="Replaces its nodes one after the other once the control plane is upgraded, within PodDisruptionBudgets and "
        "the disruption budgets of node pools; its networking, storage and load balancing come with it.",
        you="You watch, and remove what holds a node: a budget, the annotation karpenter.sh/do-not-disrupt"
        + (f"; {'; '.join(stuck)}." if stuck else "."),
        verify=["kubectl get nodes -l eks.amazonaws.com/compute-type=auto", "kubectl get nodeclaims"],
        expect=f"every node on {upgrade.after}",
        disruption="Every pod on these nodes moves once. How long it takes depends on the budgets.",
        back="With the control plane: EKS takes these nodes back first, by itself.",
        kept="What was on the disks of the nodes.",
        sources=[UPDATE, GUIDE + "rollback-automode.html"],
    )


def _limits(pool: KubernetesObject) -> str:
    """Returns what in a node pool lets no node go."""
    budgets = pool.resource.maybe("spec.disruption.budgets")
    for budget in budgets if isinstance(budgets, list) else []:
        if isinstance(budget, dict) and str(budget.get("nodes")) in ("0", "0%"):
            when = f" ({budget['schedule']} for {budget.get('duration')})" if budget.get("schedule") else ""
            return f"node pool {pool.bare_name} lets no node go{when}"
    return ""


def hybrid_nodes(upgrade: Upgrade) -> Step:
    """Machines of the customer's own."""
    return Step(
        number=0,
        id="hybrid_nodes",
        kind="hybrid_nodes",
        title="Upgrade the hybrid nodes",
        who="customer",
        aws="",
        you="You make new nodes of the new version, move the pods and remove the old ones; or, without spare machines, upgrade "
        "each in place with nodeadm. The CNI must support the new version first.",
        commands=[
            "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
            f"nodeadm upgrade {upgrade.after} -c file://nodeConfig.yaml  # on the node",
            "kubectl uncordon NODE",
        ],
        verify=[_KUBELETS],
        expect=f"every node on {upgrade.after}; up to three minor versions older works, newer does not",
        disruption="In place, a node is away while it is upgraded. With new nodes every pod moves once.",
        back="By you, the same way, before the control plane goes back.",
        kept="What was on the disks of nodes that were removed.",
        sources=[GUIDE + "hybrid-nodes-upgrade.html", _ROLLBACK],
    )
