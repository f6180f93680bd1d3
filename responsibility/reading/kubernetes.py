"""Facts about Kubernetes objects and Helm charts, wherever they are written: files, or inside custom resources."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

from eks_facts.cluster_apis import is_cluster_scoped
from eks_facts.quantities import UnreadableQuantity, requested
from responsibility.reading.eks import FargateProfile
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.nodes import StartsInstances
from responsibility.reading.partly_known import fits
from responsibility.reading.placeholders import is_placeholder
from responsibility.reading.properties import Prop
from responsibility.reading.resource import Resource, UnknownValue
from responsibility.reading.values import Unknown, Unread, all_known, gap_of, has_gap

_POD_PATHS = {
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
    "Pod": "",
}


class _Kind:
    """What a message calls an object: its own kind; for a class of objects, the class's noun."""

    def __get__(self, item: KubernetesObject | None, owner: type[KubernetesObject]) -> str:
        return owner.noun if item is None else str(item.resource.maybe("kind", "object"))


class KubernetesObject(Fact):
    """One object. Its properties are the object itself."""

    what = _Kind()
    noun: ClassVar[str] = "Kubernetes object"
    kind = Prop("kind", "")

    @property
    def namespace(self) -> str:
        """Its namespace; ``default`` where it names none."""
        return str(self.resource.maybe("metadata.namespace", "default"))

    @property
    def bare_name(self) -> str:
        """``metadata.name``."""
        return str(self.resource.maybe("metadata.name", "?"))

    @property
    def name(self) -> str:
        """Namespace and name, as kubectl would show them."""
        return self.bare_name if is_cluster_scoped(self.what) else f"{self.namespace}/{self.bare_name}"

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return _labels(self.resource.maybe("metadata.labels"))

    @property
    def made_by_another(self) -> bool:
        """Whether another object made it, as a Deployment makes ReplicaSets: that one is judged. Raises UnknownValue."""
        return bool(self.get("metadata.ownerReferences"))

    def get(self, path: str, default: Any = None) -> Any:
        """Returns the value at a path. Raises UnknownValue; also where something fills it in before the cluster sees it."""
        value = super().get(path, default)
        if is_placeholder(value) or (isinstance(value, list) and any(map(is_placeholder, value))):
            raise UnknownValue(self.at(path), "is filled in later")
        return value

    def raise_hidden(self, *paths: str) -> None:
        """Raises UnknownValue for anything at or below some paths (none: the whole object) that something fills in."""
        for path in paths or ("",):
            if why := _hidden(self.resource.partly(path) if path else self.resource.properties):
                raise UnknownValue(self.at(path), why)

    def words_of(self, path: str, default: str = "") -> str:
        """Returns a text that is known to its last character. Raises UnknownValue."""
        return self._known(path, self.get(path, default))

    def entry(self, path: str, key: str) -> str:
        """Returns an entry of a mapping whose keys may have dots: a label, an annotation. Raises UnknownValue."""
        found = self.mapping(path).get(key)
        return "" if found is None else self._known(path, found)

    def annotation(self, key: str) -> str:
        """Returns an annotation; empty = it has none. Raises UnknownValue."""
        return self.entry("metadata.annotations", key)

    def number(self, path: str, default: int) -> int:
        """Returns a whole number. Raises UnknownValue, for a text that is none, too."""
        value = self.get(path, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise UnknownValue(self.at(path), f"{value} is not a number") from None

    def items(self, path: str) -> list[str]:
        """Returns the path of each item of a list. Raises UnknownValue."""
        value = self.get(path, [])
        if not isinstance(value, list):
            raise UnknownValue(self.at(path), "is not a list")
        paths = [f"{path}.{index}" for index in range(len(value))]
        for item in paths:
            self.get(item)
        return paths

    def texts(self, path: str) -> list[str]:
        """Returns a list of texts. Raises UnknownValue."""
        return [self.words_of(item) for item in self.items(path)]

    def mapping(self, path: str) -> dict[str, Any]:
        """Returns a mapping; its values may be unknown. Raises UnknownValue."""
        value = self.get(path, {})
        if not isinstance(value, dict):
            raise UnknownValue(self.at(path), "is not a mapping")
        return value

    def _known(self, path: str, value: Any) -> str:
        # `${...}` is a reference, a gap, or what envsubst fills in: the text is not all there.
        if isinstance(value, Unknown):
            raise UnknownValue(self.at(path), value.reason)
        if not all_known(str(value)) or "${" in str(value):
            raise UnknownValue(self.at(path), "is filled in later")
        return str(value).lower() if isinstance(value, bool) else str(value)


def _hidden(value: Any) -> str:
    """Returns why a part of a value, a key of it or all of it is not known; empty = all is."""
    if isinstance(value, Unread | Unknown):
        return value[""].reason if isinstance(value, Unread) else value.reason
    if isinstance(value, dict | list):
        return next(filter(None, map(_hidden, value.values() if isinstance(value, dict) else value)), "")
    return "is filled in later" if is_placeholder(value) else gap_of(value) if isinstance(value, str) else ""


def _labels(found: Any) -> dict[str, str]:
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


class Workload(KubernetesObject):
    """An object that makes pods."""

    noun = "workload"

    @property
    def pod_path(self) -> str:
        """Path of the pod's template."""
        return _POD_PATHS[self.what]

    @property
    def spec_path(self) -> str:
        """Path of the pod's spec."""
        return f"{self.pod_path}.spec" if self.pod_path else "spec"

    @property
    def labels_path(self) -> str:
        """Path of the labels of its pods."""
        return f"{self.pod_path}.metadata.labels" if self.pod_path else "metadata.labels"

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of its pods."""
        return _labels(self.resource.maybe(self.labels_path))

    def pod(self, path: str, default: Any = None) -> Any:
        """Returns a value of the pod's spec. Raises UnknownValue."""
        return self.get(f"{self.spec_path}.{path}", default)

    def requested(self, resource: str) -> Fraction:
        """Returns how much of a resource each of its pods requests. Raises UnknownValue."""
        try:
            return requested(self.get(self.spec_path, {}), resource)
        except UnreadableQuantity as error:
            path = ".".join(map(str, (self.spec_path, *error.where)))
            self.words_of(path)  # which may know why
            raise UnknownValue(self.at(path), str(error)) from None

    @property
    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and definition of each container, init containers included. Raises UnknownValue."""
        for group in ("containers", "initContainers"):
            for index, container in enumerate(self.pod(group, []) or []):
                if isinstance(container, dict):
                    yield f"{self.spec_path}.{group}.{index}", container

    @property
    def running(self) -> list[str]:
        """Path of each container that runs as long as its pod, sidecars included. Raises UnknownValue."""
        containers = self.items(f"{self.spec_path}.containers")
        if not containers:
            raise UnknownValue(self.at(f"{self.spec_path}.containers"), "no containers are named")
        sidecars = [path for path in self.items(f"{self.spec_path}.initContainers") if self._is_sidecar(path)]
        return containers + sidecars

    @property
    def starting(self) -> list[str]:
        """Path of each container that ends before the others start. Raises UnknownValue."""
        return [path for path in self.items(f"{self.spec_path}.initContainers") if not self._is_sidecar(path)]

    def _is_sidecar(self, path: str) -> bool:
        return bool(self.get(f"{path}.restartPolicy") == "Always")

    @property
    def replicas(self) -> int:
        """How many pods it asks for; a Deployment that does not say asks for one. Raises UnknownValue."""
        return self.number("spec.replicas", 1)

    @property
    def on_fargate(self) -> bool:
        """Whether a Fargate profile of its cluster selects its pods (profiles come before the scheduler). Raises UnknownValue."""
        unread: UnknownValue | None = None
        if "fargate" in self.facts.stated_kinds:
            if len(self.facts.stated_kinds) > 1:
                raise UnknownValue(self.at("metadata.namespace"), "runs on one of several kinds of compute")
            return True
        for profile in self.facts.belonging(FargateProfile, self.cluster_key):
            for index, _ in enumerate(profile.selectors):
                try:
                    if self._selected(profile, f"Selectors.{index}"):
                        return True
                except UnknownValue as unknown:
                    unread = unread or unknown
        if unread:
            raise unread
        return False

    def _selected(self, profile: FargateProfile, path: str) -> bool:
        """Namespace and every label must fit, wildcards allowed: docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html."""
        namespace = str(profile.get(f"{path}.Namespace", ""))
        if has_gap(namespace):
            raise UnknownValue(profile.at(f"{path}.Namespace"), "is not known to its last character")
        if not fits(self.namespace, namespace):
            return False
        labels = self.mapping(self.labels_path)
        try:
            wanted = {str(item["Key"]): str(item["Value"]) for item in profile.get(f"{path}.Labels", [])}
        except (TypeError, LookupError):
            raise UnknownValue(profile.at(f"{path}.Labels"), "is not a list of Key and Value") from None
        return all(key in labels and fits(str(labels[key]), value) for key, value in wanted.items())


class Namespace(KubernetesObject):
    """A namespace."""

    noun = "Namespace"


class Entrance(KubernetesObject):
    """What traffic comes in by: a Service, an Ingress."""

    noun = "Service or Ingress"


class DisruptionBudget(KubernetesObject):
    """How many pods may go at a time: a PodDisruptionBudget."""

    noun = "PodDisruptionBudget"


class Secret(KubernetesObject):
    """A Secret."""

    noun = "Secret"


class StorageClass(KubernetesObject):
    """The settings of new volumes."""

    noun = "StorageClass"


class WebhookConfiguration(KubernetesObject):
    """Admission webhooks, validating or mutating."""

    noun = "admission webhook"


class Ec2NodeClass(KubernetesObject, StartsInstances):
    """How Karpenter starts instances, with the defaults of its API (https://karpenter.sh/docs/concepts/nodeclasses/)."""

    noun = "EC2NodeClass"


_CLASSES: dict[str, type[KubernetesObject]] = {
    "karpenter.k8s.aws/EC2NodeClass": Ec2NodeClass,
    **dict.fromkeys(
        (f"{group}/{kind}" for group in ("apps", "batch", "extensions", "v1") for kind in _POD_PATHS), Workload
    ),
    "v1/Namespace": Namespace,
    "v1/Service": Entrance,
    "networking.k8s.io/Ingress": Entrance,
    "extensions/Ingress": Entrance,
    "policy/PodDisruptionBudget": DisruptionBudget,
    "v1/Secret": Secret,
    "storage.k8s.io/StorageClass": StorageClass,
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration": WebhookConfiguration,
    "admissionregistration.k8s.io/MutatingWebhookConfiguration": WebhookConfiguration,
}


def objects(facts: Facts, kind: str) -> list[KubernetesObject]:
    """Returns every Kubernetes object of a kind."""
    return [fact for fact in facts.of_type(kind) if isinstance(fact, KubernetesObject)]


def class_of(resource: Resource) -> type[KubernetesObject]:
    """Returns the class of facts for an object: by API group and kind, for others have a kind Job or Service, too."""
    group = str(resource.maybe("apiVersion", "v1")).partition("/")[0]
    return _CLASSES.get(f"{group}/{resource.type}", KubernetesObject)
