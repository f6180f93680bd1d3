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
    if workload.made_by_another or workload.what in ("Job", "CronJob"):
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


@check("EKR269", Workload)
def containers_are_restarted(workload: Workload) -> Answer | None:
    """Containers with ports or with another probe serve something: a liveness probe notices when they hang."""
    if workload.made_by_another or workload.what in ("Job", "CronJob"):
        return None
    serving = [
        path
        for path in workload.running
        if any(workload.get(f"{path}.{key}") for key in ("ports", "readinessProbe", "startupProbe", "livenessProbe"))
    ]
    if not serving:
        return None
    missing = [path for path in serving if not workload.get(f"{path}.livenessProbe")]
    if missing:
        return open_(
            f"{container_names(workload, missing)}: no livenessProbe",
            *(workload.at(f"{path}.livenessProbe") for path in missing),
        )
    return met("every container has a liveness probe", *(workload.at(f"{path}.livenessProbe") for path in serving))


@check("EKR270", Workload)
def cpu_is_bounded(workload: Workload) -> Answer | None:
    """A limit, or a quota of the namespace on CPU: limits throttle, and a share by requests is fair where these are right."""
    if workload.made_by_another:
        return None
    for quota in workload.facts.view(Objects).in_namespace("ResourceQuota", workload):
        if {"cpu", "requests.cpu", "limits.cpu"} & set(quota.mapping("spec.hard")):
            return met("the namespace has a quota of CPU", quota.at("spec.hard"))
    return _resources(workload, ("cpu",), ("limits",), ("default",), "limit")


@check("EKR271", Workload)
def storage_of_nodes_is_bounded(workload: Workload) -> Answer | None:
    """Logs, writable layers and emptyDir volumes fill the disk of a node; read-only containers without volumes cannot."""
    if workload.made_by_another:
        return None
    for quota in workload.facts.view(Objects).in_namespace("ResourceQuota", workload):
        if any("ephemeral-storage" in str(key) for key in quota.mapping("spec.hard")):
            return met("the namespace has a quota of ephemeral storage", quota.at("spec.hard"))
    return _resources(workload, ("ephemeral-storage",), ("limits",), ("default",), "limit")


@check("EKR274", Workload)
def requests_are_written(workload: Workload) -> Answer | None:
    """Where there is a limit alone Kubernetes takes it for the request: EKR084 is met."""
    if workload.made_by_another:
        return None
    whole = {name for name in ("cpu", "memory") if workload.get(f"{workload.spec_path}.resources.requests.{name}")}
    ranged = {name for _, name in _ranges(workload, ("defaultRequest",))}
    found = [
        (path, name)
        for path in [*workload.running, *workload.starting]
        for name in ("cpu", "memory")
        if name not in whole | ranged
        and workload.get(f"{path}.resources.limits.{name}")
        and not workload.get(f"{path}.resources.requests.{name}")
    ]
    if found:
        names = listed(name for _, name in found)
        return open_(
            f"{container_names(workload, [path for path, _ in found])}: a limit of {names} without a request",
            *(workload.at(f"{path}.resources.requests.{name}") for path, name in found),
        )
    return met("no limit has to serve as a request", workload.at(f"{workload.spec_path}.containers"))


def _resources(
    workload: Workload, names: tuple[str, ...], groups: tuple[str, ...], defaults: tuple[str, ...], word: str
) -> Answer:
    containers = workload.running
    wanted = [
        (path, name)
        for path in containers
        for name in names
        # 0 is no request, and no limit.
        if not any(
            workload.get(f"{at}.resources.{group}.{name}") not in (None, 0, "0", "")
            for at in (path, workload.spec_path)
            for group in groups
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
