"""The kubelets of simulated nodes: pods start, become ready after what their probes imply, and end within their grace period."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

from local_kubernetes.client import ApiError, Client, Object
from local_kubernetes.nodes.clock import Clock
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import Node, address_in, digits_of
from local_kubernetes.nodes.pressure import above_limits

START_SECONDS = 5.0
"""To pull an image that is small or there, and start its container. Nobody but the registry knows more."""
ATTACH_SECONDS = 15.0
"""To attach a volume. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-attaching-volume.html says no time; usual is less."""
GATE_SECONDS = 20.0
"""Until a load balancer calls a new target healthy: two checks of its own, ten seconds apart."""
STOP_SECONDS = 2.0
"""A program that gets SIGTERM ends so soon, unless its pod says more."""
JOB_SECONDS = 60.0
"""How long the pods of Jobs run."""
DEFAULT_GRACE = 30
"""The grace period that the API fills in: it says nothing of the program. Whoever asks for more needs it."""
ATTACHING = "AttachVolume"
"""How the reason begins where a volume is not attached."""
_GATE = "target-health"
_SLEEP = re.compile(r"\bsleep\s+(\d{1,6})\b")


class Hooks(Protocol):
    """What others than Kubernetes say of a pod."""

    def pod_start(self, pod: Mapping[str, Any], node: Mapping[str, Any]) -> str:
        """Returns why a pod's containers cannot start; empty: they can."""


def ready_seconds(pod: Object) -> float:
    """Returns how long after its containers have started a pod is ready, by its probes. Programs are as fast as these allow.

    https://kubernetes.io/docs/concepts/workloads/pods/probes/
    """
    longest = 0.0
    for container in pod["spec"]["containers"]:
        startup, readiness = container.get("startupProbe"), container.get("readinessProbe")
        seconds = float(startup.get("initialDelaySeconds", 0) + startup["periodSeconds"]) if startup else 0.0
        if readiness:
            seconds += readiness.get("initialDelaySeconds", 0)
            seconds += readiness["periodSeconds"] * readiness["successThreshold"]
        longest = max(longest, seconds)
    gates = pod["spec"].get("readinessGates") or []
    return longest + (GATE_SECONDS if any(_GATE in one["conditionType"] for one in gates) else 0)


def stop_seconds(pod: Object) -> float:
    """Returns how long a pod takes to end: its preStop hooks, or all of a grace period that somebody has made longer."""
    grace = pod["metadata"].get("deletionGracePeriodSeconds", pod["spec"].get("terminationGracePeriodSeconds", 30))
    wish = 0
    for container in pod["spec"]["containers"]:
        hook = (container.get("lifecycle") or {}).get("preStop") or {}
        told = _SLEEP.search(" ".join((hook.get("exec") or {}).get("command") or []))
        wish = max(wish, (hook.get("sleep") or {}).get("seconds", 0), int(told[1]) if told else 0)
    if grace > DEFAULT_GRACE:
        return float(grace)
    return float(min(grace, wish + STOP_SECONDS))


def unmet_gates(pod: Object) -> list[str]:
    """Returns the readiness gates that nothing here fulfils."""
    return [
        one["conditionType"] for one in pod["spec"].get("readinessGates") or [] if _GATE not in one["conditionType"]
    ]


class Kubelet:
    """The kubelets of all nodes.

    Attributes:
        refused: by pod, why its containers do not start.
    """

    def __init__(self, client: Client, clock: Clock, nodes: Mapping[str, Node], hooks: Hooks | None) -> None:
        """Takes what they share."""
        self._client, self._clock, self._nodes, self._hooks = client, clock, nodes, hooks
        self._seen: set[str] = set()
        self._ending: set[str] = set()
        self.refused: dict[Key, str] = {}

    def react(
        self,
        pods: Mapping[Key, Object],
        find: Callable[[Key, str], Object | None],
        node: Mapping[Key, Object],
        wait: Callable[[Object], int],
    ) -> None:
        """Begins what pods need.

        Args:
            pods: all of them.
            find: returns a pod as it is later, by its key and uid; None: it is gone.
            node: the Node objects.
            wait: returns the minReadySeconds of a pod's owner.
        """
        for key, pod in pods.items():
            of = self._nodes.get(pod["spec"].get("nodeName", ""))
            if of is None or of.dead:
                continue
            uid = pod["metadata"]["uid"]
            if pod["metadata"].get("deletionTimestamp"):
                if uid not in self._ending:
                    self._ending.add(uid)
                    started = (pod.get("status") or {}).get("phase") == "Running"
                    seconds = stop_seconds(pod) if started else 0.0
                    self._clock.after(seconds, lambda key=key, uid=uid: self._end(find(key, uid)))  # type: ignore[misc]
            elif uid not in self._seen:
                self._seen.add(uid)
                if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed", "Running"):
                    continue  # it ran before this began
                claims = any("persistentVolumeClaim" in one for one in pod["spec"].get("volumes") or [])
                count = len(pod["spec"].get("initContainers") or [])
                seconds = START_SECONDS * (1 + count) + (ATTACH_SECONDS if claims else 0)
                self._clock.after(seconds, lambda key=key, uid=uid: self._start(find, key, uid, node, wait))  # type: ignore[misc]

    def _alive(self, pod: Object | None) -> Node | None:
        node = self._nodes.get(pod["spec"].get("nodeName", "")) if pod else None
        return node if node and not node.dead else None

    def _start(
        self,
        find: Callable[[Key, str], Object | None],
        key: Key,
        uid: str,
        nodes: Mapping[Key, Object],
        wait: Callable[[Object], int],
    ) -> None:
        pod = find(key, uid)
        node = self._alive(pod)
        if not pod or not node or pod["metadata"].get("deletionTimestamp"):
            return
        why = (self._hooks and self._hooks.pod_start(pod, nodes.get(("", node.name)) or {})) or above_limits(pod)
        if why:
            self.refused[key] = why
            phase = "Pending" if why.startswith(ATTACHING) else "Running"  # without its volumes no container starts
            self._status(pod, {"phase": phase, **_states(pod, ready=False, waiting=why)})
            return
        seconds = ready_seconds(pod)
        ready = seconds == 0 and not unmet_gates(pod)
        self._status(pod, {"phase": "Running", **_addresses(pod, node), **_states(pod, ready=ready)})
        if ready:
            self._available(find, key, uid, wait(pod))
        elif not unmet_gates(pod):
            self._clock.after(seconds, lambda: self._ready(find, key, uid, wait))
        if pod["spec"].get("restartPolicy") != "Always" and _owner(pod) == "Job":
            self._clock.after(JOB_SECONDS, lambda: self._finish(find(key, uid)))

    def _ready(
        self, find: Callable[[Key, str], Object | None], key: Key, uid: str, wait: Callable[[Object], int]
    ) -> None:
        pod = find(key, uid)
        if pod and self._alive(pod) and not pod["metadata"].get("deletionTimestamp"):
            self._status(pod, {"phase": "Running", **_states(pod, ready=True)})
            self._available(find, key, uid, wait(pod))

    def _available(self, find: Callable[[Key, str], Object | None], key: Key, uid: str, seconds: int) -> None:
        """After minReadySeconds of the clock, lets a pod have been ready for so long: controllers compare with their own clock."""
        if not seconds:
            return

        def then() -> None:
            if (pod := find(key, uid)) and not pod["metadata"].get("deletionTimestamp"):
                self._status(pod, {"conditions": _conditions(pod, ready=True, ago=seconds + 1)})

        self._clock.after(seconds, then)

    def _finish(self, pod: Object | None) -> None:
        if pod and self._alive(pod) and not pod["metadata"].get("deletionTimestamp"):
            self._status(pod, {"phase": "Succeeded", **_states(pod, ready=False, ended=True)})

    def _end(self, pod: Object | None) -> None:
        if not pod or not self._alive(pod):
            return
        if pod["metadata"].get("finalizers"):
            self._status(pod, {"phase": "Failed", **_states(pod, ready=False, ended=True)})
        self.remove(pod)

    def remove(self, pod: Object) -> None:
        """Deletes a pod at once, as the kubelet does when its containers have ended."""
        namespace, name = key_of(pod)
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        with suppress(ApiError):  # it is gone, or another of its name
            self._client.delete(f"/api/v1/namespaces/{namespace}/pods/{name}", options)

    def _status(self, pod: Object, status: Mapping[str, Any]) -> None:
        namespace, name = key_of(pod)
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        with suppress(ApiError):  # it is gone meanwhile
            self._client.patch(f"/api/v1/namespaces/{namespace}/pods/{name}/status", body, kind="strategic")


def timestamp(ago: float = 0) -> str:
    """Returns a time of the machine's clock, as Kubernetes writes it."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or []
    return str(owners[0]["kind"]) if owners else ""


def _addresses(pod: Object, node: Node) -> dict[str, Any]:
    number = digits_of(pod["metadata"]["uid"])
    address = (
        address_in(node.pod_networks, number)
        or f"10.{number % 30 + 220}.{number // 30 % 250}.{number // 7_500 % 250 + 4}"
    )
    return {"podIP": address, "podIPs": [{"ip": address}], "startTime": timestamp()}


def _conditions(pod: Object, *, ready: bool, ago: float = 0) -> list[dict[str, str]]:
    gates = [one["conditionType"] for one in pod["spec"].get("readinessGates") or [] if _GATE in one["conditionType"]]
    states = {"Initialized": True, "ContainersReady": ready, "Ready": ready, **dict.fromkeys(gates, ready)}
    when = timestamp(ago)
    return [
        {
            "type": kind,
            "status": str(state),
            "lastTransitionTime": when,
            **({} if state else {"reason": "ContainersNotReady"}),
        }
        for kind, state in states.items()
    ]


def _states(pod: Object, *, ready: bool, waiting: str = "", ended: bool = False) -> dict[str, Any]:
    now = timestamp()
    running: dict[str, Any] = {"running": {"startedAt": now}}
    if waiting:
        reason = "ContainerCreating" if waiting.startswith(ATTACHING) else "CrashLoopBackOff"
        running = {"waiting": {"reason": reason, "message": waiting}}
    if ended:
        running = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
    return {
        "conditions": _conditions(pod, ready=ready),
        "containerStatuses": [_container(one, running, ready) for one in pod["spec"]["containers"]],
        "initContainerStatuses": [
            _container(one, running if one.get("restartPolicy") == "Always" else done, True)
            for one in pod["spec"].get("initContainers") or []
        ],
    }


def _container(container: Mapping[str, Any], state: Mapping[str, Any], ready: bool) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": container.get("image", ""),
        "containerID": "simulated://" + sha256(container["name"].encode()).hexdigest(),
        "ready": ready,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
    }
