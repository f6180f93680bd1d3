"""Rules for Kubernetes versions of clusters: upgrades, rollbacks, support."""

from collections.abc import Iterator
from datetime import date, timedelta

from eks_facts.versions import kubernetes_versions
from emulator.engine.eks.rules.table import API, GUIDE, REQUEST, Call, rule
from emulator.engine.eks.state import now

ROLLBACK_WINDOW = timedelta(days=7)


@rule("CreateCluster", "UpdateClusterVersion", page=f"{GUIDE}kubernetes-versions.html")
def version_offered(call: Call) -> Iterator[str]:
    """Only Kubernetes versions that EKS offers."""
    version = call.get("version")
    if version and version not in kubernetes_versions():
        yield f"unsupported Kubernetes version {version}"


@rule("CreateCluster", "UpdateClusterConfig", page=f"{GUIDE}disable-extended-support.html")
def standard_support_in_time(call: Call) -> Iterator[str]:
    """STANDARD is for versions in standard support."""
    if call.get("upgradePolicy", "supportType") != "STANDARD":
        return
    version = call.get("version") if call.operation == "CreateCluster" else call.cluster["version"]
    ends = _standard_until(version)
    if ends and now().date() > ends:
        yield f"Kubernetes version {version} is in extended support since {ends}: the upgrade policy STANDARD cannot be selected for it"


@rule("UpdateClusterVersion", page=f"{GUIDE}update-cluster.html")
def one_minor_version(call: Call) -> Iterator[str]:
    """An update goes one minor version up, or back as a rollback."""
    old, new = call.cluster["version"], call.get("version")
    if new == old:
        yield f"The cluster already has Kubernetes version {new}"
    elif _step(call) not in (1, -1, None):
        yield f"Unsupported Kubernetes minor version update from {old} to {new}"


@rule("UpdateClusterVersion", page=f"{GUIDE}rollback-cluster.html", code=REQUEST)
def rollback_in_time(call: Call) -> Iterator[str]:
    """A rollback comes within 7 days of the upgrade that it takes back, which was the last one."""
    if _step(call) != -1:
        return
    upgraded = call.cluster.get("_upgraded")
    old, new = call.cluster["version"], call.get("version")
    if upgraded is None:
        yield f"The cluster was not upgraded to {old} in place: it cannot be rolled back to {new}"
    elif now() - upgraded > ROLLBACK_WINDOW:
        yield f"The cluster was upgraded to {old} on {upgraded:%Y-%m-%d}: a rollback comes within {ROLLBACK_WINDOW.days} days"


@rule("UpdateClusterVersion", page=f"{GUIDE}rollback-cluster.html", code=REQUEST)
def rollback_with_extended_support(call: Call) -> Iterator[str]:
    """A rollback to a version in extended support needs the upgrade policy EXTENDED."""
    ends = _standard_until(call.get("version"))
    if (
        _step(call) == -1
        and ends
        and now().date() > ends
        and call.cluster["upgradePolicy"]["supportType"] == "STANDARD"
    ):
        yield f"Kubernetes version {call.get('version')} is in extended support: first change the upgrade policy to EXTENDED"


def _standard_until(version: str | None) -> date | None:
    found = kubernetes_versions().get(version or "")
    return found.standard_until if found else None


def _step(call: Call) -> int | None:
    """How many minor versions up UpdateClusterVersion goes; None: EKS does not offer the version (version_offered)."""
    versions = list(kubernetes_versions())
    old, new = call.cluster["version"], call.get("version")
    return versions.index(new) - versions.index(old) if new in versions and old in versions else None


@rule("UpdateClusterVersion", page=f"{API}API_UpdateClusterVersion.html")
def nodes_caught_up(call: Call) -> Iterator[str]:
    """A control plane moves up only when its managed node groups have its version, and back when they have gone back."""
    rollback = _step(call) == -1
    wanted = call.get("version") if rollback else call.cluster["version"]
    others = [
        group["nodegroupName"]
        for group in call.state.of("nodegroup", call.cluster_name)
        if group["version"] != wanted
        and not (rollback and (call.get("force") or _minor(group["version"]) < _minor(wanted)))
    ]
    if others and rollback:
        yield f"Kubelet version skew: roll node group(s) {', '.join(sorted(others))} back to {wanted} before the control plane"
    elif others:
        yield f"Nodegroup(s) {', '.join(sorted(others))} must be updated to match cluster version before updating cluster version"


def _minor(version: str) -> int:
    return int(version.split(".")[1])
