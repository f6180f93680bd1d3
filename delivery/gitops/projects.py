"""Argo CD's projects: what the environment's Applications may touch, and what those of each team may.

An Argo CD of your own has a project for each team. EKS's takes a cluster in one project alone, so there a team is a role of that
project: its people see and sync the team's Applications.
https://docs.aws.amazon.com/eks/latest/userguide/argocd-register-clusters.html and argocd-projects.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delivery.gitops.components import Component, Place, Tree
from delivery.gitops.objects import labelled
from delivery.gitops.settings import Team
from delivery.object_kind import KubernetesObject
from delivery.plan import Chart

_OF_THE_PLATFORM = {
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
}
"""What the platform sets in the namespaces of a team, and the team may not change (docs/teams.md)."""
_MAY = (("applications", "get"), ("applications", "sync"), ("logs", "get"))
"""https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/"""


def application_name(place: Place, one: Component) -> str:
    """Returns the name of a component's Application."""
    return labelled(f"{place.full_name}-{one.name}")


def project_of(place: Place, one: Component) -> str:
    """Returns the project of a component's Application: that of the team whose namespace it is in, or the environment's."""
    team = _team_of(place, one)
    return _project_name(place, team) if team and place.settings.team_projects else place.environment


def team_projects(trees: Sequence[Tree]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields name and project of each team, over the clusters that it is in; none where teams are roles."""
    if not trees[0][0].settings.team_projects:
        return
    names = sorted({team.name for place, _ in trees for team in place.settings.teams})
    for name in names:
        theirs = [(place, team, own) for place, own in trees for team in place.settings.teams if team.name == name]
        place = theirs[0][0]
        objects = [
            item
            for its_place, team, own in theirs
            for one in own
            if _team_of(its_place, one) == team
            for item in one.objects
        ]
        kinds = _kinds(objects)
        yield (
            name,
            {
                **_head(place, _project_name(place, theirs[0][1])),
                "spec": {
                    "description": f"Team {name}: its namespaces, and nothing of what the platform sets in them",
                    "sourceRepos": [place.settings.repository],
                    "sourceNamespaces": [place.settings.namespace],
                    "destinations": [
                        {"name": its_place.full_name, "namespace": namespace}
                        for its_place, team, _ in theirs
                        for namespace in sorted(team.namespaces)
                    ],
                    "clusterResourceWhitelist": _listed(_cluster_wide(objects)),
                    "namespaceResourceBlacklist": _listed(_OF_THE_PLATFORM - kinds),
                    **_roles(_project_name(place, theirs[0][1]), [("team", [team for _, team, _ in theirs], ["*"])]),
                },
            },
        )


def project(trees: Sequence[Tree]) -> Mapping[str, Any]:
    """Returns the environment's project: this repository, these clusters, and what their objects need."""
    places, components = [place for place, _ in trees], [one for _, own in trees for one in own]
    first, settings = places[0], places[0].settings
    charts = [one.chart for one in components if one.chart]
    objects = [item for one in components for item in one.objects]
    namespaces = {"default", *(one.namespace for one in components if one.namespace)}
    namespaces |= {item["metadata"]["namespace"] for item in objects if item["metadata"].get("namespace")}
    kinds, said = _cluster_wide(objects), "Only this repository, these clusters and what their objects need"
    if charts:
        # What a chart brings is known to helm alone.
        kinds, namespaces, said = {("*", "*")}, {"*"}, f"{said}; every kind and namespace, because charts bring more"
    destinations = [{"name": place.full_name, "namespace": one} for place in places for one in sorted(namespaces)]
    if settings.project == first.environment:  # its hub is a cluster of this project's
        destinations.append({"name": settings.hub, "namespace": settings.namespace})
    roles = []
    for name in sorted({team.name for place in places for team in place.settings.teams}):
        theirs = [(place, team) for place in places for team in place.settings.teams if team.name == name]
        apps = [
            application_name(place, one)
            for place, own in trees
            for one in own
            if (team := _team_of(place, one)) and team.name == name
        ]
        roles.append((name, [team for _, team in theirs], apps))
    return {
        **_head(first, first.environment),
        "spec": {
            "description": said,
            "sourceRepos": [settings.repository, *sorted({repository_of(one) for one in charts})],
            "sourceNamespaces": [settings.namespace],
            "destinations": destinations,
            "clusterResourceWhitelist": _listed(kinds),
            **({} if settings.team_projects else _roles(first.environment, roles)),
        },
    }


def repository_of(chart: Chart) -> str:
    """Returns a repository as Argo CD spells it: without oci://, but for private ones of Amazon ECR.

    https://argo-cd.readthedocs.io/en/stable/user-guide/helm/ and
    https://docs.aws.amazon.com/eks/latest/userguide/argocd-create-application.html
    """
    return chart.repository if ".dkr.ecr." in chart.repository else chart.repository.removeprefix("oci://")


def _team_of(place: Place, one: Component) -> Team | None:
    if one.chart or not one.namespace:
        return None
    return next((team for team in place.settings.teams if one.namespace in team.namespaces), None)


def _project_name(place: Place, team: Team) -> str:
    return (
        f"{place.environment}.{team.name}"  # with a dot, which no name of either has: two environments never share one
    )


def _head(place: Place, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": place.settings.namespace}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata}


def _roles(project_name: str, roles: Sequence[tuple[str, Sequence[Team], Sequence[str]]]) -> Mapping[str, Any]:
    """Returns the roles of a project: name, the teams whose groups have it, and the Applications that they may see and sync."""
    found = [
        {
            "name": name,
            "description": "Sees and syncs the team's Applications",
            "policies": [
                f"p, proj:{project_name}:{name}, {what}, {verb}, {project_name}/{app}, allow"
                for app in apps
                for what, verb in _MAY
            ],
            "groups": sorted({group for team in teams for group in team.groups}),
        }
        for name, teams, apps in roles
        if apps and any(team.groups for team in teams)
    ]
    return {"roles": found} if found else {}


def _kinds(objects: Sequence[KubernetesObject]) -> set[tuple[str, str]]:
    return {(item["apiVersion"].rpartition("/")[0], item["kind"]) for item in objects}


def _cluster_wide(objects: Sequence[KubernetesObject]) -> set[tuple[str, str]]:
    return _kinds([item for item in objects if not item["metadata"].get("namespace")])


def _listed(kinds: set[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"group": group, "kind": kind} for group, kind in sorted(kinds)]
