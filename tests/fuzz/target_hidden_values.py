"""Templates and Kubernetes objects of which something is hidden: no check may say met where it said open before."""

import random
from functools import cache
from typing import Any

from responsibility.checks import all_checks
from responsibility.reading.template import parse
from tests.fuzz.driver import Target
from tests.support import hiding
from tests.support.environments import ROOT

Drawn = tuple[str, list[Any], hiding.Place]


@cache
def _originals() -> list[tuple[str, list[Any]]]:
    """The documents of each fixture of a check that is open."""
    files = sorted((ROOT / "tests/responsibility/checks/fixtures").glob("*/bad*.yaml"))
    read = [(path.parent.name, parse(path.read_text(), str(path))) for path in files]
    kept = [(code, [item for item in found if "Resources" in item or "kind" in item]) for code, found in read]
    return [(code, found) for code, found in kept if any(map(hiding.hidable, found))]


def _draw(rng: random.Random) -> Drawn:
    code, documents = rng.choice(_originals())
    place = hiding.anywhere(documents, rng)
    assert place
    return code, documents, place


def _play(drawn: Drawn) -> None:
    _, documents, place = drawn
    assert not (wrong := hiding.fooled(all_checks(), documents, [place])), wrong


def _show(drawn: Drawn) -> str:
    code, _, (number, path, way) = drawn
    return f"fixture of {code}, document {number}: {'.'.join(path)}, by a {way.name}"


TARGETS = (Target("hidden-values", _draw, _play, _show, cases=60, refuses=False),)
