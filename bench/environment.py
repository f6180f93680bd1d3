"""The environment files that are timed: one network and N clusters, each kind of compute for every third of them."""

import copy
import itertools
from pathlib import Path
from typing import Any

import yaml

from safe_io.output import write

KINDS: list[dict[str, Any]] = [
    {"managed_nodes": {"groups": [{"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 4}]}},
    {"fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "default"}, {"namespace": "apps"}]}]}},
    {"auto_mode": {}},
]
"""peer/app.js has the same three."""


def write_environment(folder: Path, clusters: int) -> Path:
    """Writes an environment file with ``clusters`` clusters into ``folder`` and returns its path."""
    environment = {
        "name": "bench",
        "network": {"cidr": "10.40.0.0/16", "availability_zones": 2, "nat": "one"},
        "clusters": [
            {
                "name": f"bench-{number:02}",
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": [{"new_role": "admin"}]},
                "compute": copy.deepcopy(kind),  # or YAML would write aliases
            }
            for number, kind in zip(range(1, clusters + 1), itertools.cycle(KINDS), strict=False)
        ],
    }
    path = folder / f"bench-{clusters}.yaml"
    write(path, yaml.safe_dump(environment, sort_keys=False))
    return path
