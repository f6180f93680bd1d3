"""`delivery: files`: writes the Kubernetes objects of a cluster, and their description for `make apply`; and files for people."""

from collections.abc import Iterable
from pathlib import Path

from delivery.gitops.settings import GitOps, Team
from delivery.placeholders import is_role, placeholders
from delivery.plan import DESCRIPTION, Description, Step
from eks_constructs.manifests import write_manifests
from stacks.control_plane import RunningCluster
from stacks.controllers import controllers
from stacks.environment.aws_names import partition_of
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.stack_names import workloads_stack
from stacks.objects.rendering import placed_workloads
from stacks.workloads import output_name

_OF_THE_STACK = ("ACCESS_POINT_ID", "BUCKET_NAME", "FILE_SYSTEM_ID")


def write_delivery(folder: Path, cluster: RunningCluster, environment: Environment) -> None:
    """Writes the files of one cluster into ``folder``, in their order."""
    spec = cluster.spec
    own = spec.own_files(environment.context_of(spec), cluster.network)
    added = controllers(spec, environment, cluster.network)
    workloads = placed_workloads(spec, environment)
    steps = [Step(file=file.filename) for file in own]
    steps += [Step(file=file.filename, outputs=dict(file.outputs)) for file in added]
    for workload in workloads:
        namespace = workload.placement.namespace
        known = [name for name in placeholders(list(workload.objects)) if name in _OF_THE_STACK or is_role(name)]
        outputs = {name: output_name(namespace, name) for name in sorted(known)}
        steps.append(
            Step(file=workload.file.filename, outputs=outputs, workload=namespace, after=sorted(workload.after))
        )
    write_manifests(folder, [*own, *added, *(workload.file for workload in workloads)])
    description = Description(
        environment=environment.name,
        env=None if environment.env == environment.name else environment.env,
        cluster=spec.name,
        account=environment.account,
        region=environment.region,
        partition=partition_of(environment.region) if environment.region else None,
        gitops=_gitops(environment, spec) if spec.delivery == "gitops" else None,
        stack=workloads_stack(environment.name, spec.name),
        steps=steps,
    )
    (folder / DESCRIPTION).write_text(description.text(), encoding="utf-8")


def _gitops(environment: Environment, cluster: ClusterSpec) -> GitOps | None:
    spec = environment.gitops
    if spec is None:
        return None
    said = spec.model_dump()
    if spec.engine == "flux":
        return GitOps(**{**said, "hub": "in-cluster", "namespace": spec.namespace or "flux-system"})
    teams = [
        Team(name=one.name, namespaces=list(one.namespaces), groups=list(one.argo_cd_groups)) for one in cluster.teams
    ]
    hub, namespace = environment.argo_cd_hub, spec.namespace
    if hub and hub.capabilities and hub.capabilities.argo_cd:
        # EKS's Argo CD takes a cluster in one project alone: https://docs.aws.amazon.com/eks/latest/userguide/argocd-register-clusters.html
        said |= {"hub": f"{environment.name}-{hub.name.lower()}", "project": environment.name}
        namespace = namespace or hub.capabilities.argo_cd.namespace
    else:
        said |= {"hub": spec.hub or "in-cluster", "team_projects": spec.hub is None}
    return GitOps(**{**said, "namespace": namespace or "argocd", "teams": teams})


def write_handouts(folder: Path, files: Iterable[tuple[str, str]]) -> None:
    """Writes files for people into ``folder``, by their paths in it."""
    for name, text in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
