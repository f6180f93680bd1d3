"""A fleet of sixty clusters in six pairs of account and region, beside the same clusters in one pair: each environment is a synth.

`python -m bench.pairs FILE...` synthesises environment files one after the other, each into a folder of CDK_OUTDIR.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import yaml

from bench.environment import write_environment
from bench.measure import Job, Timing
from bench.messages import count
from fleet.synthesis import synthesise
from safe_io.output import write

ROOT = Path(__file__).parent.parent
PAIRS = tuple(product(("111111111111", "222222222222", "333333333333"), ("eu-west-1", "us-west-2")))
EACH = 10
"""Clusters of an environment."""
ONE = f"a fleet, {EACH * len(PAIRS)} clusters in 1 account and region"
SIX = f"a fleet, {EACH * len(PAIRS)} clusters in {len(PAIRS)} of them"
TARGET = 1.1
"""The time in several pairs, divided by that in one, at most."""


def jobs(folder: Path) -> list[Job]:
    """Returns both synths."""
    found = []
    for name, pairs in ((ONE, PAIRS[:1] * len(PAIRS)), (SIX, PAIRS)):
        files = [
            str(write_pair(folder / f"{len(set(pairs))}-{number}", *pair, number)) for number, pair in enumerate(pairs)
        ]
        found.append(Job(name, [sys.executable, "-m", "bench.pairs", *files], ROOT, {}))
    return found


def write_pair(folder: Path, account: str, region: str, number: int) -> Path:
    """Writes the environment file of one account and region; returns its path."""
    folder.mkdir(parents=True)
    path = write_environment(folder, EACH)
    said = yaml.safe_load(path.read_text())
    said |= {"name": f"bench{number}", "account": account, "region": region}
    for cluster in said["clusters"]:
        cluster["name"] += f"-{number}"
    write(path, yaml.safe_dump(said, sort_keys=False))
    return path


def ratio(timings: Mapping[str, Timing], folder: Path) -> Iterator[str]:
    """Yields the time in several pairs beside that in one, and the messages of a cluster in each pair."""
    one, several = timings.get(ONE), timings.get(SIX)
    if not (one and several and one.wall and several.wall):
        return
    found = several.median / one.median
    verdict = "met" if found <= TARGET else "NOT met"
    yield f"a fleet in {len(PAIRS)} pairs of account and region / in one: {found:.2f} (target {TARGET}: {verdict})"
    sent = messages(folder)
    verdict = "met" if len(set(sent)) == 1 else "NOT met"
    shown = ", ".join(f"{one / EACH:.1f}" for one in sent)
    yield f"messages to Node for each cluster, in each pair: {shown} (target: the same in all: {verdict})"
    yield ""


def messages(folder: Path) -> list[int]:
    """Returns how many messages the synth of each pair sends."""
    files = (write_pair(folder / f"m-{number}", *pair, number) for number, pair in enumerate(PAIRS))
    return [sum(count(file).values()) for file in files]


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


def main() -> int:
    """Synthesises the files that are named; returns the worst exit code."""
    out = Path(os.environ["CDK_OUTDIR"])
    out.mkdir()
    return max(synthesise(Path(file), out / str(number), _run) for number, file in enumerate(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
