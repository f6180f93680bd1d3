"""Assumptions of each kind of compute, of GitOps and of services beside the cluster: see operations/assumptions.py."""

from typing import Any

from eks_constructs.compute.registry import KINDS
from eks_facts.files import load
from eks_facts.instances import device_of
from operations.assumptions import CannotSee, Seen, assumption, not_active

_SYNCED = "applications.argoproj.io"
_KUSTOMIZED = "kustomizations.kustomize.toolkit.fluxcd.io"


def _nodes(seen: Seen, **labels: str) -> list[dict[str, Any]]:
    """Returns the nodes with some labels."""
    return [node for node in seen.objects("nodes") if labels.items() <= _labels(node).items()]


def _labels(node: dict[str, Any]) -> dict[str, str]:
    return dict(node["metadata"].get("labels") or {})


def _allocatable(node: dict[str, Any]) -> dict[str, str]:
    return dict((node.get("status") or {}).get("allocatable") or {})


@assumption(
    "Self-managed nodes join by their user data and access entry",
    "kubectl get nodes -l eks-platform/compute-kind=self_managed_nodes; aws autoscaling describe-auto-scaling-groups --filters"
    " Name=tag-key,Values=kubernetes.io/cluster/CLUSTER",
    applies=lambda seen: seen.cluster.compute.self_managed_nodes is not None,
)
def _self_managed_join(seen: Seen) -> str | None:
    found = _nodes(seen, **KINDS["self_managed_nodes"].node_selector)
    section = seen.cluster.compute.self_managed_nodes
    wanted = sum(group.min_size for group in section.groups) if section else 0
    if not found and not wanted:
        raise CannotSee("all its groups may be empty, and are")
    return None if len(found) >= wanted else f"{len(found)} joined, and the groups have at least {wanted}"


@assumption(
    "Windows nodes get addresses for their pods from the control plane, which the cluster's role and the vpc-cni add-on allow",
    "kubectl get nodes -l kubernetes.io/os=windows -o custom-columns=NAME:.metadata.name,OFFERS:.status.allocatable",
    applies=lambda seen: seen.cluster.compute.mix.windows,
)
def _windows_addresses(seen: Seen) -> str | None:
    found = _nodes(seen, **{"kubernetes.io/os": "windows"})
    if not found:
        raise CannotSee("no Windows node runs: its groups may be empty")
    wrong = [
        one["metadata"]["name"] for one in found if "vpc.amazonaws.com/PrivateIPv4Address" not in _allocatable(one)
    ]
    return f"without addresses: {', '.join(wrong[:5])}" if wrong else None


def _has_devices(seen: Seen) -> bool:
    compute = seen.cluster.compute
    named = [name for kind, section in compute.active() for _, name in kind.instance_types(section)]
    return any(device_of(name) for name in named)


@assumption(
    "Nodes with GPUs or Neuron devices offer them: driver and plugin (or driver of Dynamic Resource Allocation) work",
    "kubectl get nodes -o custom-columns=NAME:.metadata.name,OFFERS:.status.allocatable; kubectl get resourceslices",
    applies=_has_devices,
)
def _devices_offered(seen: Seen) -> str | None:
    with_devices = [one for one in _nodes(seen) if device_of(_labels(one).get("node.kubernetes.io/instance-type", ""))]
    if not with_devices:
        raise CannotSee("no node with a device runs: no pod asked for one, or its groups are empty")
    lacking = [one["metadata"]["name"] for one in with_devices if not _offers(one)]
    if lacking:  # what a driver of Dynamic Resource Allocation hands out is not among a node's resources
        claimable = {(one.get("spec") or {}).get("nodeName") for one in seen.objects("resourceslices.resource.k8s.io")}
        lacking = [name for name in lacking if name not in claimable]
    return f"offer no device: {', '.join(lacking[:5])}" if lacking else None


def _offers(node: dict[str, Any]) -> bool:
    """Returns whether a node offers its device, as a whole or in parts (nvidia.com/mig-1g.5gb)."""
    device = device_of(_labels(node)["node.kubernetes.io/instance-type"])
    domains = {name.partition("/")[0] for name in load("devices")["resources"].get(device, ["amd.com/gpu"])}
    return any(name.partition("/")[0] in domains and amount != "0" for name, amount in _allocatable(node).items())


@assumption(
    "Karpenter's role, instance profile and selectors are enough: each of its node classes is ready",
    "kubectl get ec2nodeclasses,nodepools,nodeclaims",
    applies=lambda seen: seen.cluster.compute.karpenter is not None,
)
def _karpenter_ready(seen: Seen) -> str | None:
    wrong = [
        f"{one.get('kind')}/{one['metadata']['name']}"
        for what in ("ec2nodeclasses.karpenter.k8s.aws", "nodepools.karpenter.sh", "nodeclaims.karpenter.sh")
        for one in seen.objects(what)
        if not any(
            c.get("type") == "Ready" and c.get("status") == "True"
            for c in (one.get("status") or {}).get("conditions") or []
        )
    ]
    return f"not ready: {', '.join(wrong[:5])}" if wrong else None


@assumption(
    "Hybrid nodes of every site join over your connection, with the credentials of their handout",
    "kubectl get nodes -l eks.amazonaws.com/compute-type=hybrid -L topology.kubernetes.io/zone",
    applies=lambda seen: seen.cluster.compute.hybrid_nodes is not None,
)
def _hybrid_join(seen: Seen) -> str | None:
    section = seen.cluster.compute.hybrid_nodes
    zones = {
        _labels(one).get("topology.kubernetes.io/zone") for one in _nodes(seen, **KINDS["hybrid_nodes"].node_selector)
    }
    missing = [site.name for site in section.sites if site.name not in zones] if section and section.enabled else []
    if missing:
        raise CannotSee(f"no node of {', '.join(missing)} has joined yet (docs/hybrid.md)")
    return None


@assumption(
    "Whoever applies from Git (Argo CD in the hub, Flux in each cluster) reads the repository and may write what is in it",
    f"kubectl get {_SYNCED} -A; kubectl get {_KUSTOMIZED} -A",
    applies=lambda seen: seen.cluster.delivery == "gitops",
)
def _synced(seen: Seen) -> str | None:
    engine = seen.environment.gitops.engine if seen.environment.gitops else "argo_cd"
    found = seen.objects(_SYNCED if engine == "argo_cd" else _KUSTOMIZED, "--all-namespaces")
    if not found:
        raise CannotSee(
            "there is none here: the hub is another cluster, or the tree was not bootstrapped (docs/gitops.md)"
        )
    wrong = [one["metadata"]["name"] for one in found if not _is_synced(one)]
    return f"not synced and healthy: {', '.join(wrong[:5])}" if wrong else None


def _is_synced(item: dict[str, Any]) -> bool:
    status = item.get("status") or {}
    if "sync" in status or "health" in status:
        return (status.get("sync") or {}).get("status") == "Synced" and (status.get("health") or {}).get(
            "status"
        ) == "Healthy"
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or [])


@assumption(
    "Each capability becomes ACTIVE with the role that it gets here",
    "aws eks list-capabilities --cluster-name CLUSTER; aws eks describe-capability --cluster-name CLUSTER --capability-name NAME",
    applies=lambda seen: seen.cluster.capabilities is not None,
)
def _capabilities_active(seen: Seen) -> str | None:
    capabilities = seen.each("list_capabilities", "capabilities", "describe_capability", "capability", "capabilityName")
    return not_active(capabilities)


@assumption(
    "The scraper of Amazon Managed Prometheus becomes ACTIVE, by the access entry that it makes itself",
    "aws amp list-scrapers --query scrapers[].[alias,status]",
    applies=lambda seen: seen.cluster.prometheus is not None,
)
def _scraper_active(seen: Seen) -> str | None:
    arn = seen.described().get("arn")
    scrapers = seen.account.items("amp", "list_scrapers", "scrapers")
    own = [
        one for one in scrapers if ((one.get("source") or {}).get("eksConfiguration") or {}).get("clusterArn") == arn
    ]
    wrong = [str((one.get("status") or {}).get("statusCode")) for one in own]
    return None if own and set(wrong) == {"ACTIVE"} else f"its scraper is {', '.join(wrong) or 'not there'}"


@assumption(
    "AWS Backup backs up EKS clusters in this region: somebody switched that on",
    "aws backup describe-region-settings --query ResourceTypeOptInPreference.EKS",
    applies=lambda seen: seen.cluster.backup is not None,
)
def _backups_switched_on(seen: Seen) -> str | None:
    chosen = seen.account.one("backup", "describe_region_settings", "ResourceTypeOptInPreference") or {}
    return None if chosen.get("EKS") is True else "EKS is off in the region's settings (docs/services.md)"
