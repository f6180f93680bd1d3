"""Everything that was read, indexed: who belongs to which cluster, what a reference means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from responsibility.bounds import CHAIN
from responsibility.document import Origin
from responsibility.reading import normalize
from responsibility.reading.access import AwsAuth
from responsibility.reading.eks import (
    AccessEntry,
    Addon,
    Cluster,
    FargateProfile,
    LaunchTemplate,
    NodeGroup,
    PodIdentity,
    SelfManagedNodes,
)
from responsibility.reading.handlers import Handler, handlers_of
from responsibility.reading.iam import Policy, Role
from responsibility.reading.intrinsics import World
from responsibility.reading.joining import cluster_joined
from responsibility.reading.kubernetes import HelmChart, KubernetesObject, class_of
from responsibility.reading.logs import LogGroups
from responsibility.reading.network import SecurityGroup, Subnet, Vpc
from responsibility.reading.objects import Objects
from responsibility.reading.placement import Placement
from responsibility.reading.resource import Fact, Resource, text
from responsibility.reading.running import (
    Capability,
    CertificateAuthority,
    Comparison,
    Insight,
    MissingPrincipal,
    Node,
    Update,
)
from responsibility.reading.sources import Sources
from responsibility.reading.storage import Storage
from responsibility.reading.uses import Use, uses_of
from responsibility.reading.values import Reference, leaves, only_reference, references

F = TypeVar("F", bound=Fact)

_CLASSES: dict[str, type[Fact]] = {
    "AWS::EKS::Cluster": Cluster,
    "AWS::EKS::Nodegroup": NodeGroup,
    "AWS::EKS::FargateProfile": FargateProfile,
    "AWS::EKS::Addon": Addon,
    "AWS::EKS::AccessEntry": AccessEntry,
    "AWS::EKS::PodIdentityAssociation": PodIdentity,
    "AWS::EKS::Capability": Capability,
    "AWS::EKS::CertificateAuthority": CertificateAuthority,
    "EKS::Insight": Insight,
    "EKS::Comparison": Comparison,
    "EKS::Update": Update,
    "EKS::Node": Node,
    "IAM::MissingPrincipal": MissingPrincipal,
    "AWS::EC2::LaunchTemplate": LaunchTemplate,
    "AWS::EC2::VPC": Vpc,
    "AWS::EC2::Subnet": Subnet,
    "AWS::EC2::SecurityGroup": SecurityGroup,
    "AWS::EC2::Volume": Storage,
    "AWS::EFS::FileSystem": Storage,
    "AWS::FSx::FileSystem": Storage,
    "AWS::IAM::Role": Role,
    "AWS::IAM::Policy": Policy,
    "AWS::IAM::RolePolicy": Policy,
    "AWS::IAM::ManagedPolicy": Policy,
    **dict.fromkeys((*normalize.CHARTS, normalize.CHART_FILE), HelmChart),
}


def key_of(value: Any) -> str:
    """Returns the key of the resource that a value is a reference to; empty = it is none."""
    if isinstance(value, Reference):
        return f"{value.stack}/{value.resource}"
    found = only_reference(value) if isinstance(value, str) else None
    return f"{found[0]}/{found[1]}" if found else ""


class Facts:
    """The facts of one review or audit."""

    def __init__(self, resources: Iterable[Resource], as_of: date, origin: Origin = "templates") -> None:
        self.origin: Origin = origin
        """What was asked: what was written, or what runs."""
        self.as_of = as_of
        """The day that support dates are compared with."""
        self.resources = list(resources)
        self._facts: list[Fact] = []
        self._by_key: dict[str, Fact] = {}
        self._by_type: dict[str, list[Fact]] = defaultdict(list)
        self._by_class: dict[type[Fact], list[Any]] = defaultdict(list)
        self._pointing: dict[tuple[str, str], dict[str, list[Fact]]] = {}
        others = {resource.key: resource for resource in self.resources}
        for resource in self.resources:
            kind = _CLASSES.get(resource.type, Fact)
            if resource.type == "AWS::AutoScaling::AutoScalingGroup" and (cluster := cluster_joined(resource, others)):
                kind, resource.belongs_to = SelfManagedNodes, cluster
            self._add(resource, kind)

    def _add(self, resource: Resource, kind: type[Fact]) -> None:
        if "::" not in resource.type:
            kind = class_of(resource)
            if resource.type == "ConfigMap" and resource.maybe("metadata.name") == "aws-auth":
                kind = AwsAuth
        fact = kind(resource, self)
        # Several objects may stand in one custom resource: the key names the first.
        self._by_key.setdefault(resource.key, fact)
        self._facts.append(fact)
        self._by_type[resource.type].append(fact)
        for base in kind.__mro__:
            if issubclass(base, Fact) and base is not Fact:
                self._by_class[base].append(fact)

    def every(self) -> list[Fact]:
        """Returns every fact, in the order of reading."""
        return self._facts

    def all(self, kind: type[F]) -> list[F]:
        """Returns every fact of a class."""
        return self._by_class.get(kind, [])

    def of_type(self, kind: str) -> list[Fact]:
        """Returns every fact of a CloudFormation resource type or kind of Kubernetes object."""
        return self._by_type.get(kind, [])

    def objects(self, kind: str) -> list[KubernetesObject]:
        """Returns every Kubernetes object of a kind."""
        return [fact for fact in self.of_type(kind) if isinstance(fact, KubernetesObject)]

    def cluster(self, key: str) -> Cluster | None:
        """Returns the cluster with a key."""
        fact = self._by_key.get(key)
        return fact if isinstance(fact, Cluster) else None

    def find(self, kind: type[F], value: Any) -> F | None:
        """Returns the fact of a class that a value stands for: a reference, an ARN, a name."""
        if key := key_of(value):
            fact = self._by_key.get(key)
            return fact if isinstance(fact, kind) else None
        if not isinstance(value, str):
            return None
        name = value.rsplit("/", 1)[-1] if value.startswith("arn:") else value
        named = self._named.get((kind, name), [])
        return named[0] if len(named) == 1 else None  # type: ignore[return-value]

    def find_all(self, kind: type[F], values: Any) -> list[F]:
        """Returns the facts that a list of values stands for."""
        found = (self.find(kind, value) for value in (values if isinstance(values, list) else [values]))
        return [fact for fact in found if fact is not None]

    @cached_property
    def _named(self) -> dict[tuple[type[Fact], str], list[Fact]]:
        names: dict[tuple[type[Fact], str], list[Fact]] = defaultdict(list)
        for cluster in self.all(Cluster):
            names[Cluster, cluster.name].append(cluster)
        for role in self.all(Role):
            if given := role.resource.maybe("RoleName"):  # a logical id is no name: another role may be called that
                names[Role, text(given)].append(role)
        for template in self.all(LaunchTemplate):
            names[LaunchTemplate, text(template.resource.maybe("LaunchTemplateName", template.resource.id))].append(
                template
            )
        return names

    def belonging(self, kind: type[F], key: str) -> list[F]:
        """Returns the facts of a class that belong to the cluster with a key."""
        return self._belonging.get((kind, key), [])

    @cached_property
    def _belonging(self) -> dict[tuple[type[Fact], str], list[Any]]:
        found: dict[tuple[type[Fact], str], list[Any]] = defaultdict(list)
        for kind, facts in self._by_class.items():
            for fact in facts:
                found[kind, fact.cluster_key].append(fact)
        return found

    def cluster_of(self, resource: Resource) -> str:
        """Returns the key of the cluster a resource belongs to; empty = none, several, or not known.

        It is the one it names; else the only one there is, or the only one of its stack.
        """
        if resource.type == "AWS::EKS::Cluster":
            return resource.key
        named = resource.belongs_to or resource.maybe("ClusterName") or resource.maybe("ClusterID")
        if cluster := self.find(Cluster, named):
            return cluster.resource.key
        clusters = self.all(Cluster)
        if len(clusters) == 1:
            return clusters[0].resource.key
        beside = self._clusters_by_stack.get(resource.stack, [])
        return beside[0] if len(beside) == 1 else ""

    @cached_property
    def _clusters_by_stack(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for cluster in self.all(Cluster):
            found[cluster.resource.stack].append(cluster.resource.key)
        return found

    def references(self, resource: Resource) -> set[str]:
        """Returns the keys of the resources that one mentions, DependsOn included."""
        named = {f"{resource.stack}/{name}" for name in resource.depends_on}
        return named.union(key for key, _ in references(resource.properties))

    def waits_for(self, resource: Resource) -> set[str]:
        """Returns the keys of everything that stands before CloudFormation makes a resource."""
        found: set[str] = set()
        todo = [resource]
        while todo:
            for key in self.references(todo.pop()) - found:
                found.add(key)
                if key in self._by_key:
                    todo.append(self._by_key[key].resource)
        return found

    def pointing(self, kind: str, path: str, target: Fact) -> list[Fact]:
        """Returns the facts of a resource type whose value at a path is a reference to ``target``."""
        index = self._pointing.get((kind, path))
        if index is None:
            index = self._pointing[kind, path] = defaultdict(list)
            for fact in self.of_type(kind):
                index[key_of(fact.resource.maybe(path))].append(fact)
        return index.get(target.resource.key, [])

    def by_key(self, key: str) -> Fact | None:
        """Returns the fact with a key."""
        return self._by_key.get(key)

    def routes_of(self, subnet: Subnet) -> list[Fact]:
        """Returns the routes of a subnet's route table."""
        for association in self.pointing("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", subnet):
            table = self._by_key.get(key_of(association.resource.maybe("RouteTableId")))
            return self.pointing("AWS::EC2::Route", "RouteTableId", table) if table else []
        return []

    @cached_property
    def uses(self) -> dict[str, list[Use]]:
        """What each IAM role is for, by the role's key."""
        return uses_of(self)

    @cached_property
    def handlers(self) -> dict[str, list[Handler]]:
        """The Lambda functions that run kubectl, by the cluster's key."""
        return handlers_of(self)

    def policies_of(self, role: Role) -> list[Policy]:
        """Returns the policies of their own that are attached to a role."""
        return self._policies.get(role.resource.key, [])

    @cached_property
    def _policies(self) -> dict[str, list[Policy]]:
        found: dict[str, list[Policy]] = defaultdict(list)
        for policy in self.all(Policy):
            for role in self.find_all(Role, list(policy.role_values)):
                found[role.resource.key].append(policy)
        for role in self.all(Role):
            for policy in self.find_all(Policy, role.resource.maybe("ManagedPolicyArns", [])):
                found[role.resource.key].append(policy)
        return found

    @cached_property
    def log_groups(self) -> LogGroups:
        """What sets how long a log group keeps its logs, by the group's name."""
        return LogGroups(self)

    @cached_property
    def placement(self) -> Placement:
        """What of a cluster stands in which subnet, and which VPCs are a cluster's."""
        return Placement(self)

    @cached_property
    def kubernetes(self) -> Objects:
        """The Kubernetes objects, by name, and by what selects what."""
        return Objects(self.all(KubernetesObject))

    @cached_property
    def values(self) -> tuple[int, int]:
        """How many property values there are, and how many of them are unknown."""
        counts = [leaves(resource.properties) for resource in self.resources]
        return sum(total for total, _ in counts), sum(unknown for _, unknown in counts)


def read(sources: Sources, as_of: date) -> Facts:
    """Returns the facts of what was read, seen on a day."""
    world = World(sources.templates, sources.name)
    resources: list[Resource] = []
    try:
        for template in sources.templates:
            for resource in normalize.from_template(template, world):
                resources.append(resource)
                resources.extend(normalize.objects_of(resource))
    except RecursionError:
        # Each link of a chain may be nested deep in itself.
        raise CHAIN.over(sources.name) from None
    for file in sources.manifests:
        resources.extend(normalize.objects_in(file))
    return Facts(resources, as_of)
