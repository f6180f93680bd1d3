"""The tables of `make bench`."""

import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

from bench import reviews
from bench.measure import Timing
from bench.peer import node, versions

SMALL, LARGE = 3, 60
OURS = {
    SMALL: f"this project, {SMALL} clusters, checks off",
    LARGE: f"this project, {LARGE} clusters, checks off",
}
SHARED_STACKS, STACKS = 3, 4
"""Foundation, network and egress; and those of each cluster."""
FLOOR = {count: f"as many stacks with nothing in them, {count} clusters" for count in OURS}
PEER = {SMALL: f"peer, {SMALL} clusters", LARGE: f"peer, {LARGE} clusters"}
DEMO = "this project, demo through the CDK CLI, all checks"
TARGETS = {OURS[SMALL]: 2.5, OURS[LARGE]: 6.0, DEMO: 8.0, **reviews.TARGETS}
GROWTH_TARGET = 0.040
RATIO_TARGETS = {SMALL: 1.3, LARGE: 1.0}
"""This project's time divided by the peer's, at most."""
MESSAGES_TARGET = 30
DEPLOY_TARGET = 1.25
"""How many times as long as its longest chain of resources a first deploy may take."""
NOISY_SPREAD = 1.15


def header(runs: int) -> Iterator[str]:
    """Yields how it is measured."""
    cores = os.cpu_count() or 1
    of_node = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    yield (
        f"Whole processes; runs of each: {runs}, in turn, after one that does not count."
        f" {cores} cores, {platform.system()} {platform.machine()}."
    )
    yield (
        f"Python {platform.python_version()}, Node {of_node.removeprefix('v')}, "
        f"aws-cdk-lib {version('aws-cdk-lib')}, jsii {version('jsii')}. Peer: {versions()}."
    )
    yield ""


def rows(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields the seconds of each job, beside its target."""
    width = max(map(len, timings))
    yield f"{'seconds':{width}}  {'min':>6}  {'median':>6}  {'CPU':>6}  target"
    for name, timing in timings.items():
        if timing.failure:
            yield f"{name:{width}}  failed: {timing.failure}"
            continue
        target = TARGETS.get(name)
        yield (
            f"{name:{width}}  {timing.best:6.2f}  {timing.median:6.2f}  {timing.median_cpu:6.2f}  "
            f"{_verdict(timing.best, timing.median, target, f'{target:.1f}') if target else '-'}"
        )
    for label, names, target in (
        ("this project, each further cluster", OURS, GROWTH_TARGET),
        ("peer, each further cluster", PEER, None),
    ):
        pair = _pair(timings, names)
        if pair:
            best, middle, cpu = _growth(*pair)
            verdict = _verdict(best, middle, target, f"{target:.3f}") if target else "-"
            yield f"{label:{width}}  {best:6.3f}  {middle:6.3f}  {cpu:6.3f}  {verdict}"


def noise(timings: dict[str, Timing], load: float) -> Iterator[str]:
    """Yields a warning if something else was running; ``load`` is how many processes were, before this began."""
    spread = max((timing.median / timing.best for timing in timings.values() if timing.wall), default=1)
    if load > (os.cpu_count() or 1) or spread > NOISY_SPREAD:
        yield f"NOISY: before this began {load:.1f} processes were running; a median is up to {spread - 1:.0%} above its min."
        yield "Wall times are longer than on a quiet machine; the least disturbed figures are min and CPU seconds."
        yield ""


def ratios(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields this project's time divided by the peer's."""
    ours, peer = _pair(timings, OURS), _pair(timings, PEER)
    if not ours or not peer:
        return
    yield f"{'this project / peer (below 1: this project is faster)':52}  {'min':>6}  {'median':>6}  {'CPU':>6}"
    compared = [
        (f"{count} clusters", _three(mine), _three(other))
        for count, mine, other in zip((SMALL, LARGE), ours, peer, strict=True)
    ]
    for label, left, right in [*compared, ("each further cluster", _growth(*ours), _growth(*peer))]:
        figures = [f"{a / b:6.2f}" if b > 0 else "     -" for a, b in zip(left, right, strict=True)]
        target = next((value for count, value in RATIO_TARGETS.items() if label == f"{count} clusters"), None)
        verdict = f"  {_verdict(left[0] / right[0], left[1] / right[1], target, f'{target:.1f}')}" if target else ""
        yield f"{label:52}  {'  '.join(figures)}{verdict}"
    yield ""


def above_floor(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields this project's time divided by that of as many stacks with nothing in them."""
    ours, floor = _pair(timings, OURS), _pair(timings, FLOOR)
    if not ours or not floor:
        return
    yield f"{'this project / as many stacks with nothing in them':52}  {'min':>6}  {'median':>6}  {'CPU':>6}"
    for count, mine, other in zip((SMALL, LARGE), ours, floor, strict=True):
        yield f"{f'{count} clusters':52}  {'  '.join(f'{a / b:6.2f}' for a, b in zip(_three(mine), _three(other), strict=True))}"
    yield ""


def messages(total: float, creates: float) -> Iterator[str]:
    """Yields the messages that each further cluster costs."""
    verdict = "met" if total <= MESSAGES_TARGET else "NOT met"
    yield f"messages to Node for each further cluster: {total:.1f} (target {MESSAGES_TARGET}: {verdict})"
    yield f"... {creates:.1f} of them make a construct: the floor for the same stacks, resources and outputs"
    yield ""


def work(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields what the jobs made, and what the reviews read."""
    width = max(map(len, timings))
    yield f"{'what they made, or read':{width}}  clusters  templates  resources  template KB"
    for name, timing in timings.items():
        if made := timing.made:
            yield (
                f"{name:{width}}  {made.clusters:8}  {made.templates:9}  {made.resources:9}  {made.template_bytes // 1000:11}"
            )
    yield ""
    yield "What is alike and what is not: bench/README.md"


def deploys(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields the modelled minutes of a first deploy of what each job made: no clock, no noise."""
    names = [DEMO, OURS[SMALL], PEER[SMALL]]
    rows = {name: made.deploy for name in names if (timing := timings.get(name)) and (made := timing.made)}
    width = max(map(len, timings))
    yield f"{'modelled minutes of a first deploy (deploy_seconds.yaml)':{width}}  side by side  one by one  longest chain  ratio"
    for name, time in rows.items():
        ratio = time.side_by_side / time.bound
        verdict = (
            "" if name in PEER.values() else f"  {DEPLOY_TARGET}: {'met' if ratio <= DEPLOY_TARGET else 'NOT met'}"
        )
        yield (
            f"{name:{width}}  {time.side_by_side / 60:12.1f}  {time.one_by_one / 60:10.1f}"
            f"  {time.bound / 60:13.1f}  {ratio:5.2f}{verdict}"
        )
    if (ours := rows.get(OURS[SMALL])) and (peer := rows.get(PEER[SMALL])):
        ratio = ours.side_by_side / peer.side_by_side
        yield f"{'this project / peer':{width}}  {ratio:12.2f}  {'not behind' if ratio <= 1 else 'BEHIND the peer'}"
    yield ""


def _pair(timings: dict[str, Timing], names: dict[int, str]) -> tuple[Timing, Timing] | None:
    small, large = timings.get(names[SMALL]), timings.get(names[LARGE])
    return (small, large) if small and large and small.wall and large.wall else None


def _three(timing: Timing) -> tuple[float, float, float]:
    return timing.best, timing.median, timing.median_cpu


def _growth(small: Timing, large: Timing) -> tuple[float, float, float]:
    best, middle, cpu = ((b - a) / (LARGE - SMALL) for a, b in zip(_three(small), _three(large), strict=True))
    return best, middle, cpu


def _verdict(best: float, middle: float, target: float, text: str) -> str:
    if middle <= target:
        return f"{text}: met"
    return f"{text}: met by the best run alone" if best <= target else f"{text}: NOT met"
