"""Fargate: admission names the scheduler of pods that a profile selects, and each of them gets a node of its own.

https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any

from eks_facts.fargate import is_accelerator, largest_request, size
from eks_facts.files import load
from eks_facts.node_selection import ARCHITECTURE, SYSTEM, keeps_off
from local_kubernetes.client import ApiError, Object
from local_kubernetes.nodes.around import Around
from local_kubernetes.nodes.compute import Row
from local_kubernetes.nodes.mirror import Key, key_of
from local_kubernetes.nodes.node import COMPUTE_TYPE, Node, common_labels
from local_kubernetes.nodes.placing import amounts, lives
from local_kubernetes.nodes.volumes import drivers

SCHEDULER = "fargate-scheduler"
PROFILE = "eks.amazonaws.com/fargate-profile"
NODE_SECONDS = 60.0
"""Until the micro VM of a pod is a node."""
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_SECONDS = 10.0


class Fargate:
    """The scheduler of Fargate, and its nodes.

    Attributes:
        refused: by pod, why Fargate cannot run it.
    """

    def __init__(self, world: Around) -> None:
        """Takes the world that it is part of."""
        self._world = world
        self._seen: set[str] = set()
        self.refused: dict[Key, str] = {}

    def admit(self) -> None:
        """Lets admission choose the pods of the profiles, and waits until it does. Raises ApiError, OSError."""
        profiles = sorted(self._world.compute.fargate_profiles, key=lambda row: str(row["fargateProfileName"]))
        for index, profile in enumerate(profiles):
            policy, binding = _policy(index, profile)
            for kind, body in (("mutatingadmissionpolicies", policy), ("mutatingadmissionpolicybindings", binding)):
                with suppress(ApiError):  # from before: profiles do not change
                    self._world.client.create(f"{_ADMISSION}/{kind}", body)
        for profile in profiles:
            self._wait(profile)

    def _wait(self, profile: Row) -> None:
        """Waits until a pod of a profile is given its scheduler: the API server reads new policies in its own time."""
        selector = profile["selectors"][0]
        namespace = str(selector["namespace"])
        if set("*?") & set(namespace):
            namespaces = [name for _, name in self._names() if _wild(namespace).fullmatch(name)]
            if not namespaces:
                time.sleep(1)  # there is nowhere to try it
                return
            namespace = namespaces[0]
        labels = {
            key: str(value).replace("*", "x").replace("?", "x") for key, value in (selector.get("labels") or {}).items()
        }
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "fargate-probe", "namespace": namespace, "labels": labels},
            "spec": {"containers": [{"name": "one", "image": "none"}]},
        }
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                made = self._world.client.create(f"/api/v1/namespaces/{namespace}/pods", body, dryRun="All")
            except ApiError:
                return  # no such namespace yet, or a policy refuses the probe
            if made["spec"].get("schedulerName") == SCHEDULER:
                return
            time.sleep(0.1)

    def _names(self) -> list[Key]:
        return [key_of(one) for one in self._world.client.items("/api/v1/namespaces")]

    def react(self) -> None:
        """Gives nodes to pods that wait for Fargate, and takes away those whose pod has gone."""
        world = self._world
        for key, pod in list(world.mirror.of["pods"].items()):
            uid = pod["metadata"]["uid"]
            if pod["spec"].get("schedulerName") != SCHEDULER or pod["spec"].get("nodeName") or uid in self._seen:
                continue
            self._seen.add(uid)
            if why := self.unsupported(pod):
                self.refused[key] = why
                self._say(pod, f"Pod not supported on Fargate: {why}")
            else:
                world.clock.after(NODE_SECONDS, lambda key=key, uid=uid: self._place(world.pod(key, uid)))  # type: ignore[misc]
        used = {pod["spec"].get("nodeName") for pod in world.mirror.of["pods"].values() if lives(pod)}
        for node in world.of("fargate"):
            if node.name not in used and node.draining:
                world.remove(node)
            elif node.name in used:
                node.draining = True  # its pod is there; once that is gone, it goes

    def _say(self, pod: Object, message: str) -> None:
        namespace, name = key_of(pod)
        condition = {"type": "PodScheduled", "status": "False", "reason": "UNSUPPORTED_POD", "message": message}
        with suppress(ApiError):
            self._world.client.patch(
                f"/api/v1/namespaces/{namespace}/pods/{name}/status",
                {"status": {"conditions": [condition]}},
                kind="strategic",
            )

    def _place(self, pod: Object | None) -> None:
        if not pod or pod["metadata"].get("deletionTimestamp") or pod["spec"].get("nodeName"):
            return
        world = self._world
        asked = amounts(pod)
        vcpus, gib = size(asked.get("cpu", 0), asked.get("memory", 0)) or (16.0, 120.0)
        zones = world.compute.zones
        zone = zones[len(world.of("fargate")) % len(zones)]
        name = world.new_name("fargate", zone)
        labels = {**common_labels(name, "fargate", zone, None), COMPUTE_TYPE: "fargate"}
        capacity = {
            "cpu": f"{int(vcpus * 1000)}m",
            "memory": f"{int(gib * 1024)}Mi",
            "pods": "1",
            "ephemeral-storage": "175Gi",
        }
        taint = {"key": COMPUTE_TYPE, "value": "fargate", "effect": "NoSchedule"}
        profile = (pod["metadata"].get("labels") or {}).get(PROFILE, "")
        world.add(Node(name, "fargate", profile, zone, world.compute.version, capacity, labels, [taint]))
        namespace, pod_name = key_of(pod)
        target = {"apiVersion": "v1", "kind": "Node", "name": name}
        about = {
            "name": pod_name,
            "namespace": namespace,
            "annotations": {"CapacityProvisioned": f"{vcpus:g}vCPU {gib:g}GB"},
        }
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": about, "target": target}
        try:
            world.client.create(f"/api/v1/namespaces/{namespace}/pods/{pod_name}/binding", body)
        except ApiError:  # it is gone
            world.remove(world.nodes[name])

    def unsupported(self, pod: Object) -> str:
        """Returns why Fargate cannot run a pod; empty: it can."""
        facts = load("compute_kinds")["limits"]["fargate"]
        return next((str(facts[key]["fact"]) for key in self._limits(pod)), "")

    def _limits(self, pod: Object) -> list[str]:
        spec = pod["spec"]
        containers = [*spec["containers"], *(spec.get("initContainers") or [])]
        ports = [port for one in containers for port in one.get("ports") or []]
        asked = amounts(pod)
        largest = largest_request()
        found = {
            "daemon_set": any(one["kind"] == "DaemonSet" for one in pod["metadata"].get("ownerReferences") or []),
            "host_network": bool(spec.get("hostNetwork") or spec.get("hostPID") or spec.get("hostIPC")),
            "host_port": any(port.get("hostPort") for port in ports) and not spec.get("hostNetwork"),
            "privileged": any((one.get("securityContext") or {}).get("privileged") for one in containers),
            "accelerator": any(is_accelerator(name) for name in asked),
            "arm": keeps_off(spec, ARCHITECTURE, ["amd64"]) is not None,
            "windows": keeps_off(spec, SYSTEM, ["linux"]) is not None,
            "block_storage": any(self._on_block_storage(pod, one) for one in spec.get("volumes") or []),
            "size": any(asked.get(name, 0) > most for name, most in largest.items()),
            "dynamic_resources": bool(spec.get("resourceClaims")),
        }
        return [key for key, is_so in found.items() if is_so]

    def _on_block_storage(self, pod: Object, volume: Row) -> bool:
        mirror = self._world.mirror
        claim: Any = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            claim = mirror.of["claims"].get((key_of(pod)[0], name))
        storage = mirror.of["classes"].get(("", str(((claim or {}).get("spec") or {}).get("storageClassName"))))
        return bool(volume.get("awsElasticBlockStore")) or bool(storage and storage["provisioner"] in drivers())


def _wild(pattern: str) -> re.Pattern[str]:
    """Returns the pattern of a selector: ``*`` is any number of characters, ``?`` one."""
    return re.compile("".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern))


def _policy(index: int, profile: Row) -> tuple[Object, Object]:
    """Returns the policy that does what EKS's own webhook does for a profile, and its binding."""
    name = f"fargate-{index:02d}.eks.amazonaws.com"
    selectors = " || ".join(_selector(one) for one in profile["selectors"])
    escaped = PROFILE.replace("/", "~1")
    label = f'JSONPatch{{op: "add", path: "/metadata/labels/{escaped}", value: "{profile["fargateProfileName"]}"}}'
    no_labels = 'JSONPatch{op: "add", path: "/metadata/labels", value: {}}'
    patch = (
        f'[JSONPatch{{op: "add", path: "/spec/schedulerName", value: "{SCHEDULER}"}}]'
        f" + (has(object.metadata.labels) ? [] : [{no_labels}]) + [{label}]"
    )
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ]
            },
            "matchConditions": [
                {"name": "selected", "expression": selectors},
                {
                    "name": "first",
                    "expression": f'!has(object.metadata.labels) || !("{PROFILE}" in object.metadata.labels)',
                },
                {"name": "default", "expression": 'object.spec.schedulerName == "default-scheduler"'},
            ],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    return policy, binding


def _selector(selector: Row) -> str:
    """Returns a selector as an expression of CEL."""
    parts = [f"request.namespace.matches({_quoted(selector['namespace'])})"]
    for key, value in (selector.get("labels") or {}).items():
        labels = "object.metadata.labels"
        parts.append(f'has({labels}) && "{key}" in {labels} && {labels}["{key}"].matches({_quoted(value)})')
    return "(" + " && ".join(parts) + ")"


def _quoted(pattern: object) -> str:
    return "r'^" + _wild(str(pattern)).pattern.replace("\\-", "-") + "$'"
