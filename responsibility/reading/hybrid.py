"""Facts about EKS Hybrid Nodes: the ranges of machines outside of AWS, and the roles that they join with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, ip_network

from eks_facts.remote_networks import range_problem
from responsibility.findings import Evidence
from responsibility.reading.eks import Cluster
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.facts import Fact
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import says
from responsibility.reading.resource import Resource, UnknownValue
from responsibility.reading.running import day
from responsibility.reading.uses import CREDENTIALS
from responsibility.reading.values import has_gap

SSM, ROLES_ANYWHERE = CREDENTIALS
_MEMBERS = (("node", "RemoteNodeNetworks"), ("pod", "RemotePodNetworks"))


@dataclass(frozen=True, slots=True)
class RemoteRange:
    """A range of a cluster's remote networks."""

    of: str
    """``node`` or ``pod``."""
    text: str
    at: Evidence

    @property
    def words(self) -> str:
        """What a message calls it."""
        return f"remote {self.of} network {self.text}"

    @property
    def problem(self) -> str:
        """Why EKS refuses it; empty = it takes it."""
        return range_problem(self.text)

    @property
    def block(self) -> IPv4Network:
        """The addresses. Raises UnknownValue for what is no range."""
        try:
            return IPv4Network(self.text, strict=False)
        except ValueError:
            raise UnknownValue(self.at, f"{self.text} is no IPv4 range") from None


def remote_ranges(cluster: Cluster) -> tuple[list[RemoteRange], UnknownValue | None]:
    """Returns the ranges that are known, and the first part of the remote networks that is not."""
    found: list[RemoteRange] = []
    first: UnknownValue | None = None
    for of, member in _MEMBERS:
        try:
            networks, unknown = cluster.resource.items_seen(f"RemoteNetworkConfig.{member}")
            first = first or unknown
            for path, _ in networks:
                ranges, unknown = cluster.resource.items_seen(f"{path}.Cidrs")
                first = first or unknown
                found += [RemoteRange(of, str(item), cluster.at(at)) for at, item in ranges]
        except UnknownValue as unknown_value:
            first = first or unknown_value
    return found, first


def known_ranges(cluster: Cluster) -> list[RemoteRange]:
    """Returns every range. Raises UnknownValue."""
    found, unknown = remote_ranges(cluster)
    if unknown:
        raise unknown
    return found


def vpc_ranges(cluster: Cluster) -> Iterator[tuple[str, IPv4Network]]:
    """Yields words and addresses of the cluster's VPC. Raises UnknownValue where it was not read, or not all of it."""
    vpc = cluster.vpc
    if vpc is None:
        raise UnknownValue(cluster.at("ResourcesVpcConfig.SubnetIds"), "the VPC and its ranges were not read")
    values = [(vpc.at("CidrBlock"), vpc.get("CidrBlock"))]
    values += [
        (vpc.at(f"{path}.CidrBlock"), vpc.get(f"{path}.CidrBlock"))
        for path, _ in vpc.resource.items("CidrBlockAssociationSet")
    ]
    kind = "AWS::EC2::VPCCidrBlock"
    if unknown := vpc.facts.untold(kind, "VpcId", vpc.resource.stack):
        raise unknown
    values += [
        (block.at("CidrBlock"), block.get("CidrBlock"))
        for block in vpc.facts.pointing(kind, "VpcId", vpc)
        if block.get("CidrBlock") or not block.get("AmazonProvidedIpv6CidrBlock")
    ]
    for at, value in values:
        try:
            yield f"the VPC's {value}", IPv4Network(str(value), strict=False)
        except ValueError:
            raise UnknownValue(at, "the range is not known here") from None


def service_range(cluster: Cluster) -> IPv4Network | None:
    """Returns the range of Services; None: EKS picks one. Raises UnknownValue."""
    path = "KubernetesNetworkConfig.ServiceIpv4Cidr"
    value = cluster.get(path)
    if value is None:
        return None
    try:
        block = ip_network(str(value), strict=False)
    except ValueError:
        raise UnknownValue(cluster.at(path), f"{value} is no range") from None
    if not isinstance(block, IPv4Network):
        raise UnknownValue(cluster.at(path), f"{value} is no IPv4 range")
    return block


def gives_credentials(role: Role) -> list[str]:
    """Returns the services that give hybrid nodes the credentials of a role. Raises UnknownValue, also for one that is not known."""
    for statement in role.trust:
        if any(has_gap(value) for _, value in statement.principals):
            raise UnknownValue(statement.evidence, "who may assume it is not in the template")
    return [service for service in CREDENTIALS if role.assumed_by(service)]


class Activation(Fact):
    """A hybrid activation of Systems Manager: of an account, or the call by which a stack makes one (``Custom::AWS``)."""

    what = "hybrid activation"
    name_path = "ActivationId"

    @property
    def limit_path(self) -> str:
        """Where it says how many machines it takes."""
        return "Create" if self._asked is not None else "RegistrationLimit"

    @property
    def end_path(self) -> str:
        """Where it says until when."""
        return "Create" if self._asked is not None else "ExpirationDate"

    @property
    def limit(self) -> int:
        """How many machines may register with it. Raises UnknownValue."""
        value = self._value("RegistrationLimit")
        if value is None:
            return 1  # the default of the service
        if not str(value).isdigit():
            raise UnknownValue(self.at(self.limit_path), f"{value} is no number of machines")
        return int(str(value))

    @property
    def count(self) -> int:
        """How many have. Raises UnknownValue."""
        return 0 if self._asked is not None else self.whole("RegistrationsCount", 0)

    @property
    def end(self) -> date | None:
        """Its last day; None: a day after it is made. Raises UnknownValue."""
        value = self._value("ExpirationDate")
        if value is None:
            return None
        try:
            return day(value)
        except ValueError:
            raise UnknownValue(self.at(self.end_path), f"{value} is no date") from None

    def _value(self, name: str) -> object:
        asked = self._asked
        return self.get(name) if asked is None else asked.get(name)

    @property
    def _asked(self) -> dict[str, object] | None:
        """The parameters of a call in a template; None: it is an activation of an account. Raises UnknownValue."""
        return asked_activation(self.resource) if self.resource.type == CALL else None


CALL = "Custom::AWS"
"""The CDK's resource that makes one API call: CloudFormation has no type for activations."""


def asked_activation(resource: Resource) -> dict[str, object] | None:
    """Returns the parameters of CreateActivation; None: the resource makes another call. Raises UnknownValue."""
    text = resource.get("Create", "")
    try:
        call = json_in(text) if isinstance(text, str) else text
    except NoData:
        return None
    if not isinstance(call, dict) or str(call.get("action", "")).lower() != "createactivation":
        return None
    found = call.get("parameters")
    return found if isinstance(found, dict) else {}


def is_activation(resource: Resource) -> bool:
    """Whether a resource is a call of CreateActivation."""
    try:
        return resource.type == CALL and asked_activation(resource) is not None
    except UnknownValue:
        return says(str(resource.properties.get("Create")), "createActivation")
