"""Checks of the network of hybrid nodes: their ranges, and the way between them and the control plane."""

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from eks_facts.private_ranges import RFC1918
from eks_facts.remote_networks import overlapping
from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.addresses import known_source
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.hybrid import RemoteRange, known_ranges, remote_ranges, service_range, vpc_ranges
from responsibility.reading.network import Rule, SecurityGroup, Subnet, destination_of, ingress_beside, subnets_at
from responsibility.reading.resource import UnknownValue

_NONE = "has no remote networks"
_CHOSEN_BY_EKS = (IPv4Network("10.100.0.0/16"), IPv4Network("172.20.0.0/16"))
"""Of which EKS takes one for Services where nobody names a range: API_KubernetesNetworkConfigRequest.html."""
_GATEWAY = "hybrid-nodes-gateway"
_API, _KUBELET = 443, 10250


@check("EKR330", Cluster)
def remote_ranges_are_private(cluster: Cluster) -> Answer:
    """EKS refuses others."""
    found, unknown = remote_ranges(cluster)
    bad = [(one, problem) for one in found if (problem := one.problem)]
    if bad:
        return open_("; ".join(f"{one.words} {problem}" for one, problem in bad[:3]), *(one.at for one, _ in bad))
    if unknown:
        raise unknown
    if not found:
        return not_applicable(_NONE)
    return met(f"has {len(found)} remote ranges within {', '.join(map(str, RFC1918))}", *(one.at for one in found))


@check("EKR331", Cluster)
def remote_ranges_are_apart(cluster: Cluster) -> Answer:
    """From each other, from every range of the VPC, and from Services."""
    found, unknown = remote_ranges(cluster)
    if not found and not unknown:
        return not_applicable(_NONE)
    remote = {one.words: one for one in found if not one.problem}
    blocks = [(words, one.block) for words, one in remote.items()]
    others: list[tuple[str, IPv4Network]] = []
    blind = unknown
    try:
        others += vpc_ranges(cluster)
    except UnknownValue as error:
        blind = blind or error
    try:
        services = service_range(cluster)
    except UnknownValue as error:
        services, blind = None, blind or error
    else:
        chosen = services or next((one for one in _CHOSEN_BY_EKS if any(one.overlaps(b) for _, b in blocks)), None)
        if chosen and not services:
            where = cluster.at("KubernetesNetworkConfig.ServiceIpv4Cidr")
            blind = blind or UnknownValue(where, f"EKS may take {chosen} for Services, where a remote network is")
    others += [(f"the Services' {services}", services)] if services else []
    clashes = list(overlapping(blocks, others))
    if clashes:
        places = list(dict.fromkeys(remote[one].at.path for one, _ in clashes))
        words = "; ".join(f"{one} overlaps {other}" for one, other in clashes[:3])
        return open_(words, *(cluster.at(path) for path in places))
    if blind:
        raise blind
    return met("has remote networks apart from each other, the VPC and Services", *(one.at for one in found))


@check("EKR332", Cluster)
def one_kind_of_endpoint(cluster: Cluster) -> Answer:
    """The name of an endpoint that is both resolves to its public addresses outside of the VPC."""
    if not known_ranges(cluster):
        return not_applicable(_NONE)
    paths = ("ResourcesVpcConfig.EndpointPublicAccess", "ResourcesVpcConfig.EndpointPrivateAccess")
    where = [cluster.at(path) for path in paths]
    public, private = cluster.public_access, cluster.private_access
    if public and private:
        return open_("has a public and a private endpoint: hybrid nodes resolve its name to public addresses", *where)
    return met(f"has {'a public' if public else 'a private'} endpoint alone", *where)


@check("EKR340", Cluster)
def routes_lead_to_remote_networks(cluster: Cluster) -> Answer:
    """In the table of each subnet of the control plane's interfaces. A NAT gateway or an internet gateway leads elsewhere."""
    ranges = known_ranges(cluster)
    by_itself = software.runs(cluster, _GATEWAY)
    ranges = [one for one in ranges if one.of == "node" or not by_itself]
    if not ranges:
        return not_applicable(_NONE)
    lacking: dict[str, tuple[Subnet, list[RemoteRange]]] = {}
    blind: UnknownValue | None = None
    routes: list[Evidence] = []
    for subnet in subnets_at(cluster, "ResourcesVpcConfig.SubnetIds"):
        try:
            led = list(_led_out(subnet))
        except UnknownValue as error:
            blind = blind or error
            continue
        routes += [route.at() for _, route in led]
        blocks = list(collapse_addresses(block for block, _ in led))
        missing = [one for one in ranges if not any(one.block.subnet_of(block) for block in blocks)]
        if missing and subnet.reach == "unknown":
            blind = blind or subnet.unseen
        elif missing:
            lacking[subnet.resource.key] = (subnet, missing)
    if lacking:
        names = dict.fromkeys(one.words for _, missing in lacking.values() for one in missing)
        subnets = ", ".join(subnet.name for subnet, _ in lacking.values())
        return open_(
            f"has no route from {subnets} to {' and '.join(names)}", *(subnet.at() for subnet, _ in lacking.values())
        )
    if blind:
        raise blind
    return met("has routes to its remote networks", *routes)


def _led_out(subnet: Subnet) -> Iterator[tuple[IPv4Network, Fact]]:
    """Yields destination and route of each route that may lead to a site. Raises UnknownValue for one that is not known."""
    for association in subnet.facts.pointing("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", subnet):
        table = association.resource.maybe("RouteTableId")
        for propagation in subnet.facts.of_type("AWS::EC2::VPNGatewayRoutePropagation"):
            if any(key_of(item) == key_of(table) for _, item in propagation.resource.items("RouteTableIds")):
                raise UnknownValue(
                    propagation.at("RouteTableIds"), "which routes the VPN gateway propagates is not known"
                )
    for route in subnet.routes:
        if (
            route.get("NatGatewayId")
            or route.get("EgressOnlyInternetGatewayId")
            or route.get("DestinationIpv6CidrBlock")
        ):
            continue
        target = route.get("GatewayId")
        gateway = route.facts.find(Fact, target) if target else None
        if str(target).startswith("igw-") or (gateway and gateway.resource.type == "AWS::EC2::InternetGateway"):
            continue
        if target and not gateway and str(target) != "local" and not str(target).startswith("vgw-"):
            raise UnknownValue(route.at("GatewayId"), f"what gateway {target} is was not read")
        if route.get("DestinationPrefixListId"):
            raise UnknownValue(route.at("DestinationPrefixListId"), "which ranges are in the prefix list was not read")
        try:
            yield IPv4Network(str(destination_of(route) or route.get("DestinationCidrBlock")), strict=False), route
        except ValueError:
            raise UnknownValue(route.at("DestinationCidrBlock"), "the destination is not known here") from None


@check("EKR341", Cluster)
def remote_networks_are_let_in(cluster: Cluster) -> Answer:
    """By a group that the cluster is given, or by rules beside EKS's own group. Outgoing rules count where a group limits them."""
    ranges = known_ranges(cluster)
    if not ranges:
        return not_applicable(_NONE)
    rules, blind = _rules(cluster)
    open_to: list[IPv4Network] = []
    for rule in rules:
        try:
            if _covers(rule, _API) and isinstance(source := known_source(rule), str):
                open_to.append(IPv4Network(source, strict=False))
        except UnknownValue as error:
            blind = blind or error
        except ValueError:
            continue  # of IPv6, or another group
    blocks = list(collapse_addresses(open_to))
    missing = [one for one in ranges if not any(one.block.subnet_of(block) for block in blocks)]
    where = cluster.at("ResourcesVpcConfig.SecurityGroupIds")
    if missing:
        if blind:
            raise blind
        return open_(f"does not let {' and '.join(one.words for one in missing)} in on {_API}", where)
    if closed := _closed_to_kubelets(cluster, [one for one in ranges if one.of == "node"]):
        return closed
    # What is not known of other rules cannot take away what these let in.
    return met(f"lets its remote networks in on {_API}", where)


def _rules(cluster: Cluster) -> tuple[list[Rule], UnknownValue | None]:
    """Returns the rules of the groups of the control plane's interfaces, and what could not be seen of them."""
    rules = ingress_beside(cluster)
    blind = cluster.facts.untold("AWS::EC2::SecurityGroupIngress", "GroupId", cluster.resource.stack)
    for group, unknown in _groups(cluster):
        blind = blind or unknown
        try:
            rules += group.ingress if group else []
        except UnknownValue as error:
            blind = blind or error
    return rules, blind


def _groups(cluster: Cluster) -> Iterator[tuple[SecurityGroup | None, UnknownValue | None]]:
    try:
        items, unknown = cluster.resource.items_seen("ResourcesVpcConfig.SecurityGroupIds")
    except UnknownValue as error:
        items, unknown = [], error
    if unknown:
        yield None, unknown
    made = cluster.resource.maybe("ResourcesVpcConfig.ClusterSecurityGroupId")
    for path, item in [*items, *([("ResourcesVpcConfig.ClusterSecurityGroupId", made)] if made else [])]:
        group = cluster.facts.find(SecurityGroup, item)
        yield group, None if group else UnknownValue(cluster.at(path), f"{item} was not read")


def _covers(rule: Rule, port: int) -> bool:
    """Whether a rule is for a port of TCP. Raises UnknownValue."""
    if rule.protocol == "-1":
        return True
    for name in ("IpProtocol", "FromPort", "ToPort"):
        rule.owner.get(f"{rule.path}.{name}" if rule.path else name)
    return rule.protocol in ("tcp", "6") and (rule.from_port or 0) <= port <= (rule.to_port or 65_535)


def _closed_to_kubelets(cluster: Cluster, nodes: list[RemoteRange]) -> Answer | None:
    """Returns an answer where every group that the cluster is given limits what goes out, and none reaches the kubelets.

    EKS's own group lets everything out, unless somebody has changed it: then the account shows it.
    """
    made = cluster.resource.maybe("ResourcesVpcConfig.ClusterSecurityGroupId")
    group = cluster.facts.find(SecurityGroup, made) if made else None
    if group is None:
        return None
    reached: list[IPv4Network] = []
    groups = [one for one, _ in _groups(cluster) if one]
    for one in groups:
        for path, _ in one.resource.items("SecurityGroupEgress"):
            values = one.resource.get(path, {})
            rule = Rule(
                str(values.get("IpProtocol", "-1")), values.get("FromPort"), values.get("ToPort"), None, path, one
            )
            if _covers(rule, _KUBELET) and values.get("CidrIp"):
                reached.append(IPv4Network(str(values["CidrIp"]), strict=False))
    blocks = list(collapse_addresses(reached))
    missing = [one for one in nodes if not any(one.block.subnet_of(block) for block in blocks)]
    if not missing:
        return None
    places = [one.at("SecurityGroupEgress") for one in groups]
    return open_(f"does not reach the kubelets of {' and '.join(one.words for one in missing)} on {_KUBELET}", *places)
