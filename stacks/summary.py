"""Summarizes an assembly on one screen: `python -m stacks.summary cdk.out`."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from safe_io.errors import BadInput, run
from safe_io.json_text import load_json
from safe_io.terminal import one_line
from safe_io.text_file import read_text
from safe_io.yaml_scalars import Rules

_ADVICE = "make one with `make synth ENV=demo`"
_RULES = Rules(max_bytes=20_000_000, max_values=2_000_000, max_depth=100)


def stacks_of(assembly: Path) -> list[tuple[str, dict[str, Any]]]:
    """Returns the name and template of each stack of a cloud assembly, in the order of deployment. Raises BadInput."""
    if not (assembly / "manifest.json").is_file():
        raise BadInput(one_line(f"{assembly} is not a cloud assembly (manifest.json is missing); {_ADVICE}"))
    artifacts = _read(assembly / "manifest.json")["artifacts"]
    stacks = {name: artifact for name, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"}
    order = TopologicalSorter(
        {name: [one for one in stack.get("dependencies", []) if one in stacks] for name, stack in stacks.items()}
    )
    try:
        names = list(order.static_order())
    except CycleError:
        raise BadInput(one_line(f"{assembly}: its stacks depend on each other in a circle; {_ADVICE}")) from None
    return [(name, _read(assembly / stacks[name]["properties"]["templateFile"])) for name in names]


def _read(path: Path) -> Any:
    return load_json(read_text(path, max_bytes=_RULES.max_bytes), path, _RULES)


def lines(assembly: Path, *, brief: bool) -> Iterator[str]:
    """Yields the lines of the summary; ``brief`` leaves out the kinds of resources."""
    total = 0
    stacks = stacks_of(assembly)
    environment = stacks[0][0].removesuffix("-foundation")
    for name, template in stacks:
        resources = template["Resources"]
        kinds = Counter(resource["Type"] for resource in resources.values())
        count = sum(kinds.values())
        total += count
        yield f"{name:<32} {count:>4} resources   {template.get('Description', '')}"
        if not brief:
            shown = [
                f"{kind.removeprefix('AWS::').replace('::', ' ')}{f' x{number}' if number > 1 else ''}"
                for kind, number in sorted(kinds.items())
            ]
            yield from _wrapped(shown)
    manifests = sorted((assembly / "manifests").glob("*/*.yaml"))
    yield f"{total} resources in {len(stacks)} stacks: {assembly}/*.template.json"
    yield f"{len(manifests)} Kubernetes manifests: {assembly}/manifests/"
    for sites in sorted(assembly.glob("hybrid/*")):
        yield f"Files for the machines of your sites: {sites}/ (docs/hybrid.md)"
    checked = (assembly / "validation-report.json").exists()
    yield (
        "Checked: cdk-nag AwsSolutions and NIST 800-53 r5, CloudFormation validation, checks of the review."
        if checked
        else "Not checked (CHECKS=off)."
    )
    if not brief:
        yield ""
        yield "Nothing was deployed. Next:"
        yield f"  make diff ENV={environment}                      what a deploy would change in the account of your credentials"
        yield f"  make deploy ENV={environment}                    deploy it (docs/deploy.md: what the account needs, what it costs)"
        yield "  make synth ENV=path/to/file.yaml        a copy of a file in environments/, changed"


def _wrapped(words: list[str], width: int = 104) -> Iterator[str]:
    line = ""
    for word in words:
        if len(line) + len(word) + 2 > width:
            yield f"    {line},"
            line = ""
        line = f"{line}, {word}" if line else word
    yield f"    {line}"


def main() -> int:
    """Prints the summary; returns the exit code. Raises BadInput."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", type=Path)
    parser.add_argument("--brief", action="store_true")
    arguments = parser.parse_args()
    try:
        print("\n".join(lines(arguments.assembly, brief=arguments.brief)))
    except (LookupError, TypeError, AttributeError) as problem:
        raise BadInput(
            one_line(
                f"{arguments.assembly}: is not a cloud assembly of this project ({type(problem).__name__}); {_ADVICE}"
            )
        ) from None
    return 0


if __name__ == "__main__":
    sys.exit(run(main, program="python -m stacks.summary"))
