"""Assumptions that the Kubernetes API shows: see operations/assumptions.py."""

from collections.abc import Mapping
from typing import Any

from operations.assumptions import CannotSee, Seen, assumption, has_auto_mode, has_managed_nodes


@assumption("Every node is Ready, on each kind of compute", "kubectl get nodes")
def _nodes_ready(seen: Seen) -> str | None:
    nodes = seen.objects("nodes")
    wrong = [str(node["metadata"]["name"]) for node in nodes if not _condition(node, "Ready")]
    if wrong:
        return f"not ready: {', '.join(wrong[:5])}"
    return None if nodes or not has_managed_nodes(seen) else "there is no node"


@assumption(
    "Auto Mode may launch nodes with the cluster role and the node role as they are",
    "kubectl get nodeclaims; kubectl get events -A --field-selector type=Warning",
    applies=has_auto_mode,
)
def _auto_mode_launches(seen: Seen) -> str | None:
    claims = seen.objects("nodeclaims.karpenter.sh")
    wrong = [str(claim["metadata"]["name"]) for claim in claims if not _condition(claim, "Ready")]
    if wrong:
        return f"node claims are not ready: {', '.join(wrong[:5])}: kubectl describe nodeclaim {wrong[0]}"
    if not claims:
        raise CannotSee("Auto Mode has made no node yet: no pod asked for one")
    return None


@assumption(
    "No pod waits for a place, an image, a role or a volume",
    "kubectl get pods -A --field-selector status.phase=Pending",
)
def _no_pod_waits(seen: Seen) -> str | None:
    pods = seen.objects("pods", "--all-namespaces")
    wrong = []
    for pod in pods:
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        reasons = [(one.get("state") or {}).get("waiting", {}).get("reason") for one in statuses]
        if (pod.get("status") or {}).get("phase") == "Pending" or "CrashLoopBackOff" in reasons:
            wrong.append(f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}")
    return f"{len(wrong)} wait or crash: {', '.join(wrong[:5])}" if wrong else None


@assumption(
    "Volumes are made and attach, by the driver of each kind of compute", "kubectl get persistentvolumeclaims -A"
)
def _volumes_bound(seen: Seen) -> str | None:
    claims = seen.objects("persistentvolumeclaims", "--all-namespaces")
    wrong = [
        f"{one['metadata'].get('namespace')}/{one['metadata']['name']}"
        for one in claims
        if (one.get("status") or {}).get("phase") != "Bound"
    ]
    return f"not bound: {', '.join(wrong[:5])}" if wrong else None


@assumption(
    "Each Ingress and each Service of type LoadBalancer gets an address from its controller",
    "kubectl get ingress,service -A",
)
def _load_balancers_have_addresses(seen: Seen) -> str | None:
    asked = [
        one
        for one in [*seen.objects("ingresses", "--all-namespaces"), *seen.objects("services", "--all-namespaces")]
        if one.get("kind") == "Ingress" or (one.get("spec") or {}).get("type") == "LoadBalancer"
    ]
    wrong = [
        f"{one['metadata'].get('namespace')}/{one['metadata']['name']}"
        for one in asked
        if not ((one.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    ]
    return f"without an address: {', '.join(wrong[:5])}" if wrong else None


_GATED = ("eks.amazonaws.com/pod-readiness-gate-inject", "elbv2.k8s.aws/pod-readiness-gate-inject")


@assumption(
    "The webhook of each load balancer controller gives pods a readiness gate, in the namespaces with its label",
    "kubectl get pods -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,GATES:.spec.readinessGates",
)
def _pods_have_gates(seen: Seen) -> str | None:
    labelled = {
        str(one["metadata"]["name"])
        for one in seen.objects("namespaces")
        if any((one["metadata"].get("labels") or {}).get(label) == "enabled" for label in _GATED)
    }
    # Pods of one namespace that are behind no load balancer have none: where nobody has one, the webhook did nothing.
    gates: dict[str, bool] = {}
    for pod in seen.objects("pods", "--all-namespaces"):
        namespace = str(pod["metadata"].get("namespace"))
        if namespace in labelled and (pod.get("status") or {}).get("phase") == "Running":
            own = (pod.get("spec") or {}).get("readinessGates") or []
            has = any(str(one.get("conditionType")).startswith("target-health.") for one in own)
            gates[namespace] = gates.get(namespace, False) or has
    wrong = sorted(namespace for namespace, has in gates.items() if not has)
    return f"no pod has one in {', '.join(wrong[:5])}: pods that are older than the label get none" if wrong else None


@assumption(
    "Network policies are switched on: ConfigMap amazon-vpc-cni says so, whoever owns it (with managed nodes the vpc-cni add-on)",
    "kubectl get configmap amazon-vpc-cni -n kube-system -o yaml --show-managed-fields",
    applies=has_auto_mode,
)
def _network_policies_on(seen: Seen) -> str | None:
    found = seen.objects("configmap/amazon-vpc-cni", "--namespace", "kube-system")
    if not found:
        return "there is no such ConfigMap: network policies do nothing"
    value = (found[0].get("data") or {}).get("enable-network-policy-controller")
    return None if value == "true" else f"enable-network-policy-controller is {value}"


def _condition(item: Mapping[str, Any], kind: str) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(one.get("type") == kind and one.get("status") == "True" for one in conditions)
