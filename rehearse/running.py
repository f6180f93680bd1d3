"""Reads a case from a running cluster by kubectl, which only gets: nothing is written to it. And makes its nodes anew."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from typing import Any

from local_kubernetes.nodes.compute import Compute, Runner
from local_kubernetes.nodes.disruption import DO_NOT
from local_kubernetes.nodes.node import CAPACITY, COMPUTE_TYPE, GROUP, KIND, POOL, ZONE, Node
from local_kubernetes.nodes.world import World
from rehearse.case import Case, Given, Object, is_made, owner_of
from safe_io.errors import BadInput

_KINDS = (
    "namespaces", "priorityclasses", "storageclasses", "configmaps", "serviceaccounts", "resourcequotas", "limitranges",
    "services", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "jobs.batch", "cronjobs.batch",
    "pods", "persistentvolumeclaims", "poddisruptionbudgets.policy", "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io", "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations", "nodes",
)  # fmt: skip
_OPTIONAL = (
    "nodepools.karpenter.sh",
    "persistentvolumes",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)
"""Secrets are not among them: a rehearsal does not need what is in them, and pods that mount them start all the same here."""
_NOT_SERVED = "the server doesn't have a resource type"
_SECONDS = 120


def read_running(name: str, kubectl: str, context: str | None, kubeconfig: str | None) -> Case:
    """Returns the case of the cluster that a kubeconfig names. Raises BadInput: kubectl cannot read it."""
    base = [
        kubectl,
        *(["--context", context] if context else []),
        *(["--kubeconfig", kubeconfig] if kubeconfig else []),
    ]
    version = json.loads(_get(base, "get", "--raw", "/version"))
    minor = f"{version['major']}.{str(version['minor']).rstrip('+')}"
    items: list[Object] = []
    unread: list[str] = []
    for kind in (*_KINDS, *_OPTIONAL):
        try:
            found = json.loads(_get(base, "get", kind, "--all-namespaces", "-o", "json"))
        except BadInput as problem:
            if kind not in _OPTIONAL:
                raise
            if _NOT_SERVED not in str(problem):
                unread.append(f"{kind} could not be read, and are left out: {problem}")
            continue
        items += found["items"]
    nodes = [one for one in items if one["kind"] == "Node"]
    objects = [Given(one, f"cluster {name}") for one in items if one["kind"] != "Node" and not _made(one)]
    return Case(
        name, f"cluster {name}, read by kubectl", compute_of(minor, nodes), objects, nodes,
        ("the update settings of node groups are not in Kubernetes: one node at a time is played",
         "Fargate profiles are not in Kubernetes: new pods go where their scheduler's name says", *_operators(items), *unread),
    )  # fmt: skip


def _made(item: Object) -> bool:
    """Whether the control plane makes an object by itself, or a controller from another one."""
    metadata = item["metadata"]
    if item["kind"] == "ConfigMap" and metadata["name"] == "kube-root-ca.crt":
        return True
    if item["kind"] == "ServiceAccount" and metadata["name"] == "default":
        return True
    if item["kind"] == "Service" and (metadata.get("namespace"), metadata["name"]) == ("default", "kubernetes"):
        return True
    if item["kind"] == "PriorityClass" and metadata["name"].startswith("system-"):
        return True
    return is_made(item) or _of_an_operator(item)


def _of_an_operator(item: Object) -> bool:
    """Whether a controller that is not Kubernetes' own makes a pod: it does not run in a rehearsal."""
    return item["kind"] == "Pod" and owner_of(item) is not None and not is_made(item)


def _operators(items: Sequence[Object]) -> list[str]:
    """Returns what makes pods by itself, in sentences."""
    found = Counter(
        (str(owner["kind"]), item["metadata"]["namespace"], str(owner["name"]))
        for item in items
        if _of_an_operator(item) and (owner := owner_of(item))
    )
    return [
        f"{kind} {space}/{name} has {count} pods that its own controller makes: they are left out"
        for (kind, space, name), count in sorted(found.items())
    ]


def _get(base: Sequence[str], *arguments: str) -> str:
    command = [*base, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603 (kubectl)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise BadInput(f"{base[0]} {' '.join(arguments)}: {problem}") from None
    if done.returncode:
        raise BadInput(f"kubectl {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return done.stdout


def compute_of(version: str, nodes: Sequence[Object]) -> Compute:
    """Returns what is known of a running cluster's compute by its nodes."""
    groups: dict[str, list[Object]] = {}
    subnets: dict[str, dict[str, str]] = {}
    instances = []
    for node in nodes:
        labels = node["metadata"].get("labels") or {}
        if zone := labels.get(ZONE):
            subnets[f"subnet-{zone}"] = {"zone": zone}
        if _runner(labels) == "managed_nodes":
            groups.setdefault(labels[GROUP], []).append(node)
        elif _runner(labels) in ("self_managed_nodes", "hybrid_nodes"):
            hybrid = _runner(labels) == "hybrid_nodes"
            instances.append(
                {
                    "name": "hybrid" if hybrid else "self-managed",
                    "hybrid": hybrid,
                    "count": 1,
                    "zone": labels.get(ZONE, "us-east-1a"),
                }
            )
    rows: list[dict[str, Any]] = []
    for name, of in sorted(groups.items()):
        labels = of[0]["metadata"]["labels"]
        own = {
            key: value
            for key, value in labels.items()
            if not any(mark in key for mark in ("kubernetes.io/", "eks.amazonaws.com/", "k8s.io/"))
        }
        rows.append(
            {
                "nodegroupName": name,
                "scalingConfig": {"minSize": len(of), "maxSize": len(of), "desiredSize": len(of)},
                "instanceTypes": [labels.get("node.kubernetes.io/instance-type", "m5.large")],
                "labels": own,
                "taints": [one for one in of[0]["spec"].get("taints") or [] if "kubernetes.io/" not in one["key"]],
                "subnets": sorted(
                    {f"subnet-{one['metadata']['labels'][ZONE]}" for one in of if ZONE in one["metadata"]["labels"]}
                ),
                "amiType": "AL2023_x86_64_STANDARD",
            }
        )
    auto = any((node["metadata"].get("labels") or {}).get(COMPUTE_TYPE) == "auto" for node in nodes)
    merged = {
        one["name"]: {**one, "count": sum(other["name"] == one["name"] for other in instances)} for one in instances
    }
    return Compute({"version": version, "computeConfig": {"enabled": auto}}, rows, (), subnets, list(merged.values()))


def _runner(labels: dict[str, str]) -> Runner:
    if GROUP in labels:
        return "managed_nodes"
    if labels.get(COMPUTE_TYPE) == "fargate":
        return "fargate"
    if labels.get(COMPUTE_TYPE) == "hybrid":
        return "hybrid_nodes"
    if POOL in labels:
        return "auto_mode" if labels.get(COMPUTE_TYPE) == "auto" else "karpenter"
    return "self_managed_nodes"


def restore(world: World, nodes: Sequence[Object]) -> None:
    """Lets nodes join that are as those of a running cluster: names, labels, taints, room. Fargate's come with their pods."""
    for item in nodes:
        labels = dict(item["metadata"].get("labels") or {})
        runner = _runner(labels)
        if runner == "fargate":
            continue
        name = item["metadata"]["name"]
        version = ".".join(str(item["status"]["nodeInfo"]["kubeletVersion"]).lstrip("v").split(".")[:2])
        group = labels.get(GROUP) or labels.get(POOL) or ("hybrid" if runner == "hybrid_nodes" else "self-managed")
        taints = [one for one in item["spec"].get("taints") or [] if not one["key"].startswith("node.kubernetes.io/")]
        capacity = {
            key: value for key, value in item["status"]["allocatable"].items() if not key.startswith("hugepages-")
        }
        labels |= {KIND: runner, **({CAPACITY: labels[CAPACITY]} if CAPACITY in labels else {})}
        kept = {DO_NOT: "true"} if (item["metadata"].get("annotations") or {}).get(DO_NOT) == "true" else {}
        world.add(
            Node(
                name, runner, group, labels.get(ZONE, "us-east-1a"), version, capacity, labels, taints, annotations=kept
            )
        )
