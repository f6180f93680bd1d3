"""What the linter of Kubernetes objects says of the objects that were read, cluster by cluster."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from eks_facts.versions import kubernetes_versions
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.partly_known import says
from responsibility.reading.values import all_known

_LATER = "${filled in later}"
"""In place of what is not known: the linter does not judge it."""


class Linted:
    """The problems of all objects, each cluster's by the schemas of its version."""

    def __init__(self, facts: Facts) -> None:
        from kubernetes_lint import Problem, Scope, lint  # only for who has objects

        self._found: dict[int, list[Problem]] = defaultdict(list)
        self.versions: dict[str, str] = {}
        """The version of Kubernetes that each cluster's objects were judged by, by the cluster's key."""
        groups: dict[str, list[KubernetesObject]] = defaultdict(list)
        for item in facts.all(KubernetesObject):
            groups[item.cluster_key].append(item)
        for key, items in groups.items():
            version = self.versions[key] = _version(facts, key)
            objects = [{str(name): _plain(value) for name, value in item.resource.properties.items()} for item in items]
            for problem in lint(objects, version, Scope(elsewhere=_of_charts(facts, key))):
                self._found[id(items[problem.index])].append(problem)

    def of(self, item: KubernetesObject, kind: str) -> list[Any]:
        """Returns the problems of a kind (``schema``, ``reference``...) of an object."""
        return [problem for problem in self._found.get(id(item), ()) if problem.kind == kind]


def _of_charts(facts: Facts, key: str) -> dict[str, set[str]]:
    """Returns names of objects that charts bring: what the controller's installs, by its default."""
    charts = (str(chart.resource.maybe("Chart", "")) for chart in facts.belonging(HelmChart, key))
    return {"IngressClass": {"alb"}} if any(says(chart, "aws-load-balancer-controller") for chart in charts) else {}


def _version(facts: Facts, key: str) -> str:
    cluster = facts.get(Cluster, key)
    known = kubernetes_versions()
    found = str(cluster.resource.maybe("Version", "")) if cluster else facts.stated_version
    # Where nobody says, the newest: what it does not have has no future.
    return found if found in known else list(known)[-1]


def _plain(value: Any) -> Any:
    """Returns plain data; what is not known becomes a text that is filled in later."""
    if isinstance(value, dict):
        if type(value) is not dict:  # a thing of which only a part is known
            return _LATER
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return value if all_known(value) else _LATER
    return value if value is None or isinstance(value, bool | int | float) else _LATER
