"""What an environment file says of a workload, and what the workload's own folder says of itself."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from eks_constructs.compute.registry import KINDS, rules
from eks_constructs.pod_identities import ServiceAccountSpec
from eks_constructs.spec import PARTITION, UUID, KubernetesName, Misplaced, Spec, pattern, repeated

if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[tuple(rules())]
"""A kind of compute that workloads may name."""

MAX_PATH = 1_000

Delivery = Literal["files", "kubectl", "handover", "gitops"]
"""How Kubernetes objects reach a cluster: as files for `make apply`, by the stack, through a Lambda function, or from a Git repository."""

Need = Literal[
    "bucket",
    "file_system",
    "block_storage_driver",
    "certificate",
    "file_storage_driver",
    "gateway_api",
    "hostname",
    "karpenter",
    "load_balancer_controller",
    "metrics_server",
    "network_policy",
    "snapshot_controller",
]
"""What a workload needs beside compute. Its objects tell all but the first two, which CloudFormation makes for it."""

Hostname = Annotated[
    str,
    pattern(
        r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "must be a DNS name in small letters, such as www.example.com",
    ),
]

CertificateArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:acm:[a-z0-9-]{{1,30}}:\d{{12}}:certificate/{UUID}",
        "must be the ARN of a certificate of AWS Certificate Manager: arn:aws:acm:REGION:ACCOUNT:certificate/ID, where ID is like"
        " 1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]


def _found(text: str, info: ValidationInfo) -> str:
    """Returns the path of a file or folder, from the file that names it."""
    if not text or "\0" in text or text != text.strip() or len(text) > MAX_PATH:
        raise ValueError("must be the path of a file or folder, relative to this file, such as ../deploy/shop")
    return str(((info.context or {}).get("paths") or {}).get(text, text))


FilePath = Annotated[str, AfterValidator(_found), Field(examples=["../deploy/shop"])]
"""A file or folder, relative to the file that names it."""


class WorkloadSpec(Spec):
    """A workload of a cluster, and the compute it runs on."""

    name: KubernetesName
    """A folder in workloads/; with `folder` any name."""
    folder: FilePath | None = None
    """Its folder, relative to this file, where that is not in workloads/: with workload.yaml and base/, as there."""
    compute: KindName
    """The kind of compute its pods run on, and no other."""
    variant: KubernetesName | None = None
    """A folder beside its base/ (default: the first that its workload.yaml lists)."""
    namespace: KubernetesName | None = None
    """Namespace, its own alone (default: NAME-auto-mode, NAME-managed-nodes, or what a Fargate profile selects)."""
    nodes: KubernetesName | None = None
    """A node group or node pool of this file, by name (default: any without taints)."""
    certificate_arn: CertificateArn | None = None
    """Certificate of its load balancer."""
    hostname: Hostname | None = None
    """Name its clients use, where the certificate is found by it."""
    plain_http: bool = False
    """Serves HTTP without TLS, for a trial without a certificate."""
    load_balancer_scheme: Literal["internal", "internet-facing"] | None = None
    """Who reaches its load balancer (default: internal; on Auto Mode auto_mode.load_balancer_scheme decides)."""

    @model_validator(mode="after")
    def _consistent(self) -> "WorkloadSpec":
        if self.certificate_arn and self.plain_http:
            raise Misplaced("plain_http leaves no place for a certificate; remove one of them", "plain_http")
        if self.nodes and not KINDS[self.compute].has_nodes:
            raise Misplaced(f"{KINDS[self.compute].title} has no nodes to choose; remove it", "nodes")
        return self


class VariantDescription(Spec):
    """One of several ways to deploy a workload."""

    what: str
    """One sentence."""
    kinds: Annotated[list[KindName], Field(min_length=1)] | None = None
    """Kinds of compute it runs on (default: those of the workload)."""
    needs: list[Need] = []
    """What it needs beside what the workload needs."""


class WorkloadDescription(Spec):
    """What a workload's workload.yaml says."""

    what: str
    """One sentence."""
    kinds: Annotated[list[KindName], Field(min_length=1)]
    """Kinds of compute it runs on."""
    variants: dict[KubernetesName, VariantDescription] = {}
    """Folders beside base/; the first one is the default."""
    needs: list[Need] = []
    """What it needs beside compute."""
    service_account: KubernetesName | None = None
    """Service account whose pods use AWS."""
    pod_identities: list[ServiceAccountSpec] = []
    """AWS roles of its service accounts, in whatever namespace it is placed: by EKS Pod Identity on nodes, by IRSA on Fargate."""
    tls: Literal["load_balancer", "pods"] = "load_balancer"
    """Who ends TLS: load balancers, by a certificate of AWS Certificate Manager, or the pods, to which they pass it on."""

    @model_validator(mode="after")
    def _consistent(self) -> "WorkloadDescription":
        if "base" in self.variants:
            raise Misplaced("base is what all variants share; choose another name", "variants", "base")
        for name, variant in self.variants.items():
            if extra := [kind for kind in variant.kinds or [] if kind not in self.kinds]:
                raise Misplaced(
                    f"{extra[0]} is not among the kinds of the workload; add it there", "variants", name, "kinds"
                )
        buckets = "bucket" in self.needs or any("bucket" in variant.needs for variant in self.variants.values())
        if buckets and not self.service_account:
            raise Misplaced("is missing; who needs a bucket names the service account that uses it", "service_account")
        accounts = [one.service_account for one in self.pod_identities]
        if (index := repeated([*([str(self.service_account)] if buckets else []), *accounts])) is not None:
            taken = f"{accounts[index - buckets]} has a role already (that of its bucket, or another entry's)"
            raise Misplaced(
                f"{taken}: a service account takes one", "pod_identities", index - buckets, "service_account"
            )
        return self

    def kinds_of(self, variant: str | None) -> list[KindName]:
        """Returns the kinds of compute that the workload, or one of its variants, runs on."""
        described = self.variants[variant].kinds if variant else None
        return list(described or self.kinds)

    def needs_of(self, variant: str | None) -> set[Need]:
        """Returns what the workload, with one of its variants, needs."""
        return {*self.needs, *(self.variants[variant].needs if variant else [])}
