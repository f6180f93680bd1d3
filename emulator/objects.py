"""The Kubernetes objects of a demo: applied as `make apply` does it, and what became of the pods."""

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator import kubeconfig, tools
from emulator.installation import ROOT
from emulator.problem import Problem
from emulator.process import Engine
from local_kubernetes.addons import STANDS_FOR
from local_kubernetes.client import Client
from local_kubernetes.nodes.node import KIND
from local_kubernetes.programs import how_to_get
from safe_io import process_groups

SECONDS = 60.0
"""How long pods may take to run after their objects were applied."""
_SHOWN = 8


def apply(engine: Engine, assembly: Path) -> None:
    """Applies the objects of every cluster that has a Kubernetes, and waits a while for their pods. Raises Problem."""
    for cluster in kubeconfig.clusters(engine.home):
        if not (assembly / "manifests" / cluster).is_dir():  # its stack has delivered them
            continue
        began = time.monotonic()
        command = [
            *(sys.executable, "-m", "delivery", "apply", str(assembly), "--cluster", cluster, "--context", cluster),
            "--in-place-of-git",  # no Argo CD and no Flux run here
        ]
        code, output = process_groups.run(
            [*command, "--timeout", "120", "--pause", "0.2"], folder=engine.home, env=environment(engine), cwd=ROOT
        )
        if code:
            raise Problem(f"the objects of {cluster} could not be applied:\n{output.strip()}")
        print(f"  objects of {cluster:<17} {time.monotonic() - began:.1f} s", flush=True)
    for path_of_cluster in kubeconfig.clusters(engine.home).values():
        _wait(kubeconfig.client(path_of_cluster))


def environment(engine: Engine) -> dict[str, str]:
    """Returns the environment of a command that uses kubectl on the clusters. Raises Problem."""
    path = os.pathsep.join([str(tools.folder(engine.home)), os.environ.get("PATH", os.defpath)])
    return {**engine.environment(), "KUBECONFIG": str(kubeconfig.write(engine.home)), "PATH": path}


def _wait(client: Client) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and any(not _settled(pod) for pod in client.items("/api/v1/pods")):
        time.sleep(0.3)


def lines(engine: Engine) -> Iterator[str]:
    """Yields, for each cluster, its pods by node and kind of compute, and what waits and why; without a Kubernetes, how to get it."""
    found = kubeconfig.clusters(engine.home)
    if not found:
        yield f"No pods: {_without()}"
    for name, path in found.items():
        yield from _cluster(name, kubeconfig.client(path))


def _without() -> str:
    """Returns why no cluster has a Kubernetes."""
    if os.environ.get(kubeconfig.SWITCH) == "off":
        return f"{kubeconfig.SWITCH}=off leaves the local Kubernetes out"
    if kubeconfig.wanted():
        return f"no cluster has a Kubernetes version whose programs are on this machine. {how_to_get()}"
    return f"the programs of a local Kubernetes are not on this machine. {how_to_get()}; then make demo-down, make demo"


def _cluster(name: str, client: Client) -> Iterator[str]:
    pods = client.items("/api/v1/pods")
    nodes = {node["metadata"]["name"]: node for node in client.items("/api/v1/nodes")}
    running = sum(_settled(pod) for pod in pods)
    yield f"Pods of {name}: {running} of {len(pods)} run, on {len(nodes)} simulated nodes"
    on: dict[str, list[Any]] = defaultdict(list)
    for pod in pods:
        on[pod["spec"].get("nodeName", "")].append(pod)
    kinds: dict[str, list[str]] = defaultdict(list)
    for node, item in nodes.items():
        kinds[item["metadata"]["labels"].get(KIND, "other")].append(node)
    for kind in sorted(kinds):
        for node in sorted(kinds[kind]):
            labels = nodes[node]["metadata"]["labels"]
            size = labels.get("node.kubernetes.io/instance-type", "")
            what = Counter(_owner(pod) for pod in on[node])
            names = ", ".join(f"{owner}{f' x{count}' if count > 1 else ''}" for owner, count in sorted(what.items()))
            yield f"  {kind:<14} {node}  {size}  {names or '(nothing)'}"
    if charts := sorted(_charts(client)):
        yield f"  charts         {', '.join(charts)}: not downloaded. A workload of its name stands for each, and nothing else of it"
    waiting = [(pod, _why(pod)) for pod in pods if not _settled(pod)]
    for pod, why in waiting[:_SHOWN]:
        yield f"  waits          {pod['metadata']['namespace']}/{pod['metadata']['name']}: {why}"
    if len(waiting) > _SHOWN:
        yield f"  ... and {len(waiting) - _SHOWN} more"


def _charts(client: Client) -> set[str]:
    """Returns the charts that something stands for: namespace and release."""
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        for kind in ("deployments", "daemonsets")
        for one in client.items(f"/apis/apps/v1/{kind}", labelSelector=f"{STANDS_FOR}=chart")
    }


def _owner(pod: Any) -> str:
    """Returns namespace and name of what a pod is of: of its Deployment rather than of a revision of it."""
    owner = (pod["metadata"].get("ownerReferences") or [{"kind": "Pod", "name": pod["metadata"]["name"]}])[0]
    name = owner["name"].rpartition("-")[0] if owner["kind"] in ("ReplicaSet", "Job") else owner["name"]
    return f"{pod['metadata']['namespace']}/{name or owner['name']}"


def _settled(pod: Any) -> bool:
    status = pod.get("status") or {}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or [])
    return status.get("phase") == "Succeeded" or (status.get("phase") == "Running" and ready)


def _why(pod: Any) -> str:
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        if waiting := (container.get("state") or {}).get("waiting"):
            return f"{waiting.get('reason')}: {waiting.get('message', '')}".strip()
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", condition.get("reason", "")))
    return str(status.get("phase", "unknown"))
