"""The tree as Argo CD reads it: an Application for each component, in waves, and one ApplicationSet over the clusters.

EKS's own Argo CD names a cluster by its ARN, and wants sourceNamespaces in a project:
https://docs.aws.amazon.com/eks/latest/userguide/argocd-register-clusters.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delivery.gitops.components import Component, Place, Tree
from delivery.gitops.objects import KEPT, annotated, component, kustomization, labelled, text
from delivery.gitops.projects import application_name, project, project_of, repository_of, team_projects
from delivery.object_kind import KubernetesObject
from delivery.order import STAGES
from delivery.plan import Chart

_WAVE = "argocd.argoproj.io/sync-wave"
_OPTIONS = "argocd.argoproj.io/sync-options"
_RETRY = {"limit": -1, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}}
"""For ever: EKS's Argo CD ends a sync after 120 s, and a load balancer takes longer."""

_HEALTH = """\
local status = obj.status or {}
local done = status.operationState ~= nil and status.operationState.phase == "Succeeded"
if done and status.health ~= nil and status.health.status ~= nil then
  return {status = status.health.status, message = status.health.message}
end
return {status = "Progressing", message = "It was not synced yet"}
"""
"""Without it an Application has no health, and a wave does not wait for the one before it.
https://argo-cd.readthedocs.io/en/stable/operator-manual/health/"""

_CHANGED_BY_ITSELF = {
    "aws-load-balancer-controller": [
        {"kind": "Secret", "name": "aws-load-balancer-tls", "jsonPointers": ["/data"]},
        *(
            {
                "group": "admissionregistration.k8s.io", "kind": f"{kind}WebhookConfiguration", "name": "aws-load-balancer-webhook",
                "jqPathExpressions": [".webhooks[]?.clientConfig.caBundle"],
            }
            for kind in ("Mutating", "Validating")
        ),
    ]
}  # fmt: skip
"""What the templates of a chart draw anew each time: certificates. Applied again and again, they would change for ever."""


def files(place: Place, components: Sequence[Component]) -> dict[str, str]:
    """Returns the files of one cluster by their paths below the environment's folder."""
    found: dict[str, str] = {}
    waves: dict[str, int] = {}
    for one in components:
        waves[one.name] = max((waves[name] + 1 for name in one.after), default=0)
        folder = f"{place.cluster}/{one.name}"
        if one.chart is None:
            found |= {
                f"{folder}/{path}": content for path, content in component(one.objects, _changed, one.namespace).items()
            }
        found[f"{place.cluster}/applications/{one.name}.yaml"] = text(_application(place, one, waves[one.name]))
    found[f"{place.cluster}/applications/kustomization.yaml"] = kustomization(f"{one.name}.yaml" for one in components)
    return found


def bootstrap(trees: Sequence[Tree]) -> dict[str, str]:
    """Returns what a person applies once where Argo CD runs: its health check, the projects, the clusters, the ApplicationSet."""
    places = [place for place, _ in trees]
    first, settings = places[0], places[0].settings
    teams = {f"project-{name}.yaml": text(content) for name, content in team_projects(trees)}
    found = {
        "argocd-cm.yaml": text(_health_check(settings.namespace)),
        "project.yaml": text(project(trees)),
        **teams,
        "applicationset.yaml": text(_application_set(first, [place.cluster for place in places])),
        **{f"cluster-{place.cluster}.yaml": text(_cluster(place)) for place in places if place.arn},
    }
    # The project first: Applications that name none are refused.
    order = [
        "argocd-cm.yaml",
        "project.yaml",
        *teams,
        *(name for name in found if name.startswith("cluster-")),
        "applicationset.yaml",
    ]
    return {f"bootstrap/{name}": content for name, content in found.items()} | {
        "bootstrap/kustomization.yaml": kustomization(order)
    }


def _changed(stage: str, item: KubernetesObject) -> KubernetesObject:
    annotations = {_WAVE: str(list(STAGES).index(stage))}
    if item["kind"] in KEPT:
        annotations[_OPTIONS] = "Prune=false,Delete=false"
    if item["kind"] == "Job":
        # A hook runs once a sync; what ended and was tidied away is not missing then.
        annotations |= {
            "argocd.argoproj.io/hook": "Sync",
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        }
    return annotated(item, annotations)


def _metadata(place: Place, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": place.settings.namespace}


def _application(place: Place, one: Component, wave: int) -> Mapping[str, Any]:
    settings = place.settings
    metadata = {**_metadata(place, application_name(place, one)), "annotations": {_WAVE: str(wave)}}
    if settings.prune:  # what leaves the tree leaves the cluster
        metadata["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    options = ["ServerSideApply=true", "SkipDryRunOnMissingResource=true"]
    spec: dict[str, Any] = {
        "project": project_of(place, one),
        "source": _chart(one.chart) if one.chart else _folder(place, f"{place.cluster}/{one.name}"),
        "destination": {"name": place.full_name, "namespace": one.namespace or "default"},
    }
    if one.chart:
        options.append("CreateNamespace=true")
    if ignored := [*_scaled(one.objects), *(_CHANGED_BY_ITSELF.get(one.chart.chart, ()) if one.chart else ())]:
        spec["ignoreDifferences"] = ignored
        options.append("RespectIgnoreDifferences=true")
    spec["syncPolicy"] = _policy(place, options)
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def _folder(place: Place, below: str) -> Mapping[str, str]:
    settings = place.settings
    return {"repoURL": settings.repository, "targetRevision": settings.revision, "path": place.path(below)}


def _policy(place: Place, options: Sequence[str] = ()) -> Mapping[str, Any]:
    settings = place.settings
    automated = {"automated": {"prune": settings.prune, "selfHeal": True}} if settings.automatic else {}
    return {**automated, **({"syncOptions": list(options)} if options else {}), "retry": _RETRY}


def _chart(chart: Chart) -> Mapping[str, Any]:
    helm = {"releaseName": chart.name, "valuesObject": dict(chart.values)}
    return {"repoURL": repository_of(chart), "chart": chart.chart, "targetRevision": chart.version, "helm": helm}


def _scaled(objects: Sequence[KubernetesObject]) -> Iterator[Mapping[str, Any]]:
    """Yields the replicas that an autoscaler sets: Git says how many there are at first."""
    targets = {
        (ref["kind"], ref["name"])
        for item in objects
        if item["kind"] == "HorizontalPodAutoscaler" and isinstance(ref := item["spec"].get("scaleTargetRef"), dict)
    }
    for item in objects:
        if (item["kind"], item["metadata"]["name"]) in targets and "replicas" in item.get("spec", {}):
            group = item["apiVersion"].partition("/")[0]
            yield {
                "group": group,
                "kind": item["kind"],
                "name": item["metadata"]["name"],
                "jsonPointers": ["/spec/replicas"],
            }


def _health_check(namespace: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}},
        "data": {"resource.customizations.health.argoproj.io_Application": _HEALTH},
    }  # fmt: skip


def _cluster(place: Place) -> Mapping[str, Any]:
    """Returns how a cluster is registered. This Secret has no secret in it: EKS's Argo CD goes by its own role."""
    return {
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {**_metadata(place, place.full_name), "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": place.full_name, "server": place.arn, "project": place.environment},
    }  # fmt: skip


def _application_set(place: Place, clusters: Sequence[str]) -> Mapping[str, Any]:
    settings = place.settings
    elements = [{"cluster": one, "name": labelled(f"{place.environment}-{one.lower()}")} for one in clusters]
    spec = {
        "project": settings.project,
        "source": _folder(place, "{{.cluster}}/applications"),
        "destination": {"name": settings.hub, "namespace": settings.namespace},
        "syncPolicy": _policy(place),
    }
    template = {"metadata": {"name": "{{.name}}"}, "spec": spec}
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": _metadata(place, place.environment),
        "spec": {
            "goTemplate": True, "goTemplateOptions": ["missingkey=error"], "generators": [{"list": {"elements": elements}}],
            # An Application that the file has no cluster for any more goes; what is in that cluster stays.
            "syncPolicy": {"preserveResourcesOnDeletion": True}, "template": template,
        },
    }  # fmt: skip
