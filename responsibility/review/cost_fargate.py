"""The cost floor of pods on Fargate. A pod is billed by the size that Fargate rounds its requests up to.

Source: docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html
"""

from __future__ import annotations

from typing import Any

from eks_facts import fargate
from eks_facts.quantities import requested
from responsibility.reading.eks import Addon
from responsibility.reading.embedded import NoData, yaml_in
from responsibility.reading.facts import Fact
from responsibility.reading.kubernetes import Workload
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap
from responsibility.review.cost_bill import Bill, number, several

_COREDNS_REPLICAS = 2


def workload(bill: Bill, fact: Workload) -> None:
    """Adds the pods of a workload that a Fargate profile selects. Raises UnknownValue."""
    if fact.what == "DaemonSet" or not fact.on_fargate:
        return
    if fact.what in ("Job", "CronJob"):
        bill.skip(fact.words, "its pods are billed while they run")
        return
    replicas, path = _replicas(bill, fact)
    cpu, memory = fact.requested("cpu"), fact.requested("memory")
    given = fargate.size(cpu, memory)
    if given is None:
        bill.skip(fact.words, f"Fargate has no pod of {float(cpu):g} vCPU and {float(memory / fargate.GIB):g} GB")
        return
    asks = (
        f"asks for {float(cpu):g} vCPU and {float(memory / fargate.GIB):.3g} GB"
        if cpu or memory
        else "asks for nothing"
    )
    _pods(bill, fact, fact.words, replicas, given, asks, path)
    if fact.requested("ephemeral-storage"):
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
        pod = {"containers": [values]}
        given = fargate.size(requested(pod, "cpu"), requested(pod, "memory"))
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
