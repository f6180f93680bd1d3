"""Network policies where an ipBlock does not match what runs on the pod's own node."""

from collections.abc import Mapping
from typing import Any

from delivery.object_kind import KubernetesObject, kind_of
from eks_constructs.pod_identities import AGENT_CIDRS
from stacks.placement.kinds import Placement


def let_agent(item: KubernetesObject, placement: Placement) -> None:
    """Lets pods reach the Pod Identity agent of their node.

    Cilium calls the agent's address ``host``, which no ipBlock matches (https://github.com/cilium/cilium/issues/34387); a rule without
    peers does. So a rule that names the agent alone keeps its ports and loses its peers.
    """
    if placement.rule.policies_reach_the_node or kind_of(item) != "NetworkPolicy":
        return
    for rule in item["spec"].get("egress") or []:
        peers = rule.get("to") or []
        if peers and rule.get("ports") and all(_is_agent(peer) for peer in peers):
            del rule["to"]


def _is_agent(peer: Mapping[str, Any]) -> bool:
    return set(peer) == {"ipBlock"} and peer["ipBlock"].get("cidr") in AGENT_CIDRS
