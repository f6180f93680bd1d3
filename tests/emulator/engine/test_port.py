"""ministack's names: one module knows them, and after an update this says which of them moved."""

import ast
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import installation
from emulator.engine import port
from tests.support.environments import ROOT

ENGINE = ROOT / "emulator" / "engine"
RECORDED = Path(__file__).with_name("port.json")

pytestmark = pytest.mark.xdist_group("emulator-engine")


def test_ministack_has_every_name_where_the_port_looks_for_it() -> None:
    command = [installation.python(), "-m", "emulator.engine.port"]
    now = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    then = json.loads(RECORDED.read_text())
    moved = [f"ministack.{place}: {then.get(place)} -> {now[place]}" for place in now if now[place] != then.get(place)]
    assert not moved, f"See to emulator/engine/port.py, then `python -m emulator.engine.port` > {RECORDED.name}"
    assert then.keys() == now.keys()


def trees() -> Iterator[tuple[Path, ast.AST]]:
    for path in (ROOT / "emulator").rglob("*.py"):
        yield path, ast.parse(path.read_text())


def test_only_the_port_imports_ministack() -> None:
    found = {
        path.name
        for path, tree in trees()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(one.name.split(".")[0] == "ministack" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ministack")
        or (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "importlib.import_module"
            and path.name != "port.py"
        )
    }
    assert found == set()


def test_the_port_has_what_is_used_and_nothing_else() -> None:
    used, replaced = set(), set()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "port" and node.attr != "replace":
                used.add(node.attr)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("port.replace", "_describe") and node.args:
                replaced |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    assert used == set(port.NAMES)
    assert replaced | {"start_worker", "start_provided_worker"} == set(port.REPLACED)


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(AttributeError, match="has no nonsense"):
        _ = port.nonsense
