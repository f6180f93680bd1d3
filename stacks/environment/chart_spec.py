"""What an environment file says of Helm charts: those that it adds, and the AWS Load Balancer Controller's."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.addon_plan import ServiceName
from eks_constructs.rights import AllowSpec
from eks_constructs.spec import KubernetesName, Misplaced, Spec, distinct_values, pattern
from eks_facts.files import load
from stacks.environment.workload_spec import KindName

Repository = Annotated[
    str,
    pattern(
        r"(https|oci)://[A-Za-z0-9][!-~]{0,300}",
        "must be the address of a chart repository, https://..., or of a registry, oci://...",
    ),
]
ChartName = Annotated[
    str,
    pattern(r"[a-z0-9][a-z0-9._/-]{0,127}", "must be the name of a chart: small letters, digits, '-', '.', '_', '/'"),
]
ChartVersion = Annotated[
    str,
    pattern(
        r"v?\d{1,5}\.\d{1,5}\.\d{1,5}([-+][0-9A-Za-z.+-]{1,40})?",
        "must be one version, such as 1.2.3: a range would be another chart tomorrow",
    ),
]
ValuePath = Annotated[
    str, pattern(r"|[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,9}", "must be keys with dots between, such as webhook")
]
ImageRepository = Annotated[
    str,
    pattern(
        r"(?=.{1,300}\Z)[a-z0-9.-]+(:\d{1,5})?(/[a-z0-9]+([._-]{1,2}[a-z0-9]+)*)+",
        "must be the repository of an image, without tag, such as quay.io/jetstack/cert-manager-controller",
    ),
]
ProvidedName = Annotated[
    str,
    pattern(r"[a-z0-9]([a-z0-9./-]{0,251}[a-z0-9])?", "must be an API group, a class or a driver, such as argoproj.io"),
]


class ChartSpec(Spec):
    """A Helm chart of a cluster. It is installed once nodes and controllers are there, and uninstalled before they go."""

    name: KubernetesName
    """Of the release. A name of eks_facts/data/charts.yaml (external-secrets) needs nothing else."""
    repository: Repository | None = None
    """Address of the chart repository (https://) or of the registry (oci://), without the chart's name."""
    chart: ChartName | None = None
    """Its name in the repository (default: the release's)."""
    version: ChartVersion | None = None
    """Version of the chart."""
    namespace: KubernetesName | None = None
    """Where it is installed (default: the release's name). It is made, and stays when the chart goes."""
    values: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 2}])] = {}
    """Settings of the chart. `${AWS_REGION}`, `${AWS_ACCOUNT_ID}`, `${AWS_PARTITION}`, `${CLUSTER_NAME}` and `${VPC_ID}` are filled in."""
    compute: KindName | None = None
    """The kind of compute its pods run on (default: where add-ons run)."""
    nodes: KubernetesName | None = None
    """A node group or node pool of this file, by name (default: any without taints)."""
    node_settings: Annotated[list[ValuePath], AfterValidator(distinct_values)] | None = None
    """Where its values take `nodeSelector` and `tolerations`: "" is the top level (the default), `webhook` the part of that name."""
    architectures: (
        Annotated[list[Literal["amd64", "arm64"]], Field(min_length=1), AfterValidator(distinct_values)] | None
    ) = None
    """Processors that its images are for (default: amd64 alone, as for any image that nobody knows)."""
    images: dict[ValuePath, ImageRepository] | None = None
    """Values that name its images, and the repositories that they have by default, so that mirrors (`registries`) can take their
    place. A network without internet needs them."""
    endpoints: list[ServiceName] | None = None
    """AWS services that its pods call, by the names of their VPC endpoints. A network without internet needs them."""
    provides: list[ProvidedName] | None = None
    """What it brings, and workloads may refer to: API groups (argoproj.io), names of classes, drivers."""

    def said(self, key: str, default: Any = None) -> Any:
        """Returns a key's value: the file's, else that of the chart's row, else ``default``."""
        own = getattr(self, key)
        return own if own is not None else load("charts")["charts"].get(self.name, {}).get(key, default)

    @model_validator(mode="after")
    def _complete(self) -> "ChartSpec":
        for key in ("repository", "version"):
            if self.said(key) is None:
                known = ", ".join(load("charts")["charts"])
                raise Misplaced(f"is missing; charts that are known without it: {known}", key)
        if self.nodes and not self.compute:
            raise Misplaced("is for charts whose compute is named, too: add compute", "nodes")
        return self


class LoadBalancerControllerSpec(Spec):
    """The AWS Load Balancer Controller: its chart, its role, and its rights."""

    enabled: bool | None = None
    """Default: only if a workload needs it (an Ingress or a Service of type LoadBalancer on compute other than Auto Mode)."""
    version: ChartVersion | None = None
    """Version of the chart (default: this project's)."""
    values: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 3}])] = {}
    """Merged into ours."""
    allow: list[AllowSpec] = []
    """What its role may do besides: for what your own Ingresses use, such as WAF."""
