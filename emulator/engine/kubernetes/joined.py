"""Nodes that EKS does not make: those of Auto Scaling groups that are tagged for a cluster, and hybrid nodes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from emulator.engine.autoscaling import joining
from emulator.engine.eks.state import Record, State
from emulator.engine.kubernetes.table import GUIDE, simulated
from emulator.process import MACHINES
from local_kubernetes.nodes.compute import HYBRID_NODES


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
        yield from _handed_over().get(str(cluster["name"]), [dict(HYBRID_NODES)])


def _handed_over() -> dict[str, list[Record]]:
    """Returns the machines of sites that `make demo` has handed over, by cluster."""
    path = Path(os.environ["EMULATOR_LOCK"]).parent / MACHINES
    found: dict[str, list[Record]] = json.loads(path.read_text()) if path.exists() else {}
    return found
