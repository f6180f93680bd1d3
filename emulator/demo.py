"""`make demo`: deploys an environment to the local AWS, from the bootstrap to the review."""

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from emulator import cdk, kubeconfig, locks, objects, process
from emulator.installation import ROOT
from emulator.problem import Problem
from emulator.process import Engine
from emulator.status import cluster_lines, stacks
from local_kubernetes.custom_kinds import custom_kinds
from local_kubernetes.machines import machines
from safe_io import process_groups
from safe_io.output import write
from safe_io.ownership import is_whole
from stacks.environment.path import environment_path

NOT_PROVEN = """\
What this does not prove: the local AWS is an emulator (emulator/README.md says what of AWS it knows). AWS may refuse what it
accepts. Quotas, capacity, prices and the permissions of your credentials are not tested."""
NO_PODS = "There are no nodes and no pods, so\nnothing ran in Kubernetes."
PODS = (
    "The control plane of each cluster is\nreal; nodes and pods are simulated: no image was pulled and no program ran."
)

LOCK = "demo.lock"
"""Locked by a demo while it deploys; it contains the time of the start."""
SETTLE_SECONDS = 30.0
END_SECONDS = 30.0
FULL_BYTES = 1_000_000

ENDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")
"""States from which the CDK CLI deploys."""


def run(environment: str) -> int:
    """Deploys an environment and shows the result; returns the exit code. Raises Problem, BadInput."""
    began = time.monotonic()
    environment_path(environment)  # a wrong name needs no local AWS to be seen
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C: nothing is left running but the local AWS
    with _alone():
        engine = _engine()
        assembly = engine.home / "cdk.out"
        try:
            with cdk.synth(engine, environment, assembly, objects=engine.kubernetes) as synth:
                if _states(engine).get("CDKToolkit") not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                    print("cdk bootstrap, and cdk synth beside it", flush=True)
                    cdk.bootstrap(engine)
                output, _ = synth.communicate()
            if synth.returncode < 0:
                raise Problem("cdk synth was ended")
            if synth.returncode and not _full(engine, output):
                print(re.sub(r"^.*Subprocess exited with error.*\n?", "", output, flags=re.M), file=sys.stderr, end="")
                return cdk.code_of_app(output)
            if synth.returncode:
                raise Problem("cdk synth failed")
            print(f"cdk deploy --all, for {_file(environment)}", flush=True)
            write(engine.home / process.MACHINES, json.dumps(machines(assembly)))
            write(engine.home / process.KINDS, json.dumps(custom_kinds(assembly)))
            cdk.deploy(engine, assembly)
            objects.apply(engine, assembly)
        except Problem as problem:
            if _full(engine, str(problem)):
                raise Problem(f"{engine.home}: the disk is full. Make room, then `make demo` again") from problem
            raise Problem(f"{problem}\n{_advice(engine)}") from problem
        print()
        print("\n".join(cluster_lines(engine)))
        print("\n".join(objects.lines(engine)))
        _review(assembly, engine.home)
        print(f"\n{NOT_PROVEN} {PODS if kubeconfig.clusters(engine.home) else NO_PODS}")
        print(f"\n{time.monotonic() - began:.0f} s. Next:")
        for command, what in (
            (f"make deploy ENV={environment}", "deploys it to the account of your credentials (docs/deploy.md)"),
            *(
                (("make demo-kubeconfig", "says how to use kubectl with its clusters"),)
                if kubeconfig.clusters(engine.home)
                else ()
            ),
            (
                "make demo" + (f" ENV={environment}" if environment != "demo" else ""),
                "again after a change to the environment file: deploys only the change",
            ),
            ("make demo-down", "stops the local AWS and deletes everything in it"),
        ):
            print(f"  {command:<24} {what}")
    return 0


def _file(environment: str) -> str:
    """Returns the file of an environment, which may be named by its path."""
    return environment if environment.endswith((".yaml", ".yml")) else f"environments/{environment}.yaml"


def _engine() -> Engine:
    """Returns the running engine, or a new one if there is none or a deploy could not continue in it."""
    if process.died():
        print("The local AWS of the last run ended unexpectedly, and its account is lost: starting over.")
    if engine := process.find():
        if not process.answers(engine):
            print(f"The local AWS of the last run does not answer (process {engine.pid}): starting over.")
        elif stuck := _stuck(engine):
            print(
                f"No deploy can continue from what the last run left: {stuck}. Starting over with an empty account."
                " On AWS: docs/deploy.md#troubleshooting."
            )
        else:
            print(f"The local AWS is already running on {engine.url}.")
            return engine
        process.end()
    engine = process.start(kubernetes=kubeconfig.wanted())
    print(f"The local AWS is running on {engine.url}: an empty account {process.ACCOUNT}.", flush=True)
    return engine


def _states(engine: Engine) -> dict[str, str]:
    return {stack["StackName"]: stack["StackStatus"] for stack in stacks(engine)}


def _stuck(engine: Engine) -> str:
    """Waits for operations that an interrupted run left in progress; returns the stacks that the CDK CLI cannot deploy then."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        states = {name: state for name, state in _states(engine).items() if state not in ENDED}
        if not any(state.endswith("IN_PROGRESS") for state in states.values()) or time.monotonic() > deadline:
            return ", ".join(f"{name} ({state})" for name, state in states.items())
        time.sleep(0.2)


def _full(engine: Engine, said: str) -> bool:
    """Returns whether a step failed because the disk is full, judging by its output or by the space that is left."""
    if re.search(r"ENOSPC|EDQUOT|No space left|quota exceeded", said):
        return True
    with suppress(FileNotFoundError):
        return shutil.disk_usage(engine.home).free < FULL_BYTES
    return False


def _advice(engine: Engine) -> str:
    if locks.holder(engine.home / process.ENGINE_LOCK) != engine.pid:
        log = f" ({engine.log})" if engine.log.exists() else ""
        return f"The local AWS ended during the deploy{log}. `make demo` starts over."
    rolled_back = [name for name, state in _states(engine).items() if "ROLLBACK_COMPLETE" in state]
    if rolled_back:
        return f"{', '.join(rolled_back)}: rolled back. Fix the cause, then run `make demo` again."
    return "Run `make demo` again to continue, or to start over if that is not possible; `make demo-down` deletes everything."


@contextmanager
def _alone() -> Iterator[None]:
    """Allows one run at a time, and ends what a killed run left behind. Raises Problem."""
    folder, path = process.home(), process.home() / LOCK
    while True:
        with locks.opened(folder, LOCK) as lock:
            if not locks.take(lock):
                raise Problem(
                    f"another demo is being deployed ({_other(path)})."
                    " Wait for it, or end it with Ctrl-C where it runs; then try again"
                )
            if locks.is_at(lock, path):  # else the previous owner has deleted the folder
                locks.record(lock, {"since": f"{datetime.now():%H:%M:%S}"})
                process_groups.end_left(folder)
                yield
                return


def _other(path: Path) -> str:
    pid, since = locks.holder(path), locks.recorded(path).get("since")
    return f"process {pid}, since {since}" if pid and since else "it has just begun"


def end() -> None:
    """Ends a demo in another process, and what a killed demo left behind, and waits until they have ended. Raises Problem."""
    folder, path = process.home(), process.home() / LOCK
    if not is_whole(folder):  # nothing of ours is there
        return
    for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        if (pid := locks.holder(path)) is None:
            break
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # a stopped process receives no other signal
            os.kill(pid, number)
        process_groups.resume(folder)
        deadline = time.monotonic() + seconds
        while locks.holder(path) == pid and time.monotonic() < deadline:
            time.sleep(0.05)
    if (pid := locks.holder(path)) is not None:
        raise Problem(f"a demo is being deployed (process {pid}), and does not end. End it by hand, then try again")
    process_groups.end_left(folder)


def _review(assembly: Path, folder: Path) -> None:
    """Reviews the assembly, and prints the summary and where the page is. Raises Problem."""
    document, page = folder / "review.json", folder / "review.html"
    command = [sys.executable, "-m", "responsibility", "review", "--assembly", str(assembly), "--fail-on", "never"]
    command += ["--quiet", "-o", str(document), "-o", str(page)]
    code, output = process_groups.run(command, folder=folder, cwd=ROOT)
    if code:
        raise Problem(f"the review failed: {output.strip()}")
    review = json.loads(document.read_text())
    summary = review["summary"]
    duties = ", ".join(f"{number} {severity}" for severity, number in summary["open"].items() if number) or "none"
    print(
        f"\nYour share of the responsibility: {summary['met']} duties met, open: {duties}, accepted: {summary['accepted']}"
    )
    titles = {check["code"]: check["title"] for check in review["checks"]}
    for code in dict.fromkeys(
        one["code"] for one in review["findings"] if one["status"] == "open" and not one.get("accepted")
    ):
        print(f"  {code} {titles[code]}")
    print(f"  the page: {page}")
