"""The shared responsibility model: who owns which component on which kind of compute, from `data/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from safe_io.yaml_file import load

ComputeKind = Literal["auto_mode", "managed_nodes", "fargate", "hybrid_nodes", "self_managed_nodes"]
"""Where pods run. The first four are the project's compute kinds; self-managed nodes are EC2 instances that joined by themselves."""
Owner = Literal["aws", "shared", "customer", "not_available"]
"""Who acts: ``shared`` = both do, routinely; ``customer`` = you do, AWS at most gives the API."""

COMPUTE_KINDS: tuple[ComputeKind, ...] = get_args(ComputeKind)
OWNERS: tuple[Owner, ...] = get_args(Owner)
KIND_NAMES: dict[ComputeKind, str] = {
    "auto_mode": "Auto Mode",
    "managed_nodes": "Managed nodes (EC2)",
    "fargate": "Fargate",
    "hybrid_nodes": "Hybrid nodes",
    "self_managed_nodes": "Self-managed nodes",
}
OWNER_NAMES: dict[Owner, str] = {"aws": "AWS", "shared": "Shared", "customer": "You", "not_available": "Not available"}
GROUPS = {
    "control_plane": "Control plane",
    "worker_node": "Worker node",
    "integration": "AWS integration",
    "workloads": "Workloads",
}
"""The files of `data/`, from the control plane outwards, and what a table calls them."""
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Cell:
    """One component on one kind of compute: who acts, and what each side does."""

    owner: Owner
    aws: str
    """What AWS does, in a sentence."""
    you: str
    """What the customer does, in a sentence."""
    source: str
    """The AWS page this comes from."""
    checked: date
    disagree: str = ""
    """Which of AWS's pages says otherwise, if one does."""
    unverified: str = ""
    """What could not be confirmed from an AWS page."""


@dataclass(frozen=True, slots=True)
class Component:
    """A row of the model."""

    id: str
    name: str
    what: str
    group: str
    """A key of ``GROUPS``."""
    cells: dict[ComputeKind, Cell]


@cache
def components() -> dict[str, Component]:
    """Returns every component by its id, from the control plane outwards.

    Raises ValueError for data that is not a model: it names the component and the cell.
    """
    found: dict[str, Component] = {}
    for group in GROUPS:
        data = load(_DATA / f"{group}.yaml")
        for row in data["components"]:
            if row["id"] in found:
                raise ValueError(f"component {row['id']} is there twice")
            found[row["id"]] = _component(row, group)
    return found


def _component(row: dict[str, Any], group: str) -> Component:
    missing = set(COMPUTE_KINDS) - set(row["cells"])
    if missing:
        raise ValueError(f"component {row['id']} has no cell for {', '.join(sorted(missing))}")
    cells = {}
    for kind in COMPUTE_KINDS:
        try:
            cells[kind] = Cell(**row["cells"][kind])
        except TypeError as error:
            raise ValueError(f"component {row['id']}, cell {kind}: {error}") from None
        if cells[kind].owner not in OWNERS or not cells[kind].source.startswith("https://"):
            raise ValueError(f"component {row['id']}, cell {kind}: needs an owner of {', '.join(OWNERS)} and a source")
    return Component(id=row["id"], name=row["name"], what=row["what"], group=group, cells=cells)
