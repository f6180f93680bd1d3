"""Writes docs/check-inputs.md: the values that decide each check's answer, found by hiding every value of its fixtures.

python -m tests.responsibility.checks.inputs
"""

import copy
from collections import defaultdict

from tests.responsibility.checks.test_every_check import CHECKS, cases
from tests.responsibility.checks.test_hidden_values import BAD, FIXTURES, documents
from tests.support import hiding
from tests.support.environments import ROOT

PAGE = ROOT / "docs/check-inputs.md"
HEAD = """# What decides each check's answer

Written by `python -m tests.responsibility.checks.inputs`; do not edit. For each check: the values of a template or of a
Kubernetes object that can make its answer wrong. Where one of them is hidden the answer is *unknown*. Tests hide them in
parameters, dynamic references, imports, conditions, custom resources, mappings, macros and charts, and hide whole resources
in snippets, modules, loops and nested stacks: no check may then say *met* where it was *open* before. `*` is any item of a list.

The list comes from the fixtures of the checks. A check of a running account reads the answers of AWS's API, and is not here.

| Code | Values |
| --- | --- |
"""


def deciding(case: str) -> set[tuple[str, str]]:
    """Returns the type and the path of each value of a fixture without which its check does not know the answer."""
    originals, found = documents(case), set()
    check = CHECKS[case.split("/")[0]]
    before = hiding.findings([check], originals)
    known = hiding.answers(before, "open") | hiding.answers(before, "met")
    for number, body in enumerate(originals):
        for path in hiding.hidable(body):
            changed = copy.deepcopy(originals)
            if hiding.hide(changed[number], path, hiding.ways_of(body)[0]) and known & hiding.answers(
                hiding.findings([check], changed), "unknown"
            ):
                kind = body["Resources"][path[1]]["Type"] if "Resources" in body else body["kind"]
                steps = path[3:] if "Resources" in body else path
                found.add((kind, ".".join("*" if step.isdecimal() else step for step in steps)))
    return found


def page() -> str:
    """Returns the page."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    good = [case for case in cases("good") if "account:" not in (FIXTURES / case).read_text()]
    for case in (*BAD, *good):
        found[case.split("/")[0]] |= deciding(case)
    return HEAD + "".join(f"| {code} | {_words(places)} |\n" for code, places in sorted(found.items()))


def _words(places: set[tuple[str, str]]) -> str:
    kinds: dict[str, list[str]] = defaultdict(list)
    for kind, path in sorted(places):
        # What holds a value is hidden with it: the deepest is enough.
        if path and not any(other == kind and below.startswith(f"{path}.") for other, below in places):
            kinds[kind].append(f"`{path}`")
    said = "; ".join(f"{kind}: {', '.join(paths)}" for kind, paths in kinds.items())
    return said.replace("|", "\\|") or "whether something exists"


if __name__ == "__main__":
    PAGE.write_text(page())
