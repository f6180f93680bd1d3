"""Runs the real CDK CLI against the local AWS, and prints one line for each stack."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from emulator import locks
from emulator.installation import ROOT
from emulator.problem import Problem
from emulator.process import ACCOUNT, ENGINE_LOCK, REGION, Engine
from safe_io import process_groups, threads
from safe_io.process_groups import Child

CLI = ROOT / "node_modules" / ".bin" / "cdk"
QUIET = ("--no-notices", "--ci")
_EVENT = re.compile(r"(\S+) \|\s*(\d+)(?:/(\d+))? \| [^|]+\| (\w+)\s*\| (\S+)\s*\| ?(.*)")


@contextmanager
def running(
    engine: Engine, arguments: Sequence[str], *, cwd: Path = ROOT, extra: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Runs the CLI, its two outputs as one. At the end nothing of it is left, though it starts processes that would outlive it."""
    env = {**engine.environment(), **(extra or {})}
    with process_groups.running([str(CLI), *arguments, *QUIET], folder=engine.home, env=env, cwd=cwd) as child:
        threads.start(_end_with_engine, child, engine)
        yield child


def run(engine: Engine, arguments: Sequence[str], *, cwd: Path = ROOT) -> tuple[int, str]:
    """Runs the CLI to its end; returns its exit code and what it printed."""
    with running(engine, arguments, cwd=cwd) as child:
        output, _ = child.communicate()
    return child.returncode, output


def bootstrap(engine: Engine) -> None:
    """Bootstraps the account. Raises Problem."""
    # From a folder without cdk.json, so that no app is run for it.
    code, output = run(engine, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], cwd=engine.home)
    if code:
        raise Problem(f"cdk bootstrap failed:\n{_tail(output)}")


def synth(engine: Engine, environment: str, assembly: Path, *, objects: bool) -> AbstractContextManager[Child]:
    """Begins to synthesise an environment as the demo deploys it; without ``objects``, nothing is put into Kubernetes."""
    arguments = ["synth", "--quiet", "--output", str(assembly), "-c", f"env={environment}"]
    arguments += [] if objects else ["-c", "delivery=files"]
    # jsii keeps 200 MB of unpacked packages in the person's own cache, which every synth uses.
    home = _person_home()
    cache = {"HOME": str(home)} if home else {"JSII_RUNTIME_PACKAGE_CACHE": "disabled"}
    return running(engine, arguments, extra=cache)


def code_of_app(output: str) -> int:
    """Returns the exit code of the app that a synth has run; the CLI's own is 1, whatever the app's."""
    said = re.search(r"exited with error (\d+)", output)
    return int(said[1]) if said else 1


def _person_home() -> Path | None:
    """Returns the person's home folder; None: there is none, or it cannot be written."""
    with suppress(RuntimeError):  # neither HOME nor an entry in the password file
        found = Path.home()
        return found if found.is_absolute() and found != Path("/") and os.access(found, os.W_OK) else None
    return None


def deploy(engine: Engine, assembly: Path) -> None:
    """Deploys every stack of an assembly and prints a line for each. Raises Problem."""
    _refuse_other_places(assembly)
    total = {name: _resources(assembly, name) for name in _stacks(assembly)}
    arguments = ["deploy", "--all", "--app", str(assembly), "--require-approval", "never", "--progress", "events"]
    arguments += ["--concurrency", "2", "--outputs-file", str(engine.home / "outputs.json")]
    log: list[str] = []
    started: dict[str, float] = {}
    with running(engine, arguments) as process:
        for line in process.stdout or ():
            log.append(line.rstrip())
            _tell(line, total, started)
        process.wait()
    _clear()
    with suppress(FileNotFoundError):  # the folder may have been deleted under it
        (engine.home / "deploy.log").write_text("\n".join(log))
    if process.returncode:
        raise Problem(_failure(log, engine.home / "deploy.log"))


def _refuse_other_places(assembly: Path) -> None:
    """Raises Problem for stacks of an account or region that the local AWS is not: they would wait for functions that never run."""
    for name in _stacks(assembly):
        manifest = json.loads((assembly / "manifest.json").read_text())["artifacts"][name]
        account, region = manifest["environment"].removeprefix("aws://").split("/")
        for what, is_for, here in (("account", account, ACCOUNT), ("region", region, REGION)):
            if is_for not in (here, f"unknown-{what}"):
                raise Problem(
                    f"{name} is for {what} {is_for}, and the local AWS is {what} {here}: take {what} out of the environment file, or"
                    f" say {what}: {json.dumps(here)}, for the demo (a file that extends yours: docs/environments.md)"
                )


def _tell(line: str, total: dict[str, int], started: dict[str, float]) -> None:
    """Turns a line of the CLI into progress."""
    if announced := re.match(r"(\S+?): (deploying|creating|start)", line):
        started.setdefault(announced[1], time.monotonic())
    if event := _EVENT.match(line):
        name, done = event[1], int(event[2])
        _progress(name, min(done, total.get(name, done)), total.get(name, done))
    elif finished := re.match(r" ?✅  (\S+?)( \(no changes\))?$", line):
        _finished(finished[1], total, started, changed=not finished[2])


def _end_with_engine(child: Child, engine: Engine) -> None:
    """Ends the CLI when the engine has ended: by itself it would try again for a minute."""
    while child.poll() is None:
        if locks.holder(engine.home / ENGINE_LOCK) != engine.pid:
            child.end()
            return
        time.sleep(0.2)


def _stacks(assembly: Path) -> list[str]:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    return [name for name, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"]


def _resources(assembly: Path, stack: str) -> int:
    return len(json.loads((assembly / f"{stack}.template.json").read_text())["Resources"])


def _progress(name: str, done: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K  {name:<28} {done:>3} of {total}", end="", flush=True)


def _clear() -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="")


def _finished(name: str, total: dict[str, int], started: dict[str, float], *, changed: bool) -> None:
    _clear()
    seconds = f"{time.monotonic() - started[name]:.1f} s" if name in started else ""
    what = f"{total.get(name, 0):>3} resources  {seconds}" if changed else "no change"
    print(f"  {name:<28} {what}", flush=True)


def _failure(log: Sequence[str], file: Path) -> str:
    """Returns what failed and why: the CLI's own list, or its last lines."""
    failed = [event for event in map(_EVENT.match, log) if event and event[4].endswith("_FAILED")]
    if failed:
        reasons = dict.fromkeys(f"  {event[1]}: {event[5]} {event[6].strip()}" for event in failed)
        lines = "\n".join(list(reasons)[:5])
    else:
        lines = _tail("\n".join(log))
    return f"cdk deploy failed:\n{lines}\nThe full log: {file}"


def _tail(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    return "\n".join(f"  {line}" for line in lines[-6:])
