"""What an upgrade would do to the clusters of a wave: a playbook for each, and its rehearsal on a local Kubernetes."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet.loading import minor
from fleet.model import Fleet, Member, Wave
from fleet.synthesis import Run, synthesise
from fleet.table import OUT
from fleet.wave_spec import ALL_WAVES
from safe_io.errors import BAD_INPUT, FINDINGS, OK, BadInput
from safe_io.ownership import claim
from stacks.environment.cluster_spec import ClusterSpec

NEXT = "next"


def plan(fleet: Fleet, wave: str, to: str, *, rehearsal: bool, run: Run, say: Callable[[str], None]) -> int:
    """Writes `fleet.out/ENVIRONMENT/playbook-CLUSTER.html`, and the rehearsal beside it; returns the worst exit code of all.

    Args:
        fleet: the fleet, before the change.
        wave: name of a wave, or `all`.
        to: a Kubernetes version; `next`: one above the oldest of the fleet.
        rehearsal: whether to play the upgrades too.
        run: runs a program with an environment; returns its exit code.
        say: prints a line of progress.

    Raises:
        BadInput: there is no such wave, or a cluster cannot go to that version.
        OutputProblem: fleet.out is not this project's.
    """
    waves = fleet.waves if wave == ALL_WAVES else [fleet.waves[fleet.wave(wave)]]
    target = target_of(fleet, to)
    claim(OUT)
    worst = OK
    for one in waves:
        for member in one.members:
            worst = max(worst, _of(one, member, target, rehearsal=rehearsal, run=run, say=say))
    return worst


def target_of(fleet: Fleet, to: str) -> str:
    """Returns the version to go to. Raises BadInput: a cluster of the fleet would have to skip a version to get there."""
    clusters = [(member, cluster) for _, member in fleet.members for cluster in member.environment.clusters]
    oldest = min(minor(cluster.control_plane.kubernetes_version) for _, cluster in clusters)
    if to == NEXT:
        return f"1.{oldest + 1}"
    if not (to.startswith("1.") and to[2:].isascii() and to[2:].isdigit()):
        raise BadInput(f'--to: found "{to[:20]}"; give a Kubernetes version, such as 1.{oldest + 1}, or {NEXT}')
    for member, cluster in clusters:
        has = minor(cluster.control_plane.kubernetes_version)
        if not has <= int(to[2:]) <= has + 1:
            raise BadInput(
                f"--to {to}: {member.environment.name}: cluster {cluster.name} has Kubernetes 1.{has}; EKS goes up one minor version at"
                f" a time, and clusters of a fleet are at most one apart: take 1.{oldest + 1}"
            )
    return to


def _of(wave: Wave, member: Member, target: str, *, rehearsal: bool, run: Run, say: Callable[[str], None]) -> int:
    name = member.environment.name
    due = [cluster for cluster in member.environment.clusters if cluster.control_plane.kubernetes_version != target]
    if not due:
        say(f"wave {wave.spec.name}: {name}: has Kubernetes {target} already")
        return OK
    (OUT / name).mkdir(exist_ok=True)
    worst = OK
    with tempfile.TemporaryDirectory(prefix="eks-platform-fleet-") as folder:
        made = Path(folder) / "cdk.out"
        if code := synthesise(member.path, made, run):
            say(f"wave {wave.spec.name}: {name}: its synth failed ({code}): nobody knows what an upgrade would do")
            return BAD_INPUT
        for cluster in due:
            for what, command in _commands(name, cluster, made, target, rehearsal=rehearsal):
                code = run([sys.executable, "-m", *command], dict(os.environ))
                words = {OK: "nothing stops it", FINDINGS: "something stops it, or is down"}.get(
                    code, f"failed ({code})"
                )
                say(f"wave {wave.spec.name}: {name}: {cluster.name} to {target}: {what}: {words}: {command[-1]}")
                worst = max(worst, code if code in (OK, FINDINGS) else BAD_INPUT)
    return worst


def _commands(
    name: str, cluster: ClusterSpec, made: Path, target: str, *, rehearsal: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yields what is written of a cluster, and the command that writes it; its last word is the file."""
    places = ["--to", target, "--assembly", str(made)]
    playbook = str(OUT / name / f"playbook-{cluster.name}.html")
    yield "playbook", ["responsibility", "upgrade", *places, "--cluster", cluster.name, "--quiet", "-o", playbook]
    if rehearsal:
        page = str(OUT / name / f"rehearsal-{cluster.name}.html")
        yield "rehearsal", ["rehearse", *places, "--only", cluster.name, "--quiet", "-o", page]
