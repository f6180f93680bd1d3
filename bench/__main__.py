"""`python -m bench`: times this project and the peer, side by side. Exit code 1 if something does not run."""

import argparse
import json
import os
import sys
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import messages, pairs, peer, report, reviews
from bench.environment import write_environment
from bench.measure import OUTPUT, Job, measure
from safe_io.errors import run

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each (default: 5)")
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")

    load = os.getloadavg()[0]
    problem = None
    with_peer = not arguments.no_peer
    if with_peer:
        try:
            peer.set_up()
        except peer.PeerMissing as missing:
            with_peer, problem = False, str(missing)

    with TemporaryDirectory(prefix="bench-") as folder:
        jobs = _ours(Path(folder)) + pairs.jobs(Path(folder)) + reviews.jobs(ROOT, Path(folder))
        if with_peer:
            jobs += _peers()
        print("\n".join(report.header(arguments.runs)), flush=True)
        timings = measure(jobs, arguments.runs)
        of_fleets = list(pairs.ratio(timings, Path(folder)))
    tables = (
        report.rows(timings),
        reviews.growth(timings),
        report.noise(timings, load),
        report.ratios(timings),
        report.above_floor(timings),
        report.messages(*messages.per_cluster()),
        of_fleets,
        report.deploys(timings),
    )
    for line in chain(*tables, report.work(timings)):
        print(line)
    if problem:
        print(f"The peer was not measured. {problem}", file=sys.stderr)
    return 1 if problem or any(timing.failure for timing in timings.values()) else 0


def _ours(folder: Path) -> list[Job]:
    jobs = [
        Job(
            name,
            [sys.executable, "app.py"],
            ROOT,
            {"CDK_CONTEXT_JSON": json.dumps({"env": str(write_environment(folder, count)), "checks": "off"})},
        )
        for count, name in report.OURS.items()
    ]
    jobs += [
        Job(name, [sys.executable, "-m", "bench.floor", str(report.SHARED_STACKS + report.STACKS * count)], ROOT, {})
        for count, name in report.FLOOR.items()
    ]
    cli = ["node_modules/.bin/cdk", "synth", "--quiet", "--context", "env=demo", "--output", OUTPUT]
    return [*jobs, Job(report.DEMO, cli, ROOT, {})]


def _peers() -> list[Job]:
    return [
        Job(name, [peer.node(), "app.js", str(count)], peer.FOLDER, {"JSII_DEPRECATED": "quiet"})
        for count, name in report.PEER.items()
    ]


if __name__ == "__main__":
    sys.exit(run(main, program="python -m bench"))
