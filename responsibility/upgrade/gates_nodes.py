"""What blocks the nodes: their version, their image, how they are updated."""

from __future__ import annotations

from collections.abc import Iterator

from eks_facts.versions import KUBELET_SKEW, version_in
from responsibility.findings import Finding, evidence_of
from responsibility.reading.eks import NodeGroup, SelfManagedNodes
from responsibility.reading.resource import UnknownValue
from responsibility.upgrade.account import GUIDE
from responsibility.upgrade.changes import Minor, minor
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Gate, StepId, Verdict

_SKEW = "https://kubernetes.io/releases/version-skew-policy/"
_MATCH = "https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html"
_NO_AL2_SINCE: Minor = (1, 33)


def nodes(upgrade: Upgrade) -> Iterator[Gate]:
    """Yields what blocks EC2 nodes. Only kubectl shows what runs, and hybrid nodes: account.py asks about these."""
    yield from _skew(upgrade)
    yield from _families(upgrade)
    yield from _pins(upgrade)
    for finding in upgrade.found("EKR044"):
        if finding.status != "not_applicable":
            yield from_check(
                finding,
                "clear" if finding.status == "met" else "warning" if finding.status == "open" else "ask",
                "forced-update",
                "Set ForceUpdateEnabled to false; then an update that a budget blocks stops instead of deleting pods.",
                GUIDE + "managed-node-update-behavior.html",
                "managed_nodes",
            )


def _skew(upgrade: Upgrade) -> Iterator[Gate]:
    """The answer of EKR019: EKS upgrades a control plane only when all its managed groups are on its version."""
    verdicts: dict[str, Verdict] = {"open": "blocker", "met": "clear", "not_applicable": "ask", "unknown": "ask"}
    for finding in upgrade.found("EKR019"):
        if not finding.subject.startswith(NodeGroup.what):
            continue  # self-managed nodes may be older: below
        verdict = verdicts[finding.status]
        gate = from_check(
            finding,
            verdict,
            "version-skew",
            f"Every managed group must be on {upgrade.before}: EKS refuses to upgrade the control plane before that.",
            _MATCH,
        )
        if verdict == "ask":
            name = upgrade.name
            command = (
                f"aws eks describe-nodegroup --cluster-name {name} --nodegroup-name GROUP --query nodegroup.version"
            )
            gate = gate.model_copy(update={"api": "eks:DescribeNodegroup", "commands": [command]})
        yield gate
    for group in upgrade.cluster.self_managed:
        yield _own_nodes(upgrade, group)


def _own_nodes(upgrade: Upgrade, group: SelfManagedNodes) -> Gate:
    """Self-managed nodes: at most the name of their image shows the version."""
    image, where = "", group.at("LaunchTemplate")
    try:
        image = group.image
        if instance := group.instance:
            where = instance.at("ImageId")
    except UnknownValue as unknown:
        where = evidence_of(unknown)
    stated = version_in(image)
    behind = upgrade.target[1] - minor(stated)[1] if stated else 0
    verdict: Verdict = "clear" if 0 < behind <= KUBELET_SKEW else "blocker" if stated and behind else "ask"
    details: dict[str, str] = {
        "clear": f"runs {stated}, {behind} behind {upgrade.after}: the kubelet may be {KUBELET_SKEW} behind",
        "blocker": f"runs {stated}, which does not work with {upgrade.after}: a kubelet may be up to {KUBELET_SKEW} behind",
        "ask": "the template does not say which Kubernetes version its image has",
    }
    return Gate(
        topic="version-skew",
        verdict=verdict if behind >= 0 else "blocker",
        subject=group.words,
        detail=details[verdict],
        fix="" if verdict == "clear" else f"It must be on {upgrade.before} or at most {KUBELET_SKEW - 1} older.",
        commands=["kubectl get nodes"] if verdict == "ask" else [],
        api="kubectl get nodes" if verdict == "ask" else "",
        evidence=[where],
        source=_SKEW,
    )


def _families(upgrade: Upgrade) -> Iterator[Gate]:
    """The answer of EKR040."""
    for finding in upgrade.found("EKR040"):
        fix = "Make a group with an AMI type of AL2023_... or BOTTLEROCKET_..., move the pods, delete this one."
        verdict: Verdict = "clear" if finding.status == "met" else "ask"
        if finding.status == "open":
            verdict = "blocker" if upgrade.target >= _NO_AL2_SINCE else "warning"
        if finding.status == "not_applicable":
            continue
        yield from_check(
            finding,
            verdict,
            "ami-family",
            fix if finding.status == "open" else f"Make sure that an image of it exists for {upgrade.after}.",
            GUIDE + "eks-ami-deprecation-faqs.html",
            "managed_nodes" if finding.subject.startswith(NodeGroup.what) else "self_managed_nodes",
            api="ec2:DescribeImages" if verdict == "ask" else "",
        )


def _pins(upgrade: Upgrade) -> Iterator[Gate]:
    """The answer of EKR042, and whether what is pinned names another version than the one to come."""
    pinned = {finding.subject: finding for finding in upgrade.found("EKR042") if finding.status != "not_applicable"}
    groups: list[NodeGroup | SelfManagedNodes] = [*upgrade.cluster.node_groups, *upgrade.cluster.self_managed]
    for group in groups:
        finding = pinned.get(group.words)
        if not finding:
            continue
        if finding.status == "met":
            yield from_check(finding, "clear", "ami-pin", "", GUIDE + "update-managed-node-group.html")
            continue
        release = str(group.resource.maybe("ReleaseVersion", "") or "")
        image = "" if finding.status == "unknown" else _image(group)
        stated = version_in(image or release)
        step: StepId = "managed_nodes" if isinstance(group, NodeGroup) else "self_managed_nodes"
        verdict: Verdict = "ask"
        fix = f"Find out which Kubernetes version the image has; it takes one for {upgrade.after}."
        if stated == upgrade.after:
            verdict, fix = "clear", ""
        elif stated:
            verdict = "blocker"
            fix = f"Name a release for {upgrade.after} in the same change as its version, or take the pin out."
            if image:
                fix = f"Name an image for {upgrade.after} when its nodes are upgraded: this one keeps them on {stated}."
        yield from_check(
            finding,
            verdict,
            "ami-pin",
            fix,
            GUIDE + "update-managed-node-group.html",
            step,
            api="ec2:DescribeImages" if verdict == "ask" else "",
        )


def _image(group: NodeGroup | SelfManagedNodes) -> str:
    try:
        return group.image
    except UnknownValue:
        return ""


def from_check(
    finding: Finding,
    verdict: Verdict,
    topic: str,
    fix: str,
    source: str,
    blocks: StepId = "control_plane",
    *,
    api: str = "",
) -> Gate:
    """Returns a check's answer as a gate."""
    return Gate(
        topic=topic,
        verdict=verdict,
        subject=finding.subject,
        detail=finding.detail,
        fix="" if verdict == "clear" else fix,
        api=api,
        blocks=blocks,
        check=finding.code,
        evidence=finding.evidence,
        source=source,
        defect=finding.defect,
    )
