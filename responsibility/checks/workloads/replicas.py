"""Checks of long-running workloads: several replicas, and drains that neither stop them nor hang."""

from __future__ import annotations

import math
import re

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.kubernetes import DisruptionBudget, KubernetesObject, Workload
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue

_ZONE_KEYS = ("topology.kubernetes.io/zone", "topology.k8s.aws/zone-id", "failure-domain.beta.kubernetes.io/zone")
_REPLICATED = ("Deployment", "StatefulSet", "ReplicaSet")


def least_replicas(workload: Workload) -> tuple[int, KubernetesObject, str]:
    """Returns the minimum number of replicas, and the object and path that say so. Raises UnknownValue."""
    objects = workload.facts.view(Objects)
    for scaler in objects.scalers(workload):
        # KEDA scales to zero by default; a HorizontalPodAutoscaler to one.
        path, default = ("minReplicaCount", 0) if scaler.what == "ScaledObject" else ("minReplicas", 1)
        return scaler.number(f"spec.{path}", default), scaler, f"spec.{path}"
    objects.raise_unjoined(workload.cluster_key, "HorizontalPodAutoscaler", "ScaledObject")
    return workload.replicas, workload, "spec.replicas"


@check("EKR080", Workload)
def replicas_are_two(workload: Workload) -> Answer | None:
    """DaemonSets follow the nodes and Jobs end: both are not meant. Neither are pods that shall not start again."""
    if workload.made_by_another or workload.what not in (*_REPLICATED, "Pod"):
        return None
    if workload.what == "Pod":
        if workload.get("spec.restartPolicy", "Always") != "Always":
            return None
        return open_("is a bare Pod: nothing starts it again when its node goes", workload.at("kind"))
    least, where, path = least_replicas(workload)
    if where is workload and least == 0:
        return not_applicable("runs no pods: its replicas are 0")
    if where.what == "ScaledObject" and least == 0:
        return not_applicable("KEDA scales it to zero between events")
    scaled = "" if where is workload else f"its {where.what} keeps "
    if least >= 2:
        return met(f"{scaled or 'has '}{least} replicas at least", where.at(path))
    return open_(f"{scaled}only one replica at least" if scaled else "has one replica", where.at(path))


@check("EKR081", Workload)
def has_a_budget(workload: Workload) -> Answer | None:
    """A single replica gains nothing by a budget: it would block every drain or protect nothing."""
    if workload.made_by_another or workload.what not in _REPLICATED:
        return None
    least, _, _ = least_replicas(workload)
    if least < 2:
        return not_applicable("may have a single replica, which no budget protects")
    budgets = workload.facts.view(Objects).selecting("PodDisruptionBudget", workload)
    if budgets:
        return met(f"is protected by {budgets[0].bare_name}", budgets[0].at("spec.selector"))
    workload.facts.view(Objects).expect_all(workload, "PodDisruptionBudget")
    return open_("no PodDisruptionBudget that was read selects its pods", workload.at(workload.labels_path))


@check("EKR082", DisruptionBudget)
def budget_lets_pods_go(budget: DisruptionBudget) -> Answer:
    """A budget blocks by its own numbers, by the number of replicas, or because a second one selects the same pods."""
    objects = budget.facts.view(Objects)
    workloads = [item for item in objects.selected_by(budget) if item.what != "DaemonSet" and not item.made_by_another]
    for workload in workloads:
        if len(objects.selecting("PodDisruptionBudget", workload)) > 1:
            return open_(f"another budget selects the pods of {workload.words} too", budget.at("spec.selector"))
    answer = _numbers(budget, workloads)
    if answer.status == "met":
        objects.raise_unjoined(budget.cluster_key)
    return answer


def _numbers(budget: DisruptionBudget, workloads: list[Workload]) -> Answer:
    if budget.get("spec.maxUnavailable") is not None:
        allowed = budget.words_of("spec.maxUnavailable")
        if allowed.rstrip("%") == "0":
            return open_(f"maxUnavailable is {allowed}: no pod may ever be evicted", budget.at("spec.maxUnavailable"))
        return met(f"allows {allowed} disruption at a time", budget.at("spec.maxUnavailable"))
    return _least_available(budget, workloads)


def _least_available(budget: DisruptionBudget, workloads: list[Workload]) -> Answer:
    wanted = budget.words_of("spec.minAvailable", "1")  # the API server takes 1 where a budget says nothing
    here = budget.at("spec.minAvailable")
    if wanted == "100%":
        return open_("minAvailable is 100%: no pod may ever be evicted", here)
    if wanted in ("0", "0%"):
        return met("allows all of its pods to be evicted", here)
    if not workloads:
        raise UnknownValue(budget.at("spec.selector"), "the pods that it selects were not read")
    pods = sum(_pods(workload) for workload in workloads)
    if not (number := re.fullmatch(r"(\d{1,9})(%?)", wanted)):
        raise UnknownValue(here, f"{wanted} is neither a number nor a percentage")
    needed = math.ceil(int(number[1]) * pods / 100) if number[2] else int(number[1])
    if pods == 0:
        return not_applicable("selects workloads that run no pods")
    if needed >= pods:
        return open_(f"minAvailable is {wanted}, and there may be no more than {pods}", here)
    return met(f"allows {pods - needed} of {pods} pods to be evicted", here)


def _pods(workload: Workload) -> int:
    if workload.what in _REPLICATED:
        return least_replicas(workload)[0]
    return 1 if workload.what == "Pod" else workload.number("spec.parallelism", 1)


@check("EKR092", Workload)
def replicas_are_spread(workload: Workload) -> Answer | None:
    """Constraints or anti-affinity over zones; Fargate knows no spread constraints."""
    if workload.made_by_another or workload.what not in _REPLICATED:
        return None
    if least_replicas(workload)[0] < 2:
        return not_applicable("may have a single replica: nothing to spread")
    if workload.on_fargate:
        return not_applicable("runs on Fargate, which supports no topologySpreadConstraints")
    for path in _spread_keys(workload):
        if workload.words_of(path) in _ZONE_KEYS:
            return met("is spread over zones", workload.at(path))
    path = f"{workload.spec_path}.topologySpreadConstraints"
    return open_("nothing spreads its replicas over zones", workload.at(path))


def _spread_keys(workload: Workload) -> list[str]:
    """Returns the paths of all topology keys by which pods keep apart."""
    spec = workload.spec_path
    apart = f"{spec}.affinity.podAntiAffinity"
    return [
        *(f"{path}.topologyKey" for path in workload.items(f"{spec}.topologySpreadConstraints")),
        *(f"{path}.topologyKey" for path in workload.items(f"{apart}.requiredDuringSchedulingIgnoredDuringExecution")),
        *(
            f"{path}.podAffinityTerm.topologyKey"
            for path in workload.items(f"{apart}.preferredDuringSchedulingIgnoredDuringExecution")
        ),
    ]
