"""Production code writes and deletes through safe_io alone, which asks whose a file is. What else may, and why, is listed here."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environments import ROOT

_CLAIMED = "in the folder of the local AWS, and in its virtual environment: both are claimed first (emulator/locks.py)"
_MADE = "into the folder that its caller made for it: the emulator's, or a temporary one"
_SYNTH = "into the empty folder of a synth (stacks/assembly.py)"

ALLOWED = {
    "constructs/eks_constructs/manifests.py": {
        "write_text": f"{_SYNTH}; as a library, into the folder that its caller names"
    },
    "eks_facts/refresh_access_levels.py": {"write_text": "its own data, at a place that nobody names"},
    "stacks/files.py": {"write_text": _SYNTH},
    "delivery/gitops/command.py": {"write_text": "into the folder that safe_io.output.staged fills"},
    "fleet/trees.py": {"write_text": "into the folder that safe_io.output.staged fills"},
    "local_kubernetes/control_plane.py": {"open(a)": _MADE},
    "local_kubernetes/kubeconfig.py": {"os.open": _MADE},
    "local_kubernetes/building.py": {
        "copy": "into a temporary folder",
        "rename": "a complete folder to its place in the cache: rename fails where there is a folder with anything in it",
    },
    "emulator/": dict.fromkeys(
        ("open(w)", "open(a+)", "write_text", "write_bytes", "rename", "rmtree", "unlink"),
        _CLAIMED,
    ),
}
"""File or folder, call, reason. Better than a row here: safe_io.output.write, staged, record; safe_io.ownership.claim, remove."""

_ALWAYS = {
    "unlink",
    "rmdir",
    "rmtree",
    "removedirs",
    "renames",
    "write_text",
    "write_bytes",
    "copyfile",
    "copytree",
    "copy2",
}
_OF_A_MODULE = {"os": {"remove", "rename", "replace"}, "shutil": {"copy", "move"}}


def writes(code: str) -> Iterator[str]:
    """Yields the calls that write over, move or delete something on disk."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            yield from _writes(node)
        elif (
            isinstance(node, ast.List)
            and node.elts
            and isinstance(node.elts[0], ast.Constant)
            and node.elts[0].value in ("rm", "mv")
        ):
            yield str(node.elts[0].value)


def _writes(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = getattr(getattr(function, "value", None), "id", "")
    flags = " ".join(ast.unparse(argument) for argument in call.args)
    if owner == "os" and name == "open":
        if "O_TRUNC" in flags or ("O_CREAT" in flags and "O_EXCL" not in flags):
            yield "os.open"
    elif name in ("open", "fdopen"):
        position = (
            0 if isinstance(function, ast.Attribute) and owner not in ("io", "gzip", "codecs") and name == "open" else 1
        )
        given = call.args[position : position + 1] + [one.value for one in call.keywords if one.arg == "mode"]
        mode = _mode(given[0]) if given else ""
        if name == "open" and isinstance(mode, str) and set(mode) & set("wa+?"):
            yield f"open({mode})"
    elif name in _ALWAYS or name in _OF_A_MODULE.get(owner, ()):
        yield name
    elif name in ("rename", "replace") and len(call.args) == 1 and not call.keywords:
        yield name  # of a path: text's has two arguments, a date's are named


def _mode(argument: ast.expr) -> object:
    if isinstance(argument, ast.Constant):
        return argument.value
    return "?" if "mode" in ast.unparse(argument) else ""


def production() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith(("tests/", "safe_io/"))]
    return [ROOT / name for name in names if (ROOT / name).exists()]


def test_production_code_writes_through_safe_io():
    found = {(str(path.relative_to(ROOT)), call) for path in production() for call in writes(path.read_text())}
    allowed = {(place, call) for place, calls in ALLOWED.items() for call in calls}
    reasons = {one: {row for row in allowed if one[0].startswith(row[0]) and one[1] == row[1]} for one in found}
    assert [one for one, rows in reasons.items() if not rows] == [], "write through safe_io, or add a reason to ALLOWED"
    assert allowed - set().union(*reasons.values()) == set(), "no longer there: remove it from ALLOWED"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.unlink()", ["unlink"]),
        ("os.remove(path); shutil.rmtree(path); shutil.move(a, b)", ["remove", "rmtree", "move"]),
        (
            "open(path, 'w'); path.open('wb'); path.open(mode='a'); io.open(p, 'r+')",
            ["open(w)", "open(wb)", "open(a)", "open(r+)"],
        ),
        ("path.open(mode)", ["open(?)"]),
        ("open(path); path.open(); path.open('rb'); path.open('x'); url.open(address, timeout=2)", []),
        ("one.replace(other); text.replace('a', 'b'); day.replace(year=1)", ["replace"]),
        ("os.open(p, os.O_CREAT | os.O_WRONLY); os.open(p, os.O_CREAT | os.O_EXCL)", ["os.open"]),
        ("run(['rm', '-rf', folder])", ["rm"]),
    ],
)
def test_it_sees_them(code, found):
    assert list(writes(code)) == found


@pytest.mark.parametrize(
    "file", ["Makefile", ".ci/run", *(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").iterdir())]
)
def test_recipes_delete_through_safe_io(file):
    assert not re.search(r"(^|[\s;&|@])(rm|rmdir|shred|git clean)\s", (ROOT / file).read_text())
