"""Facts about Kubernetes objects and Helm charts, wherever they are written: files, or inside custom resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responsibility.facts.resource import Fact, Prop

_POD_PATHS = {
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
    "Pod": "",
}


class KubernetesObject(Fact):
    """One object. Its properties are the object itself."""

    kind = Prop("kind", "")
    given_namespace = Prop("metadata.namespace", "default")

    @property
    def what(self) -> str:  # type: ignore[override]
        """Its kind."""
        return str(self.resource.maybe("kind", "object"))

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
        return f"{self.namespace}/{self.bare_name}"

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return dict(self.resource.maybe("metadata.labels", {}) or {})


class Workload(KubernetesObject):
    """An object that makes pods."""

    @property
    def pod_path(self) -> str:
        """Path of the pod's template."""
        return _POD_PATHS[self.what]

    @property
    def spec_path(self) -> str:
        """Path of the pod's spec."""
        return f"{self.pod_path}.spec" if self.pod_path else "spec"

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of its pods."""
        path = f"{self.pod_path}.metadata.labels" if self.pod_path else "metadata.labels"
        return dict(self.resource.maybe(path, {}) or {})

    def pod(self, path: str, default: Any = None) -> Any:
        """Returns a value of the pod's spec. Raises UnknownValue."""
        return self.get(f"{self.spec_path}.{path}", default)

    @property
    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and definition of each container, init containers included. Raises UnknownValue."""
        for group in ("containers", "initContainers"):
            for index, container in enumerate(self.pod(group, []) or []):
                if isinstance(container, dict):
                    yield f"{self.spec_path}.{group}.{index}", container

    @property
    def replicas(self) -> int:
        """How many pods it asks for; a Deployment that does not say asks for one. Raises UnknownValue."""
        return int(self.get("spec.replicas", 1))

    @property
    def long_running(self) -> bool:
        """Whether it is meant to run without end."""
        return self.what in ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")

    @property
    def on_fargate(self) -> bool:
        """Whether a Fargate profile of its cluster selects its pods (profiles come before the scheduler). Raises UnknownValue."""
        return self.facts.fargate_selects(self)


class HelmChart(Fact):
    """A Helm chart that a custom resource installs."""

    what = "Helm chart"
    chart = Prop("Chart", "")
    version = Prop("Version", "")
    namespace = Prop("Namespace", "default")

    @property
    def name(self) -> str:
        """The release, else the chart."""
        return str(self.resource.maybe("Release") or self.resource.maybe("Chart") or self.resource.id)
