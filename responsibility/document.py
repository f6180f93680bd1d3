"""The findings document: everything a review says, once. Renderers turn it into text, Markdown, HTML and SARIF and add no facts.

Its JSON schema is published in `docs/review.schema.json`. A change that an old reader would misread raises the first
number of ``SCHEMA_VERSION``; a new optional field raises the second.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from responsibility.findings import CheckInfo, Evidence, Finding, Origin, Part, Severity
from responsibility.model import ComputeKind, Owner

SCHEMA_VERSION = "1.3"
MANIFESTS = "manifests"
"""The name that stands for a stack where Kubernetes objects alone were read."""


class CellInfo(Part):
    """A cell of the responsibility matrix."""

    kind: ComputeKind
    owner: Owner
    aws: str
    you: str
    source: str
    checked: date
    disagree: str = ""
    unverified: str = ""


class ComponentInfo(Part):
    """A row of the responsibility matrix, with a cell for each kind of compute, used or not."""

    id: str
    name: str
    what: str
    group: str
    cells: list[CellInfo]


class CellState(Part):
    """The state of a matrix cell in one cluster: the resources that show it, and its duties."""

    component: str
    kind: ComputeKind
    evidence: list[Evidence] = []
    open: int = 0
    accepted: int = 0
    met: int = 0
    unknown: int = 0


class ComputeUse(Part):
    """A kind of compute in a cluster."""

    kind: ComputeKind
    words: str = Field(description="`2 node groups: general (1 to 3 t4g.large), ...`")
    evidence: list[Evidence]


class VersionSupport(Part):
    """How long EKS supports a Kubernetes version; None where the date is not known."""

    version: str
    released: date | None = None
    standard_until: date | None = None
    extended_until: date | None = None
    state: Literal["standard", "extended", "ended", "unknown"] = Field(description="On the day the review speaks of")
    days_left: int | None = Field(default=None, description="Until that state ends")


class PictureSubnet(Part):
    """A subnet, as the picture shows it."""

    id: str
    name: str
    zone: str
    reach: Literal["public", "private", "isolated", "unknown"]
    cidr: str
    kinds: list[ComputeKind] = Field(description="Kinds of compute that are placed in it")
    nat: bool = Field(description="It contains a NAT gateway")


class PictureVpc(Part):
    """The network of a cluster."""

    id: str
    name: str
    cidr: str
    zones: list[str]
    subnets: list[PictureSubnet]
    internet_gateway: bool
    endpoints: list[str] = Field(description="AWS services reached through VPC endpoints")


class Picture(Part):
    """What the drawing of a cluster shows; every value is taken from the template."""

    vpc: PictureVpc | None
    api: Literal["public", "public and private", "private", "unknown"]
    api_from: list[str] = Field(description="Address ranges that reach a public endpoint")
    logs: list[str] = Field(description="Control plane log types that are on")
    key: Literal["customer", "aws", "unknown"] = Field(description="Whose key encrypts the Kubernetes API data")
    add_ons: list[str]


class ClusterReview(Part):
    """One cluster."""

    id: str = Field(description="`STACK/LOGICAL-ID`")
    name: str
    stack: str
    version: str
    support: VersionSupport
    compute: list[ComputeUse]
    cells: list[CellState]
    picture: Picture
    evidence: Evidence


class Exposure(Part):
    """A way in from the internet, or the fact that it is closed."""

    way: str = Field(description="`Kubernetes API`, `load balancer`, `node`, ...")
    level: Literal["open", "limited", "closed", "unknown"]
    words: str
    cluster: str = ""
    evidence: list[Evidence]


class Identity(Part):
    """An IAM role or Kubernetes principal: who may become it, and what it may do, in words."""

    name: str
    what: Literal["role", "access_entry"]
    assumed_by: list[str]
    may: list[str]
    breadth: Literal["narrow", "broad", "admin", "unknown"]
    clusters: list[str]
    evidence: Evidence


class CostLine(Part):
    """A line of the monthly cost floor: what runs even if nobody uses it."""

    what: str
    cluster: str
    kind: ComputeKind | None = Field(description="None: the cluster costs it, whatever its compute")
    quantity: float
    unit: str
    unit_price: float
    monthly: float
    assumption: str
    source: str
    verified: bool
    evidence: Evidence


class Cost(Part):
    """The monthly cost floor."""

    currency: str
    region: str
    checked: date
    hours_per_month: float
    total: float
    lines: list[CostLine]
    not_priced: list[str] = Field(description="What costs money and is not in the sum, and why")


class ResourceCount(Part):
    """How many resources of a type belong to an owner on a kind of compute."""

    type: str
    component: str
    owner: Owner
    kind: ComputeKind | None = Field(description="None: they serve the cluster, whatever its compute")
    count: int


class OwnedCount(Part):
    """How much of the model is whose on a kind of compute."""

    kind: ComputeKind
    aws: int
    shared: int
    customer: int
    not_available: int
    resources: int = Field(description="Resources in the templates that exist for this kind alone")


class Coverage(Part):
    """Computed over ``computed`` of ``total``; ``unknown`` could not be resolved."""

    computed: int
    total: int
    unknown: int


class UnknownValue(Part):
    """A value that is not in the template."""

    evidence: Evidence
    reason: str


class StackInfo(Part):
    """A stack that was read."""

    name: str
    file: str
    description: str
    resources: int


class ResourceChange(Part):
    """What happened to a resource since the baseline."""

    change: Literal["added", "removed", "modified", "replaced"]
    paths: list[str] = Field(description="Property paths that changed")
    because: list[str] = Field(description="Those of them that make CloudFormation replace it")
    keeps_data: bool = Field(description="False: what it holds (cluster, network, nodes, key, volume) would be lost")
    evidence: Evidence


class OwnerChange(Part):
    """A component whose owner changed since the baseline."""

    cluster: str
    component: str
    kind: ComputeKind
    before: Owner | None
    after: Owner | None


class Baseline(Part):
    """What changed since another assembly."""

    source: str
    changes: list[ResourceChange]
    owners: list[OwnerChange]
    opened: list[Finding]
    closed: list[Finding]
    cost_before: float
    cost_after: float


class Summary(Part):
    """The review in numbers."""

    open: dict[Severity, int]
    accepted: int
    met: int
    unknown: int
    not_applicable: int


class Review(Part):
    """The whole document."""

    schema_version: str = SCHEMA_VERSION
    source: str = Field(description="What was read, as it was given")
    origin: Origin = Field(default="templates", description="account: an audit of what runs")
    as_of: date = Field(description="The day the review speaks of")
    stacks: list[StackInfo]
    summary: Summary
    resolved: Coverage = Field(description="Property values of the templates")
    answered: Coverage = Field(description="Questions: a check times a subject that it applies to")
    unknowns: list[UnknownValue] = Field(description="The first ones, each with its reason")
    not_read: list[str] = Field(
        default=[], description="What the templates bring that was not read: nested stacks, macros"
    )
    defaults: list[str] = Field(default=[], description="Parameters that were judged by their default: NAME=DEFAULT")
    kinds: list[ComputeKind] = Field(description="Kinds of compute in use")
    components: list[ComponentInfo]
    clusters: list[ClusterReview]
    checks: list[CheckInfo]
    findings: list[Finding]
    exposure: list[Exposure]
    identities: list[Identity]
    cost: Cost
    versions: list[VersionSupport]
    counts: list[ResourceCount]
    owned: list[OwnedCount]
    baseline: Baseline | None = None

    @property
    def defects(self) -> list[tuple[str, str]]:
        """Code of each check that crashed, and what and where."""
        return list(dict.fromkeys((finding.code, finding.defect) for finding in self.findings if finding.defect))
