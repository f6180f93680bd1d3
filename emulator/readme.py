"""Writes the tables of emulator/README.md from the code."""

import json
import subprocess
from pathlib import Path
from typing import Any

from emulator import installation
from emulator.problem import Problem
from safe_io import output

README = Path(__file__).parent / "README.md"


def write() -> None:
    """Writes the tables into the page. Raises Problem."""
    output.write(README, with_tables(README.read_text()))


def with_tables(text: str) -> str:
    """Returns the page with the tables of today between its marks. Raises Problem."""
    known = _registry()
    for mark, table in (
        ("types", _types(known)),
        ("rules", _rules(known["rules"])),
        ("guards", _rules(known["guards"])),
        ("kubernetes", _rules(known["kubernetes"])),
        ("not simulated", "\n".join(f"- {one}" for one in known["not_simulated"])),
        ("operations", ", ".join(known["operations"]) + "."),
    ):
        begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
        before, after = text.index(begin) + len(begin), text.index(end)
        text = f"{text[:before]}{table}\n{text[after:]}"
    return text


def _registry() -> Any:
    done = subprocess.run(  # noqa: S603 - our own
        [str(installation.python()), "-m", "emulator.engine.registry"],
        cwd=installation.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"the engine's code cannot be read: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _types(known: Any) -> str:
    services: dict[str, list[str]] = {}
    for name in known["ours"]:
        _, service, kind = name.split("::")
        services.setdefault(service, []).append(kind)
    rows = [f"| {service} | {', '.join(kinds)} |" for service, kinds in services.items()]
    others = len([name for name in known["ministack"] if name not in known["ours"]])
    return "\n".join(["| Service | Types |", "|---|---|", *rows, "", f"{others} more types are ministack's own."])


def _rules(rules: list[Any]) -> str:
    rows = [f"| [{rule['says']}]({rule['page']}) | {', '.join(rule['on'])} |" for rule in rules]
    return "\n".join(["| What AWS says | On |", "|---|---|", *rows])
