"""Refuses objects of workloads and manifests that a cluster would refuse, or that surely do not work."""

from collections.abc import Sequence

from stacks.environment.cluster_spec import ClusterSpec
from stacks.objects.object_problems import Problems
from stacks.objects.plain import PlainManifests
from stacks.objects.rendering import PlacedWorkload

_ADVICE = (
    "What Kubernetes {version} takes: https://kubernetes.io/docs/reference/kubernetes-api/. A name that something else provides"
    " goes into provided_elsewhere of the cluster"
)


def refuse_unsound(workloads: Sequence[PlacedWorkload | PlainManifests], cluster: ClusterSpec) -> None:
    """Raises BadInput for every problem that the linter is sure of, with file, line and key.

    What may come by other ways is not refused: a Secret, pods that an operator makes, names in `provided_elsewhere`.
    """
    pairs = [pair for workload in workloads for pair in zip(workload.objects, workload.sources, strict=True)]
    if not pairs:
        return
    from kubernetes_lint import Scope, lint  # a quarter of a second that a synth without workloads does not take

    version = cluster.control_plane.kubernetes_version
    scope = Scope(whole=True, elsewhere={"*": set(cluster.provided)})
    problems = Problems()
    for problem in lint([item for item, _ in pairs], version, scope):
        if problem.certain:
            problems.add(pairs[problem.index][1], problem.where, problem.text)
    problems.raise_found(_ADVICE.format(version=version))
