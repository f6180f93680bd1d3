"""Environments for tests: the shipped ones, and small ones made from nothing."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from safe_io.layers import Layered
from stacks.environment.path import environment_names

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = environment_names()
TODAY = date(2026, 11, 23)
"""The day support dates are held against, so that tests do not age."""

SHIPPED = [pytest.param(name, marks=pytest.mark.xdist_group(f"shipped-{name}"), id=name) for name in ENVIRONMENTS]
"""The shipped environments: tests of one share a process, and with it what it was synthesised to (``shipped``)."""


def environment_data(name: str) -> dict[str, Any]:
    """The shipped environment ``name`` as plain data, to be changed and validated; its manifests are found from anywhere."""
    path = ROOT / f"environments/{name}.yaml"
    data = yaml.safe_load(path.read_text())
    if "extends" in data:
        data = json.loads(json.dumps(Layered(path).data))
    for cluster in data.get("clusters", []):
        if "manifests" in cluster:
            cluster["manifests"] = [str(path.parent / one) for one in cluster["manifests"]]
    return data


def validated(data: dict[str, Any]):
    from stacks.environment.model import Environment

    return Environment.model_validate_json(json.dumps(data), context={"today": TODAY})


def minimal(compute: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """A small valid environment with one cluster named ``c``; Auto Mode unless ``compute`` says otherwise."""
    return {
        "name": "t",
        "network": {"cidr": "10.0.0.0/16", "availability_zones": 2, "nat": "one"},
        "clusters": [
            {
                "name": "c",
                "control_plane": {"kubernetes_version": "1.36"},
                "access": {"admins": [{"new_role": "admin"}]},
                "compute": compute or {"auto_mode": {}},
                **cluster,
            }
        ],
    }


NODES = {"groups": [{"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 3}]}
FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "apps"}]}]}
