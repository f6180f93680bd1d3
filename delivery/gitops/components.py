"""What a tree has of one cluster: components in their order, each a group of objects or a chart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from delivery.gitops.secrets import refuse_secrets_of_chart
from delivery.gitops.settings import GitOps
from delivery.object_kind import KubernetesObject
from delivery.plan import Chart, Plan, Step, is_chart


@dataclass(frozen=True)
class Component:
    """What is applied together.

    Attributes:
        name: of its folder, and of what applies it.
        objects: its Kubernetes objects; empty for a chart.
        chart: the release, if it is one.
        namespace: of the workload or chart; None for the cluster's own objects.
        after: names of the components that come before it.
    """

    name: str
    objects: Sequence[KubernetesObject] = ()
    chart: Chart | None = None
    namespace: str | None = None
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Place:
    """Where a cluster is, in the tree and for who applies it.

    Attributes:
        environment: its name, which is the folder of the environment too.
        cluster: its name in the environment.
        arn: of the cluster; None where its account is not known.
    """

    environment: str
    cluster: str
    settings: GitOps
    arn: str | None = None

    @property
    def full_name(self) -> str:
        """Its name among the clusters of all environments."""
        return f"{self.environment}-{self.cluster.lower()}"

    def path(self, below: str) -> str:
        """Returns the path in the repository of what is at a path below the environment's folder."""
        return str(PurePosixPath(self.settings.path) / self.environment / below)


Tree = tuple[Place, Sequence[Component]]
"""A cluster, and what it gets."""


def components(plan: Plan, values: Mapping[str, str]) -> list[Component]:
    """Returns the components of a cluster in their order, filled in. Raises BadInput: a file is wrong, a value is not known or a secret."""
    steps = plan.description.steps
    names = _names(steps)
    of_workload = {step.workload: name for step, name in zip(steps, names, strict=True) if step.workload}
    found: list[Component] = []
    last: list[str] = []
    for step, name in zip(steps, names, strict=True):
        after = [*last, *(of_workload[one] for one in step.after)]
        if is_chart(step):
            chart = plan.chart(step, values)
            refuse_secrets_of_chart(chart)
            found.append(Component(name, chart=chart, namespace=chart.namespace, after=after))
        else:
            found.append(Component(name, plan.objects(step, values), namespace=step.workload, after=after))
        if not step.workload:
            last = [name]  # workloads come after all that is the cluster's own, and side by side
    return found


def _names(steps: Sequence[Step]) -> list[str]:
    """Returns a name for each step: that of its file, without the number of its place, which moves."""
    stems = [step.file.removesuffix(".yaml").removesuffix(".helm.json").lower() for step in steps]
    short = [stem.partition("-")[2] if stem.partition("-")[0].isdigit() else stem for stem in stems]
    often = Counter(short)
    return [one if often[one] == 1 else stem for one, stem in zip(short, stems, strict=True)]
