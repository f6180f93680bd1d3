"""kubectl and helm: each call names the cluster and has a time limit."""

import json
import re
import shutil
import time
from collections.abc import Sequence
from typing import Any

from delivery.account import Cluster
from delivery.object_kind import KubernetesObject
from delivery.plan import Chart
from delivery.problem import DeliveryProblem
from delivery.subprocesses import Done, run
from safe_io.errors import BadInput
from safe_io.json_text import load_json
from safe_io.terminal import one_line
from safe_io.yaml_scalars import Rules

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

_GRACE = 5
"""Seconds that a program gets to say itself that its own time-out is over."""

_ANSWER = Rules(max_bytes=64 * 1024 * 1024, max_values=5_000_000, max_depth=100)

_TAKEN_OVER = {"kubectl-client-side-apply", "before-first-apply"}
"""Who owns the fields of objects that `delivery: kubectl` applied until now, or somebody with plain kubectl apply."""

_INSTALL = {
    "kubectl": "https://docs.aws.amazon.com/eks/latest/userguide/install-kubectl.html",
    "helm": "https://docs.aws.amazon.com/eks/latest/userguide/helm.html",
}


def find(program: str) -> str:
    """Returns the path of a program. Raises BadInput if it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise BadInput(f"{program} is not installed, or not on PATH; how to get it: {_INSTALL[program]}")
    return path


class Kubectl:
    """kubectl, with one context."""

    def __init__(self, context: str | None = None, *, timeout: int, pause: float = 5) -> None:
        """Finds kubectl and its context.

        Args:
            context: None: the current one.
            timeout: seconds a call may take.
            pause: seconds before it asks again.

        Raises:
            BadInput: there is no kubectl, or no context.
        """
        self._program = find("kubectl")
        self._timeout, self._pause = timeout, pause
        self.context = context or self._current()

    def _current(self) -> str:
        found = self._before("config", "current-context")
        context = found.out.strip()
        if found.code or not context or not context.isprintable():
            raise BadInput("kubectl has no current context: aws eks update-kubeconfig --name CLUSTER makes one")
        return context

    def _before(self, *arguments: str) -> Done:
        """Runs kubectl before anything is changed. Raises BadInput."""
        try:
            return run([self._program, *arguments], f"kubectl {arguments[0]}", seconds=self._timeout)
        except DeliveryProblem as problem:
            raise BadInput(f"{problem}\nNothing was changed.") from None

    def check_context(self, name: str, cluster: Cluster) -> None:
        """Raises BadInput unless the context leads to ``cluster``: by its certificate authority, which tunnels keep."""
        # Only the cluster's part: the user's part has credentials.
        path = "{.clusters[0].cluster.server}{'\\n'}{.clusters[0].cluster.certificate-authority-data}"
        view = ("config", "view", "--raw", "--flatten", "--minify", "--context", self.context)
        found = self._before(*view, "-o", f"jsonpath={path}")
        context = one_line(self.context, 200)
        if found.code:
            raise BadInput(f"kubectl does not know the context {context}: {found.reason}")
        server, _, authority = found.out.strip().partition("\n")
        same = authority == cluster.certificate_authority if authority else server == cluster.endpoint
        if not same:
            raise BadInput(
                f"the context {context} leads to {one_line(server, 200) or 'no address'}, which is not the cluster {name}"
                f" ({cluster.endpoint}). Nothing was changed. Name its context: KUBE_CONTEXT=...;"
                f" aws eks update-kubeconfig --name {name} makes one"
            )

    def apply(self, objects: Sequence[KubernetesObject]) -> None:
        """Applies objects on the server's side. Raises DeliveryProblem."""
        if not objects:
            return
        command = ["apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "-f", "-"]
        end = time.monotonic() + self._timeout
        for attempt in range(_TRIES):
            done = self.call(*command, objects=objects)
            if not done.code:
                return
            owners = set(re.findall(r'conflicts? with "([^"\n]*)"', done.error))
            if owners and owners <= _TAKEN_OVER:
                command.insert(1, "--force-conflicts")
                continue
            late = attempt == _TRIES - 1 or time.monotonic() + self._pause >= end
            if late or not any(text in done.error for text in _PASSING):
                break
            time.sleep(self._pause)
        raise DeliveryProblem(f"kubectl apply: {done.reason}")

    def delete(self, objects: Sequence[KubernetesObject], timeout: int) -> None:
        """Deletes objects and waits until they are gone, finalizers and all. Raises DeliveryProblem."""
        command = ["delete", "--ignore-not-found", "--wait=true", f"--timeout={timeout}s", "-f", "-"]
        done = self.call(*command, objects=objects)
        # A kind that is not defined (any more) has no objects.
        if done.code and "no matches for kind" not in done.error:
            raise DeliveryProblem(f"kubectl delete: {done.reason}")

    def get(self, *what: str) -> dict[str, Any] | None:
        """Returns an object, or a list of objects, as JSON; None if it is not there. Raises DeliveryProblem."""
        done = self.call("get", *what, "--ignore-not-found", "-o", "json")
        if done.code:
            raise DeliveryProblem(f"kubectl get: {done.reason}")
        if not done.out.strip():
            return None
        try:
            found = load_json(done.out, f"what kubectl get {what[0]} prints", _ANSWER)
        except BadInput as problem:
            raise DeliveryProblem(str(problem)) from None
        if not isinstance(found, dict):
            raise DeliveryProblem(f"kubectl get {what[0]}: its output is not a Kubernetes object")
        return found

    def must(self, *arguments: str) -> None:
        """Runs kubectl. Raises DeliveryProblem if it fails."""
        done = self.call(*arguments)
        if done.code:
            raise DeliveryProblem(f"{one_line(' '.join(('kubectl', *arguments[:3])), 200)}: {done.reason}")

    def call(self, *arguments: str, objects: Sequence[KubernetesObject] | None = None) -> Done:
        """Runs kubectl against the context, with ``objects`` on its input. Raises DeliveryProblem if it does not end."""
        bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)} if objects is not None else None
        return run(
            [self._program, "--context", self.context, *arguments],
            one_line(" ".join(("kubectl", *arguments[:3])), 200) if objects is None else f"kubectl {arguments[0]}",
            seconds=self._timeout + _GRACE,
            given=json.dumps(bundle) if bundle else None,
        )


class Helm:
    """helm, with kubectl's context."""

    def __init__(self, context: str) -> None:
        """Takes kubectl's ``context``. Raises BadInput if helm is not installed."""
        self._program, self._context = find("helm"), context

    def install(self, chart: Chart, timeout: int) -> None:
        """Installs or upgrades a release and waits until it is ready. Raises DeliveryProblem."""
        where = (
            [f"{chart.repository.rstrip('/')}/{chart.chart}"]
            if chart.repository.startswith("oci://")
            else [chart.chart, "--repo", chart.repository]
        )
        self._must(
            *("upgrade", "--install", chart.name, *where, "--version", chart.version),
            *("--namespace", chart.namespace, "--create-namespace", "--wait", f"--timeout={timeout}s", "--values", "-"),
            timeout=timeout,
            given=json.dumps(chart.values),
        )

    def uninstall(self, chart: Chart, timeout: int) -> None:
        """Takes a release away, if it is there. Raises DeliveryProblem."""
        release = [chart.name, "--namespace", chart.namespace]
        self._must("uninstall", *release, "--ignore-not-found", "--wait", f"--timeout={timeout}s", timeout=timeout)

    def _must(self, *arguments: str, timeout: int, given: str | None = None) -> None:
        command = [self._program, "--kube-context", self._context, *arguments]
        done = run(command, f"helm {' '.join(arguments[:3])}", seconds=timeout + _GRACE, given=given)
        if done.code:
            raise DeliveryProblem(f"helm {' '.join(arguments[:3])}: {done.reason}")
