"""Asked of an account: does what clusters use still stand, and is there room in it: addresses, roles, keys, nodes."""

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

_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/"
_INTERFACES = 5
"""Addresses that EKS may need for an upgrade (update-cluster.html)."""
_LEAST = 10
"""Percent of a subnet's addresses."""
_FREE = "AvailableIpAddressCount"


@check(
    "EKR142",
    Cluster,
    title="The cluster's subnets have free addresses for an upgrade",
    component="subnets",
    severity="high",
    only="account",
    why="EKS makes new network interfaces in them to upgrade the control plane, up to five; without free addresses that fails.",
    fix="Free addresses, or name larger subnets of the same zones (UpdateClusterConfig, resourcesVpcConfig.subnetIds).",
    source=_GUIDE + "update-cluster.html",
)
def room_for_an_upgrade(cluster: Cluster) -> Answer:
    """In each of them: which one EKS takes nobody knows before."""
    subnets = subnets_at(cluster, "ResourcesVpcConfig.SubnetIds")
    free = {subnet.name: _free(subnet) for subnet in subnets}
    where = [subnet.at(_FREE) for subnet in subnets]
    short = [f"{name} has {count}" for name, count in free.items() if count < _INTERFACES]
    if short:
        return open_(f"has subnets with fewer than {_INTERFACES} free addresses: {', '.join(short)}", *where)
    return met(f"has at least {min(free.values(), default=0)} free addresses in each subnet", *where)


def _free(subnet: Subnet) -> int:
    if subnet.get(_FREE) is None:
        raise UnknownValue(subnet.at(_FREE), "was not told")
    return subnet.whole(_FREE, 0)


@check(
    "EKR143",
    Subnet,
    title="Subnets with pods have a tenth of their addresses left",
    component="subnets",
    severity="medium",
    only="account",
    why="Pods and nodes take addresses; when a subnet is full new ones stay pending, and updates with surge nodes fail.",
    fix="Add subnets or a secondary CIDR block, or lower what the CNI keeps in stock (WARM_IP_TARGET, prefixes).",
    source="https://docs.aws.amazon.com/eks/latest/best-practices/ip-opt.html",
)
def room_for_pods(subnet: Subnet) -> Answer | None:
    """Asked of subnets in which something runs pods."""
    if not subnet.facts.view(Placement).compute.get(subnet.resource.key):
        return None
    free, total = _free(subnet), subnet.addresses
    if not total or total < 1:
        raise UnknownValue(subnet.at("CidrBlock"), "its block of addresses is not known")
    percent = 100 * free // total
    words = f"has {free:,} of {total:,} addresses free ({percent} %)"
    return open_(words, subnet.at(_FREE)) if percent < _LEAST else met(words, subnet.at(_FREE))


@check(
    "EKR144",
    AccessEntry,
    title="Access entries are of principals that exist",
    component="iam-people",
    severity="medium",
    only="account",
    why="An entry outlives its role. Nobody uses it, nobody sees it; it hides who has access, and may mean that somebody lost theirs.",
    fix="Delete the access entry; if people need it, make the role and then the entry anew.",
    source=_GUIDE + "access-entries.html",
)
def principal_exists(entry: AccessEntry) -> Answer | None:
    """One of a role that was made anew later does not count: EKS holds the older role's id (creating-access-entries.html)."""
    answer = _exists(entry, "PrincipalArn")
    role = entry.facts.find(Role, entry.principal)
    since = entry.get("CreatedAt")
    if role and since and (made := role.get("CreateDate")) and made > since:
        where = (entry.at("CreatedAt"), role.at("CreateDate"))
        return open_("is older than its role, which was made anew: it lets nobody in", *where)
    return answer


@check(
    "EKR145",
    PodIdentity,
    title="Roles of Pod Identity associations exist",
    component="iam-pods",
    severity="high",
    only="account",
    why="Pods of the service account get no credentials: their calls to AWS fail at the next restart.",
    fix="Make the role, with pods.eks.amazonaws.com in its trust, or delete the association.",
    source=_GUIDE + "pod-id-role.html",
)
def pods_role_exists(association: PodIdentity) -> Answer | None:
    """Whether EKS may assume it is EKR034."""
    return _exists(association, "RoleArn")


@check(
    "EKR146",
    OfCluster,
    title="Roles of node groups, profiles, add-ons and capabilities exist",
    component="node-identity",
    severity="critical",
    only="account",
    why="Without its role no new node joins, no pod starts on Fargate, and an add-on cannot call AWS.",
    fix="Make the role again, with its old name, trust and policies.",
    source=_GUIDE + "create-node-role.html",
)
def role_exists(fact: OfCluster) -> Answer | None:
    """The name is enough: EKS keeps the ARN."""
    if isinstance(fact, AccessEntry | PodIdentity):
        return None
    answers = [_exists(fact, path) for path in ("NodeRole", "PodExecutionRoleArn", "ServiceAccountRoleArn", "RoleArn")]
    answers += [_exists(fact, f"{path}.RoleArn") for path, _ in fact.resource.items("PodIdentityAssociations")]
    return _worst(answers)


@check(
    "EKR147",
    Cluster,
    title="The cluster's roles exist",
    component="cluster-role",
    severity="critical",
    only="account",
    why="Without its role EKS cannot make network interfaces or nodes for the cluster; without the role of its nodes Auto Mode cannot.",
    fix="Make the role again, with its old name, trust and policies: a cluster cannot be given another.",
    source=_GUIDE + "cluster-iam-role.html",
)
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
            return met("is of a user that exists", fact.at(path))
        raise UnknownValue(fact.at(path), f"{value} is in no account that was read")
    if not isinstance(found, MissingPrincipal):
        found.get("AssumeRolePolicyDocument")  # unknown, if IAM was not allowed to tell
        return met(f"is of {found.words}, which exists", fact.at(path))
    arn = found.get("Arn")
    return open_(f"names {arn}, which does not exist", fact.at(path), found.at())


@check(
    "EKR148",
    Cluster,
    title="The key that encrypts Kubernetes API data can be used",
    component="secrets-encryption",
    severity="critical",
    only="account",
    why="With a disabled key the API server cannot read Secrets; once the key is deleted the cluster is lost.",
    fix="At once: `aws kms cancel-key-deletion`, then `aws kms enable-key`.",
    source=_GUIDE + "envelope-encryption.html",
)
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


@check(
    "EKR149",
    NodeGroup,
    title="Node groups have the nodes they should have",
    component="node-autoscaling",
    severity="medium",
    kinds=("managed_nodes",),
    only="account",
    why="Fewer instances than the minimum: EC2 has no capacity, a quota is reached, or nodes are ended as fast as they start.",
    fix="Look at the Auto Scaling group's activities, and at the quota; name more instance types or zones.",
    source=_GUIDE + "troubleshooting.html",
)
def nodes_are_there(group: NodeGroup) -> Answer:
    """By the tags of running instances."""
    nodes = [node for node in _nodes(group) if node.get("NodegroupName") == group.name]
    least = group.min_size
    words = f"has {len(nodes)} running nodes; its minimum is {least}"
    where = group.at("ScalingConfig.MinSize")
    return open_(words, where) if len(nodes) < least else met(words, where)


def _nodes(group: NodeGroup) -> Iterator[Fact]:
    return (node for node in group.facts.of_type("EKS::Node") if node.cluster_key == group.cluster_key)
