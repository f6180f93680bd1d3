"""The shape of the code: who may import whom, and no circles."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.kept import SYNTH

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "bench": {"fleet", "safe_io", "stacks"},
    "constructs": {"eks_facts", "safe_io"},
    "delivery": {"eks_facts", "responsibility", "safe_io"},
    "eks_facts": set(),
    "emulator": {"eks_facts", "local_kubernetes", "safe_io", "stacks"},
    "fleet": {"constructs", "delivery", "eks_facts", "operations", "responsibility", "safe_io", "stacks"},
    "kubernetes_lint": {"eks_facts", "safe_io"},
    "local_kubernetes": {"eks_facts", "safe_io"},
    "operations": {"constructs", "delivery", "eks_facts", "responsibility", "safe_io", "stacks"},
    "rehearse": {"delivery", "eks_facts", "local_kubernetes", "responsibility", "safe_io"},
    "responsibility": {"eks_facts", "kubernetes_lint", "safe_io"},
    "safe_io": set(),
    "stacks": {"constructs", "delivery", "eks_facts", "kubernetes_lint", "responsibility", "safe_io"},
}
"""Each package, and the others that it may import. `responsibility` and `constructs` are useful alone, to people who use other tools."""
ONLY = {
    ("bench", "stacks"): {"stacks.node"},
    ("delivery", "responsibility"): {"responsibility.account", "responsibility.checks.workloads.secret_names"},
    ("rehearse", "delivery"): {"delivery.order"},
    ("emulator", "stacks"): {"stacks.environment.path", "stacks.node"},
    ("stacks", "delivery"): {"delivery"},
}
"""Where no more than a part of a package may be imported."""
PACKAGES = tuple(MAY_IMPORT)


def modules(package: str) -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        if "node_modules" in path.parts:  # the peer's
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name.removeprefix("constructs.")] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ``known`` that a module imports anywhere in it: at the top, in a function, for its types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {each if (each := f"{module}.{alias.name}") in known else module for alias in node.names}
    return (found & set(known)) - {name}


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_import_each_other_in_one_direction(package: str) -> None:
    """Imports in functions and for types alone count, too: they would hide a circle."""
    known = modules(package)
    graph = {name: imports(name, path, known) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_a_circle_is_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
    path = ROOT / "responsibility" / "cli" / "output.py"
    assert "responsibility.document" in imports("responsibility.cli.output", path, modules("responsibility"))


@cache
def graph() -> dict[str, set[str]]:
    """What each module imports of the project's own."""
    known = {name: path for package in PACKAGES for name, path in modules(package).items()}
    return {name: imports(name, path, known) for name, path in known.items()}


def package_of(module: str) -> str:
    top = module.split(".")[0]
    return "constructs" if top == "eks_constructs" else top


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_what_they_may(package: str) -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in sorted(others)
        if package_of(module) == package != package_of(other)
        and not (
            package_of(other) in MAY_IMPORT[package]
            and any(f"{other}.".startswith(f"{part}.") for part in ONLY.get((package, package_of(other)), {other}))
        )
    ]
    assert wrong == []


def test_each_package_is_in_the_table() -> None:
    there = {path.parent.name for path in ROOT.glob("*/*.py")} - {"tests", "docs"}
    assert there <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_reads_the_files_of_another_by_path(package: str) -> None:
    """Data has one owner, who offers a function: it can then move, and has one form."""
    others = "|".join(one for one in (*PACKAGES, "eks_constructs") if package_of(one) != package)
    by_path = re.compile(rf"""(/ *|Path\(|open\()["']({others})(/[^"']*)?["']""")
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in modules(package).values()
        for line in path.read_text(encoding="utf-8").splitlines()
        if by_path.search(line) and "PYTHONPATH" not in line
    ]
    assert wrong == []


def test_what_is_kept_of_a_synth_depends_on_all_that_it_imports() -> None:
    """Else a test would see yesterday's templates (tests/support/kept.py)."""
    todo = [module for module in graph() if package_of(module) == "stacks"]
    reached: set[str] = set()
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += graph()[module]
    assert {package_of(module) for module in reached} <= set(SYNTH)
