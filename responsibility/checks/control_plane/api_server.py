"""Checks of the control plane: who reaches its API, what it records, who is let in."""

import ipaddress

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import LOG_TYPES, Cluster
from responsibility.reading.existing import EXISTING
from responsibility.reading.facts import Fact
from responsibility.reading.logs import LogGroups
from responsibility.reading.partly_known import joined, may_be
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference

_CIDRS = "ResourcesVpcConfig.PublicAccessCidrs"
_LOGS = "Logging.ClusterLogging.EnabledTypes"
_WIDEST = {4: 16, 6: 32}
"""The shortest prefix of a plausible single network, for each family."""
_SECURITY_LOGS = ("audit", "api", "authenticator")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _public(cluster: Cluster) -> tuple[list[tuple[str, Network]], UnknownValue | None]:
    """Returns path and block of each range that reaches the public endpoint, and what is not known of them."""
    found, unknown = cluster.resource.items_seen(_CIDRS)
    if not found and not unknown:
        found = [(_CIDRS, "0.0.0.0/0")]
    ranges: list[tuple[str, Network]] = []
    for path, item in found:
        try:
            ranges.append((path, ipaddress.ip_network(str(item), strict=False)))
        except ValueError:
            unknown = unknown or UnknownValue(cluster.at(path), f"{item} is not an address block")
    return ranges, unknown


def _whole_internet(ranges: list[tuple[str, Network]]) -> list[str]:
    """Returns the families that the ranges cover completely: two halves are a whole."""
    v4 = ipaddress.collapse_addresses(block for _, block in ranges if isinstance(block, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(block for _, block in ranges if isinstance(block, ipaddress.IPv6Network))
    blocks: list[Network] = [*v4, *v6]
    return [str(block) for block in blocks if block.prefixlen == 0]


@check("EKR001", Cluster, synth=True)
def endpoint_is_not_open(cluster: Cluster) -> Answer:
    """Public access without a list of ranges means 0.0.0.0/0."""
    if not cluster.public_access:
        return met("has no public endpoint", cluster.at("ResourcesVpcConfig.EndpointPublicAccess"))
    ranges, unknown = _public(cluster)
    everyone = _whole_internet(ranges)
    if everyone:
        return open_(f"is open to {' and '.join(everyone)}", cluster.at(_CIDRS))
    if unknown:
        raise unknown
    return met(f"is open to {_count(len(ranges), 'named range')}", cluster.at(_CIDRS))


@check("EKR002", Cluster, synth=True)
def endpoint_is_private_inside(cluster: Cluster) -> Answer:
    """Off is the service's default. Hybrid nodes are outside of the VPC: for them alone the public one may be right."""
    path = "ResourcesVpcConfig.EndpointPrivateAccess"
    if cluster.private_access:
        return met("has a private endpoint", cluster.at(path))
    if cluster.has_only("hybrid_nodes"):
        return not_applicable("all nodes are outside of the VPC")
    return open_("has no private endpoint", cluster.at(path))


@check("EKR003", Cluster)
def public_ranges_are_narrow(cluster: Cluster) -> Answer:
    """Applies to what EKR001 accepts."""
    if not cluster.public_access:
        return not_applicable("has no public endpoint")
    ranges, unknown = _public(cluster)
    if _whole_internet(ranges):
        return not_applicable("has no ranges that keep anyone out: EKR001")
    wide = [(path, block) for path, block in ranges if block.prefixlen < _WIDEST[block.version]]
    if wide:
        names = ", ".join(str(block) for _, block in wide)
        return open_(f"lets in a range as wide as {names}", *(cluster.at(path) for path, _ in wide))
    if unknown:
        raise unknown
    return met(f"lets in {_count(len(ranges), 'narrow range')}", cluster.at(_CIDRS))


@check("EKR004", Cluster, synth=True)
def security_logs_are_on(cluster: Cluster) -> Answer:
    """Every log type is off by default."""
    return _logged(cluster, _SECURITY_LOGS)


@check("EKR005", Cluster, synth=True)
def other_logs_are_on(cluster: Cluster) -> Answer:
    """Every log type is off by default."""
    return _logged(cluster, tuple(name for name in LOG_TYPES if name not in _SECURITY_LOGS))


def _logged(cluster: Cluster, wanted: tuple[str, ...]) -> Answer:
    on = cluster.log_types
    missing = [name for name in wanted if name not in on]
    if missing:
        return open_(f"does not log {', '.join(missing)}", cluster.at(_LOGS))
    return met(f"logs {', '.join(wanted)}", cluster.at(_LOGS))


def _group(cluster: object) -> str:
    return joined("/aws/eks/", str(cluster), "/cluster")


def log_groups(cluster: Cluster) -> list[Fact]:
    """Returns what the templates make of the group ``/aws/eks/NAME/cluster``. Raises UnknownValue."""
    groups = cluster.facts.view(LogGroups)
    names = (cluster.resource.properties.get("Name", ""), str(Reference(cluster.resource.stack, cluster.resource.id)))
    found = [groups[text] for name in names if (text := _group(name)) in groups]
    for group in [] if found else groups.may_be_a_cluster:
        name = str(group.resource.properties.get("LogGroupName", ""))
        if any(may_be(name, _group(one)) for one in names):
            raise UnknownValue(group.at("LogGroupName"), "may be the control plane's group: its name is not known here")
    return found


@check("EKR006", Cluster)
def logs_have_a_retention(cluster: Cluster) -> Answer:
    """A log group without RetentionInDays never expires."""
    if not cluster.log_types:
        return not_applicable("sends no logs")
    found = log_groups(cluster)
    if not found:
        if cluster.resource.id == EXISTING:
            raise UnknownValue(
                cluster.at(_LOGS), "the cluster was made elsewhere, and its log group is not in what was read"
            )
        return open_("sends logs to a group that EKS makes, which never expires", cluster.at(_LOGS))
    forever = [group for group in found if not group.get("RetentionInDays")]
    if forever:
        return open_("keeps its logs forever", *(group.at("RetentionInDays") for group in forever))
    days = found[0].get("RetentionInDays")
    return met(f"keeps its logs for {days} days", *(group.at("RetentionInDays") for group in found))


@check("EKR014", Cluster, synth=True)
def access_entries_decide(cluster: Cluster) -> Answer:
    """The default of the API and of CloudFormation is CONFIG_MAP."""
    path = "AccessConfig.AuthenticationMode"
    mode = cluster.authentication_mode
    if mode == "API":
        return met("uses access entries alone", cluster.at(path))
    if mode == "API_AND_CONFIG_MAP":
        return open_("also trusts the aws-auth ConfigMap, not only access entries", cluster.at(path))
    return open_(f"trusts the aws-auth ConfigMap ({'CONFIG_MAP' if mode else 'the default'})", cluster.at(path))


@check("EKR015", Cluster, synth=True)
def creator_is_not_admin(cluster: Cluster) -> Answer:
    """True is the service's default."""
    path = "AccessConfig.BootstrapClusterCreatorAdminPermissions"
    if cluster.creator_is_admin:
        return open_("makes its creator a cluster administrator", cluster.at(path))
    return met("gives its creator no rights", cluster.at(path))


@check("EKR018", Cluster)
def zonal_shift_is_on(cluster: Cluster) -> Answer:
    """Off is the service's default."""
    if cluster.zonal_shift:
        return met("can be shifted away from a zone", cluster.at("ZonalShiftConfig.Enabled"))
    return open_("cannot be shifted away from a zone", cluster.at("ZonalShiftConfig.Enabled"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
