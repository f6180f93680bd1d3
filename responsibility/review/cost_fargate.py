"""The cost floor of pods on Fargate. A pod is billed by the size that Fargate rounds its requests up to.

Source: docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from responsibility.reading.eks import Addon
from responsibility.reading.embedded import NoData, yaml_in
from responsibility.reading.facts import Fact
from responsibility.reading.kubernetes import Workload
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Unknown, has_gap
from responsibility.review.cost_bill import Bill, number, several

_SIZES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.25, (0.5, 1, 2)),
    (0.5, (1, 2, 3, 4)),
    (1, tuple(range(2, 9))),
    (2, tuple(range(4, 17))),
    (4, tuple(range(8, 31))),
    (8, tuple(range(16, 61, 4))),
    (16, tuple(range(32, 121, 8))),
)
"""The vCPUs that a pod can have, and with each the memory in GB."""
_RESERVED = 0.25
"""GB that Fargate adds for kubelet, kube-proxy and containerd."""
_COREDNS_REPLICAS = 2
_QUANTITY = re.compile(r"(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE](\d{1,2})|(Ki|[MGTPE]i?|[kmun])?)")
_UNITS = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_UNITS |= {f"{name}i": 1024.0**power for power, name in enumerate("KMGTPE", start=1)}


def quantity(value: object) -> float:
    """Returns a Kubernetes quantity (``250m``, ``1Gi``) as a number. Raises ValueError."""
    match = _QUANTITY.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is not a quantity")
    return float(match[1]) * (10 ** int(match[2]) if match[2] else _UNITS[match[3] or ""])


def size(cpu: float, memory: float) -> tuple[float, float] | None:
    """Returns the vCPUs and GB that Fargate gives a pod which asks for so much; None = more than there is."""
    for vcpus, memories in _SIZES:
        if vcpus >= cpu:
            fitting = next((gb for gb in memories if gb >= memory + _RESERVED), None)
            if fitting is not None:
                return vcpus, fitting
    return None


def workload(bill: Bill, fact: Workload) -> None:
    """Adds the pods of a workload that a Fargate profile selects. Raises UnknownValue."""
    if fact.what == "DaemonSet" or not fact.on_fargate:
        return
    if fact.what in ("Job", "CronJob"):
        bill.skip(fact.words, "its pods are billed while they run")
        return
    replicas, path = _replicas(bill, fact)
    spec = fact.get(fact.spec_path, {})
    wanted = _wanted(fact, spec)
    given = size(*wanted)
    if given is None:
        bill.skip(fact.words, f"Fargate has no pod of {wanted[0]:g} vCPU and {wanted[1]:g} GB")
        return
    asks = f"asks for {wanted[0]:g} vCPU and {wanted[1]:.3g} GB" if any(wanted) else "asks for nothing"
    _pods(bill, fact, fact.words, replicas, given, asks, path)
    if any("ephemeral-storage" in _requests(item) for item in _containers(spec, "containers")):
        bill.skip(fact.words, "ephemeral storage beyond 20 GB is charged on top")


def coredns(bill: Bill, addon: Addon) -> None:
    """Adds the pods of the CoreDNS add-on where it runs on Fargate. Raises UnknownValue."""
    if addon.name != "coredns":
        return
    values = _configuration(addon)
    if str(values.get("computeType", "")).lower() != "fargate":
        return
    replicas = values.get("replicaCount", _COREDNS_REPLICAS)
    try:
        requests = _requests(values)
        wanted = quantity(requests.get("cpu", 0)), quantity(requests.get("memory", 0)) / 1024**3
        given = size(*wanted)
        if given is None:
            raise ValueError("asks for more than a Fargate pod can have")
        said = "" if "replicaCount" in values else "the add-on's default number of pods"
        _pods(bill, addon, "CoreDNS", float(replicas), given, said, "ConfigurationValues")
    except (TypeError, ValueError) as error:
        raise UnknownValue(addon.at("ConfigurationValues"), str(error)) from None


def _configuration(addon: Addon) -> dict[str, Any]:
    text = addon.get("ConfigurationValues", "")
    if isinstance(text, str) and text:
        if has_gap(text):
            raise UnknownValue(addon.at("ConfigurationValues"), "holds a value that is not known")
        try:
            text = yaml_in(text)
        except NoData:
            raise UnknownValue(addon.at("ConfigurationValues"), "is neither JSON nor YAML") from None
    return text if isinstance(text, dict) else {}


def _pods(bill: Bill, fact: Fact, who: str, replicas: float, given: tuple[float, float], said: str, path: str) -> None:
    vcpus, memory = given
    assumed = "; ".join(
        part
        for part in (f"{several(replicas, 'pod')} of {vcpus:g} vCPU and {memory:g} GB", said, "rounded up by Fargate")
        if part
    )
    common: dict[str, Any] = {"path": path, "kind": "fargate"}
    bill.add("fargate-vcpu-x86", fact, f"Fargate vCPUs of {who}", vcpus * replicas, assumed, noun="vCPU", **common)
    bill.add("fargate-gb-x86", fact, f"Fargate memory of {who}", memory * replicas, assumed, noun="GB", **common)


def _replicas(bill: Bill, fact: Workload) -> tuple[float, str]:
    """How many pods run at least: what an autoscaler may go down to, else what is asked for."""
    if fact.what == "Pod":
        return 1, ""
    if scaler := bill.scalers.get((fact.cluster_key, fact.namespace, fact.what, fact.bare_name)):
        return number(scaler, "spec.minReplicas", 1), "spec.replicas"
    return number(fact, "spec.replicas", 1), "spec.replicas"


def _wanted(fact: Workload, spec: Any) -> tuple[float, float]:
    """vCPUs and GB that a pod asks for: all its containers, or the largest init container. Raises UnknownValue."""
    try:
        begins = _containers(spec, "initContainers")
        # A sidecar is an init container that goes on running.
        stays = [item for item in begins if item.get("restartPolicy") == "Always"]
        runs = [*_containers(spec, "containers"), *stays]
        cpu, memory = (
            max(
                sum(quantity(_requests(item).get(name, 0)) for item in runs),
                max((quantity(_requests(item).get(name, 0)) for item in begins), default=0),
            )
            for name in ("cpu", "memory")
        )
    except (TypeError, ValueError) as error:
        raise UnknownValue(fact.at(fact.spec_path), f"requests that cannot be read: {error}") from None
    return cpu, memory / 1024**3


def _containers(spec: Any, name: str) -> list[dict[str, Any]]:
    items: Iterable[Any] = (spec.get(name) or []) if isinstance(spec, dict) else []
    if isinstance(items, Unknown):
        raise ValueError(items.reason)
    return [item for item in items if isinstance(item, dict)]


def _requests(container: dict[str, Any]) -> dict[str, Any]:
    """What a container asks for; where it only sets limits, Kubernetes takes those."""
    resources = _mapping(container.get("resources"))
    return {**_mapping(resources.get("limits")), **_mapping(resources.get("requests"))}


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Unknown):
        raise ValueError(value.reason)
    return value if isinstance(value, dict) else {}
