"""What the local AWS knows of AWS's side of a cluster: one row for each simulated rule, with AWS's page about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"


@dataclass(frozen=True)
class Row:
    """A simulated rule: what AWS does, in a sentence, and its page."""

    name: str
    says: str
    page: str
    kinds: tuple[str, ...]
    """What it is about: kinds of Kubernetes objects."""


_NODES = (
    # of local_kubernetes/nodes/: its page, what it is about, what AWS does
    (
        "managed-node-groups",
        "Node",
        "A managed node group has its desired number of nodes: labels, taints, zones, room by instance type.",
    ),
    (
        "create-node-pool",
        "Node",
        "Auto Mode starts a node where a pod fits a NodePool: requirements, weight, limits, taints; it ends those that are"
        " empty, moves pods onto fewer or cheaper ones, and replaces those that drift, within the budgets of the pool.",
    ),
    (
        "fargate-pod-configuration",
        "Pod",
        "A pod that a Fargate profile selects gets a node of its own, of the size that it needs.",
    ),
    (
        "fargate",
        "Pod",
        "Fargate refuses pods that need what it does not have, such as EBS volumes, privileges or host ports.",
    ),
)
ROWS = [Row(page, says, f"{GUIDE}{page}.html", (kind,)) for page, kind, says in _NODES]
NOT_SIMULATED = (
    "containers, images, logs and `kubectl exec`: a pod that can start is Running, whatever its program does",
    "network: addresses are made up, Services and network policies have no effect, health checks of load balancers always pass",
    "metrics: a HorizontalPodAutoscaler sees none, and changes nothing",
    "charts: their controllers are Deployments by name alone, without rights and webhooks; the kinds that your objects need take any field",
    "webhooks of EKS and of charts: objects are not mutated, but for the scheduler of Fargate's pods",
    "drift by what a node class selects: a node stays where other subnets, security groups or reservations are selected",
    "use of memory and disk: a node evicts for lack of them where pods declare what they use, by annotation (docs/rehearse.md)",
    "webhooks of your own: with a ready pod behind it one times out (no program runs); without one it fails as on EKS",
    "EFS, S3 and FSx for Lustre: a static volume binds, nothing is mounted and no file system is looked up",
    "IAM permissions of pods: their trust is judged, what the role may do is not, but for attaching EBS volumes",
    "the rights of the EBS driver to make volumes and to use their KMS keys",
    "access policies other than AmazonEKSClusterAdminPolicy, which need RBAC of your own here",
    "EC2 instances of node groups: the APIs list them, no machine starts, lifecycle hooks do not wait, an instance refresh is done at once",
    "nodeadm, the network to a site and the CNI of hybrid nodes: a hybrid node is ready as it joins",
    "controllers of capabilities: their objects are taken, by definitions without fields, and nothing acts on them",
    "IPv6 addresses of Services",
)
"""Shown below the table."""

_Function = TypeVar("_Function", bound=Callable[..., object])


def simulated(page: str, *kinds: str) -> Callable[[_Function], _Function]:
    """Adds the decorated function to the table; its docstring says what AWS does."""

    def add(function: _Function) -> _Function:
        says = (function.__doc__ or "").strip().splitlines()[0]
        ROWS.append(Row(function.__name__, says, page, kinds))
        return function

    return add
