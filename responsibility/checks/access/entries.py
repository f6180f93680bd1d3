"""Checks of who may use the Kubernetes API: access entries, and the older ConfigMap ``aws-auth``."""

from collections.abc import Sequence

from responsibility.checks.access.cluster_role import CLUSTER_ADMIN
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.access import MASTERS, AwsAuth
from responsibility.reading.eks import AccessEntry, Cluster
from responsibility.reading.facts import Fact
from responsibility.reading.iam import Role
from responsibility.reading.partly_known import fits_one
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_CHANGES = ("AmazonEKSAdminPolicy", "AmazonEKSEditPolicy")
_RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


@check("EKR020", AccessEntry)
def administrators_are_people(entry: AccessEntry) -> Answer | None:
    """The function that runs kubectl is EKR036."""
    wide = [
        entry.at(f"AccessPolicies.{index}")
        for index, (name, scope, _) in enumerate(entry.policies)
        if name == CLUSTER_ADMIN and scope == "cluster"
    ]
    if not wide:
        return None
    principal = str(entry.principal)
    named = entry.facts.find(Fact, entry.principal)
    if ":user/" in principal or (named and named.resource.type == "AWS::IAM::User"):
        return open_("makes an IAM user, whose keys do not expire, administrator", *wide)
    if ":role/aws-reserved/sso.amazonaws.com/" in principal:
        return met("makes people of IAM Identity Center administrators", *wide)
    role = entry.facts.find(Role, entry.principal)
    if role is None:
        raise UnknownValue(entry.at("PrincipalArn"), "who may assume that role was not read")
    if role.is_for("kubectl"):
        return None
    machines = _machines(role)
    if machines:
        return open_(f"makes {' and '.join(machines)} administrator", *wide)
    return met("makes a role for people administrator", *wide)


def _machines(role: Role, seen: tuple[Role, ...] = ()) -> list[str]:
    """Returns the services and pipelines that may assume a role, by way of another role too. Raises UnknownValue."""
    found: list[str] = []
    for statement in role.trust:
        for kind, value in statement.principals if statement.allow else []:
            if has_gap(value):
                raise UnknownValue(statement.evidence, "who may assume the role is not in the template")
            if kind == "Service":
                found.append(value)
            elif kind == "Federated" and not any("withsaml" in action.lower() for action in statement.actions):
                found.append(f"holders of OIDC tokens of {value.rsplit('oidc-provider/', 1)[-1]}")
            elif kind == "AWS" and (other := role.facts.find(Role, value)) and other not in (role, *seen):
                found += [f"{machine} through {other.words}" for machine in _machines(other, (role, *seen))]
    return list(dict.fromkeys(found))


@check("EKR423", AccessEntry, synth=True)
def cluster_takes_entries(entry: AccessEntry) -> Answer:
    """The API's default, CONFIG_MAP, takes none."""
    cluster = entry.cluster
    if cluster is None:
        raise UnknownValue(entry.at("ClusterName"), "its cluster was not read")
    mode, where = cluster.authentication_mode, cluster.at("AccessConfig.AuthenticationMode")
    if mode in ("", "CONFIG_MAP"):
        return open_(f"is for a cluster that takes none: its mode is {mode or 'the default, CONFIG_MAP'}", where)
    return met(f"is for a cluster with the mode {mode}", where)


@check("EKR021", Cluster)
def no_masters(cluster: Cluster) -> Answer:
    """In access entries EKS refuses the group. It makes those of nodes itself, with reserved groups."""
    if cluster.facts.origin == "account" and cluster.authentication_mode != "API":
        raise UnknownValue(cluster.at("AccessConfig.AuthenticationMode"), "an audit does not read aws-auth")
    entries = cluster.facts.belonging(AccessEntry, cluster.resource.key)
    configs = cluster.facts.belonging(AwsAuth, cluster.resource.key)
    if not entries and not configs:
        return not_applicable("neither access entries nor aws-auth are in what was read")
    found: list[tuple[str, Evidence]] = []
    unknown: UnknownValue | None = None
    if not configs and cluster.authentication_mode != "API":
        where = cluster.at("AccessConfig.AuthenticationMode")
        unknown = UnknownValue(where, "the ConfigMap aws-auth, which the cluster trusts too, was not read")
    facts: list[AwsAuth | AccessEntry] = [*configs, *entries]
    for fact in facts:
        try:
            found += _in_aws_auth(fact) if isinstance(fact, AwsAuth) else _in_entry(fact)
        except UnknownValue as error:
            unknown = unknown or error
    if found:
        return open_("; ".join(dict.fromkeys(words for words, _ in found)), *(at for _, at in found))
    if unknown:
        raise unknown
    return met(f"nobody is in {MASTERS} by its access entries or aws-auth")


def _in_aws_auth(config: AwsAuth) -> list[tuple[str, Evidence]]:
    mappings = [mapping for mapping in config.mappings if MASTERS in mapping.groups]
    who = "1 principal" if len(mappings) == 1 else f"{len(mappings)} principals"
    paths = dict.fromkeys(mapping.evidence.path for mapping in mappings)
    return [(f"aws-auth puts {who} into {MASTERS}", config.at(path)) for path in paths]


def _in_entry(entry: AccessEntry) -> list[tuple[str, Evidence]]:
    if entry.facts.origin == "account" and entry.type != "STANDARD":
        return []
    groups = [str(entry.get(f"KubernetesGroups.{index}", "")) for index, _ in enumerate(entry.groups)]
    reserved = [group for group in groups if group.startswith(_RESERVED)]
    words = f"{entry.words} asks for {' and '.join(reserved)}, which EKS refuses"
    return [(words, entry.at("KubernetesGroups"))] if reserved else []


def _has(entry: AccessEntry, policies: Sequence[tuple[int, str]], where: str) -> Answer:
    names = " and ".join(name for _, name in policies)
    return open_(f"has {names} {where}", *(entry.at(f"AccessPolicies.{index}") for index, _ in policies))


@check("EKR022", AccessEntry)
def changes_by_namespace(entry: AccessEntry) -> Answer | None:
    """AmazonEKSAdminPolicy is meant for namespaces; for the cluster there is AmazonEKSClusterAdminPolicy."""
    policies = [(index, *policy) for index, policy in enumerate(entry.policies) if policy[0] in _CHANGES]
    if not policies:
        return None
    wide = [(index, name) for index, name, scope, _ in policies if scope == "cluster"]
    if wide:
        return _has(entry, wide, "for the whole cluster")
    of_system = [
        (index, name) for index, name, _, namespaces in policies if fits_one("kube-system", map(str, namespaces))
    ]
    if of_system:
        return _has(entry, of_system, "in kube-system, whose pods and service accounts run the cluster")
    spaces = sorted({space for *_, namespaces in policies for space in namespaces})
    return met(f"may change what is in {', '.join(map(str, spaces))}")
