"""Nodes that EKS does not make: those of Auto Scaling groups that are tagged for a cluster, and hybrid nodes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from emulator.engine.autoscaling import joining
from emulator.engine.eks.state import Record, State
from emulator.engine.kubernetes.table import GUIDE, simulated
from emulator.process import MACHINES

HYBRID_NODES = 2
"""Machines that join a cluster that is ready for hybrid nodes, as if somebody had run nodeadm on so many."""

SITE = {"topology.kubernetes.io/zone": "site"}
"""EKS labels no machine of a site with a zone; its owner does, so that pods spread over sites and AWS
(https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-webhooks.html)."""


def joined(state: State, cluster: str) -> list[Record]:
    """Returns them, in the words of ``local_kubernetes.nodes.compute.Compute.instances``."""
    entries = list(state.of("accessEntry", cluster))
    return [*_self_managed(cluster, entries), *_hybrid(state.cluster(cluster), entries)]


@simulated(f"{GUIDE}launch-workers.html", "Node")
def _self_managed(cluster: str, entries: list[Record]) -> Iterator[Record]:
    """Instances of an Auto Scaling group join the cluster that it is tagged for, if their role has an access entry of nodes."""
    yield from joining(cluster, {str(one["principalArn"]).rsplit("/", 1)[-1]: str(one["type"]) for one in entries})


@simulated(f"{GUIDE}hybrid-nodes-overview.html", "Node")
def _hybrid(cluster: Record, entries: list[Record]) -> Iterator[Record]:
    """Hybrid nodes join a cluster with remote node networks and an access entry HYBRID_LINUX: those of its sites, else two."""
    networks = (cluster.get("remoteNetworkConfig") or {}).get("remoteNodeNetworks") or []
    if any(one.get("cidrs") for one in networks) and any(one["type"] == "HYBRID_LINUX" for one in entries):
        generic = {
            "name": "hybrid",
            "count": HYBRID_NODES,
            "hybrid": True,
            "instance_type": "m7i.2xlarge",
            "labels": SITE,
        }
        yield from _handed_over().get(str(cluster["name"]), [generic])


def _handed_over() -> dict[str, list[Record]]:
    """Returns the machines of sites that `make demo` has handed over, by cluster."""
    path = Path(os.environ["EMULATOR_LOCK"]).parent / MACHINES
    found: dict[str, list[Record]] = json.loads(path.read_text()) if path.exists() else {}
    return found
