"""Checks of an account: whether addresses, roles, keys and nodes that clusters use are there, with room to spare."""

from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.checks.control_plane.encryption import secrets_key
from responsibility.reading.eks import AccessEntry, Cluster, NodeGroup, OfCluster, PodIdentity
from responsibility.reading.facts import Fact
from responsibility.reading.iam import Role
from responsibility.reading.network import Subnet, subnets_at
from responsibility.reading.placement import Placement
from responsibility.reading.resource import UnknownValue
from responsibility.reading.running import MissingPrincipal

_INTERFACES = 5
"""Addresses that EKS may need for an upgrade (update-cluster.html)."""
_LEAST = 10
"""Percent of a subnet's addresses."""
_FREE = "AvailableIpAddressCount"


@check("EKR142", Cluster)
def room_for_an_upgrade(cluster: Cluster) -> Answer:
    """In each of them: which one EKS uses is not known in advance."""
    subnets = subnets_at(cluster, "ResourcesVpcConfig.SubnetIds")
    free = {subnet.name: _free(subnet) for subnet in subnets}
    where = [subnet.at(_FREE) for subnet in subnets]
    short = [f"{name} has {count}" for name, count in free.items() if count < _INTERFACES]
    if short:
        return open_(f"has subnets with fewer than {_INTERFACES} free addresses: {', '.join(short)}", *where)
    return met(f"has at least {min(free.values(), default=0)} free addresses in each subnet", *where)


def _free(subnet: Subnet) -> int:
    if subnet.get(_FREE) is None:
        raise UnknownValue(subnet.at(_FREE), "is not known")
    return subnet.whole(_FREE, 0)


@check("EKR143", Subnet)
def room_for_pods(subnet: Subnet) -> Answer | None:
    """Applies to subnets in which something runs pods."""
    if not subnet.facts.view(Placement).compute.get(subnet.resource.key):
        return None
    free, total = _free(subnet), subnet.addresses
    if not total or total < 1:
        raise UnknownValue(subnet.at("CidrBlock"), "its address block is not known")
    percent = 100 * free // total
    words = f"has {free:,} of {total:,} addresses free ({percent} %)"
    return open_(words, subnet.at(_FREE)) if percent < _LEAST else met(words, subnet.at(_FREE))


@check("EKR144", AccessEntry)
def principal_exists(entry: AccessEntry) -> Answer | None:
    """One of a role that was made anew later does not count: EKS holds the older role's id (creating-access-entries.html)."""
    answer = _exists(entry, "PrincipalArn")
    role = entry.facts.find(Role, entry.principal)
    since = entry.get("CreatedAt")
    if role and since and (made := role.get("CreateDate")) and made > since:
        where = (entry.at("CreatedAt"), role.at("CreateDate"))
        return open_("is older than its role, which was created again: it admits nobody", *where)
    return answer


@check("EKR145", PodIdentity)
def pods_role_exists(association: PodIdentity) -> Answer | None:
    """Whether EKS may assume it is EKR034."""
    return _exists(association, "RoleArn")


@check("EKR146", OfCluster)
def role_exists(fact: OfCluster) -> Answer | None:
    """The name is enough: EKS keeps the ARN."""
    if isinstance(fact, AccessEntry | PodIdentity):
        return None
    answers = [_exists(fact, path) for path in ("NodeRole", "PodExecutionRoleArn", "ServiceAccountRoleArn", "RoleArn")]
    answers += [_exists(fact, f"{path}.RoleArn") for path, _ in fact.resource.items("PodIdentityAssociations")]
    return _worst(answers)


@check("EKR147", Cluster)
def cluster_role_exists(cluster: Cluster) -> Answer | None:
    """The cluster's own, and that of Auto Mode's nodes."""
    return _worst([_exists(cluster, "RoleArn"), _exists(cluster, "ComputeConfig.NodeRoleArn")])


def _worst(answers: list[Answer | None]) -> Answer | None:
    found = [answer for answer in answers if answer]
    return next((answer for answer in found if answer.status == "open"), found[0] if found else None)


def _exists(fact: Fact, path: str) -> Answer | None:
    """Answers for the principal that a property names; None: it names none."""
    value = fact.get(path)
    if not value:
        return None
    found = fact.facts.find(Fact, value)
    if found is None:
        if f":iam::{fact.resource.account}:user/" in str(value):
            return met("belongs to a user that exists", fact.at(path))
        raise UnknownValue(fact.at(path), f"{value} is in no account that was read")
    if not isinstance(found, MissingPrincipal):
        found.get("AssumeRolePolicyDocument")  # unknown, if IAM was not allowed to tell
        return met(f"belongs to {found.words}, which exists", fact.at(path))
    arn = found.get("Arn")
    return open_(f"names {arn}, which does not exist", fact.at(path), found.at())


@check("EKR148", Cluster)
def key_can_be_used(cluster: Cluster) -> Answer:
    """By KMS's own word."""
    key = secrets_key(cluster)
    if not key:
        return not_applicable("AWS keeps its own key")
    state = str(key.get("KeyState", ""))
    if state == "Enabled":
        return met("uses a key that is enabled", key.at("KeyState"))
    when = f", and is deleted on {str(key.get('DeletionDate'))[:10]}" if key.get("DeletionDate") else ""
    return open_(f"uses a key that is {state}{when}", key.at("KeyState"))


@check("EKR149", NodeGroup)
def nodes_are_there(group: NodeGroup) -> Answer:
    """By the tags of running instances."""
    nodes = [node for node in _nodes(group) if node.get("NodegroupName") == group.name]
    least = group.min_size
    words = f"has {len(nodes)} running nodes; its minimum is {least}"
    where = group.at("ScalingConfig.MinSize")
    return open_(words, where) if len(nodes) < least else met(words, where)


def _nodes(group: NodeGroup) -> Iterator[Fact]:
    return (node for node in group.facts.of_type("EKS::Node") if node.cluster_key == group.cluster_key)
