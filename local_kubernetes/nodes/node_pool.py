"""NodePool objects: those that Auto Mode brings, and what is read of each."""

from collections.abc import Mapping
from typing import Any

from eks_facts.files import load
from eks_facts.node_selection import ARCHITECTURE
from local_kubernetes.client import Object
from local_kubernetes.nodes.node import CAPACITY

AUTO_GROUP = "eks.amazonaws.com"


def built_in() -> dict[str, Object]:
    """Returns the node pools that Auto Mode brings, by name. https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html"""
    found = {}
    for name, row in load("compute_kinds")["built_in_node_pools"].items():
        if name == "source":
            continue
        requirements = [
            {"key": CAPACITY, "operator": "In", "values": ["on-demand"]},
            {"key": ARCHITECTURE, "operator": "In", "values": row["architectures"]},
            {"key": f"{AUTO_GROUP}/instance-category", "operator": "In", "values": ["c", "m", "r"]},
            {"key": f"{AUTO_GROUP}/instance-generation", "operator": "Gt", "values": ["4"]},
            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        ]
        found[name] = {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": name},
            "spec": {
                "disruption": {
                    "budgets": [{"nodes": "10%"}],
                    "consolidateAfter": "30s",
                    "consolidationPolicy": "WhenEmptyOrUnderutilized",
                },
                "template": {
                    "metadata": {"labels": {}},
                    "spec": {
                        "expireAfter": "336h",
                        "terminationGracePeriod": "24h0m0s",
                        "nodeClassRef": {"group": AUTO_GROUP, "kind": "NodeClass", "name": "default"},
                        "requirements": requirements,
                        "taints": row["taints"],
                    },
                },
            },
        }
    return found


def template(pool: Object) -> Mapping[str, Any]:
    """Returns the spec of a pool's nodes."""
    spec: Mapping[str, Any] = pool["spec"]["template"]["spec"]
    return spec


def is_auto(pool: Object) -> bool:
    """Returns whether a pool is Auto Mode's."""
    return bool(template(pool)["nodeClassRef"]["group"] == AUTO_GROUP)
