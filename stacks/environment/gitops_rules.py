"""What `gitops:` of an environment and its clusters may say together."""

from collections.abc import Sequence

from eks_constructs.spec import Misplaced
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.gitops_spec import GitOpsSpec


def check_gitops(gitops: GitOpsSpec | None, clusters: Sequence[ClusterSpec]) -> None:
    """Raises Misplaced if a key is for the other engine, or for no cluster at all."""
    those = [index for index, cluster in enumerate(clusters) if cluster.delivery == "gitops"]
    if those and gitops is None:
        raise Misplaced(
            "needs the repository: add gitops: {repository: https://...} at the top of the file",
            *("clusters", those[0], "delivery"),
        )
    if gitops and not those:
        raise Misplaced("no cluster uses it; give one delivery: gitops, or remove it", "gitops")
    engine = gitops and gitops.engine
    for key in sorted(gitops.model_fields_set) if gitops else ():
        if engine == "argo_cd" and key == "credentials":
            raise Misplaced(
                "is for Flux: Argo CD finds a repository's credentials by its address; remove it", "gitops", key
            )
        if engine == "flux" and key in ("hub", "project"):
            raise Misplaced("is for Argo CD: Flux runs in every cluster; remove it", "gitops", key)
    for number, cluster in enumerate(clusters):
        for index, team in enumerate(cluster.teams):
            if team.argo_cd_groups and not (cluster.delivery == "gitops" and engine == "argo_cd"):
                raise Misplaced(
                    "is for Argo CD, which brings nothing here: say delivery: gitops with engine: argo_cd, or remove it",
                    *("clusters", number, "teams", index, "argo_cd_groups"),
                )
