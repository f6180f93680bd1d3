"""What a synth made, in one screen: `python -m stacks.summary cdk.out`."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


def stacks_of(assembly: Path) -> list[tuple[str, dict[str, object]]]:
    """Returns the name and template of each stack of a cloud assembly, in the order of deployment. Raises OSError."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name: artifact for name, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"}
    done: list[str] = []

    def visit(name: str) -> None:
        for dependency in stacks[name].get("dependencies", []):
            if dependency in stacks:
                visit(dependency)
        if name not in done:
            done.append(name)

    for name in stacks:
        visit(name)
    return [(name, json.loads((assembly / stacks[name]["properties"]["templateFile"]).read_text())) for name in done]


def lines(assembly: Path, *, brief: bool) -> Iterator[str]:
    """Yields the lines of the summary; ``brief`` leaves out the kinds of resources."""
    total = 0
    stacks = stacks_of(assembly)
    environment = stacks[0][0].removesuffix("-foundation")
    for name, template in stacks:
        resources = template["Resources"]
        kinds = Counter(resource["Type"] for resource in resources.values())  # type: ignore[attr-defined]
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
    checked = (assembly / "validation-report.json").exists()
    yield (
        "Checked: cdk-nag AwsSolutions and NIST 800-53 r5, CloudFormation validation, this project's rules."
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
    """Prints the summary; returns the exit code (2: no assembly there)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", type=Path)
    parser.add_argument("--brief", action="store_true")
    arguments = parser.parse_args()
    try:
        print("\n".join(lines(arguments.assembly, brief=arguments.brief)))
    except FileNotFoundError as error:
        print(
            f"{arguments.assembly} is not a cloud assembly ({error.filename} is missing); make one with `make synth ENV=demo`",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
