"""Checks of whether a cluster takes an object, and whether what it says fits together."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.linted import Linted
from responsibility.reading.objects import Objects
from responsibility.reading.resource import UnknownValue
from safe_io.where import dotted

_NAMED = 3
"""So many problems of an object are put into words; the evidence has all."""


_JOINED = ("reference", "pod_security")
"""Kinds of problems that are between objects."""


def _judged(item: KubernetesObject, kind: str, fine: str) -> Answer | None:
    """Answers with the problems that the linter is sure of; with what it cannot see, if there are none."""
    if item.made_by_another or "apiVersion" not in item.resource.properties:
        return None
    found = item.facts.view(Linted).of(item, kind)
    certain = [problem for problem in found if problem.certain]
    if certain:
        words = [f"{dotted(problem.where)}: {problem.text}" for problem in certain[:_NAMED]]
        more = f"; and {len(certain) - _NAMED} more" if len(certain) > _NAMED else ""
        return open_("; ".join(words) + more, *(item.at(_path(problem.where)) for problem in certain))
    if found:
        where, text = found[0].where, found[0].text
        raise UnknownValue(item.at(_path(where)), f"{text}, unless something that was not read makes it right")
    item.raise_hidden()
    if kind in _JOINED:
        item.facts.view(Objects).raise_unjoined(item.cluster_key)
    return met(fine, item.at())


def _path(where: tuple[str | int, ...]) -> str:
    return ".".join(map(str, where))


@check("EKR244", KubernetesObject)
def cluster_takes_it(item: KubernetesObject) -> Answer | None:
    """By the schemas of the cluster's version; of custom kinds, by their definitions where those were read."""
    linted = item.facts.view(Linted)
    answer = _judged(
        item, "schema", f"has the fields and values that Kubernetes {linted.versions[item.cluster_key]} takes"
    )
    if answer and answer.status == "met":
        for kind, code in (("value", "EKR241"), ("reference", "EKR242")):
            if any(problem.certain for problem in linted.of(item, kind)):
                return not_applicable(f"its fields and types are right, and what else is wrong is {code}")
    return answer


@check("EKR241", KubernetesObject)
def values_fit_together(item: KubernetesObject) -> Answer | None:
    """Bounds, budgets, quotas, what excludes each other."""
    return _judged(item, "value", "its values fit together")


@check("EKR242", KubernetesObject)
def names_lead_somewhere(item: KubernetesObject) -> Answer | None:
    """Selectors, mounts, ports, names of other objects."""
    return _judged(item, "reference", "what it names is there")


@check("EKR243", Workload)
def namespace_takes_it(workload: Workload) -> Answer | None:
    """Pods that break the level are refused: the Deployment is there, and has none."""
    return _judged(workload, "pod_security", "its namespace refuses none of its settings")
