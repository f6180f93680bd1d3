"""The tree as Flux reads it: a Kustomization for each stage, which waits for the one before it, and a HelmRelease for each chart.

https://fluxcd.io/flux/components/kustomize/kustomizations/ and https://fluxcd.io/flux/components/helm/helmreleases/
"""

from collections.abc import Mapping, Sequence
from typing import Any

from delivery.gitops.components import Component, Place, Tree
from delivery.gitops.objects import KEPT, annotated, component, kustomization, labelled, text
from delivery.object_kind import KubernetesObject
from delivery.order import in_stages

_INTERVAL, _RETRY, _TIMEOUT = "10m", "1m", "15m"


def files(place: Place, components: Sequence[Component]) -> dict[str, str]:
    """Returns the files of one cluster by their paths below the environment's folder."""
    found: dict[str, str] = {}
    listed: list[str] = []
    last: dict[str, str] = {}
    for one in components:
        folder, before = f"{place.cluster}/{one.name}", [last[name] for name in one.after]
        if one.chart:
            found[f"{folder}/release.yaml"] = text(*_release(place, one))
            found[f"{folder}/kustomization.yaml"] = kustomization(["release.yaml"])
            stages = {one.name: folder}
        else:
            found |= {
                f"{folder}/{path}": content for path, content in component(one.objects, _kept, one.namespace).items()
            }
            stages = {labelled(f"{one.name}-{stage}"): f"{folder}/{stage}" for stage in in_stages(one.objects)}
        jobs = any(item["kind"] == "Job" for item in one.objects)
        for name, path in stages.items():
            found[f"{place.cluster}/flux/{name}.yaml"] = text(_kustomization(place, name, path, before, force=jobs))
            listed.append(f"{name}.yaml")
            before = [name]
        last[one.name] = before[0]
    found[f"{place.cluster}/flux/kustomization.yaml"] = kustomization(listed)
    return found


def bootstrap(trees: Sequence[Tree]) -> dict[str, str]:
    """Returns what a person applies once to each cluster with Flux: where the tree is."""
    return {f"bootstrap/{place.cluster}.yaml": text(*_tree(place)) for place, _ in trees}


def _tree(place: Place) -> Sequence[Mapping[str, Any]]:
    settings = place.settings
    spec: dict[str, Any] = {"interval": "1m", "url": settings.repository, "ref": {"branch": settings.revision}}
    if settings.credentials:
        spec["secretRef"] = {"name": settings.credentials}
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": place.environment, "namespace": settings.namespace}, "spec": spec,
    }  # fmt: skip
    root = _kustomization(place, labelled(place.full_name), f"{place.cluster}/flux", [], force=False)
    return source, root


def _kept(_: str, item: KubernetesObject) -> KubernetesObject:
    return annotated(item, {"kustomize.toolkit.fluxcd.io/prune": "disabled"}) if item["kind"] in KEPT else item


def _kustomization(place: Place, name: str, path: str, after: Sequence[str], *, force: bool) -> Mapping[str, Any]:
    settings = place.settings
    spec: dict[str, Any] = {
        **({} if settings.automatic else {"suspend": True}),
        "interval": _INTERVAL, "retryInterval": _RETRY, "timeout": _TIMEOUT, "wait": True, "prune": settings.prune,
        "path": f"./{place.path(path)}", "sourceRef": {"kind": "GitRepository", "name": place.environment},
    }  # fmt: skip
    if after:
        spec["dependsOn"] = [{"name": one} for one in after]
    if force:
        spec["force"] = True  # the template of a Job cannot change: Flux makes it again
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": settings.namespace}, "spec": spec,
    }  # fmt: skip


def _release(place: Place, one: Component) -> Sequence[Mapping[str, Any]]:
    chart = one.chart
    if chart is None:
        raise ValueError(f"{one.name} is no chart")
    metadata = {"name": chart.name, "namespace": place.settings.namespace}
    repository: dict[str, Any] = {"interval": "1h", "url": chart.repository}
    if chart.repository.startswith("oci://"):
        repository["type"] = "oci"
    release = {
        "interval": _INTERVAL, "releaseName": chart.name, "targetNamespace": chart.namespace, "storageNamespace": chart.namespace,
        "chart": {"spec": {"chart": chart.chart, "version": chart.version, "sourceRef": {"kind": "HelmRepository", "name": chart.name}}},
        "install": {"createNamespace": True, "crds": "Create", "remediation": {"retries": -1}},
        "upgrade": {"crds": "CreateReplace", "remediation": {"retries": 3}},
        "values": dict(chart.values),
    }  # fmt: skip
    return [
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "HelmRepository",
            "metadata": metadata,
            "spec": repository,
        },
        {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": metadata, "spec": release},
    ]
