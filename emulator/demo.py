"""`make demo`: an environment's whole way into an account, on this machine."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from emulator import cdk, process
from emulator.installation import ROOT
from emulator.problem import Problem
from emulator.process import Engine
from emulator.standing import cluster_lines, stacks

NOT_PROVEN = """\
What this does not prove: the local AWS is an emulator (emulator/README.md says what of AWS it knows). AWS may refuse what it
accepts; quotas, capacity, prices and the rights of your credentials are not tried; no node and no pod exists, so nothing in
Kubernetes has run."""

ENDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
"""States from which the CDK CLI deploys."""


def run(environment: str) -> int:
    """Deploys an environment and shows what stands; returns the exit code. Raises Problem."""
    began = time.monotonic()
    with _alone():
        assembly = process.home() / "cdk.out"
        engine = _engine()
        synth = subprocess.Popen(  # noqa: S603 - our own
            cdk.synth_command(environment, assembly), cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=engine.environment(),
        )  # fmt: skip
        if not any(stack["StackName"] == "CDKToolkit" for stack in stacks(engine)):
            print("cdk bootstrap, and cdk synth beside it", flush=True)
            cdk.bootstrap(engine)
        output, _ = synth.communicate()
        if synth.returncode:
            print(output, file=sys.stderr)
            return synth.returncode
        print(f"cdk deploy --all, for environments/{environment}.yaml", flush=True)
        try:
            cdk.deploy(engine, assembly)
        except Problem as problem:
            raise Problem(f"{problem}\n{_advice(engine)}") from problem
        print()
        print("\n".join(cluster_lines(engine)))
        _review(assembly, engine.home)
        print(f"\n{NOT_PROVEN}")
        print(f"\n{time.monotonic() - began:.0f} s. Next:")
        print(f"  make deploy ENV={environment}      deploy it to the account of your credentials (docs/deploy.md)")
        print("  make demo              again, after a change of the environment file: only the change is deployed")
        print("  make demo-down         takes the local AWS away, with all that is in it")
    return 0


def _engine() -> Engine:
    """Returns the engine that runs, or a new one where there is none, or none that could go on."""
    if process.died():
        print("The local AWS of the last run ended in the middle, and its account with it: beginning anew.")
    engine = process.find()
    if engine:
        if stuck := [s for s in stacks(engine) if s["StackStatus"] not in ENDED]:
            names = ", ".join(f"{stack['StackName']} ({stack['StackStatus']})" for stack in stuck)
            print(
                f"The last run left what no deploy can go on from: {names}. Beginning anew with an empty account."
                " On AWS: docs/deploy.md#troubleshooting."
            )
            process.stop()
            engine = None
        else:
            print(f"The local AWS runs already on {engine.url}.")
    if engine is None:
        engine = process.start()
        print(f"The local AWS runs on {engine.url}: an empty account {process.ACCOUNT}.", flush=True)
    return engine


def _advice(engine: Engine) -> str:
    if process.find(engine.home) is None:
        return f"The local AWS has ended in the middle of it ({engine.log}). `make demo` begins anew."
    states = {stack["StackName"]: stack["StackStatus"] for stack in stacks(engine)}
    rolled_back = [name for name, state in states.items() if "ROLLBACK_COMPLETE" in state]
    if rolled_back:
        return f"{', '.join(rolled_back)}: rolled back. Repair the cause, then `make demo` again."
    return "`make demo` again goes on, or begins anew where it cannot; `make demo-down` takes everything away."


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one run at a time through. Raises Problem."""
    path = lock_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Problem(
                f"another demo is being deployed ({lock.read().strip() or 'it has just begun'})."
                " Wait for it, or end it with Ctrl-C where it runs; then try again"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now():%H:%M:%S}")
        lock.flush()
        yield
        lock.truncate(0)


def lock_file() -> Path:
    """Returns the file that a run holds, beside the emulator's folder, which a run may delete."""
    home = process.home()
    return home.with_name(f"{home.name}.lock")


def _review(assembly: Path, folder: Path) -> None:
    """Reviews the assembly, and prints the summary and where the page is. Raises Problem."""
    document, page = folder / "review.json", folder / "review.html"
    command = [sys.executable, "-m", "responsibility", "review", "--assembly", str(assembly), "--fail-on", "never"]
    command += ["--quiet", "-o", str(document), "-o", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise Problem(f"the review failed: {done.stderr.strip()}")
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
