"""kubectl and helm, each told which cluster is meant in every call."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from delivery.account import Cluster
from delivery.order import KubernetesObject
from delivery.problem import DeliveryProblem, Refusal

FIELD_MANAGER = "eks-platform"

# What an API server says for a moment after a definition, a webhook's pods or a node of its own came up.
_PASSING = (
    "no matches for kind",
    "failed calling webhook",
    "connection refused",
    "etcdserver: request timed out",
    "the object has been modified",
    "TLS handshake timeout",
)
_TRIES = 6

_INSTALL = {
    "kubectl": "https://docs.aws.amazon.com/eks/latest/userguide/install-kubectl.html",
    "helm": "https://docs.aws.amazon.com/eks/latest/userguide/helm.html",
}


def find(program: str) -> str:
    """Returns the path of a program. Raises Refusal if it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise Refusal(f"{program} is not installed, or not on PATH; how to get it: {_INSTALL[program]}")
    return path


class Kubectl:
    """kubectl, with one context."""

    def __init__(self, context: str | None = None, *, pause: float = 5) -> None:
        """Takes ``context``, or the current one; waits ``pause`` seconds before it asks again. Raises Refusal."""
        self._program = find("kubectl")
        self._pause = pause
        self.context = context or self._current()

    def _current(self) -> str:
        found = _run([self._program, "config", "current-context"])
        if found.returncode or not found.stdout.strip():
            raise Refusal("kubectl has no current context: aws eks update-kubeconfig --name CLUSTER makes one")
        return found.stdout.strip()

    def check_context(self, name: str, cluster: Cluster) -> None:
        """Raises Refusal unless the context is that of ``cluster``: by its certificate authority, which tunnels keep."""
        # Of the cluster alone: never the user's part, which holds credentials.
        path = "{.clusters[0].cluster.server}{'\\n'}{.clusters[0].cluster.certificate-authority-data}"
        command = [
            "config",
            "view",
            "--raw",
            "--flatten",
            "--minify",
            "--context",
            self.context,
            "-o",
            f"jsonpath={path}",
        ]
        found = _run([self._program, *command])
        if found.returncode:
            raise Refusal(f"kubectl does not know the context {self.context}: {_reason(found)}")
        server, _, authority = found.stdout.strip().partition("\n")
        same = authority == cluster.certificate_authority if authority else server == cluster.endpoint
        if not same:
            raise Refusal(
                f"the context {self.context} leads to {server}, which is not the cluster {name} ({cluster.endpoint})."
                " Nothing was changed. Name its context: KUBE_CONTEXT=...;"
                f" aws eks update-kubeconfig --name {name} makes one"
            )

    def apply(self, objects: Sequence[KubernetesObject]) -> None:
        """Applies objects on the server's side. Raises DeliveryProblem."""
        if not objects:
            return
        command = ["apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "-f", "-"]
        for attempt in range(_TRIES):
            done = self.call(*command, objects=objects)
            if not done.returncode:
                return
            if not any(text in done.stderr for text in _PASSING) or attempt == _TRIES - 1:
                break
            time.sleep(self._pause)
        raise DeliveryProblem(f"kubectl apply: {_reason(done)}")

    def delete(self, objects: Sequence[KubernetesObject], timeout: int) -> None:
        """Deletes objects and waits until they are gone, finalizers and all. Raises DeliveryProblem."""
        command = ["delete", "--ignore-not-found", "--wait=true", f"--timeout={timeout}s", "-f", "-"]
        done = self.call(*command, objects=objects)
        # A kind that is not defined (any more) has no objects.
        if done.returncode and "no matches for kind" not in done.stderr:
            raise DeliveryProblem(f"kubectl delete: {_reason(done)}")

    def get(self, *what: str) -> dict[str, Any] | None:
        """Returns an object, or a list of objects, as JSON; None if it is not there. Raises DeliveryProblem."""
        done = self.call("get", *what, "--ignore-not-found", "-o", "json")
        if done.returncode:
            raise DeliveryProblem(f"kubectl get: {_reason(done)}")
        found: dict[str, Any] | None = json.loads(done.stdout) if done.stdout.strip() else None
        return found

    def must(self, *arguments: str) -> None:
        """Runs kubectl. Raises DeliveryProblem if it fails."""
        done = self.call(*arguments)
        if done.returncode:
            raise DeliveryProblem(f"kubectl {' '.join(arguments[:3])}: {_reason(done)}")

    def call(
        self, *arguments: str, objects: Sequence[KubernetesObject] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl against the context, with ``objects`` on its input."""
        bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)} if objects is not None else None
        return _run([self._program, "--context", self.context, *arguments], json.dumps(bundle) if bundle else None)


class Helm:
    """helm, with kubectl's context."""

    def __init__(self, context: str) -> None:
        """Takes kubectl's ``context``. Raises Refusal."""
        self._program, self._context = find("helm"), context

    def install(self, chart: dict[str, Any], timeout: int) -> None:
        """Installs or upgrades a release and waits until it is ready. Raises DeliveryProblem."""
        where = (
            [f"{chart['repository'].rstrip('/')}/{chart['chart']}"]
            if chart["repository"].startswith("oci://")
            else [chart["chart"], "--repo", chart["repository"]]
        )
        self._must(
            *("upgrade", "--install", chart["name"], *where, "--version", chart["version"]),
            *(
                "--namespace",
                chart["namespace"],
                "--create-namespace",
                "--wait",
                f"--timeout={timeout}s",
                "--values",
                "-",
            ),
            stdin=json.dumps(chart["values"]),
        )

    def uninstall(self, chart: dict[str, Any], timeout: int) -> None:
        """Takes a release away, if it is there. Raises DeliveryProblem."""
        release = [chart["name"], "--namespace", chart["namespace"]]
        self._must("uninstall", *release, "--ignore-not-found", "--wait", f"--timeout={timeout}s")

    def _must(self, *arguments: str, stdin: str | None = None) -> None:
        done = _run([self._program, "--kube-context", self._context, *arguments], stdin)
        if done.returncode:
            raise DeliveryProblem(f"helm {' '.join(arguments[:3])}: {_reason(done)}")


def _run(command: Sequence[str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - kubectl or helm, found on PATH
        command,
        input=stdin,
        stdin=None if stdin else subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ,
    )


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return "\n  ".join(lines[-6:]) or f"it ended with {done.returncode} and does not say why"
