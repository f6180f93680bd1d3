"""What a running account answers to a playbook's questions, from the facts and checks of the audit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from responsibility.account.session import Account
from responsibility.checks import all_checks
from responsibility.checks.run import run
from responsibility.findings import CheckInfo, Evidence, Finding
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.versions import order
from responsibility.upgrade.account import GUIDE, UPDATE
from responsibility.upgrade.playbook import Gate, StepId, Verdict

Answers = dict[str, dict[str, list[Gate]]]
"""By the cluster's name and API."""


@dataclass(frozen=True)
class _Row:
    """A check of the audit that answers a question."""

    api: str
    """That of the question."""
    code: str
    topic: str
    otherwise: Verdict
    """What an open answer means for the upgrade."""
    blocks: StepId = "control_plane"


_ROWS = (
    # EKS refused such upgrades unless they were forced, until AWS suspended that (update-cluster.html): what it finds still breaks.
    _Row("eks:ListInsights", "EKR129", "insights", "blocker"),
    _Row("eks:ListInsights", "EKR130", "insights", "warning"),
    _Row("eks:DescribeCluster", "EKR124", "running-version", "blocker"),
    _Row("eks:DescribeCluster", "EKR125", "running-version", "blocker", "managed_nodes"),
    _Row("eks:DescribeCluster", "EKR126", "running-version", "blocker", "add_ons"),
    _Row("eks:DescribeCluster", "EKR127", "running-version", "blocker", "fargate"),
    _Row("ec2:DescribeSubnets", "EKR142", "addresses", "blocker"),
    _Row("eks:DescribeAddonVersions", "EKR138", "add-on-version", "blocker", "add_ons"),
    _Row("eks:DescribeAddonVersions", "EKR139", "add-on-version", "warning", "add_ons"),
)


def answers(facts: Facts, target: str, stated: Mapping[str, str], offered: Mapping[str, str]) -> Answers:
    """Returns what an account says of its clusters.

    Args:
        facts: of the account.
        target: the Kubernetes version to come.
        stated: by the cluster's name, the version that templates say it has.
        offered: by version, until when EKS gives it standard support.
    """
    codes = {row.code for row in _ROWS}
    checks = {check.info.code: check for check in all_checks(facts.origin) if check.info.code in codes}
    findings: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in run(checks.values(), facts):
        if finding.subject:
            findings[finding.cluster, finding.code].append(finding)
    result: Answers = {}
    for cluster in facts.all(Cluster):
        found: dict[str, list[Gate]] = defaultdict(list)
        for row in _ROWS:
            found[row.api] += _gates(row, findings[cluster.resource.key, row.code], checks[row.code].info)
        if compared := _version(cluster, stated.get(cluster.name, "")):
            found[compared.api].append(compared)
        found["eks:DescribeClusterVersions"] = [_target(cluster, target, offered)]
        result[cluster.name] = {api: gates for api, gates in found.items() if gates}
    return result


def _gates(row: _Row, findings: list[Finding], check: CheckInfo) -> Iterator[Gate]:
    verdicts: dict[str, Verdict] = {"open": row.otherwise, "met": "clear", "unknown": "ask"}
    for finding in findings:
        if verdict := verdicts.get(finding.status):
            yield Gate(
                topic=row.topic,
                verdict=verdict,
                subject=finding.subject,
                detail=finding.detail,
                fix="" if verdict == "clear" else check.fix,
                api=row.api,
                blocks=row.blocks,
                check=row.code,
                evidence=finding.evidence,
                source=check.source,
                defect=finding.defect,
            )


def _version(cluster: Cluster, stated: str) -> Gate | None:
    """Whether what runs matches the templates."""
    running = cluster.resource.maybe("Version")
    if not stated or not isinstance(running, str):
        return None
    same = running == stated
    return Gate(
        topic="running-version",
        verdict="clear" if same else "blocker",
        subject=cluster.words,
        detail=f"runs {running}" + ("" if same else f", and the templates say {stated}: it was changed by other means"),
        fix="" if same else "Bring the templates up to what runs, deploy that, and ask again.",
        api="eks:DescribeCluster",
        evidence=[cluster.at("Version")],
        source=UPDATE,
    )


def _target(cluster: Cluster, target: str, offered: Mapping[str, str]) -> Gate:
    until = offered.get(target)
    return Gate(
        topic="target-version",
        verdict="blocker" if until is None else "clear",
        subject=cluster.words,
        detail=f"EKS does not offer {target} in this Region; it offers {', '.join(offered)}"
        if until is None
        else f"EKS offers {target}" + (f", with standard support until {until}" if until else ""),
        fix="" if until is not None else "Wait until it does.",
        api="eks:DescribeClusterVersions",
        evidence=[
            Evidence(
                stack=cluster.resource.stack, resource=target, type="EKS version", api="eks:DescribeClusterVersions"
            )
        ],
        source=GUIDE + "kubernetes-versions.html",
    )


def offered_by(account: Account) -> dict[str, str]:
    """Returns the Kubernetes versions that EKS offers, newest last, and until when each has standard support. Raises AccountError."""
    found = account.items("eks", "describe_cluster_versions", "clusterVersions")
    rows = {
        str(one["clusterVersion"]): str(one.get("endOfStandardSupportDate", ""))[:10]
        for one in found
        if one.get("clusterType", "eks") == "eks"
    }
    return dict(sorted(rows.items(), key=lambda row: order(row[0])))
