"""NodePool objects: those that Auto Mode brings, and what is read of each."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from eks_facts.files import load
from eks_facts.node_selection import ARCHITECTURE
from local_kubernetes.client import Object
from local_kubernetes.nodes.mirror import Mirror
from local_kubernetes.nodes.node import CAPACITY

AUTO_GROUP = "eks.amazonaws.com"
_ANNOTATION = "local-kubernetes/pool-hash", "local-kubernetes/node-class-hash"
_RESOLVED = frozenset(
    {"subnetSelectorTerms", "securityGroupSelectorTerms", "podSubnetSelectorTerms", "podSecurityGroupSelectorTerms",
     "capacityReservationSelectorTerms"}
)  # fmt: skip
"""Fields of a node class that Karpenter compares by what they select, which nobody looks up here."""


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


def origin(mirror: Mirror, pool: Object) -> dict[str, str]:
    """Returns the annotations of a new node, by which it is known later what its pool and its node class said then."""
    node_class = _class_of(mirror, pool)
    static = {key: value for key, value in template(pool).items() if key != "requirements"}
    about = pool["spec"]["template"].get("metadata") or {}
    found = {_ANNOTATION[0]: _hash({"metadata": about, "spec": static})}
    if node_class:
        fields = {key: value for key, value in (node_class.get("spec") or {}).items() if key not in _RESOLVED}
        found[_ANNOTATION[1]] = _hash(fields)
    return found


def _class_of(mirror: Mirror, pool: Object) -> Object | None:
    kind = "node_classes" if is_auto(pool) else "ec2_node_classes"
    return mirror.of.get(kind, {}).get(("", str(template(pool)["nodeClassRef"].get("name", ""))))


def _hash(value: Mapping[str, Any]) -> str:
    return sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """Returns a value without what is empty, and with lists in one order: Karpenter reads lists as sets."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
