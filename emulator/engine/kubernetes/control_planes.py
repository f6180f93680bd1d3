"""The control plane of each cluster: started beside the request that makes the cluster, and gone with the cluster."""

import contextvars
import os
import shutil
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.engine import port
from emulator.engine.account import Account
from emulator.engine.confinement import allowed
from emulator.engine.eks.state import State
from emulator.engine.kubernetes.asked import what_is_asked
from emulator.engine.kubernetes.identity import Identity
from emulator.engine.kubernetes.running import Running
from emulator.kubeconfig import FOLDER
from local_kubernetes import control_plane, kubeconfig
from local_kubernetes.control_plane import ControlPlane, Options
from local_kubernetes.definitions import CAPABILITIES, define
from local_kubernetes.programs import find, minors
from safe_io.errors import BadInput
from safe_io.loopback import LOOPBACK

ON = "EMULATOR_KUBERNETES"
"""Set in the engine's environment where its clusters are to have a control plane."""
START_SECONDS = 120.0
"""How long a control plane of this machine may take to come up."""
WEBHOOK = "/_ministack/eks-auth/{}/{}/{}/{}"
"""Account, region, cluster and the webhook's token, below a path that ministack gives to its EKS, whose place ours takes."""


@dataclass(frozen=True)
class Webhook:
    """The token webhook: its address, which is a secret, and the certificate to trust over https."""

    url: str
    certificate: str = ""


class Kubernetes:
    """The Kubernetes of one cluster.

    Attributes:
        problem: why it does not run; empty while it starts, and when it runs.
    """

    def __init__(
        self, folder: Path, asked: Mapping[str, Any], webhook: Webhook, live: Callable[[ControlPlane], Running]
    ) -> None:
        """Begins to start it.

        Args:
            folder: for all it writes.
            asked: the cluster, as DescribeCluster answers it.
            webhook: who says whose a bearer token is.
            live: makes what keeps nodes and AWS's side of the cluster going.
        """
        self._folder, self._asked, self._webhook, self._live = folder, asked, webhook, live
        self._plane: ControlPlane | None = None
        self._running: Running | None = None
        self._stopped = threading.Event()
        self._begin(self._start)

    @property
    def endpoint(self) -> tuple[str, str] | None:
        """Address and authority, as EKS answers them; None: it is not ready."""
        plane = self._plane
        return (
            (plane.url, b64encode(plane.authority.encode()).decode()) if plane and not self._thread.is_alive() else None
        )

    @property
    def settled(self) -> bool:
        """Whether it is ready, or never will be."""
        return not self._thread.is_alive()

    def move(self, minor: str) -> None:
        """Begins to move it to another version."""
        if self._plane:
            self._begin(lambda: self._move(minor))

    def define(self, capability: str) -> None:
        """Makes the resource definitions that a capability of this type brings. Raises ApiError, OSError."""
        if self._plane:
            with allowed():
                define(self._plane.client, CAPABILITIES[capability])

    def stop(self) -> None:
        """Ends it, and deletes its folder."""
        self._stopped.set()
        self._thread.join()
        if self._running:
            self._running.stop()
        if self._plane:
            self._plane.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self, what: Callable[[], None]) -> None:
        """Does something beside the request, in its context: the account and region that ministack's stores are read for."""
        self.problem = ""
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(what,), daemon=True, name=self._folder.name)
        self._thread.start()

    def _move(self, minor: str) -> None:
        assert self._plane  # noqa: S101 - move() has looked
        try:
            with allowed():
                self._plane.move(minor)
        except (BadInput, OSError) as problem:
            self.problem = str(problem)

    def _start(self) -> None:
        try:
            with allowed():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._write_webhook()
                plane = control_plane.start(str(self._asked["version"]), self._folder, options=self._options())
            self._plane = plane
            if (self._asked.get("computeConfig") or {}).get("enabled"):
                define(plane.client)
            if not self._stopped.is_set():
                self._running = self._live(plane)
        except (BadInput, OSError) as problem:
            self.problem = str(problem)

    def _options(self) -> Options:
        network = self._asked["kubernetesNetworkConfig"]
        flags = [
            "--authentication-token-webhook-config-file",
            "webhook.json",
            "--authentication-token-webhook-cache-ttl",
            "0s",
        ]
        settings = self._asked.get("kubeApiServerConfig") or {}
        if ttl := settings.get("eventTtl"):
            flags += ["--event-ttl", str(ttl)]
        if ports := settings.get("serviceNodePortRange"):
            flags += ["--service-node-port-range", f"{ports['minPort']}-{ports['maxPort']}"]
        # Kubelets are simulated: nobody is to wait for their heartbeats.
        manager = ["--controllers", "*,-node-lifecycle-controller"]
        # Services of a cluster with IPv6 get addresses of IPv4 here: the API server of one machine has to have an address of its range.
        options = {control_plane.API: flags, control_plane.MANAGER: manager}
        return Options(options, service_range=network.get("serviceIpv4Cidr") or control_plane.SERVICE_RANGE)

    def _write_webhook(self) -> None:
        trusted = {"certificate-authority": self._webhook.certificate} if self._webhook.certificate else {}
        kubeconfig.write(
            self._folder / "webhook.json",
            [{"name": "engine", "cluster": {"server": self._webhook.url, **trusted}}],
            [{"name": "apiserver"}],
            [{"name": "webhook", "context": {"cluster": "engine", "user": "apiserver"}}],
            "webhook",
        )


class ControlPlanes:
    """The Kubernetes of every cluster of the local AWS."""

    def __init__(self, account: Account, webhook_token: str) -> None:
        """Their API servers get ``webhook_token``."""
        self._account, self._webhook_token = account, webhook_token
        self._clusters: dict[tuple[str, str, str], Kubernetes] = {}

    def start(self, state: State, asked: Mapping[str, Any]) -> Kubernetes | None:
        """Begins to start a cluster's Kubernetes; None: the local AWS has none, or none of its version."""
        if os.environ.get(ON) != "1" or asked["version"] not in minors() or find(asked["version"]) is None:
            return None
        cluster = str(asked["name"])
        key = (state.account, state.region, cluster)
        certificate = port.tls_material()[0] if port.uses_tls() else ""
        address = f"{LOOPBACK}:{os.environ['GATEWAY_PORT']}"
        url = f"{'https' if certificate else 'http'}://{address}{WEBHOOK.format(*key, self._webhook_token)}"

        def live(plane: ControlPlane) -> Running:
            identity = Identity(state, self._account, cluster, plane.client)
            return Running(plane.client, lambda: what_is_asked(state, self._account, cluster), identity, state.region)

        folder = Path(os.environ["TMPDIR"]) / f"{FOLDER}{cluster}"
        started = self._clusters[key] = Kubernetes(folder, asked, Webhook(url, certificate), live)
        return started

    def of(self, state: State, cluster: str) -> Kubernetes | None:
        """Returns a cluster's Kubernetes, if it has one."""
        return self._clusters.get((state.account, state.region, cluster))

    def stop(self, state: State, cluster: str) -> None:
        """Ends a cluster's Kubernetes, if it has one."""
        if found := self._clusters.pop((state.account, state.region, cluster), None):
            found.stop()
