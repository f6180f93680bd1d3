"""Kubernetes objects that belong together: by name, by namespace, by label selector. Every look-up is indexed."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.resource import UnknownValue

_SELECTORS = {"Service": "spec.selector", "NetworkPolicy": "spec.podSelector"}
"""Where an object names the pods it means; others at ``spec.selector``."""

_JOINED = {
    **dict.fromkeys(("HorizontalPodAutoscaler", "ScaledObject"), "spec.scaleTargetRef"),
    **dict.fromkeys(("PodDisruptionBudget", "Service", "NetworkPolicy"), "spec"),
    "Namespace": "metadata.labels",
}
"""Where other objects than workloads say what they are about."""

Place = tuple[str, str]
"""Cluster and namespace."""


class Objects:
    """The objects of all clusters that were read."""

    def __init__(self, facts: Facts) -> None:
        self._by_kind: dict[tuple[str, str], list[KubernetesObject]] = defaultdict(list)
        self._by_place: dict[tuple[str, Place], list[KubernetesObject]] = defaultdict(list)
        self._by_name: dict[tuple[str, Place, str], KubernetesObject] = {}
        self._workloads: dict[Place, list[Workload]] = defaultdict(list)
        self._joins: dict[str, tuple[dict[int, list[Workload]], dict[int, list[KubernetesObject]]]] = {}
        self._unjoined: dict[tuple[str, tuple[str, ...]], UnknownValue | None] = {}
        for item in facts.all(KubernetesObject):
            place = self._place(item)
            self._by_kind[item.what, place[0]].append(item)
            self._by_place[item.what, place].append(item)
            self._by_name.setdefault((item.what, place, item.bare_name), item)
            if isinstance(item, Workload):
                self._workloads[place].append(item)

    @staticmethod
    def _place(item: KubernetesObject) -> Place:
        return item.cluster_key, item.namespace

    def in_cluster(self, kind: str, beside: KubernetesObject) -> list[KubernetesObject]:
        """Returns the objects of a kind in the cluster of an object."""
        return self._by_kind.get((kind, beside.cluster_key), [])

    def in_namespace(self, kind: str, beside: KubernetesObject, namespace: str = "") -> list[KubernetesObject]:
        """Returns the objects of a kind in a namespace of an object's cluster; its own unless another is named."""
        return self._by_place.get((kind, (beside.cluster_key, namespace or beside.namespace)), [])

    def named(self, kind: str, beside: KubernetesObject, name: str, namespace: str = "") -> KubernetesObject | None:
        """Returns the object with a name, in a namespace of an object's cluster; its own unless another is named."""
        return self._by_name.get((kind, (beside.cluster_key, namespace or beside.namespace), name))

    def of_class(self, kind: str, beside: KubernetesObject, name: str) -> KubernetesObject | None:
        """Returns the object with a name that is in no namespace."""
        return self._by_name.get((kind, (beside.cluster_key, "default"), name))

    def expect_all(self, beside: KubernetesObject, what: str) -> None:
        """Raises UnknownValue where manifests alone were read, and not the object's Namespace: they may be a part of it."""
        if beside.facts.stated_version and not self.of_class("Namespace", beside, beside.namespace):
            where = beside.at("metadata.namespace")
            raise UnknownValue(where, f"Namespace {beside.namespace} was not read, and may have a {what}")

    def workloads(self, beside: KubernetesObject, namespace: str) -> list[Workload]:
        """Returns the workloads in a namespace of an object's cluster."""
        return self._workloads.get((beside.cluster_key, namespace), [])

    def raise_unjoined(self, cluster: str, *kinds: str) -> None:
        """Raises UnknownValue where a name or a label is filled in later: what belongs together in a cluster is not known.

        Of some kinds of objects, or of all that name or select others.
        """
        key = (cluster, kinds)
        if key not in self._unjoined:
            self._unjoined[key] = self._first_hidden(cluster, kinds)
        if unknown := self._unjoined[key]:
            raise unknown

    def _first_hidden(self, cluster: str, kinds: tuple[str, ...]) -> UnknownValue | None:
        joined = [
            (item, item.labels_path if isinstance(item, Workload) else _JOINED[kind])
            for (kind, of), items in self._by_kind.items()
            for item in items
            if of == cluster and (isinstance(item, Workload) or kind in _JOINED)
        ]
        # One namespace for all, whatever it will be called, keeps together what it has.
        several = len({item.namespace for item, _ in joined}) > 1
        for item, path in joined:
            if kinds and item.what not in kinds:
                continue
            try:
                item.raise_hidden(path, *(["metadata.namespace"] if several else []))
            except UnknownValue as unknown:
                return unknown
        return None

    def selecting(self, kind: str, workload: Workload) -> list[KubernetesObject]:
        """Returns the objects of a kind (Service, PodDisruptionBudget) that select a workload's pods."""
        return self._join(kind)[1].get(id(workload), [])

    def selected_by(self, item: KubernetesObject) -> list[Workload]:
        """Returns the workloads whose pods an object selects."""
        return self._join(item.what)[0].get(id(item), [])

    def scalers(self, workload: Workload) -> list[KubernetesObject]:
        """Returns what changes a workload's replicas: HorizontalPodAutoscaler, KEDA's ScaledObject."""
        return self._scalers.get((self._place(workload), workload.what, workload.bare_name), [])

    @cached_property
    def _scalers(self) -> dict[tuple[Place, str, str], list[KubernetesObject]]:
        found: dict[tuple[Place, str, str], list[KubernetesObject]] = defaultdict(list)
        for (kind, place), items in self._by_place.items():
            if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
                for item in items:
                    target = item.resource.maybe("spec.scaleTargetRef.kind", "Deployment")
                    name = item.resource.maybe("spec.scaleTargetRef.name")
                    found[place, str(target), str(name)].append(item)
        return found

    def accounts_with_rights(self, beside: KubernetesObject) -> set[tuple[str, str]]:
        """Returns namespace and name of each service account that a binding of an object's cluster names."""
        return self._bound.get(beside.cluster_key, set())

    @cached_property
    def _bound(self) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for (kind, cluster), items in self._by_kind.items():
            if kind in ("RoleBinding", "ClusterRoleBinding"):
                for item in items:
                    for subject in _list(item.resource.maybe("subjects")):
                        if isinstance(subject, dict) and subject.get("kind") == "ServiceAccount":
                            found[cluster].add(
                                (str(subject.get("namespace", item.namespace)), str(subject.get("name")))
                            )
        return found

    def _join(self, kind: str) -> tuple[dict[int, list[Workload]], dict[int, list[KubernetesObject]]]:
        """Which object of a kind selects which workloads, both ways, by ``id``."""
        if kind not in self._joins:
            selected: dict[int, list[Workload]] = defaultdict(list)
            selecting: dict[int, list[KubernetesObject]] = defaultdict(list)
            for (of_kind, place), items in self._by_place.items():
                for item in items if of_kind == kind else []:
                    selector = item.resource.maybe(_SELECTORS.get(kind, "spec.selector"))
                    # A Service without a selector selects nothing; a policy with an empty one selects every pod.
                    for workload in self._matching(place, selector) if selector or kind != "Service" else []:
                        selected[id(item)].append(workload)
                        selecting[id(workload)].append(item)
            self._joins[kind] = selected, selecting
        return self._joins[kind]

    def _matching(self, place: Place, selector: Any) -> list[Workload]:
        if not isinstance(selector, dict):
            return []
        plain = not ({"matchLabels", "matchExpressions"} & set(selector))
        labels = selector if plain else selector.get("matchLabels") or {}
        expressions = [] if plain else selector.get("matchExpressions") or []
        if not isinstance(labels, dict) or not isinstance(expressions, list):
            return []
        candidates = self._workloads.get(place, [])
        if labels:
            # The label that the fewest workloads have: no need to look at all of them.
            candidates = min(
                (self._by_label.get((place, key, str(value)), []) for key, value in labels.items()), key=len
            )
        return [workload for workload in candidates if _matches(workload.pod_labels, labels, expressions)]

    @cached_property
    def _by_label(self) -> dict[tuple[Place, str, str], list[Workload]]:
        found: dict[tuple[Place, str, str], list[Workload]] = defaultdict(list)
        for place, workloads in self._workloads.items():
            for workload in workloads:
                for key, value in workload.pod_labels.items():
                    found[place, key, str(value)].append(workload)
        return found


def _matches(labels: dict[str, str], wanted: dict[str, Any], expressions: list[Any]) -> bool:
    return all(str(labels.get(key)) == str(value) for key, value in wanted.items()) and all(
        _holds(labels, item) for item in expressions if isinstance(item, dict)
    )


def _holds(labels: dict[str, str], expression: dict[str, Any]) -> bool:
    key, values = expression.get("key"), [str(value) for value in _list(expression.get("values"))]
    value = labels.get(str(key))
    match expression.get("operator"):
        case "In":
            return value is not None and str(value) in values
        case "NotIn":
            return value is None or str(value) not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
