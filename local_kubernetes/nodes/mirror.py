"""A copy of the objects of some kinds that the API server has, kept up to date by watching."""

import queue
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from local_kubernetes.client import ApiError, Client, Object

Key = tuple[str, str]
"""Namespace (empty: none) and name."""

PATHS = {
    "pods": "/api/v1/pods",
    "nodes": "/api/v1/nodes",
    "claims": "/api/v1/persistentvolumeclaims",
    "volumes": "/api/v1/persistentvolumes",
    "classes": "/apis/storage.k8s.io/v1/storageclasses",
    "deployments": "/apis/apps/v1/deployments",
    "replica_sets": "/apis/apps/v1/replicasets",
    "stateful_sets": "/apis/apps/v1/statefulsets",
    "daemon_sets": "/apis/apps/v1/daemonsets",
    "jobs": "/apis/batch/v1/jobs",
    "budgets": "/apis/policy/v1/poddisruptionbudgets",
    "pools": "/apis/karpenter.sh/v1/nodepools",
    "node_classes": "/apis/eks.amazonaws.com/v1/nodeclasses",
    "ec2_node_classes": "/apis/karpenter.k8s.aws/v1/ec2nodeclasses",
}
OPTIONAL = ("pools", "node_classes", "ec2_node_classes")
"""Kinds that a cluster may not have."""
_START_SECONDS = 60.0


def key_of(item: Object) -> Key:
    """Returns namespace and name."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


class Mirror:
    """The copy. One thread reads it: the one that calls update().

    Attributes:
        of: by kind, the objects by namespace and name.
        changes: how many changes it has taken.
    """

    def __init__(self, client: Client, kinds: Iterable[str] = PATHS) -> None:
        """Begins to watch, and waits until everything was read once. Raises OSError: the API does not answer."""
        self._client = client
        self._changes: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self.of: dict[str, dict[Key, Object]] = {kind: {} for kind in kinds}
        self.changes = 0
        for kind in self.of:
            threading.Thread(target=self._watch, args=(kind,), daemon=True, name=f"watch {kind}").start()
        missing, deadline = set(self.of), time.monotonic() + _START_SECONDS
        while missing:
            if time.monotonic() > deadline:
                raise OSError(f"{client.url}: {', '.join(sorted(missing))} cannot be listed")
            with suppress(queue.Empty):
                missing.discard(self._take(0.5))

    def stop(self) -> None:
        """Stops watching. A thread that waits for the server ends with the server, or when its watch is over."""
        self._stopped.set()

    def update(self, seconds: float) -> int:
        """Takes what has changed; waits so long for a first change. Returns how many there were."""
        count = 0
        with suppress(queue.Empty):
            self._take(seconds)
            count += 1
            while True:
                self._take(0)
                count += 1
        return count

    def _take(self, seconds: float) -> str:
        kind, change, what = self._changes.get(timeout=seconds) if seconds else self._changes.get_nowait()
        self.changes += 1
        if change == "LIST":
            self.of[kind] = {key_of(item): item for item in what}
        elif change == "DELETED":
            self.of[kind].pop(key_of(what), None)
        else:
            self.of[kind][key_of(what)] = what
        return kind

    def _watch(self, kind: str) -> None:
        pause = 0.05
        absent = False
        while not self._stopped.is_set():
            try:
                items, version = self._client.snapshot(PATHS[kind])
                self._changes.put((kind, "LIST", items))
                pause, absent = 0.05, False
                while not self._stopped.is_set():
                    for change, item in self._client.watch(PATHS[kind], version, allowWatchBookmarks="true"):
                        version = item["metadata"]["resourceVersion"]
                        if change != "BOOKMARK":
                            self._changes.put((kind, change, item))
            except (OSError, ApiError) as problem:
                if kind in OPTIONAL and isinstance(problem, ApiError):
                    if not absent:  # else nothing has changed
                        self._changes.put((kind, "LIST", []))
                    pause, absent = 0.5, True
                self._stopped.wait(pause)
                pause = min(pause * 2, 1.0)
