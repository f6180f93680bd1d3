"""No check says that a duty is met because a value was hidden from it.

Each bad fixture is open at a property. Whoever hides that property, what has it, or any other one in a parameter, a dynamic
reference, an import, a condition, a custom resource, a macro or a chart's placeholder must get *open* or *unknown*, never *met*.
"""

import random
import re
from typing import Any

import pytest

from responsibility.reading.template import parse
from tests.responsibility.checks.test_every_check import CHECKS, FIXTURES, cases
from tests.support import hiding
from tests.support.environments import ROOT

SAMPLE = 12
"""Further places of a fixture that a test run hides: about 7,000 changed inputs in all."""
ELSEWHERE = {
    "EKR040/bad-default.yaml": "Nodes, by a nested stack",  # every version that EKS offers has Amazon Linux 2023 as default
    "EKR095/bad-auto-mode.yaml": "by a nested stack for Cluster",  # without a cluster, as with the controller
    "EKR174/bad.yaml": "by a nested stack for Door",  # a nested stack with Kubernetes objects gets no Namespace
    "EKR180/bad-auto-mode.yaml": "by a nested stack for Cluster",
    "EKR331/bad-vpc.yaml": "by a nested stack for More",  # the VPC is another subject than the cluster
}
"""What a review does not see, and why."""
BAD = [case for case in cases("bad") if "account:" not in (FIXTURES / case).read_text()]


def documents(case: str) -> list[Any]:
    return [item for item in parse((FIXTURES / case).read_text(), case) if "Resources" in item or "kind" in item]


def of_evidence(case: str, document: dict[str, Any]) -> set[hiding.Path]:
    """Returns the path of each property that a fixture is open at, and of what has it."""
    lines = [line.split()[2:] for line in (FIXTURES / case).read_text().splitlines() if line.startswith("# open: ")]
    found = set()
    for resource, *path in lines:
        steps = tuple(path[0].split(".")) if path else ()
        before = ("Resources", resource, "Properties") if "Resources" in document else ()
        if not before or resource in document["Resources"]:
            found |= {(*before, *steps[:end]) for end in range(1, len(steps) + 1)}
    return found


@pytest.mark.parametrize("case", BAD)
def test_what_is_hidden_is_not_met(case: str) -> None:
    originals, rng = documents(case), random.Random(case)  # noqa: S311 - the same every time
    check = CHECKS[case.split("/")[0]]
    hidden = [
        (number, path, way)
        for number, document in enumerate(originals)
        for path in sorted(of_evidence(case, document))
        for way in hiding.ways_of(document)
    ]
    hidden += filter(None, (hiding.anywhere(originals, rng) for _ in range(SAMPLE)))
    assert hiding.fooled([check], originals, hidden) == []


@pytest.mark.parametrize("case", BAD)
def test_nothing_is_met_because_a_resource_is_elsewhere(case: str) -> None:
    found = hiding.fooled_by_absence([CHECKS[case.split("/")[0]]], documents(case))
    assert [line for line in found if ELSEWHERE.get(case, "no exception") not in line] == []


def test_the_page_lists_what_decides_each_check() -> None:
    rows = re.findall(r"^\| (EKR\d+) \| .", (ROOT / "docs/check-inputs.md").read_text(), re.MULTILINE)
    assert rows == sorted({case.split("/")[0] for case in BAD}), (
        "python -m tests.responsibility.checks.inputs writes it"
    )
