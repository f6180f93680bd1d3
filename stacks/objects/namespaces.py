"""Moves objects into the namespace of their workload, and knows which kinds have none."""

import re
from collections.abc import Sequence
from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from eks_facts import cluster_apis
from eks_facts.cluster_apis import group_of
from safe_io.yaml_file import YamlFile
from stacks.objects.known_names import KnownNames

_NAME_LABEL = "kubernetes.io/metadata.name"
"""What Kubernetes labels each namespace with: its name."""

SHARED = ("kube-system", "kube-public", "kube-node-lease", "default")
"""Namespaces of every cluster, which no workload makes."""
_ALLOWED_THERE = ("Role", "RoleBinding")


def is_cluster_scoped(item: KubernetesObject, known: KnownNames) -> bool:
    """Returns whether an object is outside of namespaces; of custom kinds, the definitions of workloads say so."""
    if scope := known.kinds.get((group_of(item), item["kind"])):
        return scope == "Cluster"
    if cluster_apis.is_cluster_scoped(kind_of(item)):
        return True
    # ClusterIssuer, GlobalNetworkPolicy: by name, because their definitions are not in the input.
    return "namespace" not in item["metadata"] and bool(re.match("(Cluster|Global)[A-Z]", item["kind"]))


def is_shared(item: KubernetesObject, known: KnownNames) -> bool:
    """Returns whether two workloads of a cluster could both have an object: it is in the namespace of neither."""
    return is_cluster_scoped(item, known) or item["metadata"].get("namespace") in SHARED


def into_namespace(
    item: KubernetesObject, namespace: str, own: Sequence[KubernetesObject], known: KnownNames, file: YamlFile
) -> KubernetesObject:
    """Returns an object with its namespace, and references to that of its workload, changed to ``namespace``.

    Args:
        item: the object.
        namespace: that of its workload in the cluster.
        own: the objects of its workload, as their author wrote them.
        known: the kinds in the cluster, namespaced or not.
        file: where the object is from, for messages.

    Raises BadInput: the workload has not exactly one Namespace, or an object is in another that it may not be in.
    """
    names = [one["metadata"]["name"] for one in own if kind_of(one) == "Namespace"]
    if len(names) != 1:
        file.fail((), f"its workload has {len(names) or 'no'} Namespace objects; it needs one, whose name is filled in")
    if kind_of(item) == "Namespace":
        item["metadata"]["name"] = namespace
        return item
    services = [one["metadata"]["name"] for one in own if kind_of(one) == "Service"]
    item = Renaming(names[0], namespace, services).of(item)
    if is_cluster_scoped(item, known):
        item["metadata"].pop("namespace", None)
        return item
    where = item["metadata"].get("namespace", namespace)
    if where in SHARED and kind_of(item) in _ALLOWED_THERE:
        return item
    if where != namespace:
        file.fail(
            ("metadata", "namespace"),
            f"found {where}; an object of this workload is in its own namespace, {names[0]}, which is filled in."
            f" Of others, {' and '.join(_ALLOWED_THERE)} may be in {', '.join(SHARED)}. Remove it, or make a workload of its own"
            f" of what belongs to {where}",
        )
    metadata = {"name": item["metadata"]["name"], "namespace": namespace}
    return item | {"metadata": metadata | item["metadata"]}


class Renaming:
    """Renames a namespace wherever an object unmistakably means it."""

    def __init__(self, old: str, new: str, services: Sequence[str]) -> None:
        """``services``: names of the Services of the namespace, which make NAME.OLD its DNS name."""
        self._old, self._new = old, new
        name = re.escape(old)
        any_of = "|".join(re.escape(service) for service in sorted(services, key=len, reverse=True))
        self._patterns = [
            # SERVICE.NAMESPACE.svc and what follows it; pods have their own name or address before the Service's.
            re.compile(rf"(?<![\w-])((?:[a-z0-9-]+\.)+){name}(?=\.(?:svc|pod)(?![\w-]))"),
            re.compile(rf"(system:serviceaccount:){name}(?=:)"),
            re.compile(rf"(system:serviceaccounts:){name}(?![\w-])"),
            re.compile(rf"^(--?[\w-]*namespace[= ]){name}$"),
        ]
        if services:
            self._patterns.append(re.compile(rf"(?<![\w.-])((?:{any_of})\.){name}(?![\w.-])"))

    def of(self, item: KubernetesObject) -> KubernetesObject:
        """Returns an object with the name changed."""
        changed: KubernetesObject = self._value(item)
        annotations = changed["metadata"].get("annotations")
        for key, text in annotations.items() if isinstance(annotations, dict) else ():
            # NAMESPACE/NAME: as in cert-manager.io/inject-ca-from.
            if isinstance(text, str) and re.fullmatch(rf"{re.escape(self._old)}/[a-z0-9.-]+", text):
                annotations[key] = self._new + text.removeprefix(self._old)
        return changed

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            for pattern in self._patterns:
                value = pattern.sub(lambda found: found[1] + self._new, value)
            return value
        if isinstance(value, list):
            return self._words([self._value(part) for part in value])
        return self._mapping(value) if isinstance(value, dict) else value

    def _words(self, words: list[Any]) -> list[Any]:
        """A command line: the word after --namespace or -n."""
        flags = ("-n", "--namespace", "--leader-election-namespace", "--watch-namespace")
        for index, word in enumerate(words[:-1]):
            if word in flags and words[index + 1] == self._old:
                words[index + 1] = self._new
        return words

    def _mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        result = {key: self._entry(key, part) for key, part in value.items()}
        names_it = result.get("key") == _NAME_LABEL and isinstance(result.get("values"), list)
        if names_it:  # an expression of a label selector
            result["values"] = [self._new if one == self._old else one for one in result["values"]]
        if "NAMESPACE" in str(result.get("name")) and result.get("value") == self._old:
            result["value"] = self._new  # a variable of a container
        if result.get("kind") == "ServiceAccount" and set(result) <= {"kind", "name", "namespace", "apiGroup"}:
            result.setdefault("namespace", self._new)  # a subject of a role binding
        return result

    def _entry(self, key: str, part: Any) -> Any:
        if key in ("namespace", _NAME_LABEL) and part == self._old:
            return self._new
        # Pod affinity names namespaces, and the selectors of monitoring objects.
        if key in ("namespaces", "matchNames") and isinstance(part, list):
            return [self._new if one == self._old else self._value(one) for one in part]
        return self._value(part)
