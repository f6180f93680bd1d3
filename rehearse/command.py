"""One rehearsal: reads the input, runs a control plane for it, plays, and writes the report."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from local_kubernetes.client import ApiError
from local_kubernetes.control_plane import ControlPlane, running
from local_kubernetes.programs import find, how_to_get, minors
from rehearse.case import Case
from rehearse.control import options as control
from rehearse.document import VERDICTS, Rehearsal
from rehearse.judge import judge
from rehearse.options import Options
from rehearse.play import Played, Player
from rehearse.read_assembly import read_assembly
from rehearse.render import FORMATS, SUFFIXES
from rehearse.running import read_running
from responsibility.reading.template import BadSource
from safe_io.errors import FINDINGS, OK, BadInput
from safe_io.output import write_all

ROOT = Path(__file__).parents[1]


def rehearse(options: Options, say: Callable[[str], None]) -> int:
    """Plays what the options ask for; returns the exit code. Raises BadInput."""
    case = _case(options, say)
    if options.to == "next":
        options = replace(options, to=f"1.{int(case.version.split('.')[1]) + 1}")
    runs = _runs(case, options, say)
    with (
        _ending(),
        TemporaryDirectory(prefix="rehearse-") as folder,
        running(runs, Path(folder) / "kubernetes", options=control()) as plane,
    ):
        try:
            document = judge(_play(plane, case, options, say))
        except (OSError, ApiError) as problem:
            if ended := plane.healthy():
                raise BadInput(ended) from problem
            raise
    sys.stdout.write(FORMATS[options.format](document))
    if options.outputs:
        write_all({path: FORMATS[SUFFIXES[path.suffix]](document) for path in options.outputs})
    return FINDINGS if fails(document, options.fail_on) else OK


def _play(plane: ControlPlane, case: Case, options: Options, say: Callable[[str], None]) -> Played:
    player = Player(plane, case, say)
    player.world.pressure.usage = options.usage
    player.set_up()
    if options.to:
        return player.upgrade(options.to, back=options.back)
    if options.drain:
        return player.drain(options.drain)
    return player.replace_pool(options.replace_pool or "")


def fails(document: Rehearsal, fail_on: str) -> bool:
    """Returns whether something was found at a verdict or above."""
    return fail_on != "never" and any(document.having(one) for one in VERDICTS[: VERDICTS.index(fail_on) + 1])


def _case(options: Options, say: Callable[[str], None]) -> Case:
    try:
        if options.cluster:
            case = read_running(options.cluster, _kubectl(), options.context, options.kubeconfig)
        elif options.assembly:
            case = read_assembly(options.assembly, options.only, date.today())
        else:
            case = _of_environment(options, say)
    except BadSource as problem:
        raise BadInput(str(problem)) from None
    stated = case.version
    if stated and options.version and stated != options.version:
        raise BadInput(f"--from {options.version}: cluster {case.name} has {stated}")
    version = stated or options.version or ""
    if not version:
        raise BadInput(f"cluster {case.name}: its Kubernetes version was not read. Say it: --from 1.36")
    compute = replace(case.compute, cluster={**case.compute.cluster, "version": version}, instance_quota=options.quota)
    return replace(case, compute=compute)


def _of_environment(options: Options, say: Callable[[str], None]) -> Case:
    with TemporaryDirectory(prefix="rehearse-") as folder:
        say("Synthesising the environment")
        assembly = _synthesised(options.env or "", Path(folder))
        try:
            case = read_assembly(assembly, options.only, date.today())
        except BadInput as problem:
            raise BadInput(str(problem).replace(assembly, f"environment {options.env}")) from None
        objects = [replace(one, where=one.where.replace(f"{folder}/", "")) for one in case.objects]
        return replace(case, source=f"environment {options.env}", objects=objects)


def _runs(case: Case, options: Options, say: Callable[[str], None]) -> str:
    """Returns the version of the control plane to begin with. Raises BadInput: the upgrade is none, or no programs are here."""
    here = case.version
    if options.to:
        before, after = int(here.split(".")[1]), int(options.to.split(".")[1])
        if after != before + 1:
            raise BadInput(
                f"cluster {case.name} has Kubernetes {here}: EKS takes one minor version at a time: --to 1.{before + 1}"
            )
    if here in minors() and find(here):
        return here
    there = [one for one in minors() if find(one)]
    if not there:
        raise BadInput(f"The programs of Kubernetes are not on this machine. {how_to_get()}")
    nearest = min(there, key=lambda one: abs(int(one.split(".")[1]) - int(here.split(".")[1])))
    say(f"Kubernetes {here} is not on this machine: its control plane is played by {nearest}")
    return nearest


def _synthesised(env: str, folder: Path) -> str:
    """Returns the assembly of an environment. Raises BadInput: the synth refuses it."""
    assembly = folder / "assembly"
    command = [
        "node_modules/.bin/cdk",
        "synth",
        "--quiet",
        "-c",
        f"env={env}",
        "-c",
        "checks=off",
        "--output",
        str(assembly),
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (the CDK CLI)
    except OSError as problem:
        raise BadInput(f"the CDK CLI cannot be run ({problem.strerror}): make setup installs it") from None
    if done.returncode:
        raise BadInput(f"--env {env}: the synth fails:\n{done.stderr.strip()[-1500:]}")
    return str(assembly)


def _kubectl() -> str:
    found = shutil.which("kubectl")
    if not found:
        raise BadInput(
            "kubectl is not installed: --cluster reads the cluster by it (https://kubernetes.io/docs/tasks/tools/)"
        )
    return found


@contextmanager
def _ending() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end it as Ctrl-C does: with nothing left behind. What is ignored stays so (nohup)."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
