"""Questions that only the account can answer, each with its command.

A template says what was wanted. So these are asked of every cluster, and none is ever passed by silence. Where an account
was asked (``Upgrade.answers``), its gates take the question's place: gates.py does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eks_facts.versions import kubernetes_versions
from responsibility.findings import Evidence
from responsibility.reading.eks import Addon
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Gate
from responsibility.upgrade.ways import each

GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"
UPDATE = GUIDE + "update-cluster.html"


def questions(upgrade: Upgrade) -> Iterator[Gate]:
    """Yields every question."""
    name, after = upgrade.name, upgrade.after
    yield _ask(
        upgrade,
        "insights",
        "eks:ListInsights",
        "EKS's own upgrade checks: APIs that clients still call, versions of nodes and add-ons, health. "
        "Deprecated calls count for 30 days",
        "Every insight must be PASSING; ERROR may stop the upgrade.",
        [
            f"aws eks list-insights --cluster-name {name} --filter "
            f'\'{{"categories":["UPGRADE_READINESS"],"kubernetesVersions":["{after}"]}}\'',
            f"aws eks describe-insight --cluster-name {name} --id ID",
        ],
        GUIDE + "cluster-insights.html",
    )
    yield _ask(
        upgrade,
        "running-version",
        "eks:DescribeCluster",
        f"that it really runs {upgrade.before}, is ACTIVE and has no health issue",
        "Somebody, or EKS at the end of support, may have changed it since the template.",
        [f"aws eks describe-cluster --name {name} --query 'cluster.[version,status,health,upgradePolicy]'"],
        UPDATE,
    )
    dates = kubernetes_versions()[after]
    if not (dates.standard_until and dates.extended_until):
        yield _ask(
            upgrade,
            "target-version",
            "eks:DescribeClusterVersions",
            f"whether EKS offers {after} in your Region, and how long it supports it: no date is known here",
            "It must be listed, with status STANDARD_SUPPORT.",
            [f"aws eks describe-cluster-versions --cluster-versions {after}"],
            GUIDE + "kubernetes-versions.html",
        )
    yield _ask(
        upgrade,
        "addresses",
        "ec2:DescribeSubnets",
        "free addresses in the cluster's subnets: EKS needs up to five for new network interfaces",
        "Free addresses, or let EKS use larger subnets of the same zones.",
        [
            "aws ec2 describe-subnets --query 'Subnets[].[SubnetId,AvailableIpAddressCount]' --subnet-ids "
            f"$(aws eks describe-cluster --name {name} --query 'cluster.resourcesVpcConfig.subnetIds' --output text)"
        ],
        UPDATE,
    )
    yield from _nodes(upgrade)
    yield from _add_ons(upgrade)
    yield _ask(
        upgrade,
        "objects",
        "kubectl get poddisruptionbudgets",
        "objects that no file shows: budgets that allow no pod to go, Helm releases with removed APIs",
        "ALLOWED DISRUPTIONS must not be 0; `helm get manifest` shows what a release applied.",
        ["kubectl get poddisruptionbudgets -A", "helm list -A"],
        "https://docs.aws.amazon.com/eks/latest/best-practices/cluster-upgrades.html",
    )


def _nodes(upgrade: Upgrade) -> Iterator[Gate]:
    if upgrade.cluster.kinds == ["auto_mode"]:
        return
    yield _ask(
        upgrade,
        "version-skew",
        "kubectl get nodes",
        f"which version every kubelet runs: node groups and Fargate pods must be on {upgrade.before}, "
        "self-managed and hybrid nodes should",
        "Update older ones before the control plane; delete older Fargate pods, their controller starts new ones.",
        ["kubectl get nodes -o custom-columns=NAME:.metadata.name,KUBELET:.status.nodeInfo.kubeletVersion"],
        UPDATE,
    )


def _add_ons(upgrade: Upgrade) -> Iterator[Gate]:
    addons = list(upgrade.cluster.addons.values())
    if not addons:
        return
    pinned = [f"{addon.name} {version}" for addon in addons if (version := _pin(addon))]
    loose = [addon.name for addon in addons if not _pin(addon)]
    words = [f"pinned: {', '.join(pinned)}"] if pinned else []
    words += [f"without a version, so that they stay as they are: {', '.join(loose)}"] if loose else []
    yield _ask(
        upgrade,
        "add-on-version",
        "eks:DescribeAddonVersions",
        f"which add-on versions fit {upgrade.after} ({'; '.join(words)})",
        f"Best is a version that fits {upgrade.before} and {upgrade.after}: then it can be updated before, and stay if "
        "you go back.",
        [
            each(
                [addon.name for addon in addons],
                "addon",
                f"aws eks describe-addon-versions --kubernetes-version {upgrade.after} --addon-name $addon "
                "--query 'addons[].addonVersions[].addonVersion'",
            )
        ],
        GUIDE + "updating-an-add-on.html",
        [addon.at("AddonVersion") for addon in addons if _pin(addon)],
    )


def _pin(addon: Addon) -> str:
    return str(addon.resource.maybe("AddonVersion", "") or "")


def _ask(
    upgrade: Upgrade,
    topic: str,
    api: str,
    detail: str,
    fix: str,
    commands: list[str],
    source: str,
    evidence: Sequence[Evidence] = (),
) -> Gate:
    return Gate(
        topic=topic,
        verdict="ask",
        subject=upgrade.cluster.words,
        detail=detail,
        fix=fix,
        commands=commands,
        api=api,
        evidence=list(evidence),
        source=source,
    )
