"""The modelled time of a first deploy: a longest path through an assembly, without a clock and without an account.

CloudFormation starts a resource when those that it names are complete, and the CDK CLI starts a stack when those that it
depends on are. Each resource takes the typical seconds of its type (deploy_seconds.yaml).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

import yaml

_FILE = Path(__file__).parent / "deploy_seconds.yaml"
_IN_SUB = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")
_CLUSTERS = ("AWS::EKS::Cluster", "Custom::AWSCDK-EKS-Cluster")

T = TypeVar("T")
Node = tuple[str, str]
"""The names of a stack and of a resource in it."""


@dataclass(frozen=True)
class DeployTime:
    """Modelled seconds of a first deploy of an assembly."""

    side_by_side: float
    """Stacks start as soon as those that they depend on are there."""
    one_by_one: float
    bound: float
    """The longest chain of resources, as if there were no stacks: no way of cutting them is faster."""
    slowest: tuple[str, ...]
    """The stacks of the longest chain, in order."""


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(_FILE.read_text())
    return table


def deploy_time(assembly: Path) -> DeployTime:
    """Models the first deploy of the stacks in ``assembly``. Its assets are taken as published."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name: item for name, item in artifacts.items() if item["type"] == "aws:cloudformation:stack"}
    templates = {
        name: json.loads((assembly / item["properties"]["templateFile"]).read_text()) for name, item in stacks.items()
    }
    seconds, before = _resources(assembly, templates)
    overhead: float = _table()["stack_overhead"]
    length = dict.fromkeys(stacks, overhead)
    for (stack, _), end in _ends(
        seconds, {node: {n for n in needs if n[0] == node[0]} for node, needs in before.items()}
    ).items():
        length[stack] = max(length[stack], overhead + end)
    needs = {
        name: {other for other in item.get("dependencies", ()) if other in stacks} for name, item in stacks.items()
    }
    ends = _ends(length, needs)
    chain = [max(ends, key=ends.__getitem__)]
    while needs[chain[-1]]:
        chain.append(max(needs[chain[-1]], key=ends.__getitem__))
    return DeployTime(
        max(ends.values()),
        sum(length.values()),
        max(_ends(seconds, before).values(), default=0),
        tuple(reversed(chain)),
    )


def _resources(assembly: Path, templates: Mapping[str, Any]) -> tuple[dict[Node, float], dict[Node, set[Node]]]:
    """Returns the seconds of each resource, and which ones must be complete before it."""
    exports = {
        json.dumps(output["Export"]["Name"]): (stack, name)
        for stack, template in templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
        for name in _names(output["Value"])
    }
    clusters = {
        json.dumps(item["Properties"]["Name"]): (stack, name)
        for stack, template in templates.items()
        for name, item in template["Resources"].items()
        if item["Type"] in _CLUSTERS and "Name" in item.get("Properties", {})
    }
    seconds: dict[Node, float] = {}
    before: dict[Node, set[Node]] = {}
    for stack, template in templates.items():
        for name, item in template["Resources"].items():
            properties = item.get("Properties", {})
            waits = item.get("DependsOn", [])
            named = {*_names(properties), *([waits] if isinstance(waits, str) else waits)}
            needs = {(stack, other) for other in named if other in template["Resources"]}
            needs |= {exports[key] for key in _imports(properties) if key in exports}
            if cluster := clusters.get(json.dumps(properties.get("ClusterName"))):
                needs.add(cluster)
            seconds[stack, name] = _seconds(item, assembly)
            before[stack, name] = needs - {(stack, name)}
    return seconds, before


def _seconds(resource: Mapping[str, Any], assembly: Path) -> float:
    """Returns the typical seconds of a resource; a nested stack takes as long as its own longest chain."""
    nested = resource.get("Metadata", {}).get("aws:asset:path")
    if resource["Type"] == "AWS::CloudFormation::Stack" and nested:
        template = json.loads((assembly / nested).read_text())
        ends = _ends(*_resources(assembly, {"": template}))
        return float(_table()["stack_overhead"]) + max(ends.values(), default=0)
    return float(_table()["seconds"].get(resource["Type"], _table()["default"]))


def _ends(seconds: Mapping[T, float], before: Mapping[T, set[T]]) -> dict[T, float]:
    """Returns when each is complete, if it starts as soon as what it needs is."""
    ends: dict[T, float] = {}
    for node in TopologicalSorter(before).static_order():
        ends[node] = seconds[node] + max((ends[other] for other in before.get(node, ())), default=0)
    return ends


def _names(value: Any) -> Iterator[str]:
    """Yields the logical ids that a value names by Ref, Fn::GetAtt or Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".")[0] if isinstance(item, str) else item[0]
            else:
                if key == "Fn::Sub":
                    yield from _IN_SUB.findall(item if isinstance(item, str) else item[0])
                yield from _names(item)


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::ImportValue":
                yield json.dumps(item)
            else:
                yield from _imports(item)
    elif isinstance(value, list):
        for item in value:
            yield from _imports(item)
