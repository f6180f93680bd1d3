"""Makes typed facts of templates and files of Kubernetes objects, or of the resources of an account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, partial

from responsibility.bounds import CHAIN
from responsibility.findings import Origin
from responsibility.reading import normalize
from responsibility.reading.access import AwsAuth
from responsibility.reading.account_services import Detector, Repository
from responsibility.reading.charts import HelmChart
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
from responsibility.reading.existing import add_existing_cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.functions import world_of
from responsibility.reading.hybrid import Activation, is_activation
from responsibility.reading.iam import Policy
from responsibility.reading.joining import cluster_joined
from responsibility.reading.kinds.registry import KINDS
from responsibility.reading.kubernetes import class_of
from responsibility.reading.network import SecurityGroup, Subnet, Vpc
from responsibility.reading.overridden import Overridden, said
from responsibility.reading.resource import Resource
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
from responsibility.reading.stack_parameters import parameters
from responsibility.reading.storage import Storage
from responsibility.reading.unread import Unread, unread
from responsibility.reading.unread_roles import unread_node_roles
from responsibility.reading.uses import UsedRole

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
    "SSM::Activation": Activation,
    "IAM::MissingPrincipal": MissingPrincipal,
    "AWS::GuardDuty::Detector": Detector,
    "AWS::ECR::Repository": Repository,
    "AWS::EC2::LaunchTemplate": LaunchTemplate,
    "AWS::EC2::VPC": Vpc,
    "AWS::EC2::Subnet": Subnet,
    "AWS::EC2::SecurityGroup": SecurityGroup,
    "AWS::EC2::Volume": Storage,
    "AWS::EFS::FileSystem": Storage,
    "AWS::FSx::FileSystem": Storage,
    "AWS::IAM::Role": UsedRole,
    "AWS::IAM::Policy": Policy,
    "AWS::IAM::RolePolicy": Policy,
    "AWS::IAM::ManagedPolicy": Policy,
    **dict.fromkeys((*normalize.CHARTS, normalize.CHART_FILE), HelmChart),
}


def facts_of(resources: Iterable[Resource], as_of: date, origin: Origin = "templates") -> Facts:
    """Returns the facts of resources."""
    found = list(resources)
    others = {resource.key: resource for resource in found}
    return Facts([(resource, _class_of(resource, others)) for resource in found], as_of, origin, KINDS)


def _class_of(resource: Resource, others: dict[str, Resource]) -> type[Fact]:
    if resource.type == "AWS::AutoScaling::AutoScalingGroup" and (cluster := cluster_joined(resource, others)):
        resource.belongs_to = cluster
        return SelfManagedNodes
    if is_activation(resource):
        return Activation
    if "::" in resource.type:
        return _CLASSES.get(resource.type, Fact)
    if resource.type == "ConfigMap" and resource.maybe("metadata.name") == "aws-auth":
        return AwsAuth
    return class_of(resource)


def read(sources: Sources, as_of: date) -> Facts:
    """Returns the facts of what was read, seen on a day."""
    for template in sources.templates:
        add_existing_cluster(template.body)
    world = world_of(sources.templates, sources.name)
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
    facts = _completed(resources, sources, as_of)
    facts.known_part = cache(partial(_known_part, resources, sources, as_of))
    return facts


def _known_part(resources: list[Resource], sources: Sources, as_of: date) -> Facts | None:
    known = [resource.known_part() for resource in resources]
    moved = any(part is not whole for part, whole in zip(known, resources, strict=True))
    return _completed(known, sources, as_of) if moved else None


def _completed(resources: list[Resource], sources: Sources, as_of: date) -> Facts:
    """Returns the facts of resources, and of what is no resource."""
    facts = facts_of(resources, as_of)
    for parameter in parameters(sources.templates, facts):
        facts.add(parameter)
    for resource in resources:
        if resource.template and said(resource.template.body, resource.id):
            facts.add(Overridden(resource, facts))
    for role in list(unread_node_roles(facts)):
        facts.add(role)
    facts.unread = [
        *unread(sources.templates),
        *(Unread("", f"chart file {file}", brings="objects") for file in sources.passed_over),
    ]
    facts.stated_kinds, facts.stated_version = sources.compute, sources.version
    return facts
