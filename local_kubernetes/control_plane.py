"""A Kubernetes control plane on loopback: etcd, API server, controller manager and scheduler of one version, in one folder.

The API has TLS, and asks for a client certificate of the folder's own authority. etcd, which asks nobody who they are, has a
socket in the folder, which is its owner's alone. The other two open no port. All of them end with this process, however it ends.

https://kubernetes.io/docs/concepts/overview/components/#control-plane-components
"""

import os
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from local_kubernetes import certificates, kubeconfig
from local_kubernetes.client import ApiError, Client
from local_kubernetes.programs import Programs, find, how_to_get
from safe_io.errors import BadInput
from safe_io.loopback import LOOPBACK, free_port
from safe_io.process_groups import Child, Group, end_left, group

API, ETCD, MANAGER, SCHEDULER = "kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler"
START_SECONDS = 90.0
SERVICE_RANGE = "10.100.0.0/16"
"""What EKS takes where nobody says: https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html"""
_TRIES = 4
_LINES = 6


@dataclass(frozen=True)
class Options:
    """What a caller may add.

    Attributes:
        flags: more command line arguments, by program.
        service_range: the range of Service addresses.
        garbage: how much garbage programs may make before they collect it, in percent of what they use: the less, the less memory
            they need, and the more CPU.
    """

    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    service_range: str = SERVICE_RANGE
    garbage: int = 50


@contextmanager
def running(minor: str, folder: Path, *, options: Options | None = None) -> Iterator["ControlPlane"]:
    """Runs a control plane in the block; arguments and errors as start(). The folder stays."""
    plane = start(minor, folder, options=options)
    try:
        yield plane
    finally:
        plane.stop()


def start(minor: str, folder: Path, *, options: Options | None = None) -> "ControlPlane":
    """Starts a control plane, and waits until it is ready.

    Args:
        minor: the Kubernetes version, such as ``1.36``. Its programs have to be here already: obtain() gets them.
        folder: for data, certificates, kubeconfig and logs. One that a control plane was stopped in goes on with its data.
        options: what to add.

    Raises BadInput: the programs are not here, or a part does not come up.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    end_left(folder)
    plane = ControlPlane(folder.resolve(), options or Options())
    try:
        plane._begin(minor)
    except BaseException:
        plane.stop()
        raise
    return plane


class ControlPlane:
    """A control plane that runs; start() makes it.

    Attributes:
        folder: where it is.
        version: its minor version, such as ``1.36``.
        url: address of the API.
        kubeconfig: a file for kubectl, as administrator.
        client: the administrator.
    """

    version: str
    url: str
    client: Client
    _group: Group

    def __init__(self, folder: Path, options: Options) -> None:
        """start() is the way to one that runs."""
        self.folder, self.kubeconfig = folder, folder / "kubeconfig"
        self._options = options
        self._children: dict[str, Child] = {}
        self._stack = ExitStack()
        self._port = 0

    @property
    def authority(self) -> str:
        """What a client has to trust, PEM."""
        return (self.folder / "ca.crt").read_text()

    @property
    def pids(self) -> Mapping[str, int]:
        """Process numbers, by program."""
        return {name: child.pid for name, child in self._children.items()}

    def identity(self, name: str, groups: Sequence[str] = ()) -> Client:
        """Returns a client that is another user, such as ``system:node:NAME`` in ``system:nodes``."""
        file = "user-" + "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)
        certificates.make_client(self.folder, file, name, groups)
        return Client(self.url, self._trust(file))

    def move(self, minor: str) -> None:
        """Ends API server, controller manager and scheduler, and starts those of another version with the same data.

        Address and certificates stay. Raises BadInput: the programs are not here, or a part does not come up.
        """
        programs = self._programs(minor)
        for name in (SCHEDULER, MANAGER, API):
            self._end(name)
        self._run(programs, minor)

    def healthy(self) -> str:
        """Returns nothing, or which part has ended, with the end of its log."""
        for name, child in self._children.items():
            if (code := child.poll()) is not None:
                return f"{name} has ended (exit code {code}): {self._log(name)}"
        return ""

    def stop(self) -> None:
        """Ends every part. The folder stays, with its data."""
        for name in (SCHEDULER, MANAGER, API, ETCD):
            self._end(name)
        self._stack.close()

    def _begin(self, minor: str) -> None:
        programs = self._programs(minor)
        if not (self.folder / "ca.crt").exists():
            certificates.make_authority(self.folder)
            certificates.make_server(self.folder, "server", LOOPBACK)
            certificates.make_client(self.folder, "admin", "admin", ["system:masters"])
            certificates.make_client(self.folder, MANAGER, "system:kube-controller-manager")
            certificates.make_client(self.folder, SCHEDULER, "system:kube-scheduler")
        self._group = self._stack.enter_context(group(folder=self.folder))
        self._start(
            programs, ETCD, "--data-dir", "data", "--unsafe-no-fsync", "--log-level", "error", "--listen-client-urls", "unix://client.sock",
            "--backend-batch-interval", "1s", "--backend-batch-limit", "10000",
            "--advertise-client-urls", "unix://client.sock", "--listen-peer-urls", "unix://peer.sock",
        )  # fmt: skip
        self._run(programs, minor)

    def _programs(self, minor: str) -> Programs:
        programs = find(minor)
        if programs is None:
            raise BadInput(f"The programs of Kubernetes {minor} are not on this machine. {how_to_get()}")
        for name in (ETCD, API, MANAGER, SCHEDULER):
            programs.path(name)
        return programs

    def _run(self, programs: Programs, minor: str) -> None:
        """Starts what moves with the version, the API server first, and waits until it is ready."""
        others_know = bool(self._port)
        for attempt in range(_TRIES):
            self._port = self._port or free_port()
            self.url = f"https://{LOOPBACK}:{self._port}"
            self.client = Client(self.url, self._trust("admin"))
            self._start(programs, API, *self._api_flags())
            if not (problem := self._wait("/readyz", API, "is not ready")):
                break
            self._end(API)
            if "address already in use" not in problem or others_know or attempt == _TRIES - 1:
                raise BadInput(problem)
            self._port = 0  # somebody took it in between
        self.version = minor
        for name, user in (("admin", "kubeconfig"), (MANAGER, f"{MANAGER}.conf"), (SCHEDULER, f"{SCHEDULER}.conf")):
            self._write_kubeconfig(self.folder / user, name)
        flags = [
            "--kubeconfig",
            "{}.conf",
            "--authentication-skip-lookup",
            "--secure-port",
            "0",
            "--leader-elect=false",
        ]
        signing = [
            "--service-account-private-key-file", "service-account.key", "--root-ca-file", "ca.crt",
            "--use-service-account-credentials", "--cluster-signing-cert-file", "ca.crt", "--cluster-signing-key-file", "ca.key",
        ]  # fmt: skip
        for name, more in ((MANAGER, signing), (SCHEDULER, [])):
            self._start(programs, name, *(flag.format(name) for flag in flags), *more)
        # What pods need, and the controller manager makes.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        if problem := self._wait(account, MANAGER, "does nothing"):
            raise BadInput(problem)

    def _api_flags(self) -> Sequence[str]:
        return (
            "--etcd-servers", "unix://client.sock", "--bind-address", LOOPBACK, "--advertise-address", LOOPBACK,
            "--secure-port", str(self._port), "--tls-cert-file", "server.crt", "--tls-private-key-file", "server.key",
            "--client-ca-file", "ca.crt", "--authorization-mode", "Node,RBAC", "--allow-privileged", "--anonymous-auth=false",
            "--service-cluster-ip-range", self._options.service_range, "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", "service-account.key", "--service-account-signing-key-file", "service-account.key",
            "--endpoint-reconciler-type", "none", "--profiling=false", "--enable-priority-and-fairness=false",
            # A simulated node is ready as it joins: no controller has to take this plugin's taint away.
            "--disable-admission-plugins", "TaintNodesByCondition",
            # As on EKS, a webhook whose Service has no ready pod fails at once: "no endpoints available for service".
            "--enable-aggregator-routing",
        )  # fmt: skip

    def _start(self, programs: Programs, name: str, *flags: str) -> None:
        # https://pkg.go.dev/runtime#hdr-Environment_Variables
        collect = str(self._options.garbage)
        environment = {"PATH": os.defpath, "HOME": str(self.folder), "GOGC": collect, "GOMAXPROCS": "2"}
        command = [str(programs.path(name).absolute()), *flags, *self._options.flags.get(name, ())]
        with (self.folder / f"{name}.log").open("a") as log:
            try:
                self._children[name] = self._group.start(command, env=environment, cwd=self.folder, output=log)
            except OSError as problem:
                raise BadInput(f"{programs.path(name)}: cannot be started: {problem.strerror}") from None

    def _end(self, name: str) -> None:
        """Ends a part at once: what etcd has taken is kept, and none of the others has anything to say."""
        if child := self._children.pop(name, None):
            child.kill()
            child.wait()

    def _wait(self, path: str, name: str, trouble: str) -> str:
        """Waits until the API answers for a path; returns why it does not: a part that ended, or the ``trouble`` of one."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if problem := self.healthy():
                return problem
            with suppress(OSError, ApiError):
                self.client.get(path)
                return ""
            time.sleep(0.05)
        return f"{name} {trouble} after {START_SECONDS:.0f} s: {self._log(name)}"

    def _log(self, name: str) -> str:
        with suppress(OSError):
            lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
            return "\n".join(lines[-_LINES:])[-1500:]
        return ""

    def _trust(self, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        return context

    def _write_kubeconfig(self, path: Path, name: str) -> None:
        def data(file: str) -> str:
            return b64encode((self.folder / file).read_bytes()).decode()

        user = {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}
        cluster = {"server": self.url, "certificate-authority-data": data("ca.crt")}
        context = {"cluster": "local", "user": name}
        kubeconfig.write(
            path,
            [{"name": "local", "cluster": cluster}],
            [{"name": name, "user": user}],
            [{"name": "local", "context": context}],
            "local",
        )
