"""Keeps of a cloud assembly what describes the platform: `python3 tidy.py ASSEMBLY TARGET`.

Templates (nested ones too) are copied as they are. The manifest keeps its stacks alone, without the files that go
with them. Lambda code, the tree and the notes of the synth are left out.
"""

import json
import sys
from pathlib import Path

STACK = "aws:cloudformation:stack"
LEFT_OUT = ("additionalMetadataFile", "metadata")


def tidy(assembly: Path, target: Path) -> None:
    """Write the templates and a short manifest of an assembly to a folder, in place of those that are in it."""
    target.mkdir(parents=True, exist_ok=True)
    for old in (*target.glob("*.template.json"), target / "manifest.json"):
        old.unlink(missing_ok=True)
    manifest = json.loads((assembly / "manifest.json").read_text())
    stacks = {name: made for name, made in manifest["artifacts"].items() if made["type"] == STACK}
    for stack in stacks.values():
        for key in LEFT_OUT:
            stack.pop(key, None)
        stack["dependencies"] = [name for name in stack.get("dependencies", []) if name in stacks]
        stack["properties"].pop("additionalDependencies", None)
    write(target / "manifest.json", {**manifest, "artifacts": stacks})
    for template in sorted(assembly.glob("*.template.json")):
        write(target / template.name, json.loads(template.read_text()))


def write(path: Path, content: object) -> None:
    """Write JSON the way the CDK CLI formats what it prints: two spaces."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    tidy(Path(sys.argv[1]), Path(sys.argv[2]))
