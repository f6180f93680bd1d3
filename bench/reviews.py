"""The reviews that are timed: `python -m responsibility review` of assemblies that are made once, before."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.environment import write_environment
from bench.measure import OUTPUT, Job, Timing
from safe_io.errors import BadInput

ONE, HALF, ALL = 1, 30, 60
JSON = {ONE: "review, 1 cluster", HALF: "review, 30 clusters", ALL: "review, 60 clusters"}
HTML = "review, 60 clusters, as an HTML page"
TARGETS = {JSON[ONE]: 1.0, JSON[ALL]: 3.0}
STRAIGHT = 1.25
"""The second half of the resources may take so much longer than the first: below it, time grows with their number."""


def jobs(root: Path, folder: Path) -> list[Job]:
    """Makes the assemblies in ``folder``, with their manifests, and returns the jobs that review them."""
    assemblies = {clusters: _assembly(root, folder, clusters) for clusters in JSON}
    found = [_job(name, "json", assemblies[clusters], root) for clusters, name in JSON.items()]
    return [*found, _job(HTML, "html", assemblies[ALL], root)]


def _assembly(root: Path, folder: Path, clusters: int) -> Path:
    output = folder / f"review-{clusters}"
    context = {"env": str(write_environment(folder, clusters)), "checks": "off"}
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(output)}
    if subprocess.run([sys.executable, "app.py"], cwd=root, env=environment, check=False).returncode:
        raise BadInput("No assembly to review could be made: the lines above say why")
    return output


def _job(name: str, format_: str, assembly: Path, root: Path) -> Job:
    options = ["--assembly", str(assembly), "--format", format_, "--output", OUTPUT, "--fail-on", "never"]
    return Job(name, [sys.executable, "-m", "responsibility", "review", *options], root, {}, reads=assembly)


def growth(timings: dict[str, Timing]) -> Iterator[str]:
    """Yields what a further cluster and resource cost, and whether that stays the same."""
    one, half, all_ = (timings[JSON[clusters]] for clusters in (ONE, HALF, ALL))
    if one.wall and half.wall and all_.wall:
        rows = [
            ("review, ms for each further cluster", _slopes(one, all_, ALL - ONE), "-"),
            ("review, ms for each further resource", _slopes(one, all_, _resources(all_) - _resources(one)), "-"),
        ]
        first = _slopes(one, half, _resources(half) - _resources(one))
        second = _slopes(half, all_, _resources(all_) - _resources(half))
        ratio = [b / a for a, b in zip(first, second, strict=True)]
        met = "met" if ratio[1] <= STRAIGHT else "met by CPU time" if ratio[2] <= STRAIGHT else "NOT met"
        rows.append((f"review, a resource of clusters 31 to {ALL} / 2 to 30", ratio, f"{STRAIGHT}: {met}"))
        width = max(map(len, timings))
        for label, (best, middle, cpu), verdict in rows:
            yield f"{label:{width}}  {best:6.2f}  {middle:6.2f}  {cpu:6.2f}  {verdict}"
    yield ""


def _slopes(small: Timing, large: Timing, number: int) -> Sequence[float]:
    """Returns milliseconds for each of ``number`` further things."""
    pairs = ((small.best, large.best), (small.median, large.median), (small.median_cpu, large.median_cpu))
    return [(b - a) * 1000 / number for a, b in pairs]


def _resources(timing: Timing) -> int:
    return timing.made.resources if timing.made else 0
