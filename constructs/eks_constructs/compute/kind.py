"""The interface of a kind of compute. A kind overrides what differs from the defaults."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

from aws_cdk import aws_eks as eks
from aws_cdk.aws_iam import CfnRole
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle, Joining
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.devices import DeviceSoftware
from eks_constructs.compute.mix import ComputeMix, Hosting, Share
from eks_constructs.compute.placement import Nodes, Rule
from eks_constructs.control_plane import AutoModeSettings, ClusterRights, RemoteNetworks
from eks_constructs.image_caches import pull_statements
from eks_constructs.manifests import HelmChart, ManifestFile
from eks_constructs.network_connections import ConnectionSpec
from eks_constructs.roles import IamSpec, Statement
from eks_constructs.spec import Misplaced, Spec
from eks_facts.instances import on_nitro

S = TypeVar("S", bound=Spec)
Where = tuple[str | int, ...]
"""The way from a kind's section of the environment file to one of its keys."""


@dataclass(frozen=True)
class ClusterContext:
    """The cluster, as its kinds of compute see it."""

    name: str
    kubernetes_version: str
    environment: str = ""
    """Name of the environment; part of names that are unique in an account."""
    region: str | None = None
    """None: any region."""
    ipv6: bool = False
    service_cidr: str | None = None
    """IPv4 range of services; None: EKS chooses it."""
    prefixes: bool = False
    """The CNI gives nodes prefixes of addresses."""
    own_pod_subnets: bool = False
    isolated: bool = False
    """There is no way to the internet."""
    connections: Sequence[ConnectionSpec] | None = None
    """What its network is connected to; None: the network is not of this project's, and nobody here knows."""
    vpc_cidrs: tuple[str, ...] = ()
    """Ranges of the VPC, as far as they are known."""
    image_caches: tuple[str, ...] = ()
    """Prefixes of the pull through caches that its nodes fill."""
    public_endpoint: bool = False
    """The API has a public endpoint beside the private one."""
    addons: frozenset[str] = frozenset()
    """Names of the EKS add-ons it has."""
    mix: ComputeMix = field(default_factory=ComputeMix)
    sections: Mapping[str, Any] = field(default_factory=dict)
    """The spec of each kind that is active, by name."""
    iam: IamSpec = field(default_factory=IamSpec)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of nodes."""
    tags_of_what_is_made: Mapping[str, str] = field(default_factory=dict)
    """Of what controllers make."""

    @property
    def pull_statements(self) -> list[Statement]:
        """What the roles of its nodes may do beside what every node may: fill caches of images."""
        return pull_statements(self.image_caches)


@dataclass(frozen=True)
class Wiring:
    """What the constructs of a kind connect to."""

    cluster: ClusterHandle
    network: ClusterNetwork
    context: ClusterContext
    lasting: Mapping[str, str] = field(default_factory=dict)
    """ARNs of what :meth:`ComputeKind.lasting` made, by its id."""
    before_nodes: Sequence[eks.CfnAddon] = ()
    """Add-ons without which nodes do not become ready."""
    system_pods: Sequence[Mapping[str, Any]] = ()
    """Namespace and labels of the pods of add-ons and controllers that no nodes run."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Desired sizes of node groups, by name, where they are not the file's."""
    security_group_id: str = ""
    """That EKS made for the control plane and the nodes."""
    joining: Callable[[], Joining] | None = None
    """Returns what nodes with an AMI of their own must know; None: nothing does."""
    revision: str | None = None
    """Of the node groups to make; None: those that name none."""

    def after(self, addons: Sequence[eks.CfnAddon]) -> "Wiring":
        """Returns it with add-ons that nodes come after."""
        return replace(self, before_nodes=addons)


@dataclass(frozen=True)
class Lasting:
    """A resource that outlives its cluster's stacks."""

    id: str
    """Among those of its cluster."""
    resource: CfnRole
    fixed: bool
    """A cluster can never change it, so CloudFormation must keep it as long as the cluster exists."""


@dataclass(frozen=True)
class Drawn:
    """The namespace and labels by which a kind takes pods."""

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Built:
    """The AWS resources that a kind made in a cluster's compute stack."""

    construct: Construct | None = None
    nodes: Sequence[Construct] = ()
    """What add-ons with Deployments wait for."""


class ComputeKind(Generic[S]):
    """A kind of compute. ``spec`` is always its section of the environment file."""

    name: ClassVar[str]
    """Its key in the environment file."""
    title: ClassVar[str]
    """Its display name."""
    rank: ClassVar[int] = 9
    """Deployments of add-ons and controllers go to the kind of the lowest rank that has room for them."""
    rule: ClassVar[Rule | None] = None
    """The rules for workloads on it; None: workloads cannot choose it."""
    nodes_are: ClassVar[str] = "node pool"
    has_nodes: ClassVar[bool] = True
    in_network: ClassVar[bool] = True
    """Whether its pods are in the cluster's network, and leave it by that network's ways out."""
    joins: ClassVar[tuple[str, ...]] = ()
    """The kinds whose node names include its own, for workloads that choose nodes by name."""
    makes_access_entry: ClassVar[bool] = False
    """Whether its nodes need an access entry that EKS does not make itself."""
    node_selector: ClassVar[Mapping[str, str]] = {}
    """Labels of its nodes, and of no others."""

    # The environment file

    def active(self, spec: S) -> bool:
        """Returns whether the cluster has it; a section may switch it off."""
        return True

    def has_room(self, spec: S) -> bool:
        """Returns whether some pod can ever run on it."""
        return True

    def hosting(self, spec: S) -> Hosting:
        """Returns when pods without tolerations find a node of it."""
        return "never"

    def host_tolerations(self, spec: S) -> tuple[Mapping[str, str], ...]:
        """Returns what Deployments of add-ons and controllers must tolerate to run on it; other pods have ``hosting``."""
        return ()

    def share(self, spec: S) -> Share:
        """Returns its part in a mix."""
        return Share(
            kind=self.name,
            hosting=self.hosting(spec),
            rank=self.rank,
            node_selector=self.node_selector,
            takes_workloads=self.rule is not None,
            windows=self.windows(spec),
            tolerations=self.host_tolerations(spec),
        )

    def windows(self, spec: S) -> bool:
        """Returns whether some of its nodes have Windows."""
        return False

    def check(self, spec: S, sections: Mapping[str, Any]) -> None:
        """Raises Misplaced, with the way from the compute section, for what contradicts the other kinds there."""

    def check_cluster(self, spec: S, context: ClusterContext) -> None:
        """Raises Misplaced, with the way from its own section, for what contradicts the rest of the cluster."""

    def zones(self, spec: S) -> Iterator[tuple[Where, str]]:
        """Yields the AZs that it names, with the way to each."""
        yield from ()

    def check_network(self, spec: S, context: ClusterContext, zones: Collection[str] | None) -> None:
        """Raises Misplaced, with the way from its own section, for what the network does not have.

        ``zones``: the AZs of the private subnets; None: nothing says which.
        """
        for where, zone in self.zones(spec):
            if zones is None:
                raise Misplaced(
                    "nothing says which AZs the network has: name them in network.availability_zones, or, of an existing VPC, list"
                    " private_subnets with their AZs",
                    *where,
                )
            if zone not in zones:
                raise Misplaced(f"the network has no subnet in {zone}; it has {', '.join(sorted(zones))}", *where)
        for where, name in self.instance_types(spec) if context.ipv6 else ():
            if not on_nitro(name):
                raise Misplaced(
                    f"{name} has no IPv6 for pods, which needs the AWS Nitro System"
                    " (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html); choose another",
                    *where,
                )

    def instance_types(self, spec: S) -> Iterator[tuple[Where, str]]:
        """Yields the EC2 instance types that it names, with the way to each."""
        yield from ()

    def instance_categories(self, spec: S) -> Iterator[tuple[Where, str]]:
        """Yields the categories of EC2 instance types that it names, with the way to each."""
        yield from ()

    def told_how_to_join(self, spec: S) -> Iterator[Where]:
        """Yields the way to each group whose nodes join by what their user data says of the cluster."""
        yield from ()

    def reaches(self, spec: S) -> Iterator[tuple[str, str, Where]]:
        """Yields what calls AWS services (a row of reach.yaml), its display name, and the key that needs it."""
        yield from ()

    # AWS's side

    def lasting(self, scope: Construct, spec: S, context: ClusterContext, prefix: str) -> Iterator[Lasting]:
        """Makes what outlives the cluster, with ids that begin with ``prefix``; for a section that is switched off, too."""
        yield from ()

    def log_groups(self, spec: S, cluster: str) -> Iterator[tuple[str, str]]:
        """Yields id and name of log groups that outlive the cluster."""
        yield from ()

    def cluster_rights(self, spec: S, *, tagged: bool) -> ClusterRights:
        """Returns what the cluster's own role needs for it; ``tagged``: what EKS makes has tags of the environment."""
        return ClusterRights()

    def auto_mode(self, spec: S, lasting: Mapping[str, str]) -> AutoModeSettings | None:
        """Returns what it sets on the cluster itself."""
        return None

    def opens(self, spec: S, context: ClusterContext) -> Iterator[tuple[str, str, int]]:
        """Yields what its constructs let into the cluster's security group: range, protocol, port."""
        yield from ()

    def remote_networks(self, spec: S) -> RemoteNetworks | None:
        """Returns the networks of its nodes and pods outside of the VPC, for a section that is switched off, too."""
        return None

    # Your side

    def has_resources(self, spec: S) -> bool:
        """Tells whether :meth:`build` makes anything."""
        return type(self).build is not ComputeKind.build

    def build(self, scope: Construct, spec: S, wiring: Wiring) -> Built:
        """Makes its AWS resources."""
        return Built()

    def controller(self, scope: Construct, spec: S, wiring: Wiring) -> Mapping[str, str]:
        """Makes the AWS resources of a controller; returns values of its charts' placeholders."""
        return {}

    def has_controller(self, spec: S) -> bool:
        """Returns whether :meth:`controller` makes anything."""
        return type(self).controller is not ComputeKind.controller

    def charts(self, spec: S, context: ClusterContext) -> Sequence[HelmChart]:
        """Returns the charts of its controllers."""
        return []

    def files_of_controller(self, spec: S, context: ClusterContext, network: ClusterNetwork) -> Sequence[ManifestFile]:
        """Returns the objects that its charts' controllers read: applied right after them."""
        return []

    def files(self, spec: S, context: ClusterContext, network: ClusterNetwork) -> Iterator[ManifestFile]:
        """Yields its Kubernetes objects. Objects of files with one name end up in one file."""
        yield from ()

    def handouts(self, spec: S, context: ClusterContext) -> Iterator[tuple[str, str]]:
        """Yields files for people, for what no deploy can do: path within the assembly, and text without any secret."""
        yield from ()

    def names(self, spec: S, context: ClusterContext) -> Iterator[tuple[str, str]]:
        """Yields kind and name of the objects of :meth:`files`, and of those that EKS makes with it, as far as they are global."""
        yield from ()

    def api_groups(self, spec: S) -> Iterator[str]:
        """Yields the rows of cluster_apis.yaml for its API groups."""
        yield from ()

    def device_software(self, spec: S) -> Iterator[DeviceSoftware]:
        """Yields what its nodes lack to offer their devices."""
        yield from ()

    # Placement

    def nodes(self, spec: S) -> Iterator[tuple[str, Nodes]]:
        """Yields what its nodes offer, by the name of their group or pool."""
        yield from ()

    def draw(self, spec: S, workload: str, namespace: str | None) -> Drawn | None:
        """Returns where a workload's pods must be, if the kind takes them by that. Raises Misplaced: it takes none."""
        return None

    def drawn_by(self, spec: S, namespace: str, labels: Mapping[str, Any]) -> str | None:
        """Returns the profile that takes a pod of ``namespace`` with ``labels``, whatever its node selector."""
        return None

    def out_of_reach(self, spec: S) -> str | None:
        """Returns why no load balancer of AWS reaches its pods; None: they do."""
        return None

    def load_balancer_scheme(self, spec: S) -> str | None:
        """Returns the scheme of load balancers, where the cluster and not each workload decides it."""
        return None


STORAGE_CLASSES = (
    "Encrypted gp3 volumes. Auto Mode and the EBS CSI add-on have drivers of their own; a claim without a class gets the default"
    " one, and with it nodes of that driver."
)


def merged(files: Sequence[ManifestFile]) -> list[ManifestFile]:
    """Returns the files in their order, those of one name as one."""
    found: dict[str, ManifestFile] = {}
    for file in files:
        before = found.get(file.name)
        objects = [*(before.objects if before else []), *file.objects]
        found[file.name] = ManifestFile(file.order, file.name, objects, file.note, file.keep)
    return sorted(found.values(), key=lambda file: file.order)
