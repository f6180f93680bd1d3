"""Times whole processes: start, imports, synth, files written, exit."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.deploy_time import DeployTime, deploy_time

OUTPUT = "{output}"
"""Placeholder for the output folder in the arguments of a job."""


@dataclass(frozen=True)
class Made:
    """What a job wrote or read: so that it can be seen whether two of them do comparable work."""

    clusters: int
    templates: int
    resources: int
    template_bytes: int
    deploy: DeployTime


@dataclass(frozen=True)
class Job:
    """A process to time."""

    name: str
    arguments: Sequence[str]
    folder: Path
    environment: dict[str, str]
    reads: Path | None = None
    """The assembly that it reads; None = it makes one."""


@dataclass
class Timing:
    """Seconds of each run of a job."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    made: Made | None = None
    failure: str | None = None

    @property
    def best(self) -> float:
        """The run that was disturbed least."""
        return min(self.wall)

    @property
    def median(self) -> float:
        """The usual run."""
        return median(self.wall)

    @property
    def median_cpu(self) -> float:
        """Seconds of processor time, of all its processes; hardly longer on a busy machine."""
        return median(self.cpu)


def measure(jobs: Sequence[Job], runs: int) -> dict[str, Timing]:
    """Runs every job once uncounted, then ``runs`` rounds of all of them in turn: what disturbs one disturbs all."""
    timings = {job.name: Timing() for job in jobs}
    for index in range(runs + 1):
        for job in jobs:
            timing = timings[job.name]
            if timing.failure is None:
                _progress(f"{'warming up' if index == 0 else f'run {index} of {runs}'}: {job.name}")
                _run(job, timing, counted=index > 0)
    _progress("")
    return timings


def _run(job: Job, timing: Timing, *, counted: bool) -> None:
    with TemporaryDirectory(prefix="bench-out-") as folder:
        output = Path(folder) / "out"
        arguments = [argument.replace(OUTPUT, str(output)) for argument in job.arguments]
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            arguments,
            cwd=job.folder,
            env=clean_environment() | {"CDK_OUTDIR": str(output)} | job.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            timing.failure = f"exit code {done.returncode}: {done.stderr.strip()[-600:]}"
        elif counted:
            timing.wall.append(wall)
            timing.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        else:
            timing.made = _made(job.reads or output)


def clean_environment() -> dict[str, str]:
    """Returns the caller's, without what would change the work or keep byte code from being written; Node is the venv's."""
    left_out = ("CDK_", "JSII_", "NODE_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}


def _made(output: Path) -> Made:
    several = [path.parent for path in output.glob("*/manifest.json")]
    assemblies = [output] if (output / "manifest.json").exists() else several
    templates = [path.read_bytes() for one in assemblies for path in one.glob("*.template.json")]
    types = [item["Type"] for template in templates for item in json.loads(template)["Resources"].values()]
    return Made(
        types.count("AWS::EKS::Cluster"),
        len(templates),
        len(types),
        sum(map(len, templates)),
        max(map(deploy_time, assemblies), key=lambda time: time.side_by_side),
    )


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:{width}}\r", end="", file=sys.stderr, flush=True)
