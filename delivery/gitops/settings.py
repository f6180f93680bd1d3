"""What delivery.json says of the Git repository and of who applies it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Engine = Literal["argo_cd", "flux"]
"""What applies the objects: Argo CD, as an EKS capability or as a chart, or Flux."""

_Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]


class Team(BaseModel):
    """A team of the cluster: its namespaces, and who its people are for Argo CD."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: _Label
    namespaces: list[_Label]
    groups: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}$")]]


class GitOps(BaseModel):
    """A repository, and what applies it. The keys of `gitops` in the environment file (stacks/environment/gitops_spec.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    engine: Engine
    repository: Annotated[str, StringConstraints(pattern=r"^(https|ssh)://[!-~]{1,500}$")]
    revision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")]
    path: Annotated[
        str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,9})?$")
    ]
    namespace: _Label
    project: _Label
    hub: _Label
    credentials: _Label | None
    prune: bool
    automatic: bool
    teams: list[Team] = []
    team_projects: bool = False
    """Whether each team has a project of its own; else it is a role of the environment's."""
