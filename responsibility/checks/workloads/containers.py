"""Checks of containers: probes, and what they ask of a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import KubernetesObject, Workload
from responsibility.reading.objects import Objects


def listed(words: Iterable[str]) -> str:
    """Returns words as a sentence has them, each once: ``a``, ``a and b``, ``a, b and c``."""
    *most, last = dict.fromkeys(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def container_names(workload: Workload, paths: list[str]) -> str:
    """Returns the containers at some paths, for a sentence: ``container web``, ``containers web and log``."""
    names = [str(workload.resource.maybe(f"{path}.name", path.rsplit(".", 1)[-1])) for path in dict.fromkeys(paths)]
    return f"container{'s' if len(names) > 1 else ''} {listed(names)}"


@check("EKR083", Workload)
def containers_are_probed(workload: Workload) -> Answer | None:
    """Containers with ports need a readiness probe. In a pod without ports, a probe of any kind in one container."""
    if workload.made_by_another or workload.what not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return None
    containers = workload.running
    serving = [path for path in containers if workload.get(f"{path}.ports")]
    if not serving:
        kinds = ("readinessProbe", "livenessProbe", "startupProbe")
        if any(workload.get(f"{path}.{kind}") for path in containers for kind in kinds):
            return met("has no ports, and a probe", workload.at(f"{workload.spec_path}.containers"))
        missing = containers[:1]
    else:
        missing = [path for path in serving if not workload.get(f"{path}.readinessProbe")]
    if missing:
        return open_(
            f"{container_names(workload, missing)}: no readinessProbe",
            *(workload.at(f"{path}.readinessProbe") for path in missing),
        )
    alive = all(workload.get(f"{path}.livenessProbe") for path in serving)
    return met(
        f"{container_names(workload, serving)}: readiness probe{' and liveness probe' if alive else ', no liveness probe'}",
        *(workload.at(f"{path}.readinessProbe") for path in serving),
    )


@check("EKR084", Workload)
def resources_are_requested(workload: Workload) -> Answer | None:
    """A limit counts as a request, as it does for Kubernetes; so do the pod's own resources and a LimitRange."""
    if workload.made_by_another:
        return None
    return _resources(workload, ("cpu", "memory"), ("requests", "limits"), ("defaultRequest", "default"), "request")


@check("EKR085", Workload)
def memory_is_limited(workload: Workload) -> Answer | None:
    """A CPU limit is not asked for: CPU can be shared, memory cannot."""
    return None if workload.made_by_another else _resources(workload, ("memory",), ("limits",), ("default",), "limit")


def _resources(
    workload: Workload, names: tuple[str, ...], groups: tuple[str, ...], defaults: tuple[str, ...], word: str
) -> Answer:
    containers = workload.running
    wanted = [
        (path, name)
        for path in containers
        for name in names
        if not any(
            workload.get(f"{at}.resources.{group}.{name}") for at in (path, workload.spec_path) for group in groups
        )
    ]
    ranged = {name for item, name in _ranges(workload, defaults) if name in names} if wanted else set()
    missing = [(path, name) for path, name in wanted if name not in ranged]
    if missing:
        lacking = [name for name in names if any(name == item for _, item in missing)]
        return open_(
            f"{container_names(workload, [path for path, _ in missing])}: no {word} of {listed(lacking)}",
            *(workload.at(f"{path}.resources.{groups[0]}.{name}") for path, name in missing),
        )
    by = " by the namespace's LimitRange" if wanted else ""
    return met(f"{container_names(workload, containers)}: {word} of {listed(names)}{by}", *map(workload.at, containers))


def _ranges(workload: Workload, defaults: tuple[str, ...]) -> Iterator[tuple[KubernetesObject, str]]:
    """Yields what the LimitRanges of the namespace give to containers that say nothing."""
    for item in workload.facts.view(Objects).in_namespace("LimitRange", workload):
        for path in item.items("spec.limits"):
            if item.get(f"{path}.type") == "Container":
                for group in defaults:
                    for name in item.mapping(f"{path}.{group}"):
                        yield item, str(name)
