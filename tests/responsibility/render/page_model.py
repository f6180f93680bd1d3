"""The model that the page's test documents use: components, checks and versions, made up but shaped like the real ones."""

from datetime import date
from typing import Any

from responsibility.document import CellInfo, ComponentInfo, VersionSupport
from responsibility.findings import CheckInfo
from responsibility.model import COMPUTE_KINDS, KIND_NAMES

AS_OF = date(2026, 11, 24)
DOCS = "https://docs.aws.amazon.com/eks/latest/userguide/"
# Owners in the order of COMPUTE_KINDS (auto, managed, fargate, hybrid, self-managed): A = AWS, S = shared, C = you, N = not available.
_ROWS = """
control_plane api_server API server: AAAAA
control_plane etcd etcd: AAAAA
control_plane scheduler Scheduler and controller manager: AAAAA
control_plane endpoint Endpoint access: CCCCC
control_plane version Kubernetes version: CCCCC
control_plane logs Control plane logs: CCCCC
control_plane encryption Encryption of API data: SSSSS
worker_node kubelet kubelet: ASSCC
worker_node runtime Container runtime: ASSCC
worker_node kube_proxy kube-proxy: ACASC
worker_node os Operating system: ASACC
worker_node ami Machine image (AMI): ASACC
worker_node identity Node identity: SCCCC
worker_node repair Node repair: ASNNC
worker_node autoscaling Node autoscaling: ACACC
integration vpc VPC, subnets and routes: CCCCC
integration security_groups Security groups: CCCCC
integration cni Pod networking (CNI): ACACC
integration dns Cluster DNS: ACCSC
integration load_balancing Load balancing: SCCCC
integration block_storage Block storage: SCNNC
integration file_storage File storage: CCSCC
integration iam_people IAM for people: CCCCC
integration iam_pods IAM for pods: SCCCC
integration observability Logs, metrics and traces of workloads: CCCCC
workloads images Container images: CCCCC
workloads configuration Configuration and secrets: CCCCC
workloads availability Availability of workloads: CCCCC
workloads network_policy Network policy: SCNCC
workloads quotas Quotas and limits: CCCCC
workloads pod_security Pod security: CCCCC
workloads data Data protection: CCCCC
"""
_OWNERS: dict[str, Any] = {"A": "aws", "S": "shared", "C": "customer", "N": "not_available"}

_CHECKS: list[tuple[str, str, Any]] = [
    ("The public API endpoint is limited to known addresses", "endpoint", "critical"),
    ("Nobody but break-glass roles is cluster administrator", "iam_people", "critical"),
    ("The Kubernetes version is in standard support", "version", "high"),
    ("The control plane logs that an investigation needs are on", "logs", "high"),
    ("Secrets are encrypted with a key of yours", "encryption", "high"),
    ("The nodes' operating system is one that AWS still builds", "os", "high"),
    ("Updates of node groups respect disruption budgets", "availability", "medium"),
    ("The node role cannot change the network", "identity", "medium"),
    ("Pods of the node network cannot read the node's credentials", "identity", "medium"),
    ("Node repair is on", "repair", "medium"),
    ("Each zone has its own NAT gateway", "vpc", "medium"),
    ("VPC flow logs are on", "observability", "low"),
    ("Add-on versions are pinned", "cni", "low"),
    ("Every Deployment with replicas has a disruption budget", "availability", "low"),
    ("Image tags do not move", "images", "low"),
    ("Namespaces have a default network policy", "network_policy", "low"),
]
VERSIONS = [
    ("1.32", date(2025, 1, 23), date(2026, 3, 23), date(2027, 3, 23)),
    ("1.33", date(2025, 5, 29), date(2026, 7, 29), date(2027, 7, 29)),
    ("1.34", date(2025, 10, 2), date(2026, 12, 2), date(2027, 12, 2)),
    ("1.35", date(2026, 1, 27), date(2027, 3, 27), date(2028, 3, 27)),
    ("1.36", date(2026, 6, 2), date(2027, 8, 2), date(2028, 8, 2)),
]


def versions() -> list[VersionSupport]:
    found = []
    for name, released, standard, extended in VERSIONS:
        state: Any = "standard" if standard >= AS_OF else "extended"
        until = standard if state == "standard" else extended
        found.append(
            VersionSupport(
                version=name,
                released=released,
                standard_until=standard,
                extended_until=extended,
                state=state,
                days_left=(until - AS_OF).days,
            )
        )
    return [*found, VersionSupport(version="1.37", state="unknown")]


def components(kinds: list[Any]) -> list[ComponentInfo]:
    rows = []
    for line in _ROWS.strip().splitlines():
        head, _, owners = line.rpartition(": ")
        group, id_, name = head.split(" ", 2)
        cells = [
            CellInfo(
                kind=kind,
                owner=_OWNERS[owner],
                aws=f"Builds, runs and patches the {name} for {KIND_NAMES[kind]} and replaces what fails.",
                you="Choose when it happens, watch the outcome, and keep your workloads ready for a restart.",
                source=f"{DOCS}{id_.replace('_', '-')}.html",
                checked=date(2026, 11, 20),
                disagree="The best practices guide calls it yours." if (id_, kind) == ("os", "managed_nodes") else "",
                unverified="Whether AWS repairs it is not stated." if owner == "N" else "",
            )
            for kind, owner in zip(COMPUTE_KINDS, owners, strict=True)
            if kind in kinds
        ]
        rows.append(ComponentInfo(id=id_, name=name, what=f"What {name} is, in a sentence.", group=group, cells=cells))
    return rows


def checks() -> list[CheckInfo]:
    return [
        CheckInfo(
            code=f"EKR{number:03}",
            title=title,
            component=component,
            kinds=list(COMPUTE_KINDS),
            severity=severity,
            why="Whoever finds the address may try a stolen token or a fresh hole in the API server, from anywhere.",
            fix="Set `ResourcesVpcConfig.PublicAccessCidrs` to your networks, or switch the public endpoint off.",
            source=f"{DOCS}{component.replace('_', '-')}.html",
        )
        for number, (title, component, severity) in enumerate(_CHECKS, 1)
    ]
