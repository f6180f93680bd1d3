"""Hybrid nodes of an assembly's sites, as if somebody had followed the files that it has for them (docs/hybrid.md)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from safe_io.errors import BadInput
from safe_io.terminal import one_line

MACHINES = 2
"""So many join at a site whose nodes have no names, if its activation registers so many."""
_TYPES = {"amd64": "m7i.2xlarge", "arm64": "m7g.2xlarge"}
"""A machine has as much room for pods as an instance of this type."""
_LABELS = re.compile(r"--node-labels=(\S+)")


def machines(assembly: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns the nodes of each cluster's sites, in the words of ``local_kubernetes.nodes.compute.Compute.instances``. Raises BadInput."""
    found = {}
    for path in sorted(assembly.glob("hybrid/*/sites.json")):
        try:
            found[path.parent.name] = list(_of_sites(path.parent, json.loads(path.read_text())))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
            words = f"{path}: it, or a file of nodes beside it, is not as a synth writes it. Make it again: make synth ENV=..."
            raise BadInput(one_line(words)) from None
    return found


def _of_sites(folder: Path, index: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, site in index["sites"].items():
        file = f"{(site['nodes'] or ['nodeConfig'])[0]}.yaml"
        kubelet = yaml.safe_load((folder / name / file).read_text())["spec"]["kubelet"]
        labels = _LABELS.search(" ".join(kubelet["flags"]))
        yield {
            "name": name,
            "hybrid": True,
            "count": len(site["nodes"]) or min(MACHINES, site["max_nodes"]),
            "instance_type": _TYPES[site["architecture"]],
            "zone": name,
            "labels": dict(pair.split("=", 1) for pair in labels[1].split(",")) if labels else {},
            "taints": (kubelet.get("config") or {}).get("registerWithTaints") or [],
            "version": site["kubernetes_version"],
            "names": site["nodes"],
            "networks": site["networks"],
            "pod_networks": site["pod_networks"],
        }
