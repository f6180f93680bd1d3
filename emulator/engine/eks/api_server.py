"""A real Kubernetes API server for each cluster, where KUBEBUILDER_ASSETS names a folder with kube-apiserver and etcd.

Nobody schedules pods in it: it takes, validates, stores and deletes objects. What a cluster of Auto Mode has of resource
definitions is there by name alone. https://book.kubebuilder.io/reference/envtest (what the binaries are)

The API answers bearer tokens alone. etcd, which asks nobody who they are, has sockets in a folder that is its owner's alone.
"""

import base64
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.engine.confinement import LOOPBACK, allowed

START_SECONDS = 60.0

AUTO_MODE_DEFINITIONS = (
    # group, version, kind, plural, namespaced
    ("eks.amazonaws.com", "v1", "NodeClass", "nodeclasses", False),
    ("eks.amazonaws.com", "v1", "IngressClassParams", "ingressclassparams", False),
    ("eks.amazonaws.com", "v1", "TargetGroupBinding", "targetgroupbindings", True),
    ("karpenter.sh", "v1", "NodePool", "nodepools", False),
    ("karpenter.sh", "v1", "NodeClaim", "nodeclaims", False),
)


@dataclass(frozen=True)
class Webhook:
    """The token webhook: its address, which is a secret, and the certificate to trust over https."""

    url: str
    certificate: str = ""


class ApiServer:
    """An etcd and a kube-apiserver on loopback, with their data in a folder.

    Attributes:
        url: address of the API.
        certificate: what a client has to trust, PEM.
    """

    def __init__(self, assets: Path, folder: Path, *, webhook: "Webhook | None" = None, definitions: bool) -> None:
        """Starts them and waits until they answer.

        Args:
            assets: folder of the binaries.
            folder: for data, certificates and logs; deleted by stop().
            webhook: who says whose a bearer token is; None: nobody but this object is let in.
            definitions: whether the cluster has Auto Mode's resource definitions.

        Raises OSError: a program is missing, or does not come up.
        """
        self._folder = folder
        self._stopped = threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._token = secrets.token_urlsafe(32)
        _write(folder / "tokens.csv", f'{self._token},emulator,emulator,"system:masters"\n')
        # Names in the folder of the processes: a path to a socket has room for about a hundred characters.
        etcd = [
            str(assets / "etcd"), "--data-dir", "etcd", "--unsafe-no-fsync", "--log-level", "error",
            "--listen-client-urls", "unix://client.sock", "--advertise-client-urls", "unix://client.sock",
            "--listen-peer-urls", "unix://peer.sock",
        ]  # fmt: skip
        key = "service-account.key"
        with allowed():
            subprocess.run(["openssl", "genrsa", "-out", key, "2048"], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607
            port = _free_port()
        server = [
            str(assets / "kube-apiserver"), "--etcd-servers", "unix://client.sock",
            "--bind-address", LOOPBACK, "--advertise-address", LOOPBACK, "--secure-port", str(port),
            "--cert-dir", "certificates", "--authorization-mode", "RBAC", "--allow-privileged", "--anonymous-auth=false",
            "--service-cluster-ip-range", "10.100.0.0/16", "--service-account-issuer", "https://emulator",
            "--service-account-key-file", key, "--service-account-signing-key-file", key, "--profiling=false",
            "--disable-admission-plugins", "ServiceAccount",  # no controller makes their tokens
            "--endpoint-reconciler-type", "none", "--token-auth-file", "tokens.csv",
        ]  # fmt: skip
        if webhook:
            _write(folder / "webhook.json", json.dumps(_kubeconfig(webhook)))
            server += ["--authentication-token-webhook-config-file", "webhook.json"]
            server += ["--authentication-token-webhook-cache-ttl", "0s"]
        # Children of the engine: they end with its session.
        for command, log in ((etcd, "etcd.log"), (server, "kube-apiserver.log")):
            self._processes.append(self._start(command, log))
        self.url = f"https://{LOOPBACK}:{port}"
        self.certificate = self._wait()
        if definitions:
            for definition in AUTO_MODE_DEFINITIONS:
                self._post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", _definition(*definition))
        threading.Thread(target=self._finish_namespaces, daemon=True).start()

    def stop(self) -> None:
        """Ends the programs and deletes their folder."""
        self._stopped.set()
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, command: list[str], log: str) -> "subprocess.Popen[bytes]":
        with (self._folder / log).open("wb") as output, allowed():
            return subprocess.Popen(command, stdout=output, stderr=output, cwd=self._folder)  # noqa: S603 - named by the person

    def _wait(self) -> str:
        certificate = self._folder / "certificates" / "apiserver.crt"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and all(process.poll() is None for process in self._processes):
            if certificate.exists():
                with suppress(OSError):
                    self._get("/readyz", certificate)
                    return certificate.read_text()
            time.sleep(0.1)
        log = (self._folder / "kube-apiserver.log").read_text(errors="replace")[-500:]
        self.stop()
        raise OSError(f"kube-apiserver does not come up: {log}")

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        certificate: Path | None = None,
    ) -> Any:
        """Asks the API as its administrator; ``body`` and the answer are JSON. Raises HTTPError."""
        trusted = ssl.create_default_context(cafile=str(certificate or self._folder / "certificates" / "apiserver.crt"))
        trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT if hasattr(ssl, "VERIFY_X509_STRICT") else -1
        request = urllib.request.Request(  # noqa: S310 - on loopback
            f"{self.url}{path}", method=method, data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content_type},
        )  # fmt: skip
        with urllib.request.urlopen(request, context=trusted, timeout=10) as answer:  # noqa: S310 - on loopback
            content = answer.read()
        return json.loads(content) if content.startswith(b"{") else content

    def _get(self, path: str, certificate: Path | None = None) -> Any:
        return self.request("GET", path, certificate=certificate)

    def _post(self, path: str, body: Any) -> Any:
        return self.request("POST", path, body)

    def _finish_namespaces(self) -> None:
        """Does what the namespace controller does at the end: without one a deleted namespace would stay."""
        while not self._stopped.wait(0.3):
            with suppress(OSError, KeyError):
                for namespace in self._deleted_namespaces():
                    name = namespace["metadata"]["name"]
                    namespace["spec"]["finalizers"] = []
                    self.request("PUT", f"/api/v1/namespaces/{name}/finalize", namespace)

    def _deleted_namespaces(self) -> Iterator[Any]:
        for namespace in self._get("/api/v1/namespaces")["items"]:
            if namespace["metadata"].get("deletionTimestamp"):
                yield {"apiVersion": "v1", "kind": "Namespace", **namespace}


def authority(server: ApiServer) -> str:
    """Returns the certificate as EKS answers it."""
    return base64.b64encode(server.certificate.encode()).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _write(path: Path, content: str) -> None:
    """Writes a file that its owner alone reads."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(content)


def _kubeconfig(webhook: Webhook) -> dict[str, Any]:
    """Returns the configuration of the token webhook, in the form of a kubeconfig."""
    trusted = {"certificate-authority": webhook.certificate} if webhook.certificate else {}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "engine", "cluster": {"server": webhook.url, **trusted}}],
        "users": [{"name": "apiserver"}],
        "contexts": [{"name": "webhook", "context": {"cluster": "engine", "user": "apiserver"}}],
        "current-context": "webhook",
    }


def _definition(group: str, version: str, kind: str, plural: str, namespaced: bool) -> dict[str, Any]:
    """Returns a resource definition that takes any field: the real ones are AWS's."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
