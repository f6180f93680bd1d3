"""Brings about, in an engine, what no request of EKS's API could (emulator/engine/eks/scenario.py)."""

import json
from typing import Any

from emulator.engine.eks.scenario import PATH
from emulator.process import Engine
from tests.emulator.requests import signed


def fault(operation: str, code: str, message: str = "as the test wants it", times: int | None = None) -> dict[str, Any]:
    """An operation of EKS that fails, so often or always."""
    return {"operation": operation, "code": code, "message": message, "times": times}


def let_fail(engine: Engine, *faults: dict[str, Any]) -> None:
    """Lets operations fail, and no others from now on."""
    _play(engine, {"faults": list(faults)})


def change_record(engine: Engine, kind: str, cluster: str, name: str = "", **values: Any) -> None:
    """Sets members of a record of EKS: of a ``cluster``, ``nodegroup``, ``addon``, ``insight`` ..., in the API's words."""
    _play(engine, {"records": [{"kind": kind, "cluster": cluster, "name": name, "set": values}]})


def list_in_pages(engine: Engine, size: int = 100) -> None:
    """Sets how much a List operation returns at once."""
    _play(engine, {"page_size": size})


def _play(engine: Engine, content: dict[str, Any]) -> None:
    answer = signed(engine, "POST", PATH, json.dumps(content).encode())
    assert answer.status == 200
